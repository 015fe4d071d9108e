package frames

import (
	"encoding/json"
	"math"
	"strings"
	"time"

	"github.com/grafana/grafana-plugin-sdk-go/data"
)

// Types is the command of that name.
type Types struct {
	Rows []int `json:"rows"`
}

// Frames returns for each number of rows a frame with columns of each type, both non-nullable and nullable.
func (t Types) Frames() []*data.Frame {
	frames := []*data.Frame{}
	for _, rows := range t.Rows {
		frame := data.NewFrame("types")
		frame.RefID = "A"
		both(frame, "time", rows, time.Unix(1_700_000_000, 123_456_789), time.Unix(0, 0), time.Unix(0, -1))
		both(frame, "text", rows, "plain", "", "grün \"🦀\"")
		both(frame, "bool", rows, true, false, true)
		both[int8](frame, "int8", rows, math.MinInt8, 0, math.MaxInt8)
		both[int16](frame, "int16", rows, math.MinInt16, 0, math.MaxInt16)
		both[int32](frame, "int32", rows, math.MinInt32, 0, math.MaxInt32)
		both[int64](frame, "int64", rows, math.MinInt64, 0, math.MaxInt64)
		both[uint8](frame, "uint8", rows, 0, 1, math.MaxUint8)
		both[uint16](frame, "uint16", rows, 0, 1, math.MaxUint16)
		both[uint32](frame, "uint32", rows, 0, 1, math.MaxUint32)
		both[uint64](frame, "uint64", rows, 0, 1, math.MaxUint64)
		both(frame, "float32", rows, -math.MaxFloat32, 0.1, float32(math.Inf(1)))
		both(frame, "float64", rows, math.NaN(), 0.1, math.Inf(-1))
		both(frame, "json", rows, json.RawMessage(`{"a":[1,null]}`), json.RawMessage(`null`), json.RawMessage(`[]`))
		both[data.EnumItemIndex](frame, "enum", rows, 0, 1, 0)
		frames = append(frames, frame)
	}
	return frames
}

// both adds the values again and again, and then with some of them null, with labels and a config.
func both[T any](frame *data.Frame, name string, rows int, cycle ...T) {
	values, pointers := make([]T, rows), make([]*T, rows)
	for row := range values {
		values[row] = cycle[row%len(cycle)]
		if row%7 != 1 {
			pointers[row] = &values[row]
		}
	}
	nullable := data.NewField(name+"?", data.Labels{"type": name}, pointers)
	if name == "enum" {
		names := &data.EnumFieldConfig{Text: []string{"off", "on"}}
		nullable.SetConfig(&data.FieldConfig{TypeConfig: &data.FieldTypeConfig{Enum: names}})
	} else {
		nullable.SetConfig(&data.FieldConfig{DisplayName: strings.ToUpper(name), Unit: "short"})
	}
	frame.Fields = append(frame.Fields, data.NewField(name, nil, values), nullable)
}
