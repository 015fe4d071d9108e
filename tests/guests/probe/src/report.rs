//! What the host passed to the guest, as frames of names and values, and what the guest reports to the host without an
//! upstream.

use gpx_sdk::log::{self, Level};
use gpx_sdk::{
    Attribute, Context, Fault, Frame, Grafana, OpenFeature, Query, Result, Settings, Source, SqlConfig,
    attributes, span,
};
use serde::Deserialize;
use serde_json::{Value, json};

/// Returns the call's context, headers and deadline.
pub fn context(context: &Context) -> Vec<Frame> {
    let plugin = context.plugin();
    let mut pairs = Pairs::default();
    pairs.add("org-id", plugin.org_id);
    pairs.add("plugin-id", &plugin.plugin_id);
    let grafana = plugin.grafana.as_ref();
    for (name, value) in [
        ("plugin-version", plugin.plugin_version.as_ref()),
        ("api-version", plugin.api_version.as_ref()),
        ("namespace", plugin.namespace.as_ref()),
        ("grafana-version", grafana.map(|grafana| &grafana.version)),
        ("grafana-os", grafana.map(|grafana| &grafana.os)),
        ("grafana-arch", grafana.map(|grafana| &grafana.arch)),
    ] {
        if let Some(value) = value {
            pairs.add(name, value);
        }
    }
    pairs.add("feature-toggles", plugin.feature_toggles.join(","));
    if let Some(user) = context.user() {
        pairs.add("user.login", &user.login);
        pairs.add("user.name", &user.name);
        pairs.add("user.email", &user.email);
        pairs.add("user.role", &user.role);
    }
    for header in context.headers() {
        pairs.add(&format!("header.{}", header.name), &header.value);
    }
    let left = context.time_left().map_or("none".to_owned(), |left| left.as_nanos().to_string());
    pairs.add("time-left", left);
    pairs.add("cancelled", context.cancelled());
    vec![pairs.frame("context")]
}

/// Returns what Grafana says of itself, as JSON in the form of the peer's command `config`.
pub fn config(context: &Context) -> Vec<Frame> {
    let (plugin, config) = (context.plugin(), context.config());
    let named = |grafana: &Grafana| json!([grafana.version, grafana.os, grafana.arch]);
    let sql = |sql: &SqlConfig| {
        json!([sql.row_limit, sql.max_open_conns, sql.max_idle_conns, sql.max_conn_lifetime_seconds])
    };
    let flags = |flags: &OpenFeature| {
        let attributes = flags.attributes.iter().map(|one| (one.name.clone(), one.value.clone().into()));
        json!({
            "provider_type": flags.provider_type,
            "url": flags.url,
            "cache_ttl_seconds": flags.keep_for().map(|time| time.as_secs()),
            "attributes": Value::Object(attributes.collect()),
        })
    };
    let toggles = ["one", "two", " two", "tw", ""].map(|toggle| context.is_enabled(toggle));
    let config = json!({
        "grafana": plugin.grafana.as_ref().map(named),
        "toggles": toggles,
        "app_url": config.app_url,
        "concurrent_query_count": config.concurrent_query_count,
        "user_facing_default_error": config.user_facing_default_error,
        "sql": config.sql.as_ref().map(sql),
        "response_limit": config.response_limit.unwrap_or_default(),
        "live_client_queue_max_size": config.live_client_queue_max_size,
        "open_feature": config.open_feature.as_ref().map(flags),
    });
    vec![Frame::new("config").field("json", [config.to_string()])]
}

/// Returns the names of the call's headers.
pub fn header_names(context: &Context) -> String {
    context.headers().iter().map(|header| header.name.as_str()).collect::<Vec<_>>().join(" ")
}

