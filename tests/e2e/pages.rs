//! What the SDK does over several requests: pages and further attempts, against an upstream on the wire; and macros.

use gpx_tests::grafana::{DataSource, query};
use gpx_tests::plugin::Plugin;
use gpx_tests::upstream::{Answer, Upstream};
use serde_json::{Value, json};

/// Asks the probe, and returns the values of a field, or the error.
async fn ask(upstream: &Upstream, kind: &str, field: &str) -> Result<Vec<Value>, String> {
    let plugin = Plugin::guest("probe").start().await;
    let source = DataSource::new(&upstream.url());
    let model = json!({ "url": format!("{}/values", upstream.url()) });
    let reply = plugin.query(&source, [query("A").kind(kind).json(model)]).await.unwrap();
    match reply.answer("A").error.as_str() {
        "" => Ok(reply.frame("A").field(field).values.clone()),
        error => Err(error.to_owned()),
    }
}

fn with_header(answer: Answer, name: &str, value: &str) -> Answer {
    match answer {
        Answer::Full { status, mut headers, body } => {
            headers.push((name.to_owned(), value.to_owned()));
            Answer::Full { status, headers, body }
        }
        other => other,
    }
}

#[gpx_tests::test]
async fn pages_are_followed_by_link() {
    let upstream = Upstream::start(|request| match request.query.as_str() {
        "page=3" => Answer::json(json!([5])),
        "page=2" => with_header(Answer::json(json!([3, 4])), "link", "</values?page=3>; rel=\"next\""),
        _ => with_header(Answer::json(json!([1, 2])), "link", "<?page=0>; rel=prev, <?page=2>; rel=next"),
    })
    .await;
    assert_eq!(ask(&upstream, "pages-by-link", "value").await.unwrap(), [1, 2, 3, 4, 5]);
    let requests = upstream.requests();
    assert_eq!(requests.len(), 3);
    assert!(requests.iter().all(|request| request.header("authorization") == Some("Bearer probe")));
    assert!(requests.iter().all(|request| request.connection == 0), "the connection was not reused");
}

#[gpx_tests::test]
async fn pages_are_followed_by_cursor() {
    let upstream = Upstream::start(|request| match request.query.as_str() {
        "limit=2" => Answer::json(json!({ "values": [1, 2], "next": "b&c" })),
        "limit=2&after=b%26c" => Answer::json(json!({ "values": [3], "next": null })),
        _ => Answer::status(404),
    })
    .await;
    assert_eq!(ask(&upstream, "pages-by-cursor", "value").await.unwrap(), [1, 2, 3]);
}

#[gpx_tests::test]
async fn an_upstream_that_names_a_page_twice_is_told_of() {
    let upstream = Upstream::start(|_| Answer::json(json!({ "values": [1], "next": "a" }))).await;
    let error = ask(&upstream, "pages-by-cursor", "value").await.unwrap_err();
    assert!(error.ends_with("/values: the page names itself as the next one"), "{error}");
    assert_eq!(upstream.requests().len(), 2);
}

#[gpx_tests::test]
async fn an_upstream_that_is_away_for_a_moment_is_asked_again() {
    let attempts = std::sync::atomic::AtomicUsize::new(0);
    let upstream =
        Upstream::start(move |_| match attempts.fetch_add(1, std::sync::atomic::Ordering::Relaxed) {
            0 => Answer::Close,
            1 => Answer::status(503),
            2 => with_header(Answer::status(429), "retry-after", "0"),
            _ => Answer::text("text/plain", "back"),
        })
        .await;
    assert_eq!(ask(&upstream, "retry", "text").await.unwrap(), ["back"]);
    let requests = upstream.requests();
    assert_eq!(requests.len(), 4);
    assert!(requests.iter().all(|request| request.method == "PUT" && *request.body == *b"1"));
}

#[gpx_tests::test]
async fn the_last_answer_counts_if_all_attempts_are_made_or_the_pause_is_too_long() {
    let upstream = Upstream::always(Answer::status(503)).await;
    assert_eq!(ask(&upstream, "retry", "status").await.unwrap(), [503]);
    assert_eq!(upstream.requests().len(), 4);
    let upstream = Upstream::always(with_header(Answer::status(429), "retry-after", "3600")).await;
    assert_eq!(ask(&upstream, "retry", "status").await.unwrap(), [429]);
    assert_eq!(upstream.requests().len(), 1);
}

#[gpx_tests::test]
async fn macros_are_replaced_by_what_grafana_says() {
    let plugin = Plugin::guest("probe").start().await;
    let source = DataSource::new("http://unused.example");
    let model = json!({ "text": "$__interval $__interval_ms $__range_ms $__to $host" });
    let query = query("A").kind("interpolate").json(model);
    let (interval, range) = (query.0.interval_ms, query.0.time_range.unwrap());
    let millis = range.to_epoch_ms - range.from_epoch_ms;
    let reply = plugin.query(&source, [query]).await.unwrap();
    let text = reply.frame("A").field("text").values[0].as_str().unwrap().to_owned();
    let rest = format!(" {interval} {millis} {} $host", range.to_epoch_ms);
    assert!(text.ends_with(&rest), "{text} does not end with {rest}");
}
