package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/grafana/grafana-plugin-sdk-go/backend"
	"github.com/grafana/grafana-plugin-sdk-go/backend/datasource"
)

// objects admits and converts objects. The tests' component has the same kinds and versions.
type objects struct{}

// serveObjects adds the services that the environment names. Without that, they are not there.
func serveObjects(options *datasource.ManageOpts) {
	served := strings.Split(os.Getenv("TWIN_SERVES"), ",")
	if slices.Contains(served, "admission") {
		options.AdmissionHandler = objects{}
	}
	if slices.Contains(served, "conversion") {
		options.ConversionHandler = objects{}
	}
	if slices.Contains(served, "query-conversion") {
		options.QueryConversionHandler = objects{}
	}
}

func (objects) ValidateAdmission(_ context.Context, request *backend.AdmissionRequest) (*backend.ValidationResponse, error) {
	allowed := &backend.ValidationResponse{Allowed: true}
	switch request.Kind.Kind {
	case "Echo":
		kind := request.Kind
		text := fmt.Sprintf("%s %s/%s %s %d %d", strings.ToLower(request.Operation.String()), kind.Group, kind.Version, kind.Kind,
			len(request.ObjectBytes), len(request.OldObjectBytes))
		return &backend.ValidationResponse{Allowed: true, Warnings: []string{text}}, nil
	case "Denied":
		result := &backend.StatusResult{Status: "Failure", Message: "the object has no title", Reason: "Invalid", Code: 422}
		return &backend.ValidationResponse{Result: result, Warnings: []string{"think twice"}}, nil
	case "Fault":
		return nil, backend.DownstreamError(errors.New("nobody can be asked"))
	}
	return allowed, nil
}

func (o objects) MutateAdmission(ctx context.Context, request *backend.AdmissionRequest) (*backend.MutationResponse, error) {
	verdict, err := o.ValidateAdmission(ctx, request)
	if err != nil {
		return nil, err
	}
	mutation := &backend.MutationResponse{
		Allowed: verdict.Allowed, Result: verdict.Result, Warnings: verdict.Warnings, ObjectBytes: request.ObjectBytes,
	}
	switch request.Kind.Kind {
	case "Denied":
		mutation.ObjectBytes = nil
	case "Stamped":
		mutation.ObjectBytes, err = changed(request.ObjectBytes, "stamped", true)
	case "DataSourceInstanceSettings":
		settings, err := backend.DataSourceInstanceSettingsFromProto(request.ObjectBytes, "")
		if err != nil {
			return nil, err
		}
		settings.Name += " (checked)"
		mutation.ObjectBytes, err = backend.DataSourceInstanceSettingsToProtoBytes(settings)
		if err != nil {
			return nil, err
		}
		text := fmt.Sprintf("%s at %s, a token: %t", strings.TrimSuffix(settings.Name, " (checked)"), settings.URL,
			settings.DecryptedSecureJSONData["token"] != "")
		mutation.Warnings = []string{text}
	}
	return mutation, err
}

func (objects) ConvertObjects(_ context.Context, request *backend.ConversionRequest) (*backend.ConversionResponse, error) {
	response := &backend.ConversionResponse{UID: request.UID}
	switch version := request.TargetVersion.Version; version {
	case "v9":
		response.Result = &backend.StatusResult{Status: "Failure", Message: "there is no v9", Reason: "NotFound", Code: 404}
	case "fault":
		return nil, backend.DownstreamError(errors.New("the registry of versions is down"))
	default:
		for _, object := range request.Objects {
			raw, err := changed(object.Raw, "apiVersion", request.TargetVersion.Group+"/"+version)
			if err != nil {
				return nil, err
			}
			response.Objects = append(response.Objects, backend.RawObject{Raw: raw, ContentType: object.ContentType})
		}
	}
	return response, nil
}

func (objects) ConvertQueryDataRequest(_ context.Context, request *backend.QueryDataRequest) (*backend.QueryConversionResponse, error) {
	response := &backend.QueryConversionResponse{}
	for _, query := range request.Queries {
		if query.RefID == "fault" {
			return nil, backend.DownstreamError(errors.New("the queries cannot be converted now"))
		}
		response.Queries = append(response.Queries, map[string]any{"refId": query.RefID, "version": 2})
	}
	return response, nil
}

// changed sets a key of a JSON object.
func changed(text []byte, key string, value any) ([]byte, error) {
	var object map[string]any
	if err := json.Unmarshal(text, &object); err != nil {
		return nil, err
	}
	object[key] = value
	return json.Marshal(object)
}
