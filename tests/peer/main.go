// Command peer is Grafana's side of the plugin protocol, driven by JSON lines: each line on stdin is a command, each
// line on stdout an answer. README.md describes the commands.
package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"

	"gpx-wasm/tests/peer/client"
)

// envelope is the part of a line that is common to all commands; the rest belongs to the command.
type envelope struct {
	ID      json.RawMessage `json:"id"`
	Command string          `json:"command"`
	Async   bool            `json:"async"`
}

type answer struct {
	ID     json.RawMessage `json:"id,omitempty"`
	Result any             `json:"result,omitempty"`
	Error  any             `json:"error,omitempty"`
}

type problem struct {
	Message string `json:"message"`
}

func main() {
	peer := &peer{}
	var output sync.Mutex
	reply := func(to envelope, result any, err error) {
		line := answer{ID: to.ID, Result: result}
		if err != nil {
			line.Result, line.Error = nil, explain(err)
		}
		output.Lock()
		defer output.Unlock()
		if err := json.NewEncoder(os.Stdout).Encode(line); err != nil {
			_ = json.NewEncoder(os.Stdout).Encode(answer{ID: to.ID, Error: problem{err.Error()}})
		}
	}

	var running sync.WaitGroup
	input := bufio.NewReader(takeStdin())
	for {
		line, end := input.ReadBytes('\n')
		if len(line) > 1 {
			var command envelope
			if err := json.Unmarshal(line, &command); err != nil {
				reply(command, nil, fmt.Errorf("read the command: %w", err))
			} else if command.Async {
				running.Go(func() {
					result, err := peer.run(command.Command, line)
					reply(command, result, err)
				})
			} else {
				result, err := peer.run(command.Command, line)
				reply(command, result, err)
			}
		}
		if end != nil {
			if !errors.Is(end, io.EOF) {
				fmt.Fprintln(os.Stderr, "read stdin:", end)
			}
			break
		}
	}
	running.Wait()
	peer.close()
}

// takeStdin hides the commands from the plugins, to which go-plugin passes os.Stdin.
func takeStdin() io.Reader {
	commands := os.Stdin
	nothing, err := os.Open(os.DevNull)
	if err != nil {
		fmt.Fprintln(os.Stderr, "open the null device:", err)
		os.Exit(1)
	}
	os.Stdin = nothing
	return commands
}

func explain(err error) any {
	var failure *client.Failure
	if errors.As(err, &failure) {
		return failure
	}
	return problem{err.Error()}
}
