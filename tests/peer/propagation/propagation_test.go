// Package propagation records what Go's propagators make of headers. A unit test of the host compares its own with cases.txt.
package propagation

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"go.opentelemetry.io/contrib/propagators/jaeger"
	"go.opentelemetry.io/otel/propagation"

	"gpx-wasm/tests/peer/golden"
)

// The headers of this test, with their propagators.
var propagators = map[string]propagation.TextMapPropagator{
	"traceparent":   propagation.TraceContext{},
	"tracestate":    propagation.TraceContext{},
	"uber-trace-id": jaeger.Jaeger{},
	"baggage":       propagation.Baggage{},
}

// A tracestate travels only with a traceparent.
const traceparent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"

// TestCasesAreThoseOfGo reads lines `header<tab>what comes<tab>what goes out`.
func TestCasesAreThoseOfGo(t *testing.T) {
	golden.Cases(t, 3, func(fields []string) string {
		header, in := fields[0], fields[1]
		return fmt.Sprintf("%s\t%s\t%s\n", header, in, passedOn(header, in))
	})
}

// The members of baggage have no order in Go, so they are sorted.
func passedOn(header, value string) string {
	in, out := propagation.MapCarrier{header: value}, propagation.MapCarrier{}
	if header == "tracestate" {
		in["traceparent"] = traceparent
	}
	propagator := propagators[header]
	propagator.Inject(propagator.Extract(context.Background(), in), out)
	if header != "baggage" {
		return out[header]
	}
	members := strings.Split(out[header], ",")
	slices.Sort(members)
	return strings.Join(members, ",")
}
