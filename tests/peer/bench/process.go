package bench

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"
)

// tick is the unit of times in /proc/<pid>/stat: Linux's USER_HZ is 100 on every platform that Go supports.
const tick = 10 * time.Millisecond

// kib is a process's current and peak resident memory.
type kib struct {
	now, peak int
}

// cpuTime is the time that a process has spent on the CPU, in user mode and in the kernel.
func cpuTime(pid int) (time.Duration, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0, fmt.Errorf("read the plugin's CPU time: %w", err)
	}
	return parseStat(string(text))
}

func memory(pid int) (kib, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return kib{}, fmt.Errorf("read the plugin's memory: %w", err)
	}
	return parseStatus(string(text))
}

// parseStat adds up utime and stime, the 14th and 15th fields. The second, a name in parentheses, can contain anything.
func parseStat(text string) (time.Duration, error) {
	fields := strings.Fields(text[strings.LastIndexByte(text, ')')+1:])
	if len(fields) < 13 {
		return 0, errors.New("the process's stat is too short")
	}
	var sum time.Duration
	for _, field := range fields[11:13] {
		ticks, err := strconv.Atoi(field)
		if err != nil {
			return 0, fmt.Errorf("read the process's stat: %w", err)
		}
		sum += time.Duration(ticks) * tick
	}
	return sum, nil
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
