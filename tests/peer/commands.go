package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"time"

	"gpx-wasm/tests/peer/bench"
	"gpx-wasm/tests/peer/client"
	"gpx-wasm/tests/peer/config"
	"gpx-wasm/tests/peer/frames"
	"gpx-wasm/tests/peer/sign"
	"gpx-wasm/tests/peer/upstream"
)

// peer holds the running plugin, or the last one, whose log can still be read.
type peer struct {
	mu     sync.Mutex
	plugin *client.Plugin
}

type alive struct {
	Alive bool `json:"alive"`
}

type done struct{}

func (p *peer) run(command string, line []byte) (any, error) {
	switch command {
	case "start":
		return with(line, p.start)
	case "upstream":
		return with(line, upstream.Start)
	case "bench":
		return with(line, bench.Bench.Run)
	case "decode":
		return with(line, frames.Decode.Run)
	case "sample":
		return frames.Sample()
	case "types":
		return with(line, func(types frames.Types) (*client.Frames, error) { return client.NewFrames(types.Frames()) })
	case "convert":
		return with(line, frames.Convert.Run)
	case "items":
		return with(line, frames.Items.Run)
	case "config":
		return with(line, config.Said.Run)
	case "sign":
		return with(line, sign.Request.Run)
	}
	plugin, err := p.current()
	if err != nil {
		return nil, err
	}
	switch command {
	case "query":
		return with(line, plugin.Query)
	case "chunked":
		return with(line, plugin.Chunked)
	case "health":
		return with(line, plugin.Health)
	case "metrics":
		return with(line, plugin.Metrics)
	case "resource":
		return with(line, plugin.Resource)
	case "invoke":
		return with(line, plugin.Invoke)
	case "reflect":
		return with(line, plugin.Reflect)
	case "load":
		return with(line, func(load bench.Load) (*bench.Figures, error) { return load.Run(plugin) })
	case "ping":
		return done{}, plugin.Ping()
	case "logs":
		return with(line, plugin.Log.Read)
	case "alive":
		return alive{plugin.Alive()}, nil
	case "signal":
		return with(line, func(arguments struct{ Signal string }) (any, error) {
			return done{}, plugin.Signal(arguments.Signal)
		})
	case "wait":
		return with(line, func(arguments struct {
			TimeoutMS int `json:"timeout_ms"`
		}) (any, error) {
			return plugin.Wait(time.Duration(arguments.TimeoutMS) * time.Millisecond)
		})
	case "kill":
		return plugin.Kill(), nil
	}
	return nil, fmt.Errorf("unknown command %q", command)
}

func (p *peer) start(start client.Start) (*client.Started, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.plugin != nil && p.plugin.Alive() {
		return nil, errors.New("a plugin is already running: kill it first")
	}
	plugin := client.New(start)
	p.plugin = plugin
	return plugin.Start()
}

func (p *peer) current() (*client.Plugin, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.plugin == nil {
		return nil, errors.New("no plugin was started")
	}
	return p.plugin, nil
}

func (p *peer) close() {
	if plugin, err := p.current(); err == nil {
		plugin.Kill()
	}
}

// with parses a command's arguments from its line and runs the command.
func with[A, R any](line []byte, run func(A) (R, error)) (any, error) {
	var arguments A
	if err := json.Unmarshal(line, &arguments); err != nil {
		return nil, fmt.Errorf("read the command's arguments: %w", err)
	}
	return run(arguments)
}
