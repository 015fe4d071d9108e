// Package macros records what the Go SDK makes of macros. A unit test of gpx-sdk compares its own with cases.txt.
package macros

import (
	"flag"
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/grafana/grafana-plugin-sdk-go/backend"
	"github.com/grafana/grafana-plugin-sdk-go/data/sqlutil"
	"github.com/grafana/grafana-plugin-sdk-go/experimental/macros"
)

var update = flag.Bool("update", false, "write cases.txt")

// TestCasesAreThoseOfGo reads lines `from<tab>to<tab>interval<tab>text<tab>what becomes of it`, with milliseconds.
func TestCasesAreThoseOfGo(t *testing.T) {
	text, err := os.ReadFile("cases.txt")
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	for line := range strings.Lines(string(text)) {
		fields := strings.SplitN(strings.TrimSuffix(line, "\n"), "\t", 5)
		from, to, interval := number(t, fields[0]), number(t, fields[1]), number(t, fields[2])
		lines = append(lines, strings.Join(append(fields[:4], interpolated(from, to, interval, fields[3])), "\t")+"\n")
	}
	got := strings.Join(lines, "")
	if *update {
		if err := os.WriteFile("cases.txt", []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	} else if string(text) != got {
		t.Errorf("cases.txt is not what Go does; look at what has changed, and run the test with -update:\n%s", got)
	}
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
