//! Secrets: which of them a guest gets, and that it does not leak them by accident.

use base64::Engine as _;
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD};
use gpx_tests::collector::Collector;
use gpx_tests::grafana::{DataSource, query};
use gpx_tests::plugin::Plugin;
use gpx_tests::trace::{TRACE, TRACEPARENT};
use gpx_tests::upstream::{Answer, Upstream};
use serde_json::json;

const TOKEN: &str = "tell-nobody";

fn source() -> DataSource {
    DataSource::new("http://localhost:9").secret("apiToken", TOKEN).secret("password", "of-the-host")
}

#[gpx_tests::test]
async fn a_guest_gets_the_secrets_that_it_asks_for_and_the_operator_does_not_deny() {
    let plugin = Plugin::guest("probe").start().await;
    let reply = plugin.query(&source(), [query("A").kind("settings")]).await.unwrap();
    assert_eq!(reply.frame("A").pairs().get("secret.apiToken"), Some(&TOKEN));
    let seen = reply.frame("A").json.to_string();
    assert!(!seen.contains("of-the-host"), "{seen}");

    let plugin = Plugin::guest("probe").setting("gpx_deny_secrets", "apiToken").start().await;
    let reply = plugin.query(&source(), [query("A").kind("settings")]).await.unwrap();
    let seen = reply.frame("A").json.to_string();
    assert!(!seen.contains("secret.") && !seen.contains(TOKEN), "{seen}");
}

#[gpx_tests::test]
async fn a_secret_is_redacted_in_spans_log_lines_and_errors() {
    let collector = Collector::start().await;
    let plugin = Plugin::guest("probe").tracing(&collector.address()).start().await;
    let call = plugin.query(&source(), [query("A").kind("leak")]);
    let reply = call.traceparent(TRACEPARENT).await.unwrap();
    assert_eq!(reply.answer("A").error, "fault [secret]");
    for line in ["line [secret]", "printed [secret]"] {
        plugin.logs.wait_for_message(line).await;
    }
    let logs = plugin.logs.clone();
    assert!(plugin.stop().await.success());
    // Once the process has ended, the log is complete.
    assert!(logs.mention("Plugin Request Completed") && !logs.mention(TOKEN), "{logs}");
    let trace = collector.wait_for_trace(TRACE, |trace| trace.has(&["leak [secret]"])).await;
    let everything = format!("{trace:?}");
    assert!(!everything.contains(TOKEN), "{everything}");
}

/// The lines of a key, which is none.
const KEY_LINES: [&str; 2] = [
    "MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQC7VJTUt9Us8cKj",
    "MzEfYyjiWA4R4/M2bS1GB4t7NXp98C3SC6dVMvDuictGeurT8jNbvJZHtCSuYEvu",
];

/// Secrets that only the host uses, and one with everything that is escaped somewhere.
const BASIC: &str = "basic/pass+word";
const HEADER: &str = "of-the-custom-header";
const IN_URL: &str = "in-the-url";
const ODD: &str = "o\"d\\d \u{e4} 100%41+<&>\u{1f980}";

fn source_with_secrets(url: &str) -> DataSource {
    let url = url.replace("http://", &format!("http://grace:{IN_URL}@"));
    let key = format!("-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n", KEY_LINES.join("\n"));
    DataSource::new(&url)
        .basic_auth("ada", BASIC)
        .secret("httpHeaderValue1", &format!("Bearer {HEADER}"))
        .secret("tlsClientKey", &key)
        .secret("apiToken", ODD)
        .json(json!({ "httpHeaderName1": "X-Own" }))
}

/// Asserts that none of these is in the text, however it is encoded there.
fn assert_reveals_nothing(text: &str, secrets: &[&str]) {
    for secret in secrets {
        assert!(!text.contains(secret), "{secret} in {text}");
    }
}

#[gpx_tests::test]
async fn a_password_in_the_url_is_the_hosts() {
    let upstream = Upstream::points(1).await;
    let url = upstream.url().replace("http://", "http://grace:in%2Dthe%2Durl@") + "/api?x=@1";
    let plugin = Plugin::guest("probe").start().await;
    let source = DataSource::new(&url);
    let reply = plugin.query(&source, [query("A").kind("settings")]).await.unwrap();
    let without = upstream.url() + "/api?x=@1";
    assert_eq!(reply.frame("A").pairs().get("url"), Some(&without.as_str()));
    let fetch = query("A").kind("fetch").json(json!({ "url": upstream.url() + "/api/b" }));
    plugin.query(&source, [fetch]).await.unwrap().frame("A");
    let sent = upstream.requests()[0].headers["authorization"].clone();
    assert_eq!(sent, format!("Basic {}", BASE64_STANDARD.encode(format!("grace:{IN_URL}"))));
}

