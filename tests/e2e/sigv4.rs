//! Signature Version 4 of AWS, at an upstream that computes each signature once more.

mod credentials;

use gpx_tests::collector::Collector;
use gpx_tests::grafana::{DataSource, Query, query};
use gpx_tests::peer;
use gpx_tests::plugin::Plugin;
use gpx_tests::sigv4::{Signed, verify};
use gpx_tests::trace::{TRACE, TRACEPARENT};
use gpx_tests::upstream::{Answer, Request, Upstream};
use serde_json::{Value, json};

const ACCESS: &str = "AKIDEXAMPLE";
const SECRET: &str = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";
const SESSION: &str = "IQoJb3JpZ2luX2VjE-session-token";

/// A data source that is signed with keys of its own, with more settings.
fn source(url: &str, more: Value) -> DataSource {
    let mut json = json!({
        "sigV4Auth": true, "sigV4AuthType": "keys", "sigV4Region": "eu-west-1", "sigV4Service": "aps",
    });
    json.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    DataSource::new(url).json(json).secret("sigV4AccessKey", ACCESS).secret("sigV4SecretKey", SECRET)
}

fn fetch(url: &str, more: Value) -> Query {
    let mut wanted = json!({ "url": url });
    wanted.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    query("A").kind("fetch").json(wanted)
}

/// Verifies a request, and what it was signed for.
fn signed(request: &Request, scope: &str) -> Signed {
    let signed = verify(request, SECRET).unwrap_or_else(|what| panic!("{what}\n{request:?}"));
    assert_eq!((signed.access_key.as_str(), signed.scope.as_str()), (ACCESS, scope));
    signed
}

#[gpx_tests::test]
async fn a_request_is_signed_as_it_is_sent() {
    let upstream = Upstream::always(Answer::text("text/plain", "ok")).await;
    let plugin = Plugin::guest("probe").start().await;
    let of = |service: &str| {
        let more = json!({ "sigV4Service": service, "httpHeaderName1": "X-Scope-OrgID" });
        let source = source(&upstream.url(), more).secret("httpHeaderValue1", "tenant  one");
        source.secret("sigV4SessionToken", SESSION)
    };
    let headers = json!({
        "Authorization": "Bearer mine", "X-Amz-Date": "20000101T000000Z", "X-Amz-Target": "T.Do",
        "X-Odd": "  a   b  ", "Accept": "text/html, */*;q=0.1",
    });
    let shapes = [
        ("/", json!({})),
        ("/api/v1/query?query=up%7Bjob%3D%22a%20b%22%7D&time=1", json!({})),
        ("/q?b=2&a=1&b=1&A=0&a%20a=&flag&=x&&~=%7e", json!({})),
        ("/q?query=sum+by+(a)&x=1+1%2B1", json!({})),
        ("/a%20b/%C3%A4/c(d);e=f,g/%25/~/-._", json!({})),
        ("/a%2Fb", json!({})),
        ("/q?%zz=%", json!({})),
        ("/a//b/./c/", json!({})),
        ("/", json!({ "headers": headers })),
        (
            "/body",
            json!({ "method": "POST", "body": "{\"a\": 1}", "headers": { "Content-Type": "application/json" } }),
        ),
        ("/body", json!({ "method": "DELETE", "body": "x" })),
        ("/", json!({ "method": "HEAD" })),
    ];
    for service in ["aps", "s3"] {
        let source = of(service);
        // How S3 reads an encoded slash is not published.
        for (path, more) in shapes.iter().filter(|(path, _)| service != "s3" || !path.contains("%2F")) {
            upstream.forget();
            let reply = plugin.query(&source, [fetch(&format!("{}{path}", upstream.url()), more.clone())]);
            let reply = reply.await.unwrap();
            assert_eq!(reply.answer("A").error, "", "{path}");
            let [request] = upstream.wait_for_requests(1).await.try_into().unwrap();
            let signed = signed(&request, &format!("eu-west-1/{service}"));
            assert!(signed.body, "{path}");
            assert_eq!(request.header("x-amz-security-token"), Some(SESSION));
            let is_signed = |name: &str| signed.headers.iter().any(|header| header == name);
            assert!(is_signed("x-amz-security-token"), "{:?}", signed.headers);
            assert!(!is_signed("user-agent") && !is_signed("traceparent"), "{:?}", signed.headers);
        }
    }
    // What the component gets of the answer and of its settings has none of it.
    let reply = plugin.query(&of("aps"), [query("A").kind("settings")]).await.unwrap();
    let seen = reply.frame("A").json.to_string();
    assert!(!seen.contains(SECRET) && !seen.contains(SESSION) && !seen.contains("secret.sigV4"), "{seen}");
}

