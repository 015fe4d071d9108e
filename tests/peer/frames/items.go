package frames

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/grafana/dataplane/sdata/numeric"
	"github.com/grafana/dataplane/sdata/reader"
	"github.com/grafana/dataplane/sdata/timeseries"
	"github.com/grafana/grafana-plugin-sdk-go/data"
)

// Items is the command of that name: frames in JSON.
type Items struct {
	Frames []string `json:"frames"`
}

// Set is what Grafana's reader of the data plane contract finds in frames.
type Set struct {
	Type  data.FrameType `json:"type"`
	Items []Item         `json:"items"`
	// Ignored is the number of fields that the contract ignores.
	Ignored int `json:"ignored"`
}

// Item is a series, or a number without a time.
type Item struct {
	Name   string      `json:"name"`
	Labels data.Labels `json:"labels"`
	Points []Point     `json:"points"`
}

// Point is a value and its time, if there is one.
type Point struct {
	Time  *time.Time `json:"time,omitempty"`
	Value *float64   `json:"value"`
}

// Run reads the frames as one answer.
func (i Items) Run() (*Set, error) {
	frames := data.Frames{}
	for _, text := range i.Frames {
		frame := &data.Frame{}
		if err := json.Unmarshal([]byte(text), frame); err != nil {
			return nil, fmt.Errorf("read the frame %s: %w", text, err)
		}
		frames = append(frames, frame)
	}
	kind, err := reader.CanReadBasedOnMeta(frames)
	if err != nil {
		return nil, err
	}
	set := &Set{Type: kind, Items: []Item{}}
	if kind.IsTimeSeries() {
		return set, set.series(frames)
	}
	return set, set.numbers(frames)
}

func (s *Set) series(frames data.Frames) error {
	collection, err := timeseries.CollectionReaderFromFrames(frames)
	if err != nil {
		return err
	}
	found, err := collection.GetCollection(true)
	if err != nil {
		return err
	}
	if found.Warning != nil {
		return found.Warning
	}
	s.Ignored = len(found.RemainderIndices)
	for _, ref := range found.Refs {
		item := Item{Name: ref.GetMetricName(), Labels: ref.GetLabels(), Points: []Point{}}
		for row := range ref.TimeField.Len() {
			at, value, err := ref.NullableFloat64Point(row)
			if err != nil {
				return err
			}
			at = at.UTC()
			item.Points = append(item.Points, Point{Time: &at, Value: value})
		}
		s.Items = append(s.Items, item)
	}
	return nil
}

func (s *Set) numbers(frames data.Frames) error {
	collection, err := numeric.CollectionReaderFromFrames(frames)
	if err != nil {
		return err
	}
	// The reader cannot validate numbers yet.
	found, err := collection.GetCollection(false)
	if err != nil {
		return err
	}
	if found.Warning != nil {
		return found.Warning
	}
	s.Ignored = len(found.RemainderIndices)
	for _, ref := range found.Refs {
		item := Item{Name: ref.GetMetricName(), Labels: ref.GetLabels(), Points: []Point{}}
		value, empty, err := ref.NullableFloat64Value()
		if err != nil {
			return err
		}
		if !empty {
			item.Points = append(item.Points, Point{Value: value})
		}
		s.Items = append(s.Items, item)
	}
	return nil
}
