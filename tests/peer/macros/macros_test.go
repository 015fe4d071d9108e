// Package macros records what the Go SDK makes of macros. A unit test of gpx-sdk compares its own with cases.txt.
package macros

import (
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/grafana/grafana-plugin-sdk-go/backend"
	"github.com/grafana/grafana-plugin-sdk-go/data/sqlutil"
	"github.com/grafana/grafana-plugin-sdk-go/experimental/macros"

	"gpx-wasm/tests/peer/golden"
)

// TestCasesAreThoseOfGo reads lines `from<tab>to<tab>interval<tab>text<tab>what becomes of it`, with milliseconds.
func TestCasesAreThoseOfGo(t *testing.T) {
	golden.Cases(t, 5, func(fields []string) string {
		from, to, interval := number(t, fields[0]), number(t, fields[1]), number(t, fields[2])
		return strings.Join(append(fields[:4], interpolated(from, to, interval, fields[3])), "\t") + "\n"
	})
}

// Data sources use sqlutil for SQL, and macros for what the frontend has.
func interpolated(from, to, interval int64, text string) string {
	times := backend.TimeRange{From: time.UnixMilli(from).UTC(), To: time.UnixMilli(to).UTC()}
	query := sqlutil.Query{RawSQL: text, TimeRange: times, Interval: time.Duration(interval) * time.Millisecond}
	text, err := sqlutil.Interpolate(&query, nil)
	if err == nil {
		text, err = macros.ApplyMacros(text, times, backend.PluginContext{})
	}
	if err != nil {
		return fmt.Sprintf("error: %v", err)
	}
	return text
}

func number(t *testing.T, text string) int64 {
	number, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return number
}
