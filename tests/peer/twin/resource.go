package main

import (
	"encoding/json"
	"io"
	"net/http"
)

func (b *httpBackend) resources() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("/echo", echo)
	mux.HandleFunc("POST /migrate-query", migrateQuery)
	// The tests' component has these, too.
	mux.HandleFunc("/upstream", b.upstream)
	for _, pattern := range []string{
		"GET /tables", "POST /tables", "GET /tables/{table}", "POST /tables/new",
		"DELETE /tables/{table}/rows/{row}", "GET /files/{rest...}", "/any/{table}",
	} {
		mux.HandleFunc(pattern, routed)
	}
	return mux
}

// routed sends the method, what the wildcards of the pattern stand for, and the parameters of the query string.
func routed(w http.ResponseWriter, r *http.Request) {
	values := []string{r.PathValue("table"), r.PathValue("row"), r.PathValue("rest")}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode([]any{r.Method, values, r.URL.Query()})
}

// upstream sends what the data source's own URL answers.
func (b *httpBackend) upstream(w http.ResponseWriter, r *http.Request) {
	request, err := http.NewRequestWithContext(r.Context(), http.MethodGet, b.url, nil)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	response, err := b.client.Do(request)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadGateway)
		return
	}
	defer response.Body.Close()
	_, _ = io.Copy(w, response.Body)
}

func echo(w http.ResponseWriter, r *http.Request) {
	if contentType := r.Header.Get("Content-Type"); contentType != "" {
		w.Header().Set("Content-Type", contentType)
	}
	_, _ = io.Copy(w, r.Body)
}

func migrateQuery(w http.ResponseWriter, r *http.Request) {
	text, err := io.ReadAll(r.Body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	migrated, err := migrateModel(text)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(migrated)
}
