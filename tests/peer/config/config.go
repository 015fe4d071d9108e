// Package config reads what Grafana says of itself with the SDK's accessors.
package config

import (
	"regexp"
	"strconv"
	"time"

	"github.com/grafana/grafana-plugin-sdk-go/backend/useragent"
	"github.com/grafana/grafana-plugin-sdk-go/config"
)

// Said is what Grafana sends with a call.
type Said struct {
	Config    map[string]string `json:"config"`
	UserAgent string            `json:"user_agent"`
	Toggles   []string          `json:"toggles"`
}

// Values are what the accessors return. What they return an error for is null, and so is an empty text.
type Values struct {
	Grafana                *[3]string   `json:"grafana"`
	Toggles                []bool       `json:"toggles"`
	AppURL                 *string      `json:"app_url"`
	ConcurrentQueryCount   *int         `json:"concurrent_query_count"`
	UserFacingDefaultError *string      `json:"user_facing_default_error"`
	SQL                    *[4]int64    `json:"sql"`
	ResponseLimit          int64        `json:"response_limit"`
	LiveClientQueueMaxSize *int64       `json:"live_client_queue_max_size"`
	OpenFeature            *OpenFeature `json:"open_feature"`
}

// OpenFeature is where feature flags are evaluated.
type OpenFeature struct {
	ProviderType string            `json:"provider_type"`
	URL          string            `json:"url"`
	CacheTTL     *int64            `json:"cache_ttl_seconds"`
	Attributes   map[string]string `json:"attributes"`
}

var userAgent = regexp.MustCompile(`\((.*); (.*)\)$`)

// Run reads it.
func (s Said) Run() (*Values, error) {
	all := config.NewGrafanaCfg(s.Config)
	values := &Values{ResponseLimit: all.ResponseLimit()}
	if agent, err := useragent.Parse(s.UserAgent); err == nil {
		values.Grafana = named(agent)
	}
	for _, toggle := range s.Toggles {
		values.Toggles = append(values.Toggles, all.FeatureToggles().IsEnabled(toggle))
	}
	values.AppURL = text(all.AppURL())
	values.UserFacingDefaultError = text(all.UserFacingDefaultError())
	if count, err := all.ConcurrentQueryCount(); err == nil {
		values.ConcurrentQueryCount = &count
	}
	if sql, err := all.SQL(); err == nil {
		values.SQL = &[4]int64{
			sql.RowLimit,
			int64(sql.DefaultMaxOpenConns),
			int64(sql.DefaultMaxIdleConns),
			int64(sql.DefaultMaxConnLifetimeSeconds),
		}
	}
	// The SDK has no more than the key.
	if size, err := strconv.ParseInt(all.Get(config.LiveClientQueueMaxSize), 10, 64); err == nil {
		values.LiveClientQueueMaxSize = &size
	}
	if flags, err := all.OpenFeature(); err == nil {
		values.OpenFeature = &OpenFeature{flags.ProviderType, flags.URL, nil, map[string]string{}}
		if flags.CacheTTL != 0 {
			seconds := int64(flags.CacheTTL / time.Second)
			values.OpenFeature.CacheTTL = &seconds
		}
		if flags.ContextAttrs != nil {
			values.OpenFeature.Attributes = flags.ContextAttrs
		}
	}
	return values, nil
}

// named takes the system and the processor from the whole text, since the SDK does not return them.
func named(agent *useragent.UserAgent) *[3]string {
	parts := userAgent.FindStringSubmatch(agent.String())
	return &[3]string{agent.GrafanaVersion(), parts[1], parts[2]}
}

func text(value string, err error) *string {
	if err != nil || value == "" {
		return nil
	}
	return &value
}
