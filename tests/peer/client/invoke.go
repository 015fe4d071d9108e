package client

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/dynamicpb"
)

// Invoke calls any method of pluginv2 or go-plugin by name, for methods that have no command of their own. Method is,
// for example, pluginv2.Stream/RunStream; Request is in protobuf's JSON format.
type Invoke struct {
	Call
	Method      string          `json:"method"`
	Request     json.RawMessage `json:"request"`
	MaxMessages int             `json:"max_messages"`
}

// Invoked holds the messages that were received, and the error that ended the call, if there was one.
type Invoked struct {
	Messages []json.RawMessage `json:"messages"`
	Error    *Failure          `json:"error,omitempty"`
}

// Invoke calls the method and reads the answer to its end, or reads MaxMessages and then cancels the call.
func (p *Plugin) Invoke(invoke Invoke) (*Invoked, error) {
	if p.grpc == nil {
		return nil, errNotConnected
	}
	method, err := findMethod(invoke.Method)
	if err != nil {
		return nil, err
	}
	request := dynamicpb.NewMessage(method.Input())
	if len(invoke.Request) > 0 {
		if err := protojson.Unmarshal(invoke.Request, request); err != nil {
			return nil, fmt.Errorf("read the request: %w", err)
		}
	}
	ctx, cancel := invoke.Context()
	defer cancel()
	description := &grpc.StreamDesc{ServerStreams: method.IsStreamingServer(), ClientStreams: method.IsStreamingClient()}
	stream, err := p.grpc.Conn.NewStream(ctx, description, "/"+invoke.Method)
	if err != nil {
		return nil, failure(ctx, err)
	}
	// If the stream is refused, Send fails with EOF, and Recv returns the reason.
	if err := stream.SendMsg(request); err != nil && !errors.Is(err, io.EOF) {
		return nil, failure(ctx, err)
	}
	if err := stream.CloseSend(); err != nil {
		return nil, failure(ctx, err)
	}
	answer := &Invoked{Messages: []json.RawMessage{}}
	for invoke.MaxMessages == 0 || len(answer.Messages) < invoke.MaxMessages {
		message := dynamicpb.NewMessage(method.Output())
		err := stream.RecvMsg(message)
		if errors.Is(err, io.EOF) {
			return answer, nil
		}
		if err != nil {
			answer.Error = failure(ctx, err)
			return answer, nil
		}
		text, err := protojson.Marshal(message)
		if err != nil {
			return nil, fmt.Errorf("write the answer as JSON: %w", err)
		}
		answer.Messages = append(answer.Messages, text)
		if !method.IsStreamingServer() {
			return answer, nil
		}
	}
	return answer, nil
}

func findMethod(path string) (protoreflect.MethodDescriptor, error) {
	name := protoreflect.FullName(strings.ReplaceAll(path, "/", "."))
	descriptor, err := protoregistry.GlobalFiles.FindDescriptorByName(name)
	if err != nil {
		return nil, fmt.Errorf("unknown method %q", path)
	}
	method, isMethod := descriptor.(protoreflect.MethodDescriptor)
	if !isMethod {
		return nil, fmt.Errorf("%q is not a method", path)
	}
	return method, nil
}
