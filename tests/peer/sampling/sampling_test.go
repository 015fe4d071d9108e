// Package sampling computes what the Go SDK's samplers decide. A unit test of the host compares its own with decisions.txt.
package sampling

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"
	_ "unsafe" // For go:linkname.

	_ "github.com/grafana/grafana-plugin-sdk-go/backend" // Links the SDK's samplers.
	"go.opentelemetry.io/contrib/samplers/jaegerremote"
	tracesdk "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"

	"gpx-wasm/tests/peer/golden"
)

// The options have the layout of the SDK's type, which is internal.
type samplerOptions struct {
	kind   string
	param  float64
	remote struct{ url, service string }
}

//go:linkname newSampler github.com/grafana/grafana-plugin-sdk-go/internal/tracerprovider.newOtelSampler
func newSampler(samplerOptions) (tracesdk.Sampler, error)

// splitmix64: the host's test draws the same numbers.
type numbers uint64

func (n *numbers) next() uint64 {
	*n += 0x9e3779b97f4a7c15
	z := uint64(*n)
	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9
	z = (z ^ (z >> 27)) * 0x94d049bb133111eb
	return z ^ (z >> 31)
}

func (n *numbers) traceID() (id trace.TraceID) {
	binary.BigEndian.PutUint64(id[:8], n.next())
	binary.BigEndian.PutUint64(id[8:], n.next())
	return id
}

func (n *numbers) step() time.Duration {
	number := n.next()
	if number%64 == 0 {
		return time.Duration(number%3_000_000) * time.Microsecond
	}
	return time.Duration(number%20_000) * time.Microsecond
}

func TestDecisionsAreThoseInTheFile(t *testing.T) {
	var lines []string
	add := func(name string, decisions []byte) {
		admitted := strings.Count(string(decisions), "1")
		lines = append(lines, fmt.Sprintf("%s %d of %d %x", name, admitted, len(decisions), sha256.Sum256(decisions)))
	}
	for _, param := range strings.Fields("0 0.000001 0.01 0.1 0.3333333333333333 0.5 0.999999 1 -1 2") {
		sampler, draw := sdkSampler(t, "probabilistic", param), numbers(42)
		var decisions []byte
		for range 10_000 {
			decisions = append(decisions, decide(sampler, "query", draw.traceID()))
		}
		add("probabilistic "+param, decisions)
	}
	for _, param := range strings.Fields("0 0.1 0.5 1 2.5 10 100 -1") {
		synctest.Test(t, func(t *testing.T) {
			sampler, draw := sdkSampler(t, "rateLimiting", param), numbers(7)
			var decisions []byte
			for range 10_000 {
				time.Sleep(draw.step())
				decisions = append(decisions, decide(sampler, "query", trace.TraceID{}))
			}
			add("rateLimiting "+param, decisions)
		})
	}
	synctest.Test(t, func(t *testing.T) { remote(t, add) })

	golden.Compare(t, "decisions.txt", strings.Join(lines, "\n")+"\n")
}

// answer is what the server says.
type answer string

func (a *answer) Fetch(string) ([]byte, error) {
	if *a == "" {
		return nil, errors.New("no answer yet")
	}
	return []byte(*a), nil
}

// remote follows the answers one after the other, when it is told to.
func remote(t *testing.T, add func(string, []byte)) {
	text, err := os.ReadFile("answers.txt")
	if err != nil {
		t.Fatal(err)
	}
	var server answer
	sampler := jaegerremote.New("plugin",
		jaegerremote.WithSamplingStrategyFetcher(&server),
		jaegerremote.WithSamplingRefreshInterval(10_000*time.Hour),
		jaegerremote.WithInitialSampler(tracesdk.TraceIDRatioBased(0.25)),
	)
	defer sampler.Close()
	synctest.Wait()
	draw := numbers(11)
	for index, line := range strings.Split(strings.TrimSpace(string(text)), "\n") {
		server = answer(line)
		sampler.UpdateSampler()
		var decisions []byte
		for range 2_000 {
			time.Sleep(draw.step())
			name := fmt.Sprintf("operation %d", draw.next()%300)
			decisions = append(decisions, decide(sampler, name, draw.traceID()))
		}
		add(fmt.Sprintf("remote %d", index), decisions)
	}
}

func sdkSampler(t *testing.T, kind, param string) tracesdk.Sampler {
	number, err := strconv.ParseFloat(param, 64)
	if err != nil {
		t.Fatal(err)
	}
	sampler, err := newSampler(samplerOptions{kind: kind, param: number})
	if err != nil {
		t.Fatal(err)
	}
	return sampler
}

func decide(sampler tracesdk.Sampler, name string, id trace.TraceID) byte {
	parameters := tracesdk.SamplingParameters{ParentContext: context.Background(), TraceID: id, Name: name, Kind: trace.SpanKindServer}
	if sampler.ShouldSample(parameters).Decision == tracesdk.RecordAndSample {
		return '1'
	}
	return '0'
}
