package main

import (
	"context"
	"encoding/json"
	"errors"

	"github.com/grafana/grafana-plugin-sdk-go/backend"
	"github.com/grafana/grafana-plugin-sdk-go/data"
)

// streamDatabase is the database of a data source that serves streams.
const streamDatabase = "stream"

// streamBackend serves streams, too. The tests' component has the same paths.
type streamBackend struct {
	*httpBackend
}

func (b *streamBackend) SubscribeStream(_ context.Context, request *backend.SubscribeStreamRequest) (*backend.SubscribeStreamResponse, error) {
	response := &backend.SubscribeStreamResponse{}
	var err error
	switch request.Path {
	case "denied":
		response.Status = backend.SubscribeStreamStatusPermissionDenied
	case "missing":
		response.Status = backend.SubscribeStreamStatusNotFound
	case "frame":
		response.InitialData, err = backend.NewInitialFrame(numbered(0, 3), data.IncludeAll)
	case "schema":
		response.InitialData, err = backend.NewInitialFrame(numbered(0, 3), data.IncludeSchemaOnly)
	case "echo":
		response.InitialData, err = backend.NewInitialData(request.Data)
	case "fault":
		return nil, backend.DownstreamError(errors.New("nobody may subscribe"))
	}
	return response, err
}

func (b *streamBackend) PublishStream(_ context.Context, request *backend.PublishStreamRequest) (*backend.PublishStreamResponse, error) {
	response := &backend.PublishStreamResponse{}
	var err error
	switch request.Path {
	case "denied":
		response.Status = backend.PublishStreamStatusPermissionDenied
	case "missing":
		response.Status = backend.PublishStreamStatusNotFound
	case "echo":
		response.Data, err = json.Marshal(map[string]json.RawMessage{"published": request.Data})
	case "fault":
		return nil, backend.DownstreamError(errors.New("nobody may publish"))
	}
	return response, err
}

func (b *streamBackend) RunStream(ctx context.Context, request *backend.RunStreamRequest, sender *backend.StreamSender) error {
	switch request.Path {
	case "frames":
		for _, send := range []struct {
			first, rows int
			include     data.FrameInclude
		}{{0, 3, data.IncludeAll}, {3, 3, data.IncludeDataOnly}, {6, 0, data.IncludeDataOnly}, {0, 3, data.IncludeSchemaOnly}} {
			if err := sender.SendFrame(numbered(send.first, send.rows), send.include); err != nil {
				return err
			}
		}
		return nil
	case "json":
		for _, text := range []string{"null", "{\"a\":[1,\"é<\"]}"} {
			if err := sender.SendJSON([]byte(text)); err != nil {
				return err
			}
		}
		return nil
	case "fail":
		if err := sender.SendFrame(numbered(0, 1), data.IncludeAll); err != nil {
			return err
		}
		return backend.DownstreamError(errors.New("the source of the stream is gone"))
	case "fail-at-once":
		return errors.New("the stream did not begin")
	case "sleep":
		if err := sender.SendJSON([]byte("true")); err != nil {
			return err
		}
		<-ctx.Done()
		return ctx.Err()
	}
	return nil
}
