package client

import (
	"encoding/json"

	"github.com/grafana/grafana-plugin-sdk-go/backend"
	"github.com/grafana/grafana-plugin-sdk-go/backend/grpcplugin"
	"github.com/grafana/grafana-plugin-sdk-go/genproto/pluginv2"
)

// Diagnose is a health check or a request for metrics.
type Diagnose struct {
	Call
	PluginContext PluginContext     `json:"plugin_context"`
	Headers       map[string]string `json:"headers"`
}

// Health is a health check's result; Status is OK, ERROR or UNKNOWN.
type Health struct {
	Status  string          `json:"status"`
	Message string          `json:"message"`
	Details json.RawMessage `json:"details,omitempty"`
}

// Metrics are in Prometheus's text format, and as its own parser reads them.
type Metrics struct {
	Prometheus string   `json:"prometheus"`
	Families   []Family `json:"families"`
}

// Health checks the data source's health.
func (p *Plugin) Health(diagnose Diagnose) (*Health, error) {
	diagnostics, err := dispense[grpcplugin.DiagnosticsClient](p, "diagnostics")
	if err != nil {
		return nil, err
	}
	ctx, cancel := diagnose.Context()
	defer cancel()
	reply, err := diagnostics.CheckHealth(ctx, &pluginv2.CheckHealthRequest{
		PluginContext: diagnose.PluginContext.proto(), Headers: diagnose.Headers,
	})
	if err != nil {
		return nil, failure(ctx, err)
	}
	decoded := backend.FromProto().CheckHealthResponse(reply)
	return &Health{Status: decoded.Status.String(), Message: decoded.Message, Details: decoded.JSONDetails}, nil
}

// Metrics collects the plugin's own metrics.
func (p *Plugin) Metrics(diagnose Diagnose) (*Metrics, error) {
	diagnostics, err := dispense[grpcplugin.DiagnosticsClient](p, "diagnostics")
	if err != nil {
		return nil, err
	}
	ctx, cancel := diagnose.Context()
	defer cancel()
	reply, err := diagnostics.CollectMetrics(ctx, &pluginv2.CollectMetricsRequest{PluginContext: diagnose.PluginContext.proto()})
	if err != nil {
		return nil, failure(ctx, err)
	}
	text := backend.FromProto().CollectMetricsResponse(reply).PrometheusMetrics
	parsed, err := families(text)
	if err != nil {
		return nil, err
	}
	return &Metrics{Prometheus: string(text), Families: parsed}, nil
}
