package client

import (
	"errors"
	"fmt"
	"io"
	"iter"
	"strings"

	"github.com/grafana/grafana-plugin-sdk-go/backend/grpcplugin"
	"github.com/grafana/grafana-plugin-sdk-go/data"
	"github.com/grafana/grafana-plugin-sdk-go/experimental/datasourcetest"
	"github.com/grafana/grafana-plugin-sdk-go/genproto/pluginv2"

	"gpx-wasm/tests/peer/frames"
)

// Chunks is the answer to a QueryChunkedData, message by message, the error that ended it, and what the SDK puts together
// from the frames: by refId, their rows.
type Chunks struct {
	Chunks []DataChunk        `json:"chunks"`
	Error  *Failure           `json:"error,omitempty"`
	Frames map[string][]Frame `json:"frames"`
}

// DataChunk is one message.
type DataChunk struct {
	RefID       string          `json:"ref_id"`
	FrameID     string          `json:"frame_id"`
	Status      int32           `json:"status"`
	Error       string          `json:"error"`
	ErrorSource string          `json:"error_source"`
	Format      string          `json:"format"`
	Sent        *frames.Encoded `json:"sent,omitempty"`
	// Decoded is the frame of a chunk in Arrow; in JSON, a chunk may be rows only.
	Decoded *Frame `json:"decoded,omitempty"`
}

// Chunked sends the request, and reads the answer to its end.
func (p *Plugin) Chunked(query QueryData) (*Chunks, error) {
	unary, err := query.Proto()
	if err != nil {
		return nil, err
	}
	request := &pluginv2.QueryChunkedDataRequest{
		PluginContext: unary.PluginContext, Headers: unary.Headers, Queries: unary.Queries, Format: unary.Format,
	}
	client, err := dispense[grpcplugin.DataClient](p, "data")
	if err != nil {
		return nil, err
	}
	ctx, cancel := query.Context()
	defer cancel()
	stream, err := client.QueryChunkedData(ctx, request)
	if err != nil {
		return nil, failure(ctx, err)
	}
	answer := &Chunks{Chunks: []DataChunk{}, Frames: map[string][]Frame{}}
	var messages []*pluginv2.QueryChunkedDataResponse
	for {
		message, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			answer.Error = failure(ctx, err)
			break
		}
		chunk, err := newDataChunk(message)
		if err != nil {
			return nil, err
		}
		answer.Chunks = append(answer.Chunks, chunk)
		// The SDK's own reader takes no message without a frame.
		if len(message.Frame) > 0 {
			messages = append(messages, message)
		}
	}
	return answer, answer.put(messages, request.Format)
}

func newDataChunk(message *pluginv2.QueryChunkedDataResponse) (DataChunk, error) {
	chunk := DataChunk{
		RefID: message.RefId, FrameID: message.FrameId, Status: message.Status, Error: message.Error,
		ErrorSource: message.ErrorSource, Format: message.Format.String(),
	}
	if len(message.Frame) == 0 {
		return chunk, nil
	}
	var err error
	if chunk.Sent, err = frames.Read(strings.ToLower(chunk.Format), message.Frame); err != nil {
		return chunk, err
	}
	if message.Format == pluginv2.DataFrameFormat_ARROW {
		frame, err := data.UnmarshalArrowFrame(message.Frame)
		if err != nil {
			return chunk, fmt.Errorf("decode a chunk: %w", err)
		}
		decoded := newFrame(frame)
		chunk.Decoded = &decoded
	}
	return chunk, nil
}

// put adds what the SDK puts together.
func (c *Chunks) put(messages []*pluginv2.QueryChunkedDataResponse, format pluginv2.DataFrameFormat) error {
	accumulate := datasourcetest.AccumulateArrow
	if format == pluginv2.DataFrameFormat_JSON {
		accumulate = datasourcetest.AccumulateJSON
	}
	var chunks iter.Seq2[*pluginv2.QueryChunkedDataResponse, error] = func(yield func(*pluginv2.QueryChunkedDataResponse, error) bool) {
		for _, message := range messages {
			if !yield(message, nil) {
				return
			}
		}
	}
	whole, err := accumulate(chunks)
	if err != nil {
		return fmt.Errorf("put the chunks together: %w", err)
	}
	for refID, response := range whole.Responses {
		for _, frame := range response.Frames {
			c.Frames[refID] = append(c.Frames[refID], newFrame(frame))
		}
	}
	return nil
}
