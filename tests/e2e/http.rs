//! The data source's HTTP client beside the twin's, for the same calls: what is sent, what is read, and what the settings do.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use gpx_tests::both::{Both, Outcome};
use gpx_tests::grafana::DataSource;
use gpx_tests::peer::{self, Peer};
use gpx_tests::plugin::Plugin;
use gpx_tests::upstream::{Answer, Gate, Upstream};
use gpx_tests::wire::Wire;
use serde_json::json;

/// Returns the lines of the last two requests' heads, sorted: ours and the twin's.
fn heads(wire: &Wire) -> [Vec<String>; 2] {
    let requests = wire.received().requests;
    let lines = |bytes: &[u8]| {
        let text = String::from_utf8_lossy(bytes).into_owned();
        let head = text.split("\r\n\r\n").next().unwrap_or_default();
        let lines = head.split("\r\n").map(|line| match line.split_once(": ") {
            // The twin does not know its version.
            Some((name, value)) if name.eq_ignore_ascii_case("user-agent") => {
                format!("user-agent: {}", value.trim_end_matches("1.2.3"))
            }
            Some((name, value)) => format!("{}: {value}", name.to_lowercase()),
            None => line.to_owned(),
        });
        let mut lines: Vec<_> = lines.collect();
        lines.sort_unstable();
        lines
    };
    let [.., ours, theirs] = requests.as_slice() else { panic!("{requests:?}") };
    [lines(&ours.1), lines(&theirs.1)]
}

#[gpx_tests::test]
async fn requests_have_the_heads_of_go() {
    let Some(mut both) = Both::start(json!({})).await else { return };
    let wire = Wire::start().await;
    let url = format!("http://{}", wire.address());
    let json = json!({
        "httpHeaderName1": "X-Twice", "httpHeaderName2": "x-twice", "httpHeaderName3": "X-Once", "httpHeaderName5": "X-None",
    });
    let source =
        DataSource::new(&url).json(json).basic_auth("ada", "password").secret("httpHeaderValue1", "one");
    let source = source.secret("httpHeaderValue2", "two").secret("httpHeaderValue3", "three");
    let own = |key: &str, value: &str| json!({ key: value });
    for (what, path, method, headers, body) in [
        ("plain", "/", "GET", json!({}), ""),
        ("no path", "", "GET", json!({}), ""),
        ("a space", "/a b/c d?e=f", "GET", json!({}), ""),
        ("other letters", "/ü/%20/%C3%BC?r=%26", "GET", json!({}), ""),
        ("brackets", "/{a}/<c>?x=1", "GET", json!({}), ""),
        ("a body", "/x", "POST", json!({}), "text"),
        ("no body", "/x", "POST", json!({}), ""),
        ("a name for the plugin", "/x", "GET", own("User-Agent", "mine/1.0"), ""),
        ("credentials of its own", "/x", "GET", own("Authorization", "Bearer t"), ""),
        ("an encoding of its own", "/x", "GET", own("Accept-Encoding", "identity"), ""),
        ("a header of the settings", "/x", "GET", own("X-Once", "mine"), ""),
    ] {
        let wanted =
            json!({ "url": format!("{url}{path}"), "method": method, "headers": headers, "body": body });
        let outcome = both.fetch_alike(what, &source, wanted).await;
        assert_eq!(outcome.of_first("body"), "ok", "{what}: {}", outcome.error);
        let [ours, theirs] = heads(&wire);
        assert_eq!(ours, theirs, "{what}");
        let has = |line: &str| ours.iter().any(|other| other == line);
        assert!(has("x-twice: one") && has("x-twice: two"), "{what}: {ours:?}");
        let agent = "user-agent: Grafana/13.1.0 (linux; amd64) gpx-test-datasource/";
        assert_eq!(has(agent), what != "a name for the plugin", "{what}: {ours:?}");
    }
    // Go sends a query as it is, and servers refuse that.
    let [ours, theirs] = both.fetch(&source, json!({ "url": format!("{url}/x?q=a b&r=ü") })).await;
    assert_eq!((ours.error, theirs.error), (String::new(), String::new()));
    let [ours, theirs] = heads(&wire);
    let asked_for = |lines: &[String]| lines.iter().find(|line| line.starts_with("GET ")).cloned().unwrap();
    assert_eq!(asked_for(&ours), "GET /x?q=a%20b&r=%C3%BC HTTP/1.1");
    assert_eq!(asked_for(&theirs), "GET /x?q=a b&r=ü HTTP/1.1");
    both.end().await;
}

