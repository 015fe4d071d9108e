// Package client is Grafana's side of the plugin protocol, as far as tests need it: go-plugin's client, and the Go
// SDK's conversion of answers.
package client

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"syscall"
	"time"

	"github.com/grafana/grafana-plugin-sdk-go/backend/grpcplugin"
	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/go-plugin"
	"go.opentelemetry.io/contrib/instrumentation/google.golang.org/grpc/otelgrpc"
	"go.opentelemetry.io/otel/propagation"
	"google.golang.org/grpc"
)

// exitPoll is how often to check whether the process has exited: go-plugin cannot wait for it.
const exitPoll = time.Millisecond

var errNotConnected = errors.New("the plugin did not start: there is no connection to it")

// Plugin is a plugin's process and the connection to it.
type Plugin struct {
	command *exec.Cmd
	process *plugin.Client
	grpc    *plugin.GRPCClient
	socket  string
	Log     *Log
}

// Start describes how a plugin is started. Its environment is exactly Env and what go-plugin adds. With Quiet, no log
// is kept: go-plugin parses the plugin's lines and drops those below info, like Grafana with its default level.
type Start struct {
	Exe       string            `json:"exe"`
	Args      []string          `json:"args"`
	Env       map[string]string `json:"env"`
	Dir       string            `json:"dir"`
	TimeoutMS int               `json:"timeout_ms"`
	Quiet     bool              `json:"quiet"`
	// AutoMTLS and Multiplex ask the plugin for what Grafana does not ask for.
	AutoMTLS  bool `json:"auto_mtls"`
	Multiplex bool `json:"multiplex"`
}

// Started is the content of the handshake.
type Started struct {
	PID             int     `json:"pid"`
	HandshakeMS     float64 `json:"handshake_ms"`
	Network         string  `json:"network"`
	Address         string  `json:"address"`
	Protocol        string  `json:"protocol"`
	ProtocolVersion int     `json:"protocol_version"`
}

// Exit says how a process ended.
type Exit struct {
	MS         float64 `json:"ms"`
	Code       int     `json:"exit_code"`
	Signal     string  `json:"signal,omitempty"`
	SocketGone bool    `json:"socket_gone"`
}

// New prepares a plugin's process without starting it.
func New(start Start) *Plugin {
	command := exec.Command(start.Exe, start.Args...)
	command.Dir = start.Dir
	for key, value := range start.Env {
		command.Env = append(command.Env, key+"="+value)
	}
	log := newLog(start.Exe)
	level, stderr := hclog.Trace, io.Writer(log)
	if start.Quiet {
		level, stderr = hclog.Info, io.Discard
	}
	logger := hclog.NewInterceptLogger(&hclog.LoggerOptions{Level: level, Output: os.Stderr})
	if !start.Quiet {
		logger.RegisterSink(log)
	}
	process := plugin.NewClient(&plugin.ClientConfig{
		Cmd: command,
		HandshakeConfig: plugin.HandshakeConfig{
			ProtocolVersion:  grpcplugin.ProtocolVersion,
			MagicCookieKey:   grpcplugin.MagicCookieKey,
			MagicCookieValue: grpcplugin.MagicCookieValue,
		},
		VersionedPlugins: map[int]plugin.PluginSet{grpcplugin.ProtocolVersion: {
			"diagnostics": &grpcplugin.DiagnosticsGRPCPlugin{},
			"resource":    &grpcplugin.ResourceGRPCPlugin{},
			"data":        &grpcplugin.DataGRPCPlugin{},
			"stream":      &grpcplugin.StreamGRPCPlugin{},
			"admission":   &grpcplugin.AdmissionGRPCPlugin{},
			"conversion":  &grpcplugin.ConversionGRPCPlugin{},
		}},
		AllowedProtocols:    []plugin.Protocol{plugin.ProtocolGRPC},
		SkipHostEnv:         true,
		AutoMTLS:            start.AutoMTLS,
		GRPCBrokerMultiplex: start.Multiplex,
		StartTimeout:        time.Duration(start.TimeoutMS) * time.Millisecond,
		Logger:              logger,
		Stderr:              stderr,
		// Grafana instruments its connection in the same way. There is no tracer provider here: the handler passes on
		// the trace context of the command.
		GRPCDialOptions: []grpc.DialOption{
			grpc.WithStatsHandler(otelgrpc.NewClientHandler(otelgrpc.WithPropagators(propagation.TraceContext{}))),
		},
	})
	return &Plugin{command: command, process: process, Log: log}
}

