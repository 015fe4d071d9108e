//! What a data source's settings say about HTTP: its URL, credentials, TLS and timeouts.

mod custom_headers;
mod forwarding;
mod grafana;
mod ignored;
mod limits;
mod numbers;
mod secret_headers;
mod sigv4;
mod tls;

use std::collections::HashMap;
use std::sync::Arc;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use http::header::{HeaderName, HeaderValue};
use serde_json::{Map, Value};
use url::Url;

pub(crate) use self::custom_headers::BadHeaders;
use super::proxy::{BadProxy, Proxy, SecureSocks};
use crate::config::Strings;
use crate::log::origin;
use crate::metrics::DataSourceType;

pub(super) use self::forwarding::Forwarded;
pub(crate) use self::forwarding::Forwarding;
pub(super) use self::grafana::GrafanaHttp;
pub(crate) use self::grafana::response_limit;
pub(super) use self::limits::{KeepAlive, Pooling, Timeouts};
pub(crate) use self::secret_headers::{BadSecretHeader, SecretHeader};
pub(crate) use self::sigv4::{BadSigV4, SigV4Fields};
pub(super) use self::sigv4::{CredentialsSource, Role, SigV4};
pub(crate) use self::tls::TlsFault;
pub(super) use self::tls::{ProxyPem, TlsSettings};

/// The fields of a data source or app that concern HTTP, as Grafana sends them.
#[derive(Clone, Copy)]
pub(crate) struct DataSourceFields<'a> {
    pub url: &'a str,
    pub user: &'a str,
    pub basic_auth_enabled: bool,
    pub basic_auth_user: &'a str,
    pub json_data: &'a [u8],
    pub secrets: &'a HashMap<String, String>,
    /// Grafana's own configuration, as it comes with each call.
    pub grafana_config: &'a HashMap<String, String>,
    pub name: &'a str,
    /// Empty for an app.
    pub uid: &'a str,
    pub plugin_type: &'a str,
    /// What the process's environment says of Grafana's secure SOCKS proxy.
    pub secure_socks: &'a Strings,
    pub wanted: &'a WantedHeaders,
}

/// What the component's manifest wants in requests to the data source.
#[derive(Clone, Debug, Default)]
pub(crate) struct WantedHeaders {
    /// Without those that the operator denies.
    pub secrets: Vec<SecretHeader>,
    pub forwarding: Option<Forwarding>,
}

/// How to talk to one data source. Secrets are in header values that are marked as sensitive, so `Debug` hides them.
#[derive(Clone, Debug)]
pub(crate) struct DataSourceHttp {
    /// The plugin whose section of grafana.ini has the operator's settings. It is not that of the executable's folder if an app's
    /// data source shares its executable. Empty if the caller did not say.
    pub(super) plugin_id: String,
    pub(super) url: Result<Url, UrlFault>,
    pub(super) authorization: Option<HeaderValue>,
    pub(super) headers: Result<Vec<(HeaderName, HeaderValue)>, BadHeaders>,
    pub(super) secret_headers: Result<Vec<(HeaderName, HeaderValue)>, BadSecretHeader>,
    /// Which headers of a call it is to have.
    pub(super) forwarded: Forwarded,
    pub(super) timeouts: Timeouts,
    pub(super) keep_alive: KeepAlive,
    pub(super) pooling: Pooling,
    pub(super) tls: Result<TlsSettings, TlsFault>,
    /// The proxy that everything goes through, if the data source asks for it.
    pub(super) secure_socks: Result<Option<Arc<Proxy>>, BadProxy>,
    /// How requests are signed for AWS, if they are.
    pub(super) sigv4: Option<Result<SigV4, BadSigV4>>,
    pub(super) grafana: GrafanaHttp,
    /// Why no request can be sent, if `jsonData` cannot be read.
    pub(super) unreadable: Option<JsonDataFault>,
    /// Attributes of the span of each request.
    pub(super) labels: Vec<(&'static str, String)>,
    /// What the metrics call the data source. `None` for anything else.
    pub(super) kind: Option<DataSourceType>,
    /// The keys that are set and have no effect, each with what to do instead.
    pub(crate) ignored: Vec<String>,
}

/// Why the settings' URL grants no origin.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum UrlFault {
    #[error("the data source has no URL: set it, or ")]
    Missing,
    #[error("the data source's URL cannot be parsed ({0}): correct it, or ")]
    Malformed(url::ParseError),
    #[error("the data source's URL starts with neither http:// nor https://: correct it, or ")]
    Scheme,
    #[error("the host of the data source's URL is neither a name nor an address: correct it, or ")]
    Host,
}

