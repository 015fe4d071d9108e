package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/grafana/grafana-plugin-sdk-go/backend"
	"github.com/grafana/grafana-plugin-sdk-go/backend/log"
	"github.com/grafana/grafana-plugin-sdk-go/backend/tracing"
	"github.com/grafana/grafana-plugin-sdk-go/data"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/trace"
)

var (
	errRequest  = errors.New("the request to the upstream failed, or its response is invalid")
	errResponse = errors.New("the upstream returned an error")
)

// upstreamBody is the upstream's response.
type upstreamBody struct {
	Points []struct {
		Time  time.Time `json:"time"`
		Value float64   `json:"value"`
	} `json:"datapoints"`
}

// QueryData answers the queries one after the other, as Grafana's documented example does.
func (b *httpBackend) QueryData(ctx context.Context, request *backend.QueryDataRequest) (*backend.QueryDataResponse, error) {
	response := backend.NewQueryDataResponse()
	for i, query := range request.Queries {
		log.DefaultLogger.FromContext(ctx).Debug("Processing query", "number", i, "ref", query.RefID)
		switch query.QueryType {
		case "decode":
			response.Responses[query.RefID] = b.decode(ctx, query)
			continue
		case "trap":
			panic("panicked on purpose")
		case "fetch", "fetch-many":
			response.Responses[query.RefID] = b.fetch(ctx, query)
			continue
		}
		if i%2 != 0 {
			message := fmt.Sprintf("query %d is refused on purpose, to show a status per query", i+1)
			response.Responses[query.RefID] = backend.ErrDataResponse(backend.StatusBadRequest, message)
			continue
		}
		frame, err := b.query(ctx, query)
		if err != nil {
			response.Responses[query.RefID] = failure(err)
			continue
		}
		response.Responses[query.RefID] = backend.DataResponse{Frames: data.Frames{frame}}
	}
	return response, nil
}

func failure(err error) backend.DataResponse {
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		return backend.ErrDataResponse(backend.StatusTimeout, "gateway timeout")
	case errors.Is(err, errRequest):
		return backend.ErrDataResponse(backend.StatusBadGateway, "bad gateway request")
	case errors.Is(err, errResponse):
		return backend.ErrDataResponse(backend.StatusValidationFailed, "bad gateway response")
	default:
		return backend.ErrDataResponse(backend.StatusInternal, err.Error())
	}
}

func (b *httpBackend) query(ctx context.Context, query backend.DataQuery) (*data.Frame, error) {
	ctx, span := tracing.DefaultTracer().Start(ctx, "query processing", trace.WithAttributes(
		attribute.String("query.ref_id", query.RefID),
		attribute.String("query.type", query.QueryType),
		attribute.Int64("query.max_data_points", query.MaxDataPoints),
		attribute.Int64("query.interval_ms", query.Interval.Milliseconds()),
		attribute.Int64("query.time_range.from", query.TimeRange.From.Unix()),
		attribute.Int64("query.time_range.to", query.TimeRange.To.Unix()),
	))
	defer span.End()

	target, err := b.target(query)
	if err != nil {
		return nil, err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, target, nil)
	if err != nil {
		return nil, fmt.Errorf("make the request: %w", err)
	}
	response, err := b.client.Do(request)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errRequest, err)
	}
	defer response.Body.Close()
	span.AddEvent("HTTP request done")

	if response.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%w: status %d", errResponse, response.StatusCode)
	}
	var body upstreamBody
	if err := json.NewDecoder(response.Body).Decode(&body); err != nil {
		return nil, fmt.Errorf("%w: %w", errRequest, err)
	}
	span.AddEvent("JSON response decoded")

	times := make([]time.Time, len(body.Points))
	values := make([]float64, len(body.Points))
	for i, point := range body.Points {
		times[i], values[i] = point.Time, point.Value
	}
	span.AddEvent("Datapoints created")

	frame := data.NewFrame("response", data.NewField("time", nil, times), data.NewField("values", nil, values))
	span.AddEvent("Frames created")
	return frame, nil
}

// target is the data source's URL, with the query's multiplier if there is a query model.
func (b *httpBackend) target(query backend.DataQuery) (string, error) {
	if len(query.JSON) == 0 {
		return b.url, nil
	}
	model, err := parseModel(query.JSON)
	if err != nil {
		return "", err
	}
	target, err := url.Parse(b.url)
	if err != nil {
		return "", fmt.Errorf("parse the data source's URL: %w", err)
	}
	parameters := target.Query()
	parameters.Add("multiplier", strconv.Itoa(model.factor()))
	target.RawQuery = parameters.Encode()
	return target.String(), nil
}
