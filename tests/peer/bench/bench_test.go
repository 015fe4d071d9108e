package bench

import (
	"os"
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

func TestCPUTimeIsTheProcesssOwnAndFine(t *testing.T) {
	before, err := cpuTime(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	for spent := before; spent == before; {
		if spent, err = cpuTime(os.Getpid()); err != nil {
			t.Fatal(err)
		}
	}
	after, err := cpuTime(os.Getpid())
	if err != nil || after-before <= 0 || after-before >= time.Second {
		t.Errorf("from %v to %v, %v", before, after, err)
	}
	if _, err := cpuTime(1 << 23); err == nil {
		t.Error("a process that does not exist has a clock")
	}
}

func TestStatusHasCurrentAndPeakMemory(t *testing.T) {
	got, err := parseStatus("Name:\tx\nVmHWM:\t  300 kB\nVmRSS:\t  200 kB\n")
	if err != nil || got != (kib{now: 200, peak: 300}) {
		t.Errorf("got %+v, %v", got, err)
	}
}
