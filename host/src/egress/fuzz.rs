//! What holds for any settings of a data source, for any URL of a request, and for whatever a peer says.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use http::Uri;
use serde_json::{Map, Value};
use url::Url;

use super::dial;
use super::error::RequestError;
use super::exchange;
use super::framing::frames_the_message;
use super::origin::Origin;
pub(crate) use super::policy::fuzz::path;
use super::policy::{AllowedPaths, Grants, OperatorPolicy, Patterns};
use super::settings::{DataSourceFields, DataSourceHttp};

/// Shows that a text is secret.
const SECRET: &str = "S3CR3T~";

/// Numbers are clamped as Go clamps them, the URL is where it was without its user, and nothing shows a secret.
pub(crate) fn data_source(url: &str, user: &str, secret: &str, json: &[u8]) {
    let secret = format!("{SECRET}{secret}");
    let names = [
        "basicAuthPassword",
        "password",
        "httpHeaderValue1",
        "httpHeaderValue2",
        "tlsCACert",
        "tlsClientCert",
    ];
    let secrets: HashMap<_, _> = names.iter().map(|name| ((*name).to_owned(), secret.clone())).collect();
    let settings = parse(url, user, json, &secrets);
    let object: Map<_, _> = serde_json::from_slice(json).unwrap_or_default();
    // One below zero has passed at once.
    let connect = settings.timeouts.connect.filter(|limit| !limit.is_zero());
    assert_eq!(connect, limit(&object, "dialTimeout", 10));
    assert_eq!(settings.timeouts.total, limit(&object, "timeout", 30));
    if let Ok(found) = &settings.url {
        assert!(matches!(found.scheme(), "http" | "https") && found.has_host(), "{found}");
        assert!(found.username().is_empty() && found.password().is_none(), "{found}");
        let origin = Origin::of_url(found);
        assert!(origin.is_none_or(|origin| !origin.host.is_empty()), "{found}");
    }
    for (name, value) in settings.headers.iter().flatten() {
        assert!(!frames_the_message(name) && value.is_sensitive(), "{name}");
    }
    assert!(settings.headers.iter().flatten().count() <= 256 && settings.ignored.len() <= 32);
    let told = [url.as_bytes(), user.as_bytes(), json].concat();
    if !String::from_utf8_lossy(&told).contains(SECRET) {
        let shown = format!("{settings:?}");
        assert!(!shown.contains(SECRET), "{shown}");
    }
}

fn parse(url: &str, user: &str, json_data: &[u8], secrets: &HashMap<String, String>) -> DataSourceHttp {
    DataSourceHttp::parse(DataSourceFields {
        url,
        user,
        basic_auth_enabled: user.len() % 2 == 1,
        basic_auth_user: user,
        json_data,
        secrets,
        grafana_config: &HashMap::new(),
        name: "Name",
        uid: "uid",
        plugin_type: "type",
        secure_socks: &BTreeMap::new(),
        wanted: &crate::egress::WantedHeaders::default(),
    })
}

/// As the Go SDK has it: whole seconds, as an `int64` of nanoseconds that wraps around, or none.
fn limit(json: &Map<String, Value>, key: &str, default: u64) -> Option<Duration> {
    const LIMIT: f64 = 9_223_372_036_854_775_808.0;
    let Some(value) = json.get(key) else { return Some(Duration::from_secs(default)) };
    let seconds = value.as_f64()?.trunc();
    let whole = if (-LIMIT..LIMIT).contains(&seconds) { seconds as i128 } else { 0 };
    let wrapped = (whole * 1_000_000_000) as i64;
    u64::try_from(wrapped).ok().filter(|limit| *limit > 0).map(Duration::from_nanos)
}

/// An entry of the operator's lists grants something, or is reported.
pub(crate) fn lists(hosts: &[String], paths: &[String]) {
    let (patterns, bad) = Patterns::parse(hosts.iter().map(String::as_str));
    assert!(bad.len() <= hosts.len() && patterns.cover(&patterns));
    for host in hosts {
        let (one, bad) = Patterns::parse([host.as_str()]);
        assert_eq!(bad.len(), usize::from(one == Patterns::default()), "{host}");
        assert!(patterns.cover(&one), "{host}");
    }
    let (allowed, bad) = AllowedPaths::parse(paths.iter().map(String::as_str));
    drop(allowed);
    assert!(bad.len() <= paths.len());
}

/// Whoever reads the URL of a request that is granted sees the origin that was granted, and a refusal names what would
/// grant it.
pub(crate) fn origin(url: &str, patterns: &str, request: &str) {
    let (hosts, _) = Patterns::parse([patterns]);
    let url = parse(url, "", b"", &HashMap::new()).url;
    let operator = OperatorPolicy { hosts, ..OperatorPolicy::default() };
    let grants = Grants::new(&url, operator, "plugin".into());
    let Ok(uri) = request.parse::<Uri>() else { return };
    let Ok(origin) = Origin::of_uri(&uri) else { return };
    let again = format!("{}/", written(&origin)).parse::<Uri>().map(|uri| Origin::of_uri(&uri));
    match grants.check(&origin, url.as_ref().map_or("/", |url| url.path())) {
        Ok(()) => {
            assert!(matches!(&again, Ok(Ok(again)) if *again == origin), "{origin:?} as {again:?}");
            let read = Url::parse(request).map(|url| Origin::of_url(&url));
            // What is a number for others is a name for us, and is resolved as one.
            let number =
                read.as_ref().is_ok_and(|read| read.as_ref().is_some_and(|read| read.literal().is_some()));
            if !(number && origin.literal().is_none()) {
                assert_eq!(read, Ok(Some(origin)), "{request:?}");
            }
        }
        Err(RequestError::Denied { pattern, .. }) => {
            let (added, bad) = Patterns::parse([pattern.as_str()]);
            assert!(bad.is_empty() && added.admit(&origin), "{pattern:?} does not grant {origin:?}");
        }
        Err(_) => {}
    }
}

/// Whatever proxies and upstreams say means the same, in whichever pieces it arrives.
pub(crate) fn peer(said: &[u8], size: usize) {
    dial::fuzz::answers(said, size);
    exchange::fuzz::pieces(said, size);
}

fn written(origin: &Origin) -> String {
    format!("{}://{}", if origin.scheme.port() == 80 { "http" } else { "https" }, origin.authority())
}
