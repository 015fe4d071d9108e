package client

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/grafana/grafana-plugin-sdk-go/backend"
	"github.com/grafana/grafana-plugin-sdk-go/backend/grpcplugin"
	"github.com/grafana/grafana-plugin-sdk-go/genproto/pluginv2"
)

// QueryData is one request with its queries. Format is arrow (the default) or json.
type QueryData struct {
	Call
	PluginContext PluginContext     `json:"plugin_context"`
	Headers       map[string]string `json:"headers"`
	Queries       []Query           `json:"queries"`
	Format        string            `json:"format"`
	// Encoded asks for frames as they are sent, too.
	Encoded bool `json:"encoded"`
}

// Query is one query; its model is JSON, or any text.
type Query struct {
	RefID         string          `json:"ref_id"`
	Type          string          `json:"query_type"`
	MaxDataPoints int64           `json:"max_data_points"`
	IntervalMS    int64           `json:"interval_ms"`
	FromMS        int64           `json:"from_ms"`
	ToMS          int64           `json:"to_ms"`
	JSON          json.RawMessage `json:"json"`
	Text          string          `json:"json_text"`
}

// QueryAnswer is what the Go SDK made of the answer.
type QueryAnswer struct {
	MS        float64             `json:"ms"`
	Responses map[string]Response `json:"responses"`
}

// Response answers one query. Format is as sent, and Bytes is the size on the wire.
type Response struct {
	Status      int     `json:"status"`
	Error       string  `json:"error"`
	ErrorSource string  `json:"error_source"`
	Format      string  `json:"format"`
	Bytes       int     `json:"bytes"`
	Frames      []Frame `json:"frames"`
}

// Query sends the request and decodes the answer.
func (p *Plugin) Query(query QueryData) (*QueryAnswer, error) {
	if p.grpc == nil {
		return nil, errNotConnected
	}
	request, err := query.Proto()
	if err != nil {
		return nil, err
	}
	ctx, cancel := query.Context()
	defer cancel()
	begin := time.Now()
	reply, err := p.QueryRaw(ctx, request)
	if err != nil {
		return nil, failure(ctx, err)
	}
	answer := &QueryAnswer{MS: milliseconds(time.Since(begin)), Responses: map[string]Response{}}
	decoded, err := backend.FromProto().QueryDataResponse(reply)
	if err != nil {
		return nil, fmt.Errorf("decode the answer: %w", err)
	}
	for refID, response := range decoded.Responses {
		wire := reply.Responses[refID]
		result := Response{
			Status:      int(response.Status),
			ErrorSource: string(response.ErrorSource),
			Format:      wire.Format.String(),
			Frames:      []Frame{},
		}
		if response.Error != nil {
			result.Error = response.Error.Error()
		}
		for _, frame := range wire.Frames {
			result.Bytes += len(frame)
		}
		for i, frame := range response.Frames {
			readable := newFrame(frame)
			if query.Encoded {
				if err := readable.addEncoded(strings.ToLower(result.Format), wire.Frames[i], frame); err != nil {
					return nil, err
				}
			}
			result.Frames = append(result.Frames, readable)
		}
		answer.Responses[refID] = result
	}
	return answer, nil
}

// QueryRaw sends a request that is already encoded, without decoding the answer.
func (p *Plugin) QueryRaw(ctx context.Context, request *pluginv2.QueryDataRequest) (*pluginv2.QueryDataResponse, error) {
	data, err := dispense[grpcplugin.DataClient](p, "data")
	if err != nil {
		return nil, err
	}
	return data.QueryData(ctx, request)
}

// Proto returns the request as it is sent over the wire.
func (q QueryData) Proto() (*pluginv2.QueryDataRequest, error) {
	request := &pluginv2.QueryDataRequest{PluginContext: q.PluginContext.proto(), Headers: q.Headers}
	switch q.Format {
	case "", "arrow":
		request.Format = pluginv2.DataFrameFormat_ARROW
	case "json":
		request.Format = pluginv2.DataFrameFormat_JSON
	default:
		return nil, fmt.Errorf("unknown format %q: arrow or json", q.Format)
	}
	for _, query := range q.Queries {
		model := []byte(query.JSON)
		if query.Text != "" {
			model = []byte(query.Text)
		}
		request.Queries = append(request.Queries, &pluginv2.DataQuery{
			RefId: query.RefID, QueryType: query.Type, MaxDataPoints: query.MaxDataPoints, IntervalMS: query.IntervalMS,
			TimeRange: &pluginv2.TimeRange{FromEpochMS: query.FromMS, ToEpochMS: query.ToMS},
			Json:      model,
		})
	}
	return request, nil
}

// dispense returns the client side of one of the plugin's services.
func dispense[T any](p *Plugin, name string) (T, error) {
	var none T
	if p.grpc == nil {
		return none, errNotConnected
	}
	raw, err := p.grpc.Dispense(name)
	if err != nil {
		return none, err
	}
	client, fits := raw.(T)
	if !fits {
		return none, fmt.Errorf("the service %s has an unexpected client: %T", name, raw)
	}
	return client, nil
}
