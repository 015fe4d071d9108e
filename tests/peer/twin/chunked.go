package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/grafana/grafana-plugin-sdk-go/backend"
	"github.com/grafana/grafana-plugin-sdk-go/data"
)

// chunkedDatabase is the database of a data source whose queries can be answered in chunks.
const chunkedDatabase = "chunked"

// chunkedBackend answers queries in chunks, too. The tests' component has the same query types.
type chunkedBackend struct {
	*httpBackend
}

// chunksWanted says what is sent for a query.
type chunksWanted struct {
	Frames int     `json:"frames"`
	Chunks int     `json:"chunks"`
	Rows   int     `json:"rows"`
	Fault  *string `json:"fault"`
	End    *string `json:"end"`
}

// start is the first time that is sent.
const start = 1_700_000_000_123_456_789

func (b *chunkedBackend) QueryChunkedData(ctx context.Context, request *backend.QueryChunkedDataRequest, w backend.ChunkedDataWriter) error {
	for _, query := range request.Queries {
		wanted := chunksWanted{Frames: 1, Chunks: 1, Rows: 3}
		if err := json.Unmarshal(query.JSON, &wanted); err != nil {
			return err
		}
		for frame := range wanted.Frames {
			for chunk := range wanted.Chunks {
				rows := numbered(chunk*wanted.Rows, wanted.Rows)
				if err := w.WriteFrame(ctx, query.RefID, fmt.Sprintf("f%d", frame), rows); err != nil {
					return err
				}
			}
		}
		if wanted.Fault != nil {
			if err := w.WriteError(ctx, query.RefID, 503, errors.New(*wanted.Fault)); err != nil {
				return err
			}
		}
		if wanted.End != nil {
			return backend.DownstreamError(errors.New(*wanted.End))
		}
	}
	return nil
}

func numbered(first, count int) *data.Frame {
	times, values, texts := make([]time.Time, count), make([]float64, count), make([]*string, count)
	for i := range count {
		row := first + i
		times[i], values[i] = time.Unix(0, start+int64(row)*1_000_000_000), float64(row)/4
		if row%2 == 0 {
			text := fmt.Sprintf("<%d>", row)
			texts[i] = &text
		}
	}
	text := data.NewField("text", data.Labels{"a": "b"}, texts).SetConfig(&data.FieldConfig{Unit: "short"})
	return data.NewFrame("chunked", data.NewField("time", nil, times), data.NewField("value", nil, values), text)
}
