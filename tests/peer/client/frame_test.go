package client

import (
	"encoding/json"
	"math"
	"testing"
	"time"

	"github.com/grafana/grafana-plugin-sdk-go/data"
)

func TestFramesAreWrittenWithTypesNullsAndValuesThatJSONLacks(t *testing.T) {
	half := 0.5
	zone := time.FixedZone("", 3600)
	frame := data.NewFrame("f",
		data.NewField("t", nil, []time.Time{time.Date(2026, 1, 1, 1, 0, 0, 5, zone)}),
		data.NewField("v", data.Labels{"a": "b"}, []*float64{&half, nil}),
		data.NewField("odd", nil, []float64{math.NaN(), math.Inf(-1)}),
		data.NewField("big", nil, []int64{math.MaxInt64}),
	)
	frame.RefID = "A"
	got, err := json.Marshal(newFrame(frame))
	if err != nil {
		t.Fatal(err)
	}
	want := `{"name":"f","ref_id":"A","fields":[` +
		`{"name":"t","type":"time.Time","nullable":false,"labels":{},"values":["2026-01-01T00:00:00.000000005Z"]},` +
		`{"name":"v","type":"float64","nullable":true,"labels":{"a":"b"},"values":[0.5,null]},` +
		`{"name":"odd","type":"float64","nullable":false,"labels":{},"values":["NaN","-Inf"]},` +
		`{"name":"big","type":"int64","nullable":false,"labels":{},"values":[9223372036854775807]}]}`
	if string(got) != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}
