package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"

	"github.com/grafana/grafana-plugin-sdk-go/backend"
	"github.com/grafana/grafana-plugin-sdk-go/backend/app"
	"github.com/grafana/grafana-plugin-sdk-go/backend/instancemgmt"
	"github.com/grafana/grafana-plugin-sdk-go/backend/resource/httpadapter"
)

// team is one version of the settings of examples/app.
type team struct {
	backend.CallResourceHandler `json:"-"`

	Team    string   `json:"team"`
	Members []string `json:"members"`
	HasKey  bool     `json:"has_key"`
}

// manageApp runs examples/app instead of the data source.
func manageApp() error {
	return app.Manage("gpx-team-app", openApp, app.ManageOpts{})
}

func openApp(_ context.Context, settings backend.AppInstanceSettings) (instancemgmt.Instance, error) {
	instance := &team{}
	if err := json.Unmarshal(settings.JSONData, instance); err != nil {
		return nil, fmt.Errorf("jsonData of the app: %w", err)
	}
	instance.HasKey = settings.DecryptedSecureJSONData["directoryKey"] != ""
	mux := http.NewServeMux()
	mux.HandleFunc("GET /team", func(w http.ResponseWriter, _ *http.Request) { answer(w, instance) })
	mux.HandleFunc("POST /team/{member}/greeting", instance.greet)
	instance.CallResourceHandler = httpadapter.New(mux)
	return instance, nil
}

func (t *team) greet(w http.ResponseWriter, r *http.Request) {
	var greeting struct {
		Word string `json:"word"`
	}
	member, from := r.PathValue("member"), "Grafana"
	if !slices.Contains(t.Members, member) {
		http.Error(w, fmt.Sprintf("`%s` is not in team `%s`", member, t.Team), http.StatusNotFound)
		return
	}
	if err := json.NewDecoder(r.Body).Decode(&greeting); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	if user := backend.UserFromContext(r.Context()); user != nil {
		from = user.Name
	}
	answer(w, fmt.Sprintf("%s, %s! From %s", greeting.Word, member, from))
}

func answer(w http.ResponseWriter, value any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(value)
}

func (t *team) CheckHealth(context.Context, *backend.CheckHealthRequest) (*backend.CheckHealthResult, error) {
	if t.Team == "" {
		return unhealthy("The app has no team: choose one on its configuration page"), nil
	}
	return &backend.CheckHealthResult{Status: backend.HealthStatusOk, Message: "The app is for team " + t.Team}, nil
}
