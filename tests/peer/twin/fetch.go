package main

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"

	"github.com/grafana/grafana-plugin-sdk-go/backend"
	"github.com/grafana/grafana-plugin-sdk-go/backend/httpclient"
	"github.com/grafana/grafana-plugin-sdk-go/data"
)

// http2Database is the database of a data source that may speak HTTP/2. The SDK's client does not, unless it is told to.
const http2Database = "http2"

func allowHTTP2(options *httpclient.Options) {
	options.ConfigureTransport = func(_ httpclient.Options, transport *http.Transport) {
		transport.ForceAttemptHTTP2 = true
	}
}

// wanted is a request that a query describes, and how often it is sent at once.
type wanted struct {
	URL     string            `json:"url"`
	Method  string            `json:"method"`
	Headers map[string]string `json:"headers"`
	Body    string            `json:"body"`
	Count   int               `json:"count"`
}

// fetch requests what the query names. Whatever fails is returned as it is, so that the SDK finds status and source. The
// tests' component has query types of the same names, with answers of the same form.
func (b *httpBackend) fetch(ctx context.Context, query backend.DataQuery) backend.DataResponse {
	wanted := wanted{Method: http.MethodGet, Count: 1}
	if err := json.Unmarshal(query.JSON, &wanted); err != nil {
		return backend.DataResponse{Error: err}
	}
	frames, failures := make(data.Frames, wanted.Count), make([]error, wanted.Count)
	var running sync.WaitGroup
	for i := range wanted.Count {
		running.Go(func() { frames[i], failures[i] = b.answer(ctx, wanted) })
	}
	running.Wait()
	for _, failure := range failures {
		if failure != nil {
			return backend.DataResponse{Error: failure}
		}
	}
	return backend.DataResponse{Frames: frames}
}

func (b *httpBackend) answer(ctx context.Context, wanted wanted) (*data.Frame, error) {
	var body io.Reader
	if wanted.Body != "" {
		body = strings.NewReader(wanted.Body)
	}
	request, err := http.NewRequestWithContext(ctx, wanted.Method, wanted.URL, body)
	if err != nil {
		return nil, err
	}
	for name, value := range wanted.Headers {
		request.Header.Set(name, value)
	}
	response, err := b.client.Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		return nil, err
	}
	names := []string{"status", "url"}
	values := []string{strconv.Itoa(response.StatusCode), response.Request.URL.String()}
	for name, all := range response.Header {
		for _, value := range all {
			names, values = append(names, "header."+strings.ToLower(name)), append(values, value)
		}
	}
	names, values = append(names, "body"), append(values, string(text))
	return data.NewFrame("answer", data.NewField("name", nil, names), data.NewField("value", nil, values)), nil
}
