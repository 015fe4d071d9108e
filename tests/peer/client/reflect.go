package client

import (
	"context"
	"fmt"
	"slices"

	"google.golang.org/grpc"
	reflection "google.golang.org/grpc/reflection/grpc_reflection_v1"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/descriptorpb"

	"gpx-wasm/tests/peer/schema"
)

// Reflect selects the protobuf packages to describe; the default is pluginv2.
type Reflect struct {
	Call
	Packages []string `json:"packages"`
}

// Reflected lists what the plugin serves.
type Reflected struct {
	Services []string         `json:"services"`
	Schemas  []*schema.Schema `json:"schemas"`
}

// Reflect asks the plugin's reflection service for all services and for the schema of some packages.
func (p *Plugin) Reflect(request Reflect) (*Reflected, error) {
	if p.grpc == nil {
		return nil, errNotConnected
	}
	if len(request.Packages) == 0 {
		request.Packages = []string{"pluginv2"}
	}
	ctx, cancel := request.Context()
	defer cancel()
	reflector, err := newReflector(ctx, p.grpc.Conn)
	if err != nil {
		return nil, failure(ctx, err)
	}
	services, err := reflector.services()
	if err != nil {
		return nil, err
	}
	for _, service := range services {
		if err := reflector.load(service); err != nil {
			return nil, fmt.Errorf("describe the service %s: %w", service, err)
		}
	}
	result := &Reflected{Services: services}
	for _, name := range request.Packages {
		result.Schemas = append(result.Schemas, schema.New(name, reflector.files))
	}
	return result, nil
}

// reflector is one stream of questions to a reflection service.
type reflector struct {
	stream grpc.BidiStreamingClient[reflection.ServerReflectionRequest, reflection.ServerReflectionResponse]
	files  map[string]*descriptorpb.FileDescriptorProto
}

func newReflector(ctx context.Context, connection *grpc.ClientConn) (*reflector, error) {
	stream, err := reflection.NewServerReflectionClient(connection).ServerReflectionInfo(ctx)
	return &reflector{stream: stream, files: map[string]*descriptorpb.FileDescriptorProto{}}, err
}

func (r *reflector) ask(request *reflection.ServerReflectionRequest) (*reflection.ServerReflectionResponse, error) {
	// If the stream is refused, Send fails with EOF, and Recv returns the reason.
	_ = r.stream.Send(request)
	response, err := r.stream.Recv()
	if err != nil {
		return nil, failure(r.stream.Context(), err)
	}
	if refusal := response.GetErrorResponse(); refusal != nil {
		return nil, fmt.Errorf("reflection: %s", refusal.ErrorMessage)
	}
	return response, nil
}

func (r *reflector) services() ([]string, error) {
	response, err := r.ask(&reflection.ServerReflectionRequest{
		MessageRequest: &reflection.ServerReflectionRequest_ListServices{},
	})
	if err != nil {
		return nil, err
	}
	names := []string{}
	for _, service := range response.GetListServicesResponse().GetService() {
		names = append(names, service.Name)
	}
	slices.Sort(names)
	return names, nil
}

// load fetches the file that declares a symbol, and the files that it imports.
func (r *reflector) load(symbol string) error {
	response, err := r.ask(&reflection.ServerReflectionRequest{
		MessageRequest: &reflection.ServerReflectionRequest_FileContainingSymbol{FileContainingSymbol: symbol},
	})
	if err != nil {
		return err
	}
	return r.keep(response)
}

func (r *reflector) keep(response *reflection.ServerReflectionResponse) error {
	var missing []string
	for _, bytes := range response.GetFileDescriptorResponse().GetFileDescriptorProto() {
		file := &descriptorpb.FileDescriptorProto{}
		if err := proto.Unmarshal(bytes, file); err != nil {
			return fmt.Errorf("read a file descriptor: %w", err)
		}
		r.files[file.GetName()] = file
		missing = append(missing, file.GetDependency()...)
	}
	for _, name := range missing {
		if r.files[name] != nil {
			continue
		}
		response, err := r.ask(&reflection.ServerReflectionRequest{
			MessageRequest: &reflection.ServerReflectionRequest_FileByFilename{FileByFilename: name},
		})
		if err != nil {
			return fmt.Errorf("import %s: %w", name, err)
		}
		if err := r.keep(response); err != nil {
			return err
		}
	}
	return nil
}
