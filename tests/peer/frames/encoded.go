// Package frames shows what the Go SDK reads and writes of a frame, byte for byte.
package frames

import (
	"fmt"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/ipc"
	"github.com/grafana/grafana-plugin-sdk-go/data"
	"github.com/mattetti/filebuffer"
)

// The formats of a frame, as commands and answers name them.
const (
	Arrow = "arrow"
	JSON  = "json"
)

// Encoded is a frame as it is sent: the whole JSON text, or what an Arrow file says besides its cells.
type Encoded struct {
	JSON   string            `json:"json,omitempty"`
	Schema map[string]string `json:"schema,omitempty"`
	Fields []Field           `json:"fields,omitempty"`
}

// Field is a field of an Arrow file. Buffers are the lengths of its column's buffers besides the bitmap of the validity, which
// the SDK fills up to whole words; there are none if the file has no batch.
type Field struct {
	Name     string            `json:"name"`
	Type     string            `json:"type"`
	Nullable bool              `json:"nullable"`
	Metadata map[string]string `json:"metadata"`
	Nulls    int               `json:"nulls"`
	Validity bool              `json:"validity"`
	Buffers  []int             `json:"buffers,omitempty"`
}

// Read returns what was sent.
func Read(format string, sent []byte) (*Encoded, error) {
	if format == JSON {
		return &Encoded{JSON: string(sent)}, nil
	}
	reader, err := ipc.NewFileReader(filebuffer.New(sent))
	if err != nil {
		return nil, fmt.Errorf("read the Arrow file: %w", err)
	}
	defer reader.Close()
	schema := reader.Schema()
	encoded := &Encoded{Schema: pairs(schema.Metadata()), Fields: []Field{}}
	for _, field := range schema.Fields() {
		encoded.Fields = append(encoded.Fields, Field{
			Name: field.Name, Type: field.Type.String(), Nullable: field.Nullable, Metadata: pairs(field.Metadata),
		})
	}
	for number := range reader.NumRecords() {
		batch, err := reader.RecordAt(number)
		if err != nil {
			return nil, fmt.Errorf("read batch %d of the Arrow file: %w", number, err)
		}
		for i, column := range batch.Columns() {
			buffers := column.Data().Buffers()
			encoded.Fields[i].Nulls += column.NullN()
			encoded.Fields[i].Validity = buffers[0] != nil && buffers[0].Len() > 0
			for _, buffer := range buffers[1:] {
				length := 0
				if buffer != nil {
					length = buffer.Len()
				}
				encoded.Fields[i].Buffers = append(encoded.Fields[i].Buffers, length)
			}
		}
	}
	return encoded, nil
}

// Write returns what the SDK sends for the frame.
func Write(format string, frame *data.Frame) (*Encoded, error) {
	var sent []byte
	var err error
	if format == JSON {
		sent, err = data.FrameToJSON(frame, data.IncludeAll)
	} else {
		sent, err = frame.MarshalArrow()
	}
	if err != nil {
		return nil, fmt.Errorf("encode the frame: %w", err)
	}
	return Read(format, sent)
}

func pairs(metadata arrow.Metadata) map[string]string {
	pairs := map[string]string{}
	for i, key := range metadata.Keys() {
		pairs[key] = metadata.Values()[i]
	}
	return pairs
}
