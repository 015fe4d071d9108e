//! Headers of a call that the host passes on to the data source, and secrets that it puts into headers.

mod twin;

use gpx_tests::grafana::{DataSource, query};
use gpx_tests::plugin::{Launch, Plugin};
use gpx_tests::upstream::{Answer, Upstream, points};
use serde_json::{Value, json};

const SENT: [(&str, &str); 6] = [
    ("Authorization", "Bearer of-the-user"),
    ("X-ID-Token", "id-of-the-user"),
    ("http_X-Grafana-Id", "signed-by-grafana"),
    ("Cookie", "kept=1; other=2"),
    ("http_X-Dashboard-Uid", "d1"),
    ("FromAlert", "true"),
];

/// Sends a query with all these headers, which makes one request.
async fn ask(plugin: &Plugin, source: &DataSource, model: Value) -> Option<String> {
    let mut call = plugin.query(source, [query("A").kind("fetch").json(model)]);
    for (name, value) in SENT {
        call = call.header(name, value);
    }
    let reply = call.await.unwrap();
    Some(reply.answer("A").error.clone()).filter(|error| !error.is_empty())
}

async fn upstream() -> Upstream {
    Upstream::always(Answer::json(points(1))).await
}

const NAMES: [&str; 5] = ["authorization", "x-id-token", "x-grafana-id", "cookie", "x-dashboard-uid"];

#[gpx_tests::test]
async fn the_users_identity_goes_to_the_data_source_if_its_settings_say_so() {
    let upstream = upstream().await;
    let plugin = Plugin::guest("probe").start().await;
    let all = json!({ "oauthPassThru": true, "keepCookies": ["kept"] });
    for (json, wanted) in [
        (json!({}), [None; 5]),
        (
            all.clone(),
            [
                Some("Bearer of-the-user"),
                Some("id-of-the-user"),
                Some("signed-by-grafana"),
                Some("kept=1"),
                Some("d1"),
            ],
        ),
        (json!({ "keepCookies": ["kept"] }), [None, None, None, Some("kept=1"), None]),
    ] {
        let source = DataSource::new(&upstream.url()).json(json.clone());
        assert_eq!(ask(&plugin, &source, json!({ "url": upstream.url() })).await, None);
        let request = upstream.requests().pop().unwrap();
        assert_eq!(NAMES.map(|name| request.header(name)), wanted, "{json}");
        // As in Go, whatever else is passed on.
        assert_eq!(request.header("fromalert"), Some("true"), "{json}");
    }
    let source = DataSource::new(&upstream.url()).json(all).basic_auth("user", "password");
    let model = json!({ "url": upstream.url(), "headers": { "X-Dashboard-Uid": "mine" } });
    assert_eq!(ask(&plugin, &source, model).await, None);
    let request = upstream.requests().pop().unwrap();
    assert_eq!(request.header("authorization"), Some("Basic dXNlcjpwYXNzd29yZA=="), "basic auth goes first");
    assert_eq!(request.header("x-dashboard-uid"), Some("mine"), "what the component sets stays");
}

#[gpx_tests::test]
async fn it_goes_to_no_other_origin_also_after_a_redirect_and_the_component_does_not_see_it() {
    let other = upstream().await;
    let target = other.url();
    let upstream = Upstream::start(move |_| Answer::redirect(&target)).await;
    let plugin =
        Plugin::guest("probe").setting("gpx_allow_hosts", &other.address().to_string()).start().await;
    let json = json!({ "oauthPassThru": true, "keepCookies": ["kept"] });
    let source = DataSource::new(&upstream.url()).json(json);
    assert_eq!(ask(&plugin, &source, json!({ "url": upstream.url() })).await, None);
    assert_eq!(upstream.requests()[0].header("authorization"), Some("Bearer of-the-user"));
    let redirected = &other.requests()[0];
    assert_eq!(NAMES.map(|name| redirected.header(name)), [None; 5]);

    let mut call = plugin.query(&source, [query("A").kind("context")]);
    for (name, value) in SENT {
        call = call.header(name, value);
    }
    let seen = format!("{:?}", call.await.unwrap().answer("A").frames);
    assert!(
        !seen.contains("of-the-user") && !seen.contains("signed-by-grafana") && !seen.contains("kept"),
        "{seen}"
    );
}

