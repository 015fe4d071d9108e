package main

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"gpx-wasm/tests/peer/client"
)

func TestAnErrorOfThePluginKeepsItsCode(t *testing.T) {
	wrapped := fmt.Errorf("load with 2 callers: %w", &client.Failure{Code: "Unknown", Message: "m", ErrorSource: "downstream"})
	for err, want := range map[error]string{
		wrapped:                 `{"code":"Unknown","message":"m","error_source":"downstream"}`,
		fmt.Errorf("no plugin"): `{"message":"no plugin"}`,
	} {
		if got, _ := json.Marshal(explain(err)); string(got) != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}

func TestErrorsOfCommandsAreReported(t *testing.T) {
	started := &peer{plugin: client.New(client.Start{Exe: "x"})}
	for _, test := range []struct {
		peer       *peer
		line, want string
	}{
		{&peer{}, `{"command":"ping"}`, "no plugin was started"},
		{&peer{}, `{"command":"start","exe":7}`, "read the command's arguments"},
		{&peer{}, `{"command":"start","exe":"/no/such/plugin"}`, "start the plugin"},
		{started, `{"command":"query"}`, "the plugin did not start"},
		{started, `{"command":"dance"}`, `unknown command "dance"`},
	} {
		var command envelope
		if err := json.Unmarshal([]byte(test.line), &command); err != nil {
			t.Fatal(err)
		}
		if _, err := test.peer.run(command.Command, []byte(test.line)); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: got %v, want %q", test.line, err, test.want)
		}
	}
}
