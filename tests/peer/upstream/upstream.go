// Package upstream is an HTTP server with data points that is fast enough not to distort benchmarks.
package upstream

import (
	"encoding/json"
	"net"
	"net/http"
	"time"
)

// first is the time of the first point. It is fixed, so that answers can be compared.
var first = time.Date(2026, time.January, 1, 0, 0, 0, 0, time.UTC)

// Options say how many points are served (100 if 0), a second apart, and how long after each request.
type Options struct {
	Points  int `json:"points"`
	DelayMS int `json:"delay_ms"`
}

// Server runs until it is closed.
type Server struct {
	URL  string `json:"url"`
	http *http.Server
}

type point struct {
	Time  time.Time `json:"time"`
	Value float64   `json:"value"`
}

// Start serves on a free port of the loopback interface.
func Start(options Options) (*Server, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	body, err := body(options.Points)
	if err != nil {
		return nil, err
	}
	delay := time.Duration(options.DelayMS) * time.Millisecond
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if delay > 0 {
			time.Sleep(delay)
		}
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write(body)
	})}
	go func() { _ = server.Serve(listener) }()
	return &Server{URL: "http://" + listener.Addr().String(), http: server}, nil
}

// Close stops serving.
func (s *Server) Close() {
	_ = s.http.Close()
}

func body(count int) ([]byte, error) {
	if count == 0 {
		count = 100
	}
	points := make([]point, count)
	for i := range points {
		points[i] = point{Time: first.Add(time.Duration(i) * time.Second), Value: float64(i) / 2}
	}
	return json.Marshal(map[string][]point{"datapoints": points})
}
