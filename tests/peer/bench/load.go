package bench

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/grafana/grafana-plugin-sdk-go/genproto/pluginv2"
	"gpx-wasm/tests/peer/client"
)

// Load sends one request repeatedly, from several concurrent callers, Calls times or for DurationMS.
type Load struct {
	client.QueryData
	Callers    int `json:"callers"`
	Calls      int `json:"calls"`
	DurationMS int `json:"duration_ms"`
	WarmupMS   int `json:"warmup_ms"`
	// Sources is how many data sources take turns; they differ in their UIDs.
	Sources int `json:"sources"`
}

// Figures are the results of a load. CPU is the plugin's only; answers are not decoded, to keep the driver's cost
// small.
type Figures struct {
	Callers        int     `json:"callers"`
	Calls          int     `json:"calls"`
	Seconds        float64 `json:"seconds"`
	CallsPerSecond float64 `json:"calls_per_s"`
	P50MS          float64 `json:"p50_ms"`
	P90MS          float64 `json:"p90_ms"`
	P99MS          float64 `json:"p99_ms"`
	P999MS         float64 `json:"p999_ms"`
	CPUPerCallUS   float64 `json:"cpu_per_call_us"`
	RSSKiB         int     `json:"rss_kib"`
	PeakRSSKiB     int     `json:"peak_rss_kib"`
	// Errors counts calls that failed as a whole, FailedQueries queries that failed in an answer.
	Errors        int    `json:"errors"`
	FailedQueries int    `json:"failed_queries"`
	FirstError    string `json:"first_error,omitempty"`
}

// Run puts the load on a running plugin.
func (l Load) Run(plugin *client.Plugin) (*Figures, error) {
	if l.Calls <= 0 && l.DurationMS <= 0 {
		return nil, errors.New("calls or duration_ms is required")
	}
	l.Callers = max(l.Callers, 1)
	if l.WarmupMS > 0 {
		warmup := l
		warmup.Calls, warmup.DurationMS = 0, l.WarmupMS
		if _, err := warmup.drive(plugin); err != nil {
			return nil, err
		}
	}
	before, err := cpuTime(plugin.PID())
	if err != nil {
		return nil, err
	}
	begin := time.Now()
	result, err := l.drive(plugin)
	if err != nil {
		return nil, err
	}
	elapsed := time.Since(begin)
	after, err := cpuTime(plugin.PID())
	if err != nil {
		return nil, err
	}
	held, err := memory(plugin.PID())
	if err != nil {
		return nil, err
	}
	calls := len(result.latencies)
	return &Figures{
		Callers:        l.Callers,
		Calls:          calls,
		Seconds:        elapsed.Seconds(),
		CallsPerSecond: float64(calls) / elapsed.Seconds(),
		P50MS:          milliseconds(quantile(result.latencies, 0.50)),
		P90MS:          milliseconds(quantile(result.latencies, 0.90)),
		P99MS:          milliseconds(quantile(result.latencies, 0.99)),
		P999MS:         milliseconds(quantile(result.latencies, 0.999)),
		CPUPerCallUS:   float64((after - before).Microseconds()) / float64(max(calls, 1)),
		RSSKiB:         held.now,
		PeakRSSKiB:     held.peak,
		Errors:         result.errors,
		FailedQueries:  result.failedQueries,
		FirstError:     result.firstError,
	}, nil
}

// tally is what one caller measured.
type tally struct {
	latencies     []time.Duration
	errors        int
	failedQueries int
	firstError    string
}

func (l Load) drive(plugin *client.Plugin) (tally, error) {
	requests, err := l.requests()
	if err != nil {
		return tally{}, err
	}
	var started, turn atomic.Int64
	deadline := time.Now().Add(time.Duration(l.DurationMS) * time.Millisecond)
	next := func() bool {
		if l.Calls > 0 {
			return started.Add(1) <= int64(l.Calls)
		}
		return time.Now().Before(deadline)
	}
	tallies := make([]tally, l.Callers)
	var callers sync.WaitGroup
	for i := range tallies {
		callers.Go(func() {
			for next() {
				ctx, cancel := l.QueryData.Context()
				request := requests[turn.Add(1)%int64(len(requests))]
				begin := time.Now()
				reply, err := plugin.QueryRaw(ctx, request)
				tallies[i].latencies = append(tallies[i].latencies, time.Since(begin))
				cancel()
				if err != nil {
					tallies[i].fail(&tallies[i].errors, err.Error())
					continue
				}
				for _, response := range reply.Responses {
					if response.Error != "" {
						tallies[i].fail(&tallies[i].failedQueries, response.Error)
					}
				}
			}
		})
	}
	callers.Wait()
	var all tally
	for _, one := range tallies {
		all.latencies = append(all.latencies, one.latencies...)
		all.errors += one.errors
		all.failedQueries += one.failedQueries
		if all.firstError == "" {
			all.firstError = one.firstError
		}
	}
	return all, nil
}

// requests returns the request for each data source.
func (l Load) requests() ([]*pluginv2.QueryDataRequest, error) {
	var requests []*pluginv2.QueryDataRequest
	for number := range max(l.Sources, 1) {
		query := l.QueryData
		if source := query.PluginContext.DataSource; source != nil && number > 0 {
			other := *source
			other.UID = fmt.Sprintf("%s-%d", source.UID, number)
			query.PluginContext.DataSource = &other
		}
		request, err := query.Proto()
		if err != nil {
			return nil, err
		}
		requests = append(requests, request)
	}
	return requests, nil
}

func (t *tally) fail(count *int, message string) {
	*count++
	if t.firstError == "" {
		t.firstError = message
	}
}

// quantile is the smallest value such that at least that part of all values is not greater (the nearest rank).
func quantile(values []time.Duration, part float64) time.Duration {
	if len(values) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(values))
	rank := int(math.Ceil(part*float64(len(sorted)))) - 1
	return sorted[min(max(rank, 0), len(sorted)-1)]
}

func milliseconds(d time.Duration) float64 {
	return float64(d.Microseconds()) / 1000
}