/// `jsonData` is there, and is neither an object nor null.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "the data source's jsonData is not a JSON object: correct what provisions it, or save its settings again"
)]
pub(crate) struct JsonDataFault;

// === impl DataSourceHttp ===

impl DataSourceHttp {
    /// Never fails: a value of the wrong type counts as missing, and a URL that cannot be used grants nothing.
    pub(crate) fn parse(source: DataSourceFields<'_>) -> Self {
        let (json, unreadable) = match json_data(source.json_data) {
            Ok(json) => (json, None),
            Err(fault) => (Map::new(), Some(fault)),
        };
        let url = parse_url(source.url);
        let authorization =
            basic_auth(&source, &json).or_else(|| url.as_ref().ok().and_then(authorization_of_userinfo));
        Self {
            plugin_id: source.plugin_type.to_owned(),
            url: url.map(without_userinfo),
            authorization,
            headers: custom_headers::parse(&json, source.secrets),
            secret_headers: secret_headers::parse(&source.wanted.secrets, source.secrets),
            forwarded: Forwarded::parse(&json, source.wanted.forwarding),
            timeouts: Timeouts::parse(&json),
            keep_alive: KeepAlive::parse(&json),
            pooling: Pooling::parse(&json),
            tls: TlsSettings::parse(&json, source.secrets),
            secure_socks: SecureSocks {
                json: &json,
                secrets: source.secrets,
                uid: source.uid,
                config: source.grafana_config,
                environment: source.secure_socks,
            }
            .proxy(),
            sigv4: None,
            grafana: GrafanaHttp::parse(source.grafana_config),
            unreadable,
            labels: labels(&source),
            kind: if source.uid.is_empty() { None } else { DataSourceType::new(source.plugin_type) },
            ignored: ignored::ignored(&json),
        }
    }

    /// Returns the same with signatures, if the data source asks for them.
    #[must_use]
    pub(crate) fn signed(self, fields: SigV4Fields<'_>) -> Self {
        let sigv4 = SigV4::parse(fields, self.url.as_ref().ok());
        Self { sigv4, ..self }
    }

    /// Returns what the host has for requests and nobody may see: the values of the headers that it adds, and the keys that
    /// it signs with.
    pub(crate) fn secrets(&self) -> impl Iterator<Item = &str> {
        let own = self.headers.iter().flatten().map(|(_, value)| value);
        let placed = self.secret_headers.iter().flatten().map(|(_, value)| value);
        let values = self.authorization.iter().chain(own).chain(placed);
        let keys = self.sigv4.iter().flatten().flat_map(SigV4::secrets);
        values.filter_map(|value| value.to_str().ok()).chain(keys)
    }

    /// Returns an attribute of the span of each request. Empty if it has none of that name.
    pub(super) fn label(&self, name: &str) -> &str {
        let label = self.labels.iter().find(|(key, _)| *key == name);
        label.map_or("", |(_, value)| value)
    }

    /// Returns what names the data source in the log.
    pub(super) fn log_fields(&self) -> impl Iterator<Item = (&'static str, String)> {
        let field = |(key, value): &(&'static str, String)| match *key {
            "datasource_name" => Some((origin::DATA_SOURCE_NAME, value.clone())),
            "datasource_uid" => Some((origin::DATA_SOURCE_UID, value.clone())),
            _ => None,
        };
        self.labels.iter().filter_map(field)
    }
}

/// Returns `Basic …`, marked as sensitive.
pub(super) fn basic(user: &str, password: &str) -> Option<HeaderValue> {
    let mut value =
        HeaderValue::try_from(format!("Basic {}", BASE64_STANDARD.encode(format!("{user}:{password}"))))
            .ok()?;
    value.set_sensitive(true);
    Some(value)
}

/// Returns basic authentication for a URL's `user:password`, which is percent-encoded.
pub(super) fn basic_from_userinfo(userinfo: &str) -> Option<HeaderValue> {
    let (user, password) = userinfo.split_once(':').unwrap_or((userinfo, ""));
    let decode = |text| percent_encoding::percent_decode_str(text).decode_utf8_lossy();
    basic(&decode(user), &decode(password))
}

fn parse_url(text: &str) -> Result<Url, UrlFault> {
    if text.trim().is_empty() {
        return Err(UrlFault::Missing);
    }
    let url = Url::parse(text.trim()).map_err(UrlFault::Malformed)?;
    if matches!(url.scheme(), "http" | "https") { Ok(url) } else { Err(UrlFault::Scheme) }
}

fn authorization_of_userinfo(url: &Url) -> Option<HeaderValue> {
    let (user, password) = (url.username(), url.password());
    if user.is_empty() && password.is_none() {
        return None;
    }
    basic_from_userinfo(&format!("{user}:{}", password.unwrap_or_default()))
}

