// Package bench measures a plugin from outside: how long it takes to start, what a call costs, and how much memory it
// uses.
package bench

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"gpx-wasm/tests/peer/client"
	"gpx-wasm/tests/peer/upstream"
)

// settle is how long a plugin idles before its idle memory is read: longer than garbage collectors and pools need.
const settle = time.Second

// Bench measures one executable. An upstream is started for it unless URL names one.
type Bench struct {
	client.Start
	client.QueryData
	upstream.Options
	URL string `json:"url"`
	// QueriesPerRequest is how often the default query is repeated if Queries is empty.
	QueriesPerRequest int   `json:"queries_per_request"`
	Starts            int   `json:"starts"`
	Callers           []int `json:"callers"`
	Calls             int   `json:"calls"`
	DurationMS        int   `json:"duration_ms"`
	WarmupMS          int   `json:"warmup_ms"`
	Sources           int   `json:"sources"`
}

// Report contains all measurements.
type Report struct {
	ExeBytes int64     `json:"exe_bytes"`
	Starts   *Starts   `json:"starts,omitempty"`
	IdleKiB  int       `json:"idle_rss_kib"`
	Loads    []Figures `json:"loads"`
}

// Starts are medians over Count starts, each of a new process.
type Starts struct {
	Count         int     `json:"count"`
	HandshakeMS   float64 `json:"handshake_ms"`
	FirstAnswerMS float64 `json:"first_answer_ms"`
}

// Run measures starts, then one process: idle memory after its first answer, then load with each number of callers.
func (b Bench) Run() (*Report, error) {
	file, err := os.Stat(b.Exe)
	if err != nil {
		return nil, err
	}
	if b.URL == "" {
		server, err := upstream.Start(b.Options)
		if err != nil {
			return nil, fmt.Errorf("start the upstream: %w", err)
		}
		defer server.Close()
		b.URL = server.URL
	}
	b.Quiet = true
	b.fill()
	report := &Report{ExeBytes: file.Size(), Loads: []Figures{}}
	if b.Starts > 0 {
		if report.Starts, err = b.starts(); err != nil {
			return nil, err
		}
	}

	plugin, _, err := b.first()
	defer plugin.Kill()
	if err != nil {
		return nil, err
	}
	time.Sleep(settle)
	idle, err := memory(plugin.PID())
	if err != nil {
		return nil, err
	}
	report.IdleKiB = idle.now
	for _, callers := range b.Callers {
		load := Load{
			QueryData: b.QueryData, Callers: callers, Calls: b.Calls, DurationMS: b.DurationMS, WarmupMS: b.WarmupMS,
			Sources: b.Sources,
		}
		figures, err := load.Run(plugin)
		if err != nil {
			return nil, fmt.Errorf("load with %d callers: %w", callers, err)
		}
		report.Loads = append(report.Loads, *figures)
	}
	return report, nil
}

// fill adds what the example needs to the request.
func (b *Bench) fill() {
	if b.PluginContext.PluginID == "" {
		b.PluginContext.PluginID = "gpx-httpbackend-datasource"
	}
	if b.PluginContext.OrgID == 0 {
		b.PluginContext.OrgID = 1
	}
	if b.PluginContext.DataSource == nil {
		b.PluginContext.DataSource = &client.DataSource{
			ID: 1, UID: "bench", Name: "Bench", JSONData: []byte("{}"), UpdatedMS: 1_700_000_000_000,
		}
	}
	b.PluginContext.DataSource.URL = b.URL
	if len(b.Queries) > 0 {
		return
	}
	for i := range max(b.QueriesPerRequest, 1) {
		b.Queries = append(b.Queries, client.Query{
			RefID: fmt.Sprintf("Q%d", i), MaxDataPoints: 100, IntervalMS: 1000,
			FromMS: 1_700_000_000_000, ToMS: 1_700_000_600_000, JSON: []byte(`{"multiplier":2}`),
		})
	}
}

func (b *Bench) starts() (*Starts, error) {
	var handshakes, answers []time.Duration
	for range b.Starts {
		begin := time.Now()
		plugin, handshake, err := b.first()
		answer := time.Since(begin)
		plugin.Kill()
		if err != nil {
			return nil, err
		}
		handshakes = append(handshakes, handshake)
		answers = append(answers, answer)
	}
	return &Starts{
		Count: b.Starts, HandshakeMS: milliseconds(quantile(handshakes, 0.5)), FirstAnswerMS: milliseconds(quantile(answers, 0.5)),
	}, nil
}

// first starts the plugin and gets its first answer. The caller must kill the plugin even after an error.
func (b *Bench) first() (*client.Plugin, time.Duration, error) {
	plugin := client.New(b.Start)
	request, err := b.QueryData.Proto()
	if err != nil {
		return plugin, 0, err
	}
	begin := time.Now()
	if _, err := plugin.Start(); err != nil {
		return plugin, 0, err
	}
	handshake := time.Since(begin)
	reply, err := plugin.QueryRaw(context.Background(), request)
	if err != nil {
		return plugin, 0, fmt.Errorf("first query: %w", err)
	}
	if problem := reply.Responses[b.Queries[0].RefID].GetError(); problem != "" {
		return plugin, 0, errors.New("first query: " + problem)
	}
	return plugin, handshake, nil
}
