package client

import (
	"fmt"
	"sort"
	"strconv"
	"strings"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
)

// Family is one metric as Prometheus's own parser reads it.
type Family struct {
	Name   string   `json:"name"`
	Type   string   `json:"type"`
	Help   string   `json:"help"`
	Series []Series `json:"series"`
}

// Series is one set of labels. Value is a number as Go prints it; of a histogram it is the number of observations, with
// their sum and the upper bounds of the buckets.
type Series struct {
	Labels map[string]string `json:"labels"`
	Value  string            `json:"value"`
	Sum    string            `json:"sum,omitempty"`
	Bounds []string          `json:"bounds,omitempty"`
	Counts []uint64          `json:"counts,omitempty"`
}

// families parses the text format. The families are sorted by name, their series are in the text's order.
func families(text []byte) ([]Family, error) {
	parser := expfmt.NewTextParser(model.LegacyValidation)
	parsed, err := parser.TextToMetricFamilies(strings.NewReader(string(text)))
	if err != nil {
		return nil, fmt.Errorf("parse the metrics: %w", err)
	}
	result := []Family{}
	for name, family := range parsed {
		found := Family{Name: name, Type: strings.ToLower(family.GetType().String()), Help: family.GetHelp(), Series: []Series{}}
		for _, metric := range family.GetMetric() {
			found.Series = append(found.Series, series(metric))
		}
		result = append(result, found)
	}
	sort.Slice(result, func(i, j int) bool { return result[i].Name < result[j].Name })
	return result, nil
}

func series(metric *dto.Metric) Series {
	found := Series{Labels: map[string]string{}}
	for _, pair := range metric.GetLabel() {
		found.Labels[pair.GetName()] = pair.GetValue()
	}
	switch {
	case metric.Counter != nil:
		found.Value = number(metric.GetCounter().GetValue())
	case metric.Gauge != nil:
		found.Value = number(metric.GetGauge().GetValue())
	case metric.Histogram != nil:
		histogram := metric.GetHistogram()
		found.Value = strconv.FormatUint(histogram.GetSampleCount(), 10)
		found.Sum = number(histogram.GetSampleSum())
		for _, bucket := range histogram.GetBucket() {
			found.Bounds = append(found.Bounds, number(bucket.GetUpperBound()))
			found.Counts = append(found.Counts, bucket.GetCumulativeCount())
		}
	default:
		found.Value = number(metric.GetUntyped().GetValue())
	}
	return found
}

func number(value float64) string {
	return strconv.FormatFloat(value, 'g', -1, 64)
}
