package schema

import (
	"reflect"
	"testing"

	"github.com/grafana/grafana-plugin-sdk-go/genproto/pluginv2"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/types/descriptorpb"
)

func TestPluginv2IsDescribedWithMapsStreamsAndNestedEnums(t *testing.T) {
	file := protodesc.ToFileDescriptorProto(pluginv2.File_backend_proto)
	described := New("pluginv2", map[string]*descriptorpb.FileDescriptorProto{"backend.proto": file})

	want := []Field{
		{Number: 1, Name: "pluginContext", Type: "pluginv2.PluginContext", Label: "optional"},
		{Number: 2, Name: "headers", Type: "map<string, string>", Label: "repeated"},
		{Number: 3, Name: "queries", Type: "pluginv2.DataQuery", Label: "repeated"},
		{Number: 4, Name: "format", Type: "pluginv2.DataFrameFormat", Label: "optional"},
	}
	if got := message(described, "QueryDataRequest"); !reflect.DeepEqual(got, want) {
		t.Errorf("QueryDataRequest: got %+v", got)
	}
	if message(described, "QueryDataRequest.HeadersEntry") != nil {
		t.Error("a map's entry is listed as a message")
	}
	if !hasEnum(described, "CheckHealthResponse.HealthStatus") {
		t.Error("an enum inside a message is missing")
	}
	for _, service := range described.Services {
		for _, method := range service.Methods {
			streamed := method.Name == "CallResource" || method.Name == "RunStream" || method.Name == "QueryChunkedData"
			if method.ServerStreaming != streamed || method.ClientStreaming {
				t.Errorf("%s/%s: %+v", service.Name, method.Name, method)
			}
		}
	}
}

func TestTheOrderAndSplitOfFilesDoNotMatter(t *testing.T) {
	whole := protodesc.ToFileDescriptorProto(pluginv2.File_backend_proto)
	services := protodesc.ToFileDescriptorProto(pluginv2.File_backend_proto)
	services.MessageType, services.EnumType = nil, nil
	rest := protodesc.ToFileDescriptorProto(pluginv2.File_backend_proto)
	rest.Service = nil
	for i, j := 0, len(rest.MessageType)-1; i < j; i, j = i+1, j-1 {
		rest.MessageType[i], rest.MessageType[j] = rest.MessageType[j], rest.MessageType[i]
	}
	one := New("pluginv2", map[string]*descriptorpb.FileDescriptorProto{"a": whole})
	two := New("pluginv2", map[string]*descriptorpb.FileDescriptorProto{"b": services, "c": rest})
	if !reflect.DeepEqual(one, two) {
		t.Error("the same package is described differently")
	}
	rest.MessageType[0].Field[0].Number = new(int32(99))
	if reflect.DeepEqual(one, New("pluginv2", map[string]*descriptorpb.FileDescriptorProto{"b": services, "c": rest})) {
		t.Error("a different field number goes unnoticed")
	}
}

func message(schema *Schema, name string) []Field {
	for _, message := range schema.Messages {
		if message.Name == name {
			return message.Fields
		}
	}
	return nil
}

func hasEnum(schema *Schema, name string) bool {
	for _, enum := range schema.Enums {
		if enum.Name == name {
			return true
		}
	}
	return false
}
