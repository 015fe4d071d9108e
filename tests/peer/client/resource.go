package client

import (
	"errors"
	"io"
	"unicode/utf8"

	"github.com/grafana/grafana-plugin-sdk-go/backend"
	"github.com/grafana/grafana-plugin-sdk-go/backend/grpcplugin"
	"github.com/grafana/grafana-plugin-sdk-go/genproto/pluginv2"
)

// CallResource is one HTTP request to the plugin. The body is Body, or Bytes if it is not text.
type CallResource struct {
	Call
	PluginContext PluginContext       `json:"plugin_context"`
	Method        string              `json:"method"`
	Path          string              `json:"path"`
	URL           string              `json:"url"`
	Headers       map[string][]string `json:"headers"`
	Body          string              `json:"body"`
	Bytes         []byte              `json:"body_base64"`
}

// Chunk is one message of a streamed response. Only the status and headers of the first one count.
type Chunk struct {
	Status  int                 `json:"status"`
	Headers map[string][]string `json:"headers"`
	Body    string              `json:"body"`
	Bytes   []byte              `json:"body_base64,omitempty"`
}

// ResourceAnswer holds the chunks that were received, and the error that ended the stream, if there was one.
type ResourceAnswer struct {
	Chunks []Chunk  `json:"chunks"`
	Error  *Failure `json:"error,omitempty"`
}

// Resource calls a resource and reads the response to its end.
func (p *Plugin) Resource(call CallResource) (*ResourceAnswer, error) {
	resource, err := dispense[grpcplugin.ResourceClient](p, "resource")
	if err != nil {
		return nil, err
	}
	ctx, cancel := call.Context()
	defer cancel()
	request := &pluginv2.CallResourceRequest{
		PluginContext: call.PluginContext.proto(), Method: call.Method, Path: call.Path, Url: call.URL,
		Headers: map[string]*pluginv2.StringList{}, Body: call.Bytes,
	}
	if call.Body != "" {
		request.Body = []byte(call.Body)
	}
	for name, values := range call.Headers {
		request.Headers[name] = &pluginv2.StringList{Values: values}
	}
	stream, err := resource.CallResource(ctx, request)
	if err != nil {
		return nil, failure(ctx, err)
	}
	answer := &ResourceAnswer{Chunks: []Chunk{}}
	for {
		message, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			return answer, nil
		}
		if err != nil {
			answer.Error = failure(ctx, err)
			return answer, nil
		}
		answer.Chunks = append(answer.Chunks, newChunk(message))
	}
}

func newChunk(message *pluginv2.CallResourceResponse) Chunk {
	decoded := backend.FromProto().CallResourceResponse(message)
	chunk := Chunk{Status: decoded.Status, Headers: decoded.Headers}
	if utf8.Valid(decoded.Body) {
		chunk.Body = string(decoded.Body)
	} else {
		chunk.Bytes = decoded.Body
	}
	return chunk
}