#[gpx_tests::test]
async fn answers_of_old_servers_are_read_as_in_go() {
    let Some(mut both) = Both::start(json!({})).await else { return };
    let wire = Wire::start().await;
    let url = format!("http://{}", wire.address());
    let source = DataSource::new(&url);
    let end = "Content-Length: 2\r\n\r\nok";
    let ok = "HTTP/1.1 200 OK\r\n";
    let many: String = (0..1500).map(|number| format!("X-{number}: v\r\n")).collect();
    let long: String = (0..400).map(|number| format!("X-{number}: {}\r\n", "x".repeat(1000))).collect();
    for (what, answer) in [
        ("a folded line", format!("{ok}X-Folded: one\r\n two\r\n\tthree\r\nX-After: v\r\n{end}")),
        ("blanks around a value", format!("{ok}X-Blank:   \t v \t \r\nX-None:\r\n{end}")),
        ("many headers", format!("{ok}{many}{end}")),
        ("a long head", format!("{ok}{long}{end}")),
        ("one long header", format!("{ok}X-Long: {}\r\n{end}", "x".repeat(400 << 10))),
        (
            "headers of one name",
            format!(
                "{ok}X-Many: a\r\nx-many: b\r\nX-MANY: c, d\r\nSet-Cookie: e=1\r\nSet-Cookie: f=2\r\n{end}"
            ),
        ),
        ("other ends of lines", format!("{ok}X-A: v\r\n{end}").replace("\r\n", "\n")),
        ("early hints", format!("HTTP/1.1 103 Early\r\nLink: x\r\n\r\n{ok}{end}")),
        ("letters of Latin-1", format!("{ok}X-Letters: {}\r\n{end}", '\u{fc}')),
        ("no words", format!("HTTP/1.1 200\r\n{end}")),
        ("odd words", format!("HTTP/1.1 200 {}\r\n{end}", "Ää")),
        (
            "chunks",
            format!("{ok}Transfer-Encoding: chunked\r\n\r\n1\r\no\r\n1;x=y\r\nk\r\n0\r\nX-T: v\r\n\r\n"),
        ),
    ] {
        wire.answer([answer.clone(), answer.clone()]);
        let outcome = both.fetch_alike(what, &source.clone().updated(), json!({ "url": url })).await;
        assert_eq!(outcome.of_first("body"), "ok", "{what}: {}", outcome.error);
    }
    let blank = format!("{ok}X-Blank : v\r\n{end}");
    wire.answer([blank.clone(), blank]);
    let [ours, theirs] = both.fetch(&source, json!({ "url": url })).await;
    // Go keeps the blank in the name.
    assert_eq!((ours.of_first("header.x-blank"), theirs.of_first("header.x-blank ")), ("v", "v"));
    for (what, end) in [
        ("gzip of nothing", "Content-Length: 0\r\n\r\n"),
        ("gzip of nothing in chunks", "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
    ] {
        let answer = format!("{ok}Content-Encoding: gzip\r\n{end}");
        wire.answer([answer.clone(), answer]);
        let outcome = both.fetch_alike(what, &source.clone().updated(), json!({ "url": url })).await;
        assert_eq!((outcome.of_first("status"), outcome.of_first("body")), ("200", ""), "{what}");
    }
    for (what, answer) in [
        ("two lengths", format!("{ok}Content-Length: 3\r\n{end}")),
        ("a length that is none", format!("{ok}Content-Length: x\r\n\r\nok")),
        ("no colon", format!("{ok}X-None\r\n{end}")),
        ("no version", format!("200 OK\r\n{end}")),
        ("a status that is none", format!("HTTP/1.1 2x0 OK\r\n{end}")),
        ("a chunk that is none", format!("{ok}Transfer-Encoding: chunked\r\n\r\nx\r\n")),
    ] {
        wire.answer([answer.clone(), answer.clone()]);
        let outcome = both.fetch_alike(what, &source.clone().updated(), json!({ "url": url })).await;
        assert!(!outcome.error.is_empty(), "{what}");
    }
    both.end().await;
}

#[gpx_tests::test]
async fn grafanas_response_limit_is_that_of_go() {
    let plain = Upstream::always(Answer::text("text/plain", "0123456789")).await;
    let gzip = Upstream::always(Answer::gzip(&b"0123456789".repeat(100))).await;
    for (environment, config, plain_passes) in [
        (json!({}), "", true),
        (json!({ "GF_DATAPROXY_RESPONSE_LIMIT": "9" }), "", false),
        (json!({ "GF_DATAPROXY_RESPONSE_LIMIT": "10" }), "", true),
        (json!({ "GF_DATAPROXY_RESPONSE_LIMIT": "-1" }), "", true),
        (json!({ "GF_RESPONSE_LIMIT": "9" }), "", true),
        (json!({ "GF_DATAPROXY_RESPONSE_LIMIT": "9" }), "10", true),
        (json!({ "GF_DATAPROXY_RESPONSE_LIMIT": "100" }), "9", false),
        (json!({ "GF_DATAPROXY_RESPONSE_LIMIT": "9" }), "0", false),
        (json!({ "GF_DATAPROXY_RESPONSE_LIMIT": "9" }), "many", false),
    ] {
        let what = format!("{environment} {config:?}");
        let Some(mut both) = Both::start(environment).await else { return };
        for (upstream, passes) in [(&plain, plain_passes), (&gzip, what == "{} \"\"")] {
            let mut source = DataSource::new(&upstream.url());
            if !config.is_empty() {
                source = source.grafana("GF_RESPONSE_LIMIT", config);
            }
            let [ours, theirs] = both.fetch(&source, json!({ "url": upstream.url() })).await;
            let same = |outcome: &Outcome| (outcome.status, outcome.source.clone(), outcome.answers.clone());
            assert_eq!(same(&ours), same(&theirs), "{what}:\n{}\n{}", ours.error, theirs.error);
            if std::ptr::eq(upstream, &plain) {
                assert_eq!(ours.error.is_empty(), passes, "{what}: {}", ours.error);
            }
            let words = "http: response body too large, response limit is set to: ";
            for outcome in [&ours, &theirs] {
                assert!(
                    outcome.error.is_empty() || outcome.error.contains(words),
                    "{what}: {}",
                    outcome.error
                );
            }
        }
        both.end().await;
    }
}

/// Whether a query of a data source with this `jsonData` fails, alone or with its call.
async fn fails(peer: &mut Peer, url: &str, json_data: &str) -> bool {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    let uid = format!("uid{}", NEXT.fetch_add(1, Ordering::SeqCst));
    let settings = json!({ "uid": uid, "url": url, "jsonData": BASE64_STANDARD.encode(json_data) });
    let call = json!({
        "method": "pluginv2.Data/QueryData",
        "request": {
            "pluginContext": { "orgId": 1, "pluginId": "gpx-httpbackend-datasource", "dataSourceInstanceSettings": settings },
            "queries": [{ "refId": "A", "timeRange": {} }],
        },
    });
    let answer = peer.get("invoke", call).await;
    let error = answer["messages"][0]["responses"]["A"]["error"].as_str().unwrap_or_default();
    !answer["error"]["code"].is_null() || !error.is_empty()
}

#[gpx_tests::test]
async fn settings_that_are_no_object_fail_the_requests_as_in_go() {
    let Some(tools) = peer::tools() else { return };
    let upstream = Upstream::points(1).await;
    let launch = Plugin::packaged("http-backend");
    let mut ours = tools.run(launch.executable(), json!({})).await;
    let mut theirs = tools.run(&tools.twin, json!({})).await;
    for (json_data, failing) in [
        ("{}", false),
        ("", false),
        ("null", false),
        ("[]", true),
        ("5", true),
        ("\"text\"", true),
        ("{", true),
        (r#"{"timeout":0.5}"#, false),
        (r#"{"timeout":"1"}"#, false),
        (r#"{"timeout":-1,"dialTimeout":"x","httpKeepAlive":[],"httpMaxIdleConns":{}}"#, false),
        (r#"{"dialTimeout":-1}"#, true),
        (r#"{"dialTimeout":0.5}"#, false),
        (r#"{"httpIdleConnTimeout":-5,"httpMaxConnsPerHost":-1,"httpMaxIdleConnsPerHost":-3}"#, false),
        (r#"{"httpHeaderName1":"Bad Name"}"#, false),
    ] {
        let mut results = Vec::new();
        for peer in [&mut ours, &mut theirs] {
            results.push(fails(peer, &upstream.url(), json_data).await);
        }
        assert_eq!(results, [failing; 2], "{json_data}");
    }
    ours.end().await;
    theirs.end().await;
}

#[gpx_tests::test]
async fn the_timeout_is_for_a_whole_chain_of_redirects_as_in_go() {
    let Some(mut both) = Both::start(json!({})).await else { return };
    // Each answer comes in time, but not all of them do.
    let steps = Arc::new(AtomicUsize::new(0));
    let counted = steps.clone();
    let upstream = Upstream::start(move |request| {
        counted.fetch_add(1, Ordering::SeqCst);
        let number: usize = request.path.trim_start_matches('/').parse().unwrap();
        let gate = Gate::closed();
        let opened = gate.clone();
        tokio::spawn(async move {
            tokio::time::sleep(std::time::Duration::from_millis(400)).await;
            opened.open();
        });
        match number {
            5 => Answer::text("text/plain", "the end"),
            number => Answer::redirect(&format!("/{}", number + 1)),
        }
        .after(&gate)
    })
    .await;
    let wanted = json!({ "url": format!("{}/0", upstream.url()) });
    let patient = DataSource::new(&upstream.url()).json(json!({ "timeout": 0 }));
    assert_eq!(
        both.fetch_alike("without a limit", &patient, wanted.clone()).await.of_first("body"),
        "the end"
    );
    assert_eq!(steps.swap(0, Ordering::SeqCst), 12);
    let source = DataSource::new(&upstream.url()).json(json!({ "timeout": 1 }));
    let [ours, theirs] = both.fetch(&source, wanted).await;
    assert_eq!(
        (ours.status, &ours.source),
        (theirs.status, &theirs.source),
        "{}\n{}",
        ours.error,
        theirs.error
    );
    assert!(!ours.error.is_empty() && !theirs.error.is_empty());
    assert!(steps.load(Ordering::SeqCst) < 12, "neither came to the end");
    both.end().await;
}
