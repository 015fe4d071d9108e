// Command twin is examples/http-backend, or examples/app, written on Grafana's Go SDK. Tests check that the traces and answers of both
// are equal, and benchmarks compare them.
package main

import (
	"os"

	"github.com/grafana/grafana-plugin-sdk-go/backend/datasource"
	"github.com/grafana/grafana-plugin-sdk-go/backend/log"
	"github.com/grafana/grafana-plugin-sdk-go/backend/tracing"
	"go.opentelemetry.io/otel/attribute"
)

const pluginID = "gpx-httpbackend-datasource"

func main() {
	options := datasource.ManageOpts{
		TracingOpts: tracing.Opts{
			CustomAttributes: []attribute.KeyValue{attribute.String("my_plugin.my_attribute", "custom value")},
		},
	}
	serveObjects(&options)
	manage := func() error { return datasource.Manage(pluginID, open, options) }
	if os.Getenv("TWIN_IS") == "app" {
		manage = manageApp
	}
	if err := manage(); err != nil {
		log.DefaultLogger.Error("The plugin ended with an error", "error", err)
		os.Exit(1)
	}
}