fn without_userinfo(mut url: Url) -> Url {
    // Only a URL without a host refuses these, and an http URL always has one.
    let _ = url.set_username("");
    let _ = url.set_password(None);
    url
}

fn basic_auth(source: &DataSourceFields<'_>, json: &Map<String, Value>) -> Option<HeaderValue> {
    let secret = |key: &str| source.secrets.get(key).map_or("", String::as_str);
    if source.basic_auth_enabled {
        return basic(source.basic_auth_user, secret("basicAuthPassword"));
    }
    if !source.user.is_empty() {
        return basic(source.user, secret("password"));
    }
    let enabled = json.get("basicAuth").and_then(Value::as_bool).unwrap_or_default();
    let user = json.get("basicAuthUser").and_then(Value::as_str).unwrap_or_default();
    if enabled { basic(user, secret("basicAuthPassword")) } else { None }
}

/// As in Go, no data at all is fine, and so is `null`.
fn json_data(bytes: &[u8]) -> Result<Map<String, Value>, JsonDataFault> {
    if bytes.is_empty() {
        return Ok(Map::new());
    }
    let json: Option<Map<String, Value>> = serde_json::from_slice(bytes).map_err(|_| JsonDataFault)?;
    Ok(json.unwrap_or_default())
}

fn labels(source: &DataSourceFields<'_>) -> Vec<(&'static str, String)> {
    if source.uid.is_empty() {
        return Vec::new();
    }
    vec![
        ("datasource_name", source.name.to_owned()),
        ("datasource_uid", source.uid.to_owned()),
        ("datasource_type", source.plugin_type.to_owned()),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(url: &str, json: &str, secrets: &[(&str, &str)]) -> DataSourceHttp {
        let secrets = secrets.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        DataSourceHttp::parse(DataSourceFields {
            url,
            user: "",
            basic_auth_enabled: false,
            basic_auth_user: "",
            json_data: json.as_bytes(),
            secrets: &secrets,
            grafana_config: &HashMap::new(),
            name: "Name",
            uid: "uid",
            plugin_type: "type",
            secure_socks: &Strings::new(),
            wanted: &WantedHeaders::default(),
        })
    }

    #[test]
    fn userinfo_becomes_a_header_and_leaves_the_url() {
        let settings = parse("https://al%40x:p%3Aw@example.com/a", "", &[]);
        assert_eq!(settings.url.unwrap().as_str(), "https://example.com/a");
        assert_eq!(settings.authorization.unwrap(), format!("Basic {}", BASE64_STANDARD.encode("al@x:p:w")));
    }

    #[test]
    fn urls_that_cannot_be_used_say_why() {
        assert_eq!(parse(" ", "", &[]).url.unwrap_err(), UrlFault::Missing);
        assert_eq!(parse("localhost:9090", "", &[]).url.unwrap_err(), UrlFault::Scheme);
        for (url, why) in [
            ("http://[", "invalid IPv6 address"),
            ("http://host:99999/", "invalid port number"),
            ("http://1.2.3.999/", "invalid IPv4 address"),
        ] {
            let text = format!("the data source's URL cannot be parsed ({why}): correct it, or ");
            assert_eq!(parse(url, "", &[]).url.unwrap_err().to_string(), text);
        }
    }

    #[test]
    fn values_of_the_wrong_type_count_as_missing() {
        let settings = parse("", r#"{"basicAuth":"yes","httpHeaderName1":3,"tlsAuth":1}"#, &[]);
        assert!(settings.authorization.is_none() && settings.headers.unwrap().is_empty());
    }

    #[test]
    fn only_an_object_or_nothing_is_read() {
        for json in ["", "null", " {} "] {
            assert_eq!(parse("", json, &[]).unreadable, None, "{json}");
        }
        for json in ["not json", "[]", "1", r#""text""#, r#"{"timeout":1e400}"#, "{} {}"] {
            assert_eq!(parse("", json, &[]).unreadable, Some(JsonDataFault), "{json}");
        }
    }

    #[test]
    fn debug_shows_no_secret() {
        let json = r#"{"httpHeaderName1":"X-Key","basicAuth":true,"basicAuthUser":"me"}"#;
        let settings = parse(
            "http://u:hidden@h",
            json,
            &[("httpHeaderValue1", "hidden"), ("basicAuthPassword", "hidden")],
        );
        let text = format!("{settings:?}");
        assert!(!text.contains("hidden") && !text.contains(&BASE64_STANDARD.encode("me:hidden")), "{text}");
    }
}
