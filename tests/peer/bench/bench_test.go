package bench

import (
	"testing"
	"time"
)

func TestQuantileIsTheNearestRank(t *testing.T) {
	var values []time.Duration
	for i := 100; i >= 1; i-- {
		values = append(values, time.Duration(i))
	}
	for part, want := range map[float64]time.Duration{0: 1, 0.5: 50, 0.99: 99, 1: 100} {
		if got := quantile(values, part); got != want {
			t.Errorf("quantile %v: got %d, want %d", part, got, want)
		}
	}
	if got := quantile([]time.Duration{9, 7, 8}, 0.5); got != 8 {
		t.Errorf("the middle of three: got %d", got)
	}
}

func TestStatIsParsedWithANameOfSpacesAndParentheses(t *testing.T) {
	got, err := parseStat("12 (a ) (b) S 1 1 1 0 -1 0 0 0 0 0 25 17 0 0 20 0 1 0 0")
	if err != nil || got != 420*time.Millisecond {
		t.Errorf("got %v, %v", got, err)
	}
	if _, err := parseStat("12 (a) S 1"); err == nil {
		t.Error("a short stat was accepted")
	}
}

func TestStatusHasCurrentAndPeakMemory(t *testing.T) {
	got, err := parseStatus("Name:\tx\nVmHWM:\t  300 kB\nVmRSS:\t  200 kB\n")
	if err != nil || got != (kib{now: 200, peak: 300}) {
		t.Errorf("got %+v, %v", got, err)
	}
}