#[gpx_tests::test]
async fn an_upstream_that_echoes_puts_no_secret_into_the_log() {
    let upstream = Upstream::start(|request| {
        let mut headers: Vec<_> =
            request.headers.iter().map(|(name, value)| format!("{name}: {value}")).collect();
        headers.sort_unstable();
        Answer::text("text/plain", &headers.join("\n"))
    })
    .await;
    let collector = Collector::start().await;
    let plugin = Plugin::guest("probe").tracing(&collector.address()).start().await;
    for end in ["fault", "panic"] {
        let say = query("A").kind("say").json(json!({ "url": upstream.url(), "end": end }));
        let call = plugin.query(&source_with_secrets(&upstream.url()), [say]);
        let reply = call.traceparent(TRACEPARENT).await.unwrap();
        let error = &reply.answer("A").error;
        assert!(error.contains("authorization: [secret]") && error.contains("x-own: [secret]"), "{error}");
        assert_reveals_nothing(error, &["YWRh", HEADER]);
    }
    let logs = plugin.logs.clone();
    assert!(plugin.stop().await.success());
    let sent = upstream.requests()[0].clone();
    assert!(
        sent.headers["authorization"].starts_with("Basic YWRh") && sent.headers["x-own"].ends_with(HEADER)
    );
    assert!(logs.mention("authorization: [secret]"), "{logs}");
    assert_reveals_nothing(&logs.to_string(), &["YWRh", BASIC, HEADER]);
    let trace = collector.wait_for_trace(TRACE, |trace| trace.named("sdk.queryData").len() == 2).await;
    assert_reveals_nothing(&format!("{trace:?}"), &["YWRh", BASIC, HEADER]);
}

#[gpx_tests::test]
async fn a_guest_that_says_a_secret_in_every_form_and_place_reveals_none() {
    let upstream = Upstream::points(1).await;
    let collector = Collector::start().await;
    let plugin = Plugin::guest("probe").tracing(&collector.address()).start().await;
    let percent = |text: &str| text.bytes().map(|byte| format!("%{byte:02X}")).collect::<String>();
    let base64 = |text: &str| BASE64_STANDARD.encode(text);
    let mut texts = Vec::new();
    let mut forbidden: Vec<String> = Vec::new();
    for secret in [ODD, BASIC, HEADER, IN_URL, KEY_LINES[0], KEY_LINES[1]] {
        let escaped = json!(secret).to_string();
        let escaped = escaped.trim_matches('"');
        texts.extend([secret.to_owned(), percent(secret), escaped.to_owned()]);
        forbidden.extend([secret.to_owned(), percent(secret), escaped.to_owned()]);
        for begin in ["", "x", "xx"] {
            let whole = format!("{begin}{secret}");
            texts.extend([base64(&whole), BASE64_URL_SAFE_NO_PAD.encode(&whole)]);
            forbidden.extend([
                base64(&whole)[4..12].to_owned(),
                BASE64_URL_SAFE_NO_PAD.encode(&whole)[4..12].to_owned(),
            ]);
        }
    }
    texts.push(base64(&format!("ada:{BASIC}")));
    texts.push(format!("-----BEGIN PRIVATE KEY-----\n{}\n", KEY_LINES.join("\n")));
    // Cut in two by the host, since it is too long for one line.
    texts.push(format!("{}{}", "y".repeat(8192 - 20), KEY_LINES[0]));
    let source = source_with_secrets(&upstream.url());
    let forbidden: Vec<_> = forbidden.iter().map(String::as_str).chain([&KEY_LINES[0][20..]]).collect();
    for end in ["fault", "panic", "frame", "label"] {
        let say = query("A").kind("say").json(json!({ "texts": texts, "to": upstream.url(), "end": end }));
        let reply = plugin.query(&source, [say]).traceparent(TRACEPARENT).await.unwrap();
        let error = &reply.answer("A").error;
        assert!(error.contains("[secret]"), "{error}");
        assert_reveals_nothing(error, &forbidden);
    }
    let health = plugin.health(&source.clone().json(json!({ "health": "leak" }))).await.unwrap();
    let details: serde_json::Value = serde_json::from_slice(&health.json_details).unwrap();
    let said = (health.message.as_str(), &details["[secret]"]);
    assert_eq!(said, ("[secret]", &json!(["[secret]"])));
    assert_reveals_nothing(&details.to_string(), &forbidden);
    let logs = plugin.logs.clone();
    assert!(plugin.stop().await.success());
    assert!(logs.mention("said [secret]"), "{logs}");
    assert_reveals_nothing(&logs.to_string(), &forbidden);
    let enough = |trace: &gpx_tests::trace::Trace| trace.named("sdk.queryData").len() == 4;
    let trace = collector.wait_for_trace(TRACE, enough).await;
    let everything = format!("{trace:?}");
    assert!(
        everything.contains("http.url") && everything.contains("/[secret]?[secret]=REDACTED"),
        "{everything}"
    );
    assert_reveals_nothing(&everything, &forbidden);
}