#[gpx_tests::test]
async fn an_alert_shows_in_health_checks_and_resources_too() {
    let upstream = Upstream::always(Answer::text("text/plain", "fine")).await;
    let plugin = Plugin::guest("probe").start().await;
    let headers = [("FromAlert", "true"), ("Authorization", "Bearer u")];
    // The sign of an alert needs nobody's leave.
    for (passes, authorization) in [(false, None), (true, Some("Bearer u"))] {
        upstream.forget();
        let json = json!({ "health": "upstream", "oauthPassThru": passes });
        let source = DataSource::new(&upstream.url()).json(json);
        let call = plugin.health(&source);
        let call = headers.iter().fold(call, |call, (name, value)| call.header(name, value));
        assert_eq!(call.await.unwrap().message, "fine");
        let call = plugin.resource(&source, "GET", "upstream", "");
        let call = headers.iter().fold(call, |call, (name, value)| call.header(name, value));
        assert_eq!(call.await.unwrap().pieces, ["fine"]);
        let requests = upstream.requests();
        assert_eq!(requests.len(), 2);
        for request in requests {
            let seen = (request.header("fromalert"), request.header("authorization"));
            assert_eq!(seen, (Some("true"), authorization), "{}", request.path);
        }
    }
}

/// A component whose manifest names a secret for a header, and asks for headers of the call over basic auth.
fn placing() -> Launch {
    Plugin::guest("placing")
}

#[gpx_tests::test]
async fn a_secret_that_the_host_places_is_sent_and_never_seen() {
    let upstream = upstream().await;
    let url = upstream.url();
    let source = || DataSource::new(&url).basic_auth("user", "password").secret("apiToken", "s3cr3t-token");
    let plugin = placing().start().await;
    let reply = plugin.query(&source(), [query("A")]).await.unwrap();
    assert_eq!(reply.answer("A").error, "");
    let request = upstream.requests().pop().unwrap();
    assert_eq!(request.header("x-key"), Some("Token s3cr3t-token"));
    assert_eq!(request.header("authorization"), Some("Basic dXNlcjpwYXNzd29yZA=="));
    let seen = format!("{:?}", reply.answer("A").frames);
    assert!(!seen.contains("s3cr3t"), "{seen}");

    // A user's token goes first, as the manifest says.
    let call = plugin.query(&source(), [query("A")]).header("Authorization", "Bearer user");
    assert_eq!(call.await.unwrap().answer("A").error, "");
    assert_eq!(upstream.requests().pop().unwrap().header("authorization"), Some("Bearer user"));

    // No header is made of it.
    let broken = DataSource::new(&url).secret("apiToken", "s3cr3t\r\nX-Evil: 1");
    let reply = plugin.query(&broken, [query("A")]).await.unwrap();
    let error = &reply.answer("A").error;
    assert!(
        error.contains("apiToken has signs that a header cannot have") && !error.contains("s3cr3t"),
        "{error}"
    );
    assert_eq!(upstream.requests().len(), 2);

    // One that is not set leaves its header out.
    assert_eq!(plugin.query(&DataSource::new(&url), [query("A")]).await.unwrap().answer("A").error, "");
    assert_eq!(upstream.requests().pop().unwrap().header("x-key"), None);

    let plugin = placing().setting("gpx_deny_secrets", "apiToken").start().await;
    let reply = plugin.query(&source(), [query("A")]).await.unwrap();
    assert_eq!(reply.answer("A").error, "");
    assert_eq!(upstream.requests().pop().unwrap().header("x-key"), None);
}

#[gpx_tests::test]
async fn what_the_host_places_does_not_follow_a_redirect_to_another_origin() {
    let other = upstream().await;
    let target = other.url();
    let leading = Upstream::start(move |_| Answer::redirect(&target)).await;
    let plugin = placing().setting("gpx_allow_hosts", &other.address().to_string()).start().await;
    let source = DataSource::new(&leading.url()).secret("apiToken", "s3cr3t-token");
    let call = plugin.query(&source, [query("A")]).header("Authorization", "Bearer user");
    assert_eq!(call.await.unwrap().answer("A").error, "");
    let placed = |upstream: &Upstream| {
        let request = upstream.requests().pop().unwrap();
        ["x-key", "authorization"].map(|name| request.header(name).map(str::to_owned))
    };
    assert_eq!(placed(&leading), [Some("Token s3cr3t-token".to_owned()), Some("Bearer user".to_owned())]);
    assert_eq!(placed(&other), [None, None]);
}
