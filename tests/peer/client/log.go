package client

import (
	"bytes"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/hashicorp/go-hclog"
)

// Log records what go-plugin read from a plugin's stderr: the lines as go-plugin parsed them, and the bytes.
type Log struct {
	plugin  string
	mu      sync.Mutex
	changed *sync.Cond
	lines   []Line
	raw     bytes.Buffer
}

// Line is one line as Grafana's own logger would get it. Plugin is false for go-plugin's own lines.
type Line struct {
	Level   string         `json:"level"`
	Message string         `json:"message"`
	Fields  map[string]any `json:"fields"`
	Plugin  bool           `json:"plugin"`
}

// ReadLog selects the lines from number From on, once one of them contains WaitFor.
type ReadLog struct {
	From      int    `json:"from"`
	Host      bool   `json:"host"`
	Raw       bool   `json:"raw"`
	WaitFor   string `json:"wait_for"`
	TimeoutMS int    `json:"timeout_ms"`
}

// Lines is a part of the log; Next is the From that continues it.
type Lines struct {
	Lines []Line `json:"lines"`
	Next  int    `json:"next"`
	Raw   string `json:"raw,omitempty"`
}

// newLog records the log of the plugin with that executable: go-plugin names the plugin's own lines after it.
func newLog(exe string) *Log {
	log := &Log{plugin: filepath.Base(exe)}
	log.changed = sync.NewCond(&log.mu)
	return log
}

// Accept is called by hclog for every line.
func (l *Log) Accept(name string, level hclog.Level, message string, pairs ...any) {
	line := Line{Level: level.String(), Message: message, Fields: map[string]any{}, Plugin: name == l.plugin}
	for i := 0; i+1 < len(pairs); i += 2 {
		line.Fields[fmt.Sprint(pairs[i])] = plain(pairs[i+1])
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lines = append(l.lines, line)
	l.changed.Broadcast()
}

// Write records the plugin's stderr as it arrives.
func (l *Log) Write(text []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.raw.Write(text)
}

// Read returns the requested lines.
func (l *Log) Read(read ReadLog) (*Lines, error) {
	timeout := time.AfterFunc(time.Duration(read.TimeoutMS)*time.Millisecond, l.changed.Broadcast)
	defer timeout.Stop()
	deadline := time.Now().Add(time.Duration(read.TimeoutMS) * time.Millisecond)

	l.mu.Lock()
	defer l.mu.Unlock()
	for read.WaitFor != "" && !l.contains(read) {
		if !time.Now().Before(deadline) {
			return nil, errors.New("no such line in the log: " + read.WaitFor)
		}
		l.changed.Wait()
	}
	result := &Lines{Lines: []Line{}, Next: len(l.lines)}
	for _, line := range l.after(read) {
		if line.Plugin || read.Host {
			result.Lines = append(result.Lines, line)
		}
	}
	if read.Raw {
		result.Raw = l.raw.String()
	}
	return result, nil
}

func (l *Log) contains(read ReadLog) bool {
	for _, line := range l.after(read) {
		if (line.Plugin || read.Host) && strings.Contains(line.Message, read.WaitFor) {
			return true
		}
	}
	return false
}

func (l *Log) after(read ReadLog) []Line {
	return l.lines[min(max(read.From, 0), len(l.lines)):]
}

// plain converts a value of a log line to one that JSON can represent: go-plugin also logs errors and addresses.
func plain(value any) any {
	switch value := value.(type) {
	case error:
		return value.Error()
	case fmt.Stringer:
		return value.String()
	default:
		return value
	}
}
