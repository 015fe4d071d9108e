//! Upstreams that answer with more than a component may have.

use gpx_tests::grafana::{DataSource, query};
use gpx_tests::plugin::Plugin;
use gpx_tests::upstream::{Answer, Upstream};
use gpx_tests::wire::Wire;
use serde_json::json;

use super::siege::{Siege, assert_ended};

async fn assert_survived(answer: Answer) {
    let upstream = Upstream::always(answer).await;
    let siege = Siege::of_probe().await;
    let fetch = query("A").kind("fetch").json(json!({ "url": upstream.url() }));
    let answers = siege.attack(&upstream.url(), &fetch).await;
    assert_ended(&answers);
    assert!(answers.iter().all(|answer| !answer.error.is_empty()), "none of it fits");
    siege.over().await;
}

#[gpx_tests::test]
async fn a_gzip_bomb() {
    assert_survived(Answer::gzip(&vec![b'x'; 64 << 20])).await;
}

#[gpx_tests::test]
async fn a_body_without_end() {
    assert_survived(Answer::Endless(vec![b'x'; 64 << 10].into())).await;
}

#[gpx_tests::test]
async fn a_head_of_many_fields() {
    let field = |number: usize| (format!("x-{number}"), "x".to_owned());
    let headers = (0..20_000).map(field).collect();
    assert_survived(Answer::Full { status: 200, headers, body: "few".into() }).await;
}

#[gpx_tests::test]
async fn a_head_of_large_fields() {
    let field = |number: usize| (format!("x-{number}"), "x".repeat(1 << 20));
    let headers = (0..50).map(field).collect();
    assert_survived(Answer::Full { status: 200, headers, body: "few".into() }).await;
}

#[gpx_tests::test]
async fn a_head_as_servers_send_them_passes_and_a_longer_one_is_refused_in_words() {
    let plugin = Plugin::guest("probe").start().await;
    for (fields, passes) in [(32, true), (400, true), (600, false)] {
        // Each a KiB on the wire, with its name, a colon, a blank and the end of the line.
        let field = |number: usize| (format!("x-{number:03}"), "x".repeat(1024 - 9));
        let headers = (0..fields).map(field).collect();
        let upstream = Upstream::always(Answer::Full { status: 200, headers, body: "whole".into() }).await;
        let fetch = query("A").kind("fetch").json(json!({ "url": upstream.url() }));
        let reply = plugin.query(&DataSource::new(&upstream.url()), [fetch]).await.unwrap();
        if passes {
            let pairs = reply.frame("A").pairs();
            assert_eq!((pairs["status"], pairs["body"]), ("200", "whole"));
            assert_eq!(pairs["header.x-031"].len(), 1024 - 9);
        } else {
            let error = &reply.answer("A").error;
            let words = format!("the head of {}'s response is longer than 524288 bytes", upstream.address());
            assert!(error.contains(&words), "{error}");
        }
    }
}

#[gpx_tests::test]
async fn interim_responses_pass_and_too_many_are_refused_in_words() {
    let interim = "HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n";
    let end = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nwhole";
    let wire = Wire::start().await;
    let plugin = Plugin::guest("probe").start().await;
    let url = format!("http://{}", wire.address());
    for (count, passes) in [(1000, true), (50_000, false)] {
        wire.answer([format!("{}{end}", interim.repeat(count))]);
        let fetch = query("A").kind("fetch").json(json!({ "url": url }));
        let reply = plugin.query(&DataSource::new(&url), [fetch]).await.unwrap();
        if passes {
            assert_eq!(reply.frame("A").pairs()["body"], "whole");
        } else {
            let error = &reply.answer("A").error;
            assert!(
                error.contains("sends interim responses without end: more than 1048576 bytes"),
                "{error}"
            );
        }
    }
}
