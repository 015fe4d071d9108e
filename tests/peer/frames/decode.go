package frames

import (
	"bytes"
	"encoding/json"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/ipc"
	"github.com/grafana/grafana-plugin-sdk-go/data"
)

// Decode is the command of that name.
type Decode struct {
	Texts []Text `json:"texts"`
}

// Text is what a frame says about itself, and what its only field says; either may be absent.
type Text struct {
	Meta   *string `json:"meta"`
	Config *string `json:"config"`
}

// Decoded is what the SDK made of each text.
type Decoded struct {
	Texts []map[string]Verdict `json:"texts"`
}

// Verdict is the error of one of the SDK's decoders, or what its encoder then writes.
type Verdict struct {
	Error  string  `json:"error,omitempty"`
	Meta   *string `json:"meta,omitempty"`
	Config *string `json:"config,omitempty"`
}

// Run decodes frames with these texts.
func (d Decode) Run() (*Decoded, error) {
	decoded := &Decoded{Texts: []map[string]Verdict{}}
	for _, text := range d.Texts {
		decoded.Texts = append(decoded.Texts, map[string]Verdict{
			Arrow: verdict(Arrow, text.arrow), JSON: verdict(JSON, text.json),
		})
	}
	return decoded, nil
}

func verdict(format string, decode func() (*data.Frame, error)) Verdict {
	frame, err := decode()
	if err != nil {
		return Verdict{Error: err.Error()}
	}
	encoded, err := Write(format, frame)
	if err != nil {
		return Verdict{Error: err.Error()}
	}
	if format == Arrow {
		return Verdict{Meta: value(encoded.Schema, "meta"), Config: value(encoded.Fields[0].Metadata, "config")}
	}
	var document struct {
		Schema struct {
			Meta   json.RawMessage `json:"meta"`
			Fields []struct {
				Config json.RawMessage `json:"config"`
			} `json:"fields"`
		} `json:"schema"`
	}
	if err := json.Unmarshal([]byte(encoded.JSON), &document); err != nil {
		return Verdict{Error: err.Error()}
	}
	return Verdict{Meta: text(document.Schema.Meta), Config: text(document.Schema.Fields[0].Config)}
}

func (t Text) arrow() (*data.Frame, error) {
	fieldMetadata, metadata := map[string]string{"tstype": "number"}, map[string]string{"name": "", "refId": ""}
	if t.Meta != nil {
		metadata["meta"] = *t.Meta
	}
	if t.Config != nil {
		fieldMetadata["config"] = *t.Config
	}
	field := arrow.Field{Name: "v", Type: arrow.PrimitiveTypes.Float64, Metadata: arrow.MetadataFrom(fieldMetadata)}
	schemaMetadata := arrow.MetadataFrom(metadata)
	file := &seekable{}
	writer, err := ipc.NewFileWriter(file, ipc.WithSchema(arrow.NewSchema([]arrow.Field{field}, &schemaMetadata)))
	if err != nil {
		return nil, err
	}
	if err := writer.Close(); err != nil {
		return nil, err
	}
	return data.UnmarshalArrowFrame(file.Bytes())
}

func (t Text) json() (*data.Frame, error) {
	document := bytes.NewBufferString(`{"schema":{`)
	if t.Meta != nil {
		document.WriteString(`"meta":` + *t.Meta + `,`)
	}
	document.WriteString(`"fields":[{"name":"v","typeInfo":{"frame":"float64"}`)
	if t.Config != nil {
		document.WriteString(`,"config":` + *t.Config)
	}
	document.WriteString(`}]},"data":{"values":[[]]}}`)
	var frame data.Frame
	err := frame.UnmarshalJSON(document.Bytes())
	return &frame, err
}

// seekable is what the Arrow writer wants; it never seeks.
type seekable struct {
	bytes.Buffer
}

func (s *seekable) Seek(int64, int) (int64, error) {
	return int64(s.Len()), nil
}

func value(pairs map[string]string, key string) *string {
	if value, ok := pairs[key]; ok {
		return &value
	}
	return nil
}

func text(raw json.RawMessage) *string {
	if raw == nil {
		return nil
	}
	text := string(raw)
	return &text
}
