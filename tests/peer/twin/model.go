package main

import (
	"encoding/json"
	"fmt"
)

// model is the part of a query's JSON that this data source reads. Its first version called the factor `multiplier`.
type model struct {
	Multiply   int `json:"multiply"`
	Multiplier int `json:"multiplier"`
}

func (m model) factor() int {
	if m.Multiply != 0 {
		return m.Multiply
	}
	return m.Multiplier
}

func parseModel(text []byte) (model, error) {
	var parsed model
	if err := json.Unmarshal(text, &parsed); err != nil {
		return model{}, fmt.Errorf("read the query: %w", err)
	}
	return parsed, nil
}

// migrateModel upgrades a query of the first version and leaves everything else in it as it was.
func migrateModel(text []byte) (map[string]json.RawMessage, error) {
	parsed, err := parseModel(text)
	if err != nil {
		return nil, err
	}
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(text, &fields); err != nil {
		return nil, fmt.Errorf("read the query: %w", err)
	}
	if _, old := fields["multiplier"]; old {
		delete(fields, "multiplier")
		fields["multiply"] = fmt.Appendf(nil, "%d", parsed.factor())
	}
	return fields, nil
}
