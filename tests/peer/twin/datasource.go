package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"

	"github.com/grafana/grafana-plugin-sdk-go/backend"
	"github.com/grafana/grafana-plugin-sdk-go/backend/httpclient"
	"github.com/grafana/grafana-plugin-sdk-go/backend/instancemgmt"
	"github.com/grafana/grafana-plugin-sdk-go/backend/resource/httpadapter"
)

// httpBackend is one instance: one data source with one version of its settings.
type httpBackend struct {
	backend.CallResourceHandler
	url    string
	client *http.Client
}

func open(ctx context.Context, settings backend.DataSourceInstanceSettings) (instancemgmt.Instance, error) {
	options, err := settings.HTTPClientOptions(ctx)
	if err != nil {
		return nil, fmt.Errorf("read the HTTP settings: %w", err)
	}
	if settings.Database == http2Database {
		allowHTTP2(&options)
	}
	// The SDK leaves it to each plugin whether users' headers go on. gpx-host asks the same of the settings.
	var asked struct {
		OAuthPassThru bool     `json:"oauthPassThru"`
		KeepCookies   []string `json:"keepCookies"`
	}
	_ = json.Unmarshal(settings.JSONData, &asked)
	options.ForwardHTTPHeaders = asked.OAuthPassThru || len(asked.KeepCookies) > 0
	client, err := httpclient.New(options)
	if err != nil {
		return nil, fmt.Errorf("make the HTTP client: %w", err)
	}
	instance := &httpBackend{url: settings.URL, client: client}
	instance.CallResourceHandler = httpadapter.New(instance.resources())
	if settings.Database == chunkedDatabase {
		return &chunkedBackend{instance}, nil
	}
	if settings.Database == streamDatabase {
		return &streamBackend{instance}, nil
	}
	return instance, nil
}

// Dispose is called once the settings have changed and the last call with the old ones has ended.
func (b *httpBackend) Dispose() {
	b.client.CloseIdleConnections()
}

func (b *httpBackend) CheckHealth(ctx context.Context, _ *backend.CheckHealthRequest) (*backend.CheckHealthResult, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, b.url, nil)
	if err != nil {
		return unhealthy("could not create request"), nil
	}
	response, err := b.client.Do(request)
	if err != nil {
		return unhealthy("request error"), nil
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return unhealthy(fmt.Sprintf("got response code %d", response.StatusCode)), nil
	}
	return &backend.CheckHealthResult{Status: backend.HealthStatusOk, Message: "Data source is working"}, nil
}

func unhealthy(message string) *backend.CheckHealthResult {
	return &backend.CheckHealthResult{Status: backend.HealthStatusError, Message: message}
}
