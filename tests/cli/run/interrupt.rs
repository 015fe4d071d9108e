//! Ends that nobody waits for: Ctrl-C, a reader that goes away, a plugin that hangs.

use std::process::{Command, Stdio};

use gpx_tests::plugin::Plugin;
use gpx_tests::upstream::{Answer, Gate, Upstream};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, BufReader};

use super::{example, script};
use crate::terminal::{child_of, ended, gpx, interrupt};

#[gpx_tests::test]
async fn ctrl_c_ends_the_plugin() {
    let gate = Gate::closed();
    let upstream = Upstream::always(Answer::status(200).after(&gate)).await;
    let mut command = tokio::process::Command::from(gpx(["run", &example(), "--url", &upstream.url()]));
    let mut child = command.process_group(0).stderr(Stdio::piped()).kill_on_drop(true).spawn().unwrap();
    upstream.wait_for_requests(1).await;
    // It says what it waits for.
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
    while lines.next_line().await.unwrap().expect("a line") != "waiting for the health check …" {}
    assert_eq!(interrupt(child).await, Some(130));
    let mut rest = String::new();
    lines.into_inner().read_to_string(&mut rest).await.unwrap();
    assert!(!rest.contains("error:"), "{rest}");
}

#[gpx_tests::test]
async fn ctrl_c_ends_a_plugin_that_does_not_start() {
    let folder = script("echo starting >&2; exec sleep 3600");
    let mut command = tokio::process::Command::from(gpx(["run", folder.path().to_str().unwrap()]));
    let mut child = command.process_group(0).stderr(Stdio::piped()).kill_on_drop(true).spawn().unwrap();
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
    assert_eq!(lines.next_line().await.unwrap().as_deref(), Some("starting"));
    assert_eq!(interrupt(child).await, Some(130));
}

#[gpx_tests::test]
async fn ctrl_c_ends_a_plugin_that_does_not_listen_any_more() {
    let gate = Gate::closed();
    let upstream = Upstream::always(Answer::status(200).after(&gate)).await;
    let mut command = tokio::process::Command::from(gpx(["run", &example(), "--url", &upstream.url()]));
    let child = command.process_group(0).kill_on_drop(true).spawn().unwrap();
    upstream.wait_for_requests(1).await;
    let plugin = child_of(child.id().unwrap()).unwrap();
    let plugin = rustix::process::Pid::from_raw(plugin.cast_signed()).unwrap();
    rustix::process::kill_process(plugin, rustix::process::Signal::STOP).unwrap();
    assert_eq!(interrupt(child).await, Some(130));
}

#[gpx_tests::test]
async fn a_plugin_that_hangs_ends_with_the_timeout() {
    let gate = Gate::closed();
    let upstream = Upstream::always(Answer::status(200).after(&gate)).await;
    let words = ["run", &example(), "--url", &upstream.url(), "--timeout", "100ms"];
    ended(words).await.failed("the health check has not come within 100ms");
    let usage = ended(["run", &example(), "--timeout", "1"]).await;
    assert_eq!(usage.code, Some(2));
    assert!(usage.stderr.contains("write a number and a unit, such as `500ms`"), "{}", usage.stderr);
}

#[gpx_tests::test]
async fn a_reader_that_goes_away_is_no_failure() {
    let launch = Plugin::guest("probe");
    let folder = launch.directory().to_str().unwrap();
    let query = r#"{"queryType":"big","rows":50000}"#;
    for format in [["--rows", "0"], ["--format", "csv"], ["--format", "json"]] {
        let words = ["run", folder, "--query", query, "--log", "off"];
        let mut command = gpx(words.into_iter().chain(format));
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        drop(child.stdout.take());
        let output = tokio::task::spawn_blocking(|| child.wait_with_output()).await.unwrap().unwrap();
        assert_eq!((output.status.code(), String::from_utf8_lossy(&output.stderr).as_ref()), (Some(0), ""));
    }
}

#[gpx_tests::test]
async fn a_log_that_nobody_reads_is_no_failure() {
    let launch = Plugin::guest("probe");
    let mut command = gpx(["health", launch.directory().to_str().unwrap(), "--log", "trace"]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stderr.take());
    let output = tokio::task::spawn_blocking(|| child.wait_with_output()).await.unwrap().unwrap();
    assert_eq!(output.status.code(), Some(0));
    assert!(output.stdout.starts_with(b"health  ok  all is well\n"));
}

#[gpx_tests::test]
async fn a_disk_that_is_full_is_a_failure() {
    let launch = Plugin::guest("probe");
    let folder = launch.directory().to_str().unwrap();
    let mut command = gpx(["health", folder, "--log", "off"]);
    let full = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let output = command.stdout(full).output().unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(
        (output.status.code(), stderr.as_ref()),
        (Some(1), "error: No space left on device (os error 28)\n")
    );
}

#[gpx_tests::test]
async fn colours_are_for_terminals() {
    let launch = Plugin::guest("probe");
    let tool = gpx_tests::artifacts::gpx();
    let line = format!("{} health {} --log off", tool.display(), launch.directory().display());
    let on_a_terminal = |no_color: &str| {
        let mut command = Command::new("script");
        command.args(["-qec", &line, "/dev/null"]).env("TERM", "xterm").env("NO_COLOR", no_color);
        String::from_utf8_lossy(&command.output().expect("script, of util-linux").stdout).into_owned()
    };
    assert!(on_a_terminal("").contains("\x1b[32mok\x1b[0m"));
    assert!(on_a_terminal("1").contains("health  ok  all is well"));
}
