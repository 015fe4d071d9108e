package client

import (
	"math"
	"strconv"
	"time"

	"github.com/grafana/grafana-plugin-sdk-go/data"

	"gpx-wasm/tests/peer/frames"
)

// Frame is a decoded frame. Sent is the frame as it came, and Again is what the SDK sends for the decoded one.
type Frame struct {
	Name   string          `json:"name"`
	RefID  string          `json:"ref_id"`
	Meta   *data.FrameMeta `json:"meta,omitempty"`
	Fields []Field         `json:"fields"`
	Sent   *frames.Encoded `json:"sent,omitempty"`
	Again  *frames.Encoded `json:"again,omitempty"`
}

// Field is one column. Type is the Go SDK's name of its type, without the star of a nullable one.
type Field struct {
	Name     string            `json:"name"`
	Type     string            `json:"type"`
	Nullable bool              `json:"nullable"`
	Labels   data.Labels       `json:"labels"`
	Config   *data.FieldConfig `json:"config,omitempty"`
	Values   []any             `json:"values"`
}

// Frames is the answer to the command types.
type Frames struct {
	Frames []map[string]Frame `json:"frames"`
}

// NewFrames returns frames, and for each format how the SDK encodes them.
func NewFrames(sent []*data.Frame) (*Frames, error) {
	result := &Frames{Frames: []map[string]Frame{}}
	for _, frame := range sent {
		encoded := map[string]Frame{}
		for _, format := range []string{frames.Arrow, frames.JSON} {
			readable := newFrame(frame)
			var err error
			if readable.Sent, err = frames.Write(format, frame); err != nil {
				return nil, err
			}
			encoded[format] = readable
		}
		result.Frames = append(result.Frames, encoded)
	}
	return result, nil
}

func newFrame(frame *data.Frame) Frame {
	result := Frame{Name: frame.Name, RefID: frame.RefID, Meta: frame.Meta, Fields: []Field{}}
	for _, field := range frame.Fields {
		column := Field{
			Name:     field.Name,
			Type:     field.Type().NonNullableType().ItemTypeString(),
			Nullable: field.Nullable(),
			Labels:   field.Labels,
			Config:   field.Config,
			Values:   make([]any, field.Len()),
		}
		if column.Labels == nil {
			column.Labels = data.Labels{}
		}
		for i := range column.Values {
			if value, ok := field.ConcreteAt(i); ok {
				column.Values[i] = readable(value)
			}
		}
		result.Fields = append(result.Fields, column)
	}
	return result
}

// addEncoded adds how the frame is encoded.
func (f *Frame) addEncoded(format string, sent []byte, frame *data.Frame) (err error) {
	if f.Sent, err = frames.Read(format, sent); err != nil {
		return err
	}
	f.Again, err = frames.Write(format, frame)
	return err
}

// readable converts a value to what JSON can represent: times as RFC 3339 in UTC, NaN and infinities as strings.
func readable(value any) any {
	switch value := value.(type) {
	case time.Time:
		return value.UTC().Format(time.RFC3339Nano)
	case float64:
		if math.IsNaN(value) || math.IsInf(value, 0) {
			return strconv.FormatFloat(value, 'g', -1, 64)
		}
		return value
	case float32:
		return readable(float64(value))
	default:
		return value
	}
}
