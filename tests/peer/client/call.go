package client

import (
	"context"
	"encoding/json"
	"time"

	"github.com/grafana/grafana-plugin-sdk-go/backend"
	"github.com/grafana/grafana-plugin-sdk-go/genproto/pluginv2"
	"go.opentelemetry.io/otel/propagation"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
)

// Call holds the options of every call to the plugin.
type Call struct {
	// TimeoutMS is the deadline, which is sent to the plugin. CancelAfterMS cancels the call; the plugin does not know
	// it beforehand.
	TimeoutMS     int               `json:"timeout_ms"`
	CancelAfterMS int               `json:"cancel_after_ms"`
	Traceparent   string            `json:"traceparent"`
	Tracestate    string            `json:"tracestate"`
	Metadata      map[string]string `json:"metadata"`
}

// Failure is a gRPC error.
type Failure struct {
	Code        string            `json:"code"`
	Message     string            `json:"message"`
	ErrorSource string            `json:"error_source,omitempty"`
	Details     []json.RawMessage `json:"details,omitempty"`
}

func (f *Failure) Error() string {
	return f.Code + ": " + f.Message
}

// PluginContext says for which data source or app, and on whose behalf, a call is made.
type PluginContext struct {
	OrgID         int64             `json:"org_id"`
	PluginID      string            `json:"plugin_id"`
	PluginVersion string            `json:"plugin_version"`
	APIVersion    string            `json:"api_version"`
	Namespace     string            `json:"namespace"`
	UserAgent     string            `json:"user_agent"`
	Config        map[string]string `json:"config"`
	User          *User             `json:"user"`
	DataSource    *DataSource       `json:"data_source"`
	App           *App              `json:"app"`
}

// User is the user of Grafana.
type User struct {
	Login string `json:"login"`
	Name  string `json:"name"`
	Email string `json:"email"`
	Role  string `json:"role"`
}

// DataSource is a data source's settings.
type DataSource struct {
	ID            int64             `json:"id"`
	UID           string            `json:"uid"`
	Name          string            `json:"name"`
	URL           string            `json:"url"`
	User          string            `json:"user"`
	Database      string            `json:"database"`
	BasicAuth     bool              `json:"basic_auth"`
	BasicAuthUser string            `json:"basic_auth_user"`
	JSONData      json.RawMessage   `json:"json_data"`
	Secure        map[string]string `json:"secure"`
	UpdatedMS     int64             `json:"updated_ms"`
	APIVersion    string            `json:"api_version"`
}

// App is an app's settings.
type App struct {
	JSONData   json.RawMessage   `json:"json_data"`
	Secure     map[string]string `json:"secure"`
	UpdatedMS  int64             `json:"updated_ms"`
	APIVersion string            `json:"api_version"`
}

// Context returns the call's own context: its deadline, its trace context for the gRPC handler, and its metadata.
func (c Call) Context() (context.Context, context.CancelFunc) {
	carrier := propagation.MapCarrier{"traceparent": c.Traceparent, "tracestate": c.Tracestate}
	ctx := propagation.TraceContext{}.Extract(context.Background(), carrier)
	for key, value := range c.Metadata {
		ctx = metadata.AppendToOutgoingContext(ctx, key, value)
	}
	cancel := func() {}
	if c.TimeoutMS > 0 {
		ctx, cancel = context.WithTimeout(ctx, time.Duration(c.TimeoutMS)*time.Millisecond)
	}
	if c.CancelAfterMS > 0 {
		hangUp, stop := context.WithCancel(ctx)
		timer := time.AfterFunc(time.Duration(c.CancelAfterMS)*time.Millisecond, stop)
		outer := cancel
		return hangUp, func() { timer.Stop(); stop(); outer() }
	}
	return ctx, cancel
}

// failure reads a gRPC error with the SDK's own code, as Grafana does.
func failure(ctx context.Context, err error) *Failure {
	state := status.Convert(err)
	failure := &Failure{Code: state.Code().String(), Message: state.Message()}
	if source, known := backend.ErrorSourceFromGrpcStatusError(ctx, err); known {
		failure.ErrorSource = string(source)
	}
	for _, detail := range state.Details() {
		if message, isProto := detail.(proto.Message); isProto {
			text, _ := protojson.Marshal(message)
			failure.Details = append(failure.Details, text)
		}
	}
	return failure
}

func (p PluginContext) proto() *pluginv2.PluginContext {
	message := &pluginv2.PluginContext{
		OrgId: p.OrgID, PluginId: p.PluginID, PluginVersion: p.PluginVersion, ApiVersion: p.APIVersion,
		Namespace: p.Namespace, UserAgent: p.UserAgent, GrafanaConfig: p.Config,
	}
	if u := p.User; u != nil {
		message.User = &pluginv2.User{Login: u.Login, Name: u.Name, Email: u.Email, Role: u.Role}
	}
	if d := p.DataSource; d != nil {
		message.DataSourceInstanceSettings = &pluginv2.DataSourceInstanceSettings{
			Id: d.ID, Uid: d.UID, Name: d.Name, Url: d.URL, User: d.User, Database: d.Database,
			BasicAuthEnabled: d.BasicAuth, BasicAuthUser: d.BasicAuthUser, JsonData: d.JSONData,
			DecryptedSecureJsonData: d.Secure, LastUpdatedMS: d.UpdatedMS, ApiVersion: d.APIVersion,
		}
	}
	if a := p.App; a != nil {
		message.AppInstanceSettings = &pluginv2.AppInstanceSettings{
			JsonData: a.JSONData, DecryptedSecureJsonData: a.Secure, LastUpdatedMS: a.UpdatedMS, ApiVersion: a.APIVersion,
		}
	}
	return message
}
