package frames

import (
	"encoding/json"
	"math"
	"time"

	"github.com/grafana/grafana-plugin-sdk-go/data"
)

// Sample returns a frame that says about itself all that the SDK's types can say, as the SDK sends it in each format.
func Sample() (map[string]*Encoded, error) {
	encoded := map[string]*Encoded{}
	for _, format := range []string{Arrow, JSON} {
		frame, err := Write(format, sample())
		if err != nil {
			return nil, err
		}
		encoded[format] = frame
	}
	return encoded, nil
}

func sample() *data.Frame {
	half, no, yes := 0.5, false, true
	from, to := data.ConfFloat64(0), data.ConfFloat64(1e6)
	stat := data.QueryStat{Value: 1e-7}
	stat.DisplayName, stat.Unit = "Rows <read>", "short"
	stat.SetDecimals(0)
	frame := data.NewFrame("a <sample> & more\u2028",
		data.NewField("time", nil, []time.Time{time.Unix(1_700_000_000, 123_456_789), time.Unix(0, -1)}).
			SetConfig(&data.FieldConfig{Interval: 1000}),
		data.NewField("load <%>", data.Labels{"zone": "<b>", "host": "a&b\u2028\b"}, []*float64{&half, nil}).SetConfig((&data.FieldConfig{
			DisplayName: "Load", DisplayNameFromDS: "load of a", Path: "hosts/a", Description: "The <load>\b",
			Filterable: &no, Writeable: &yes, Unit: "percentunit", NoValue: "none",
			Mappings: data.ValueMappings{
				data.ValueMapper{"1": {Text: "up\b", Color: "green"}, "0": {Text: "down", Color: "red", Index: 1}},
				data.RangeValueMapper{From: &from, To: &to, Result: data.ValueMappingResult{Text: "some"}},
				data.RangeValueMapper{Result: data.ValueMappingResult{Text: "any"}},
				data.SpecialValueMapper{Match: data.SpecialValueNullAndNaN, Result: data.ValueMappingResult{Text: "nothing"}},
			},
			Thresholds: &data.ThresholdsConfig{Mode: data.ThresholdsModePercentage, Steps: []data.Threshold{
				data.NewThreshold(math.Inf(-1), "green", ""), data.NewThreshold(80.5, "#ff0000", "High"),
			}},
			Color: map[string]any{"mode": "fixed", "fixedColor": "blue", "seriesBy": "last"},
			Links: []data.DataLink{
				{Title: "Docs", URL: "https://example.com/?a=1&b=2", TargetBlank: true},
				{Title: "Trace", Internal: &data.InternalDataLink{
					Query: map[string]any{"query": "${__value.raw}", "limit": 20}, DatasourceUID: "uid1", DatasourceName: "Traces",
					ExplorePanelsState: panels(map[string]any{"trace": map[string]any{"spanId": "${span}"}}),
					Transformations: &[]data.LinkTransformationConfig{
						{Type: data.Regex, Field: "line", Expression: "id=(\\w+)", MapValue: "id"}, {Type: data.Logfmt, Field: "line"},
					},
					Range: &data.TimeRange{From: time.Unix(1_700_000_000, 500_000_000).UTC(), To: time.Unix(1_700_003_600, 0).UTC()},
				}},
			},
			Custom: map[string]any{"width": 120, "align": "right", "nested": map[string]any{"b": []any{1.5, nil}, "a": true}},
		}).SetDecimals(2).SetMin(0).SetMax(1_500_000)),
		data.NewField("state", data.Labels{}, []data.EnumItemIndex{1, 0}).SetConfig(&data.FieldConfig{
			TypeConfig: &data.FieldTypeConfig{Enum: &data.EnumFieldConfig{
				Text: []string{"off", "on"}, Color: []string{"red", "green"}, Icon: []string{"x", "check"},
				Description: []string{"It is off", "It is on"},
			}},
		}),
		data.NewField("odd", nil, []float64{math.NaN(), math.Inf(-1)}).SetConfig(&data.FieldConfig{}),
		data.NewField("small", nil, []float32{0.1, float32(math.Inf(1))}),
		data.NewField("json", nil, []json.RawMessage{json.RawMessage(`{"a": "<b>"}`), json.RawMessage(`null`)}),
		data.NewField("text", nil, []string{"<&>\u2028\b", ""}),
	)
	frame.RefID = "A"
	frame.Meta = &data.FrameMeta{
		Type: data.FrameTypeTimeSeriesWide, TypeVersion: data.FrameTypeVersion{0, 1},
		Path: "hosts", PathSeparator: ":", Custom: map[string]any{"resultType": "<matrix>", "rows": 1e21},
		Stats: []data.QueryStat{stat},
		Notices: []data.Notice{
			{Severity: data.NoticeSeverityInfo, Text: "all is well"},
			{Severity: data.NoticeSeverityWarning, Text: "cut at 2", Link: "/d/x?a&b", Inspect: data.InspectTypeStats},
			{Severity: data.NoticeSeverityError, Text: "no more\b"},
		},
		Channel: "ds/uid1/load", PreferredVisualization: data.VisTypeGraph, PreferredVisualizationPluginID: "timeseries",
		ExecutedQueryString: "SELECT '<load>' & more", DataTopic: data.DataTopicAnnotations, UniqueRowIDFields: []int{0, 2},
	}
	return frame
}

func panels(state any) *data.ExplorePanelsState {
	panels := data.ExplorePanelsState(state)
	return &panels
}
