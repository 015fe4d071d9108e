package main

import (
	"context"
	"encoding/json"
	"net/http"

	"github.com/grafana/grafana-plugin-sdk-go/backend"
)

// decode requests the URL that the query names and reads the answer as JSON. Whatever fails is returned as it is, so that
// the SDK finds status and source. The tests' component has a query type of the same name.
func (b *httpBackend) decode(ctx context.Context, query backend.DataQuery) backend.DataResponse {
	err := func() error {
		var wanted struct {
			URL string `json:"url"`
		}
		if err := json.Unmarshal(query.JSON, &wanted); err != nil {
			return err
		}
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, wanted.URL, nil)
		if err != nil {
			return err
		}
		response, err := b.client.Do(request)
		if err != nil {
			return err
		}
		defer response.Body.Close()
		var body any
		return json.NewDecoder(response.Body).Decode(&body)
	}()
	return backend.DataResponse{Error: err}
}
