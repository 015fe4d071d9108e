//! Answers of nginx: redirects, encodings, heads, and what reaches an upstream behind it.

use std::collections::HashMap;

use gpx_tests::both::Both;
use gpx_tests::grafana::DataSource;
use gpx_tests::servers::nginx::{Nginx, Site};
use gpx_tests::upstream::{Request, Upstream};
use serde_json::json;

#[gpx_tests::test]
async fn redirects_lead_to_the_same_place_as_in_go() {
    let steps = |code: u16| {
        format!(
            "location = /{code} {{ return {code} /{code}/b?x=1; }}\nlocation = /{code}/b {{ return {code} ../end; }}\n"
        )
    };
    let upstream = Upstream::points(1).await;
    let all = [301, 302, 303, 307, 308].map(steps).concat();
    let end = format!("location / {{ proxy_pass {}; }}\n", upstream.url());
    let sites = [Site::plain().with(&all).with(&end).with("location = /loop { return 302 /loop; }")];
    let Some(nginx) = Nginx::start(&sites).await else { return };
    let Some(mut both) = Both::start(json!({})).await else { return };
    let source = DataSource::new(&nginx.url(0)).basic_auth("ada", "password");
    for code in [301, 302, 303, 307, 308] {
        for (method, body) in [("GET", ""), ("POST", "a body"), ("HEAD", "")] {
            let url = format!("{}/{code}", nginx.url(0));
            let what = format!("{method} {code}");
            let before = upstream.requests().len();
            let wanted =
                json!({ "url": url, "method": method, "body": body, "headers": { "accept": "text/x" } });
            let outcome = both.fetch_alike(&what, &source, wanted).await;
            assert_eq!(outcome.of_first("url"), format!("{}/end", nginx.url(0)), "{what}");
            let requests = upstream.requests();
            let [ours, theirs] = &requests[before..] else { panic!("{what}: {requests:?}") };
            assert!(ours.headers.contains_key("referer"), "{what}");
            assert_eq!(
                (&ours.method, &ours.body, sent(ours)),
                (&theirs.method, &theirs.body, sent(theirs)),
                "{what}"
            );
        }
    }
    let outcome =
        both.fetch_alike("a circle", &source, json!({ "url": format!("{}/loop", nginx.url(0)) })).await;
    assert!(outcome.error.contains("redirect"), "{}", outcome.error);
    both.end().await;
}

#[gpx_tests::test]
async fn the_same_headers_reach_an_upstream_behind_nginx() {
    let upstream = Upstream::points(1).await;
    let sites = [
        Site::plain().passes_to(&upstream.url()),
        Site::secure(&["self"]).passes_to(&upstream.url()),
        Site::secure(&["self"]).passes_to(&upstream.url()).http2(),
    ];
    let Some(nginx) = Nginx::start(&sites).await else { return };
    let Some(mut both) = Both::start(json!({})).await else { return };
    for site in 0..sites.len() {
        let json = json!({
            "tlsSkipVerify": true, "httpHeaderName1": "X-Twice", "httpHeaderName2": "x-twice", "httpHeaderName3": "X-Key",
        });
        let source = DataSource::new(&nginx.url(site)).json(json).basic_auth("ada", "password");
        let source = source.secret("httpHeaderValue1", "one").secret("httpHeaderValue2", "two");
        let mut source = source.secret("httpHeaderValue3", "a key");
        source.settings.database = "http2".to_owned();
        for (method, path, body) in
            [("GET", "/a b?c=d", ""), ("POST", "/%20/ü", "text"), ("DELETE", "/x", "")]
        {
            let before = upstream.requests().len();
            let url = format!("{}{path}", nginx.url(site));
            let what = format!("{method} {url}");
            let headers = json!({ "X-Own": "own", "Content-Type": "text/plain" });
            let wanted = json!({ "url": url, "method": method, "headers": headers, "body": body });
            let outcome = both.fetch_alike(&what, &source, wanted).await;
            assert_eq!(outcome.of_first("status"), "200", "{what}");
            let requests = upstream.requests();
            let [ours, theirs] = &requests[before..] else { panic!("{what}: {requests:?}") };
            assert_eq!(
                (&ours.path, &ours.query, &ours.body),
                (&theirs.path, &theirs.query, &theirs.body),
                "{what}"
            );
            assert_eq!(sent(ours), sent(theirs), "{what}");
            assert_eq!(ours.header("x-twice"), Some("one, two"), "{what}");
        }
    }
    both.end().await;
}

/// What was sent. The twin does not know its version.
fn sent(request: &Request) -> HashMap<String, String> {
    let mut headers = request.headers.clone();
    if let Some(agent) = headers.get_mut("user-agent") {
        *agent = agent.trim_end_matches("1.2.3").to_owned();
    }
    headers
}

#[gpx_tests::test]
async fn encodings_and_heads_are_read_as_in_go() {
    let long = "x".repeat(1000);
    let lines =
        |count: usize| -> String { (0..count).map(|n| format!("add_header X-{n:03} '{long}';\n")).collect() };
    let many: String = (0..1000).map(|n| format!("add_header X-{n:04} v;\n")).collect();
    let gzip = "gzip on; gzip_types *; gzip_min_length 1; gzip_proxied any;";
    let location = |path: &str, inside: &str| format!("location = /{path} {{ {inside} }}\n");
    let all = [
        location("gzip", &format!("{gzip} alias body; default_type text/x;")),
        location("plain", "alias body; default_type text/x;"),
        location("none", "return 204;"),
        location("missing", "return 404 'not here';"),
        location("failed", "return 503 'later';"),
        location("cookies", "add_header Set-Cookie a=1; add_header Set-Cookie b=2; return 200 ok;"),
        location("many", &format!("{many} return 200 ok;")),
        location("long", &format!("{} return 200 ok;", lines(400))),
        location("longer", &format!("{} return 200 ok;", lines(40))),
        location("close", "keepalive_timeout 0; return 200 ok;"),
    ]
    .concat();
    let sites = [
        Site::plain().with(&all),
        Site::secure(&["self"]).with(&all),
        Site::secure(&["self"]).with(&all).http2(),
    ];
    let Some(nginx) = Nginx::start(&sites).await else { return };
    nginx.write("body", &"0,1,2,".repeat(100_000));
    let Some(mut both) = Both::start(json!({})).await else { return };
    for site in 0..sites.len() {
        let mut source = DataSource::new(&nginx.url(site)).json(json!({ "tlsSkipVerify": true }));
        source.settings.database = "http2".to_owned();
        for path in
            ["gzip", "plain", "none", "missing", "failed", "cookies", "many", "long", "longer", "close"]
        {
            for method in ["GET", "HEAD"] {
                let wanted = json!({ "url": format!("{}/{path}", nginx.url(site)), "method": method });
                let what = format!("{method} {path} on {site}");
                // By HTTP/2 our limit of a head is 48 KiB.
                if site == 2 && path == "long" {
                    let [ours, theirs] = both.fetch(&source, wanted).await;
                    assert!(!ours.error.is_empty(), "{what}");
                    assert_eq!(theirs.error, "", "{what}");
                    continue;
                }
                let outcome = both.fetch_alike(&what, &source, wanted).await;
                let pairs = outcome.answers.first().unwrap_or_else(|| panic!("{what}: {}", outcome.error));
                assert!(path != "gzip" || method == "HEAD" || pairs["body"].len() == 600_000, "{what}");
                assert!(path != "many" || pairs["header.x-0999"] == "v", "{what}");
            }
        }
    }
    both.end().await;
}