#[gpx_tests::test]
async fn a_signature_is_that_of_awss_client_for_go() {
    let Some(tools) = peer::tools() else { return };
    let upstream = Upstream::always(Answer::text("text/plain", "ok")).await;
    let plugin = Plugin::guest("probe").start().await;
    let mut peer = tools.start().unwrap();
    for service in ["aps", "s3"] {
        let source = source(&upstream.url(), json!({ "sigV4Service": service }));
        let source = source.secret("sigV4SessionToken", SESSION);
        for (path, body) in [
            ("/api/v1/query?query=up%7Bjob%3D%22a%20b%22%7D&time=1", ""),
            ("/a%20b/%C3%A4/c?b=2&a=1&b=1&flag&x=a+b", "{\"a\": 1}"),
        ] {
            upstream.forget();
            let more = json!({ "method": "POST", "body": body, "headers": { "X-Odd": " a  b ", "Content-Type": "a/b" } });
            let reply = plugin.query(&source, [fetch(&format!("{}{path}", upstream.url()), more)]).await;
            assert_eq!(reply.unwrap().answer("A").error, "");
            let [request] = upstream.wait_for_requests(1).await.try_into().unwrap();
            let signed = signed(&request, &format!("eu-west-1/{service}"));
            let kept = request.headers.iter().filter(|(name, _)| signed.headers.contains(name));
            let headers: serde_json::Map<_, _> =
                kept.map(|(name, value)| (name.clone(), Value::from(value.clone()))).collect();
            let asked = json!({
                "method": request.method, "path": request.path, "query": request.query,
                "headers": headers, "body": body, "access": ACCESS, "secret": SECRET, "token": SESSION,
                "region": "eu-west-1", "service": service,
            });
            let go = peer.get("sign", asked).await;
            assert_eq!(go["authorization"].as_str(), request.header("authorization"), "{service} {path}");
        }
    }
}

#[gpx_tests::test]
async fn redirects_are_signed_anew_and_only_at_the_data_sources_own_origin() {
    let other = Upstream::always(Answer::text("text/plain", "other")).await;
    let elsewhere = other.url();
    let upstream = Upstream::start(move |request| match request.path.as_str() {
        "/here" => Answer::redirect("/there?b=2&a=1"),
        "/away" => Answer::redirect(&elsewhere),
        _ => Answer::text("text/plain", "ok"),
    })
    .await;
    let launch = Plugin::guest("probe").setting("gpx_allow_hosts", &other.address().to_string());
    let plugin = launch.start().await;
    let source = source(&upstream.url(), json!({})).secret("sigV4SessionToken", SESSION);
    for path in ["/here", "/away"] {
        let reply = plugin.query(&source, [fetch(&format!("{}{path}", upstream.url()), json!({}))]).await;
        assert_eq!(reply.unwrap().answer("A").error, "");
    }
    let requests = upstream.wait_for_requests(3).await;
    let signatures: Vec<_> =
        requests.iter().map(|request| signed(request, "eu-west-1/aps").signature).collect();
    assert!(signatures[0] != signatures[1], "{signatures:?}");
    let [request] = other.requests().try_into().unwrap();
    assert_eq!((request.header("authorization"), request.header("x-amz-security-token")), (None, None));
    assert_eq!(request.header("x-amz-date"), None);
}

#[gpx_tests::test]
async fn a_request_that_is_sent_once_more_is_signed_all_the_same() {
    let answers = std::sync::atomic::AtomicUsize::new(0);
    let upstream = Upstream::start(move |_| {
        match answers.fetch_add(1, std::sync::atomic::Ordering::Relaxed) {
            // The second request finds its connection closed.
            1 => Answer::Close,
            _ => Answer::text("text/plain", "ok"),
        }
    })
    .await;
    let plugin = Plugin::guest("probe").start().await;
    let source = source(&upstream.url(), json!({}));
    for _ in 0..2 {
        let reply = plugin.query(&source, [fetch(&upstream.url(), json!({}))]).await.unwrap();
        assert_eq!(reply.answer("A").error, "");
    }
    let requests = upstream.wait_for_requests(3).await;
    requests.iter().for_each(|request| drop(signed(request, "eu-west-1/aps")));
    assert_eq!(requests[1].header("authorization"), requests[2].header("authorization"));
}

