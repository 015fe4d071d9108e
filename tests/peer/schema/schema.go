// Package schema converts protobuf descriptors so that two servers can be compared: sorted, without file names,
// comments and options, and with all files of one package merged.
package schema

import (
	"cmp"
	"slices"
	"strings"

	"google.golang.org/protobuf/types/descriptorpb"
)

// Schema is one protobuf package.
type Schema struct {
	Package  string    `json:"package"`
	Services []Service `json:"services"`
	Messages []Message `json:"messages"`
	Enums    []Enum    `json:"enums"`
}

// Service is a service with its methods by name.
type Service struct {
	Name    string   `json:"name"`
	Methods []Method `json:"methods"`
}

// Method has the full names of its messages.
type Method struct {
	Name            string `json:"name"`
	Input           string `json:"input"`
	Output          string `json:"output"`
	ClientStreaming bool   `json:"client_streaming"`
	ServerStreaming bool   `json:"server_streaming"`
}

// Message is a message with its fields by number; nested ones are listed as `Outer.Inner`.
type Message struct {
	Name   string  `json:"name"`
	Fields []Field `json:"fields"`
}

// Field has a type, which is a scalar's name, a full name, or `map<key, value>`, and a label, which is optional,
// required or repeated.
type Field struct {
	Number int32  `json:"number"`
	Name   string `json:"name"`
	Type   string `json:"type"`
	Label  string `json:"label"`
	// Explicit is true for a field that distinguishes unset from zero because it is declared `optional`.
	Explicit bool   `json:"explicit,omitempty"`
	OneOf    string `json:"oneof,omitempty"`
}

// Enum is an enum with its values by number.
type Enum struct {
	Name   string  `json:"name"`
	Values []Value `json:"values"`
}

// Value is one value of an enum.
type Value struct {
	Number int32  `json:"number"`
	Name   string `json:"name"`
}

// New describes the package of that name as the files declare it.
func New(name string, files map[string]*descriptorpb.FileDescriptorProto) *Schema {
	schema := &Schema{Package: name, Services: []Service{}, Messages: []Message{}, Enums: []Enum{}}
	for _, file := range files {
		if file.GetPackage() != name {
			continue
		}
		for _, service := range file.GetService() {
			schema.Services = append(schema.Services, newService(service))
		}
		for _, message := range file.GetMessageType() {
			schema.addMessage("", message)
		}
		for _, enum := range file.GetEnumType() {
			schema.Enums = append(schema.Enums, newEnum("", enum))
		}
	}
	slices.SortFunc(schema.Services, func(a, b Service) int { return cmp.Compare(a.Name, b.Name) })
	slices.SortFunc(schema.Messages, func(a, b Message) int { return cmp.Compare(a.Name, b.Name) })
	slices.SortFunc(schema.Enums, func(a, b Enum) int { return cmp.Compare(a.Name, b.Name) })
	return schema
}

func newService(descriptor *descriptorpb.ServiceDescriptorProto) Service {
	service := Service{Name: descriptor.GetName(), Methods: []Method{}}
	for _, method := range descriptor.GetMethod() {
		service.Methods = append(service.Methods, Method{
			Name:            method.GetName(),
			Input:           fullName(method.GetInputType()),
			Output:          fullName(method.GetOutputType()),
			ClientStreaming: method.GetClientStreaming(),
			ServerStreaming: method.GetServerStreaming(),
		})
	}
	slices.SortFunc(service.Methods, func(a, b Method) int { return cmp.Compare(a.Name, b.Name) })
	return service
}

func (s *Schema) addMessage(outer string, descriptor *descriptorpb.DescriptorProto) {
	name := outer + descriptor.GetName()
	entries := map[string]*descriptorpb.DescriptorProto{}
	for _, nested := range descriptor.GetNestedType() {
		if nested.GetOptions().GetMapEntry() {
			entries[nested.GetName()] = nested
			continue
		}
		s.addMessage(name+".", nested)
	}
	for _, enum := range descriptor.GetEnumType() {
		s.Enums = append(s.Enums, newEnum(name+".", enum))
	}
	message := Message{Name: name, Fields: []Field{}}
	for _, field := range descriptor.GetField() {
		message.Fields = append(message.Fields, newField(field, descriptor, entries))
	}
	slices.SortFunc(message.Fields, func(a, b Field) int { return cmp.Compare(a.Number, b.Number) })
	s.Messages = append(s.Messages, message)
}

func newField(
	field *descriptorpb.FieldDescriptorProto,
	message *descriptorpb.DescriptorProto,
	entries map[string]*descriptorpb.DescriptorProto,
) Field {
	result := Field{
		Number:   field.GetNumber(),
		Name:     field.GetName(),
		Type:     typeName(field),
		Label:    lowerAfter(field.GetLabel().String(), "LABEL_"),
		Explicit: field.GetProto3Optional(),
	}
	if field.OneofIndex != nil && !field.GetProto3Optional() {
		result.OneOf = message.GetOneofDecl()[field.GetOneofIndex()].GetName()
	}
	inner := field.GetTypeName()[strings.LastIndexByte(field.GetTypeName(), '.')+1:]
	if entry := entries[inner]; entry != nil {
		result.Type = "map<" + typeName(entry.GetField()[0]) + ", " + typeName(entry.GetField()[1]) + ">"
	}
	return result
}

func typeName(field *descriptorpb.FieldDescriptorProto) string {
	if field.GetTypeName() != "" {
		return fullName(field.GetTypeName())
	}
	return lowerAfter(field.GetType().String(), "TYPE_")
}

func newEnum(outer string, descriptor *descriptorpb.EnumDescriptorProto) Enum {
	enum := Enum{Name: outer + descriptor.GetName(), Values: []Value{}}
	for _, value := range descriptor.GetValue() {
		enum.Values = append(enum.Values, Value{Number: value.GetNumber(), Name: value.GetName()})
	}
	slices.SortFunc(enum.Values, func(a, b Value) int { return cmp.Compare(a.Number, b.Number) })
	return enum
}

func fullName(name string) string {
	return strings.TrimPrefix(name, ".")
}

func lowerAfter(word, prefix string) string {
	return strings.ToLower(strings.TrimPrefix(word, prefix))
}
