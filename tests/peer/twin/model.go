package main

import (
	"encoding/json"
	"fmt"
)

// modelVersion is the version of the query model that is written.
const modelVersion = 1

// model is the part of a query's JSON that this data source reads. Before there were versions, the factor was called
// `multiply`.
type model struct {
	Multiplier *int `json:"multiplier"`
	Multiply   *int `json:"multiply"`
}

// migrated is a query of the current version.
type migrated struct {
	Version    int `json:"version"`
	Multiplier int `json:"multiplier"`
}

func (m model) factor() int {
	switch {
	case m.Multiplier != nil:
		return *m.Multiplier
	case m.Multiply != nil:
		return *m.Multiply
	}
	return 0
}

func parseModel(text []byte) (model, error) {
	var parsed model
	if err := json.Unmarshal(text, &parsed); err != nil {
		return model{}, fmt.Errorf("read the query: %w", err)
	}
	return parsed, nil
}

// migrateModel upgrades a query of any version.
func migrateModel(text []byte) (migrated, error) {
	parsed, err := parseModel(text)
	if err != nil {
		return migrated{}, err
	}
	return migrated{Version: modelVersion, Multiplier: parsed.factor()}, nil
}
