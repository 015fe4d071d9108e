package bench

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// kib is a process's current and peak resident memory.
type kib struct {
	now, peak int
}

// cpuTime is the time that a process has spent on the CPU, in user mode and in the kernel, by its own clock: /proc counts in
// steps of 10 ms.
func cpuTime(pid int) (time.Duration, error) {
	// As clock_getcpuclockid(3) makes the clock's number.
	const scheduler = 2
	var spent unix.Timespec
	if err := unix.ClockGettime(int32(^pid<<3|scheduler), &spent); err != nil {
		return 0, fmt.Errorf("read the plugin's CPU time: %w", err)
	}
	return time.Duration(spent.Nano()), nil
}

func memory(pid int) (kib, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return kib{}, fmt.Errorf("read the plugin's memory: %w", err)
	}
	return parseStatus(string(text))
}

func parseStatus(text string) (kib, error) {
	var result kib
	for line := range strings.Lines(text) {
		if value, found := strings.CutPrefix(line, "VmRSS:"); found {
			_, _ = fmt.Sscan(value, &result.now)
		}
		if value, found := strings.CutPrefix(line, "VmHWM:"); found {
			_, _ = fmt.Sscan(value, &result.peak)
		}
	}
	if result.now == 0 {
		return kib{}, errors.New("the process's status does not contain its memory")
	}
	return result, nil
}
