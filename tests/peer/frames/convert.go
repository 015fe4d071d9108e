package frames

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/grafana/grafana-plugin-sdk-go/backend"
	"github.com/grafana/grafana-plugin-sdk-go/data"
	"github.com/grafana/grafana-plugin-sdk-go/data/sqlutil"
)

// Convert is the command of that name.
type Convert struct {
	// Frames in JSON.
	Frames []string `json:"frames"`
	// How is long-to-wide, wide-to-long or resample.
	How string `json:"how"`
	// Fill is previous, null, a number, or nothing.
	Fill       any   `json:"fill"`
	FromNS     int64 `json:"from_ns"`
	ToNS       int64 `json:"to_ns"`
	IntervalNS int64 `json:"interval_ns"`
}

// Converted is what the SDK made of each frame.
type Converted struct {
	Frames []Conversion `json:"frames"`
}

// Conversion is a frame in JSON, the SDK's error, or what it panicked with.
type Conversion struct {
	JSON  string `json:"json,omitempty"`
	Error string `json:"error,omitempty"`
	Panic string `json:"panic,omitempty"`
}

// Run converts the frames.
func (c Convert) Run() (*Converted, error) {
	converted := &Converted{Frames: []Conversion{}}
	for _, text := range c.Frames {
		frame := &data.Frame{}
		if err := json.Unmarshal([]byte(text), frame); err != nil {
			return nil, fmt.Errorf("read the frame %s: %w", text, err)
		}
		converted.Frames = append(converted.Frames, c.one(frame))
	}
	return converted, nil
}

func (c Convert) one(frame *data.Frame) (conversion Conversion) {
	defer func() {
		if reason := recover(); reason != nil {
			conversion = Conversion{Panic: fmt.Sprint(reason)}
		}
	}()
	result, err := c.convert(frame)
	if err != nil {
		return Conversion{Error: err.Error()}
	}
	// The conversions forget it.
	result.RefID = frame.RefID
	encoded, err := Write(JSON, result)
	if err != nil {
		return Conversion{Error: err.Error()}
	}
	return Conversion{JSON: encoded.JSON}
}

func (c Convert) convert(frame *data.Frame) (*data.Frame, error) {
	switch c.How {
	case "long-to-wide":
		return data.LongToWide(frame, c.fill())
	case "wide-to-long":
		return data.WideToLong(frame)
	case "resample":
		within := backend.TimeRange{From: time.Unix(0, c.FromNS).UTC(), To: time.Unix(0, c.ToNS).UTC()}
		return sqlutil.ResampleWideFrame(frame, c.fill(), within, time.Duration(c.IntervalNS))
	}
	return nil, fmt.Errorf("unknown conversion %q", c.How)
}

func (c Convert) fill() *data.FillMissing {
	switch fill := c.Fill.(type) {
	case string:
		if fill == "previous" {
			return &data.FillMissing{Mode: data.FillModePrevious}
		}
		return &data.FillMissing{Mode: data.FillModeNull}
	case float64:
		return &data.FillMissing{Mode: data.FillModeValue, Value: fill}
	}
	return nil
}
