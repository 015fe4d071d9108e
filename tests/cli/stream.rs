//! `gpx stream`.

use std::process::Stdio;

use gpx_tests::plugin::Plugin;
use gpx_tests::upstream::{Answer, Upstream};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, BufReader};

use crate::terminal::{ended, gpx, interrupt};

#[gpx_tests::test]
async fn each_packet_is_a_line() {
    let launch = Plugin::guest("probe");
    let folder = launch.directory().to_str().unwrap();
    let stream = ended(["stream", "json", folder]).await.ok();
    assert_eq!(stream.stdout, "null\n{\"a\":[1,\"é<\"]}\n");
    assert!(stream.stderr.ends_with("\n2 packets\n"), "{}", stream.stderr);
    let stream = ended(["stream", "json", folder, "--count", "1"]).await.ok();
    assert_eq!(stream.stdout, "null\n");
    assert!(stream.stderr.ends_with("\n1 packet\n"), "{}", stream.stderr);
}

#[gpx_tests::test]
async fn a_stream_that_may_not_be_read_or_breaks_is_a_failure() {
    let launch = Plugin::guest("probe");
    let folder = launch.directory().to_str().unwrap();
    ended(["stream", "denied", folder]).await.failed("the plugin does not permit the stream \"denied\"");
    ended(["stream", "missing", folder]).await.failed("the plugin has no stream \"missing\"");
    let broken = ended(["stream", "fail", folder]).await;
    assert_eq!(broken.stdout.lines().count(), 1, "{}", broken.stdout);
    broken.failed("the stream has failed: the source of the stream is gone");
}

#[gpx_tests::test]
async fn ctrl_c_ends_a_stream_and_the_plugin() {
    let upstream = Upstream::always(Answer::json(json!({ "value": 1.5 }))).await;
    let launch = Plugin::guest("gpx_streaming");
    let folder = launch.directory().to_str().unwrap();
    let command = gpx(["stream", "gold", folder, "--url", &upstream.url()]);
    let mut command = tokio::process::Command::from(command);
    let mut child = command.process_group(0).stdout(Stdio::piped()).kill_on_drop(true).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    // The subscriber's first frame, and two packets.
    for _ in 0..3 {
        let line = lines.next_line().await.unwrap().expect("a packet");
        let frame: Value = serde_json::from_str(&line).unwrap();
        assert_eq!(frame["data"]["values"][1], json!([1.5]));
    }
    assert_eq!(interrupt(child).await, Some(0));
}