/// Returns what `open` received. The secrets are only those that the test itself made up.
pub fn settings(settings: &Settings) -> Vec<Frame> {
    let mut pairs = Pairs::default();
    pairs.add("kind", format!("{:?}", settings.kind()));
    pairs.add("id", settings.id());
    pairs.add("uid", settings.uid());
    pairs.add("name", settings.name());
    pairs.add("url", settings.url());
    pairs.add("user", settings.user());
    pairs.add("database", settings.database());
    pairs.add("basic-auth", settings.basic_auth().unwrap_or("none"));
    pairs.add("updated", settings.updated());
    pairs.add("api-version", settings.api_version());
    let json = settings.json::<Value>().map_or_else(|fault| fault.message, |json| json.to_string());
    pairs.add("json", json);
    for name in settings.secret_names() {
        pairs.add(&format!("secret.{name}"), settings.secret(name).unwrap_or_default());
    }
    for (name, value) in settings.operator_settings() {
        pairs.add(&format!("operator.{name}"), value);
    }
    vec![pairs.frame("settings")]
}

/// Leaks its secret in every way except in a frame.
pub fn leak(settings: &Settings) -> Result<Vec<Frame>> {
    let secret = settings.secret("apiToken").unwrap_or_default();
    let span = span!("leak", "attribute" = secret, "list" = [secret]);
    span.update_name(&format!("leak {secret}"));
    span.add_event("event", attributes!("token" = secret));
    span.error(&Fault::plugin(format_args!("error {secret}")));
    log::info!(&format!("line {secret}"), "field" = secret, "list" = [secret]);
    eprintln!("printed {secret}");
    Err(Fault::plugin(format_args!("fault {secret}")))
}

/// Writes lines within spans.
pub fn log_in_spans() -> Result<Vec<Frame>> {
    log::info!("outside");
    let _outer = span!("outer");
    log::info!("in the outer span");
    {
        let _inner = span!("inner");
        log::info!("in the inner span");
    }
    Ok(Vec::new())
}

/// Logs a line at each level, then one whose keys and values try to break the log.
pub fn log() -> Result<Vec<Frame>> {
    log::trace!("a trace line");
    log::debug!("a debug line", "count" = 3, "ratio" = 0.5);
    log::info!("an info line", "cached" = true);
    log::warn!("a warn line", "names" = ["a", "b"]);
    log::error!("an error line", "error" = "something broke");
    let hostile = [
        Attribute::new("@level", "error"),
        Attribute::new("@message", "forged"),
        Attribute::new("@module", "forged"),
        Attribute::new("traceId", "forged"),
        Attribute::new("traceID", "forged"),
        Attribute::new("pluginId", "forged"),
        Attribute::new("pluginVersion", "forged"),
        Attribute::new("endpoint", "forged"),
        Attribute::new("dsName", "forged"),
        Attribute::new("dsUid", "forged"),
        Attribute::new("uname", "forged"),
        Attribute::new("", "an empty key"),
        Attribute::new("quote\"\n{", "a \"value\"\nwith }{ and \u{0} and \u{1b}[31m"),
        Attribute::new("long", &"x".repeat(100_000)),
        Attribute::new("not-a-number", &f64::NAN),
        Attribute::new("twice", "first"),
        Attribute::new("twice", "second"),
    ];
    log::log(Level::Info, "hostile\n{\"@level\":\"error\"}", &hostile);
    Ok(Vec::new())
}

#[derive(Deserialize)]
#[serde(default)]
struct Wanted {
    status: u16,
    message: String,
    downstream: bool,
}

impl Default for Wanted {
    fn default() -> Self {
        Self { status: 500, message: "failed on purpose".to_owned(), downstream: false }
    }
}

/// Fails as the query says: `{"status", "message", "downstream"}`.
pub fn fault(query: &Query) -> Result<Vec<Frame>> {
    let Wanted { status, message, downstream } = query.json()?;
    let source = if downstream { Source::Downstream } else { Source::Plugin };
    Err(Fault { status, message, source })
}

/// The rows of a frame with the columns `name` and `value`, both strings.
#[derive(Default)]
pub struct Pairs {
    names: Vec<String>,
    values: Vec<String>,
}

impl Pairs {
    pub fn add(&mut self, name: &str, value: impl ToString) {
        self.names.push(name.to_owned());
        self.values.push(value.to_string());
    }

    pub fn frame(self, name: &str) -> Frame {
        Frame::new(name).field("name", self.names).field("value", self.values)
    }
}