#[gpx_tests::test]
async fn a_body_is_hashed_up_to_a_mebibyte() {
    let upstream = Upstream::always(Answer::text("text/plain", "ok")).await;
    let plugin = Plugin::guest("probe").start().await;
    let source = source(&upstream.url(), json!({}));
    for (length, hashed) in [(1 << 20, true), ((1 << 20) + 1, false), (3 << 20, false)] {
        upstream.forget();
        let post = json!({ "method": "POST", "body": "b".repeat(length) });
        let reply = plugin.query(&source, [fetch(&upstream.url(), post)]).await.unwrap();
        assert_eq!(reply.answer("A").error, "");
        let [request] = upstream.wait_for_requests(1).await.try_into().unwrap();
        assert_eq!((request.body.len(), signed(&request, "eu-west-1/aps").body), (length, hashed));
    }
}

#[gpx_tests::test]
async fn what_cannot_be_signed_is_told_in_words_and_not_sent() {
    let upstream = Upstream::always(Answer::text("text/plain", "ok")).await;
    let plugin = Plugin::guest("probe").start().await;
    for (more, words) in [
        (
            json!({ "sigV4AuthType": "grafana_assume_role" }),
            "the data source's sigV4AuthType is `grafana_assume_role`, which the host does not support",
        ),
        (json!({ "sigV4AuthType": "ec2_iam_role" }), "add it to allowed_auth_providers under [aws]"),
        (json!({ "sigV4Region": "" }), "the data source has no AWS region; set sigV4Region"),
        (json!({ "sigV4Service": "" }), "set sigV4Service, for example to `aps`"),
        (json!({ "sigV4Region": 7 }), "the data source's sigV4Region is not a text"),
        (json!({ "sigV4AuthType": "credentials" }), "the path of the shared credentials file is not known"),
    ] {
        let reply = plugin.query(&source(&upstream.url(), more), [fetch(&upstream.url(), json!({}))]).await;
        let reply = reply.unwrap();
        assert!(reply.answer("A").error.contains(words), "{}", reply.answer("A").error);
    }
    let url = format!("{}/?a=%ff", upstream.url());
    let reply = plugin.query(&source(&upstream.url(), json!({})), [fetch(&url, json!({}))]).await.unwrap();
    assert!(reply.answer("A").error.contains("must be UTF-8"), "{}", reply.answer("A").error);
    assert_eq!(upstream.requests().len(), 0);
}

#[gpx_tests::test]
async fn neither_signature_nor_keys_are_shown() {
    let collector = Collector::start().await;
    let upstream = Upstream::start(|_| {
        let all = format!("{SECRET} {SESSION}");
        Answer::Full {
            status: 500,
            headers: vec![("x-echo".to_owned(), SESSION.to_owned())],
            body: all.into(),
        }
    })
    .await;
    let plugin = Plugin::guest("probe").tracing(&collector.address()).start().await;
    let source = source(&upstream.url(), json!({})).secret("sigV4SessionToken", SESSION);
    let fetch = query("A").kind("fetch-json").json(json!({ "url": upstream.url() }));
    let call =
        plugin.query(&source, [fetch]).traceparent(TRACEPARENT).header("X-Grafana-HAR-Capture", "true");
    let reply = call.await.unwrap();
    let [request] = upstream.wait_for_requests(1).await.try_into().unwrap();
    let signature = signed(&request, "eu-west-1/aps").signature;
    let logs = plugin.logs.clone();
    let shown = format!("{reply:?}");
    assert!(shown.contains("x-amz-security-token"), "the capture has the request: {shown}");
    assert!(plugin.stop().await.success());
    let trace = collector.wait_for_trace(TRACE, |trace| trace.has(&["HTTP Outgoing Request"])).await;
    let spans = format!("{trace:?}");
    for text in [&shown, &spans] {
        for secret in [SECRET, SESSION] {
            assert!(!text.contains(secret), "{secret} in {text}");
        }
    }
    assert!(!spans.contains(&signature), "{spans}");
    assert!(logs.mention("Plugin Request Completed") && !logs.mention(SECRET), "{logs}");
    assert!(!logs.mention(SESSION) && !logs.mention(&signature), "{logs}");
}