// Start runs the process, waits for its handshake and connects.
func (p *Plugin) Start() (*Started, error) {
	begin := time.Now()
	address, err := p.process.Start()
	if err != nil {
		// Ends what may remain of the process, and waits until its log is complete.
		p.process.Kill()
		return nil, fmt.Errorf("start the plugin: %w", err)
	}
	handshake := time.Since(begin)
	protocol, err := p.process.Client()
	if err != nil {
		p.process.Kill()
		return nil, fmt.Errorf("connect to the plugin: %w", err)
	}
	connection, isGRPC := protocol.(*plugin.GRPCClient)
	if !isGRPC {
		p.process.Kill()
		return nil, fmt.Errorf("the plugin speaks %s, not grpc", p.process.Protocol())
	}
	p.grpc = connection
	if address.Network() == "unix" {
		p.socket = address.String()
	}
	return &Started{
		PID:             p.command.Process.Pid,
		HandshakeMS:     milliseconds(handshake),
		Network:         address.Network(),
		Address:         address.String(),
		Protocol:        string(p.process.Protocol()),
		ProtocolVersion: p.process.NegotiatedVersion(),
	}, nil
}

// PID is the process's id, 0 if it was never started.
func (p *Plugin) PID() int {
	if p.command.Process == nil {
		return 0
	}
	return p.command.Process.Pid
}

// Alive reports whether the process is still running.
func (p *Plugin) Alive() bool {
	return p.command.Process != nil && !p.process.Exited()
}

// Ping calls go-plugin's health service.
func (p *Plugin) Ping() error {
	if p.grpc == nil {
		return errNotConnected
	}
	return p.grpc.Ping()
}

// Signal sends the process a signal: int, term, kill, stop or cont.
func (p *Plugin) Signal(name string) error {
	signals := map[string]syscall.Signal{
		"int": syscall.SIGINT, "term": syscall.SIGTERM, "kill": syscall.SIGKILL,
		"stop": syscall.SIGSTOP, "cont": syscall.SIGCONT,
	}
	signal, known := signals[name]
	if !known {
		return fmt.Errorf("unknown signal %q", name)
	}
	if p.command.Process == nil {
		return errNotConnected
	}
	return p.command.Process.Signal(signal)
}

// Wait waits for the process to end on its own.
func (p *Plugin) Wait(timeout time.Duration) (*Exit, error) {
	begin := time.Now()
	for p.Alive() {
		if time.Since(begin) > timeout {
			return nil, errors.New("the plugin is still running")
		}
		time.Sleep(exitPoll)
	}
	return p.exit(begin), nil
}

// Kill ends the process as Grafana does: Shutdown, up to two seconds to exit, then SIGKILL.
func (p *Plugin) Kill() *Exit {
	begin := time.Now()
	p.process.Kill()
	return p.exit(begin)
}

func (p *Plugin) exit(begin time.Time) *Exit {
	exit := &Exit{MS: milliseconds(time.Since(begin)), Code: -1, SocketGone: true}
	if p.socket != "" {
		_, err := os.Stat(p.socket)
		exit.SocketGone = errors.Is(err, os.ErrNotExist)
	}
	if state := p.command.ProcessState; state != nil {
		exit.Code = state.ExitCode()
		if status, isWait := state.Sys().(syscall.WaitStatus); isWait && status.Signaled() {
			exit.Signal = status.Signal().String()
		}
	}
	return exit
}

func milliseconds(d time.Duration) float64 {
	return float64(d.Microseconds()) / 1000
}
