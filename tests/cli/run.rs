//! `gpx run`.

mod broken;
mod format;
mod interrupt;
mod options;

use std::os::unix::fs::PermissionsExt as _;

use gpx_tests::artifacts::packaged;
use gpx_tests::directory::Directory;
use gpx_tests::plugin::Plugin;
use gpx_tests::upstream::{Answer, Upstream};

use crate::terminal::ended;

/// Returns the packaged example.
fn example() -> String {
    packaged("http-backend").to_str().expect("a path is text").to_owned()
}

/// Returns a plugin whose executable is a shell script.
fn script(lines: &str) -> Directory {
    let folder = Directory::new().unwrap();
    let metadata = r#"{"id":"a-b-datasource","type":"datasource","name":"A","executable":"x"}"#;
    std::fs::write(folder.join("plugin.json"), metadata).unwrap();
    // Another process writes it: see `directory::link`.
    std::fs::write(folder.join("lines"), format!("#!/bin/sh\n{lines}\n")).unwrap();
    let executable = folder.join("x_linux_amd64");
    std::fs::set_permissions(folder.join("lines"), std::fs::Permissions::from_mode(0o755)).unwrap();
    let copied =
        std::process::Command::new("cp").arg("-p").arg(folder.join("lines")).arg(&executable).status();
    assert!(copied.unwrap().success());
    folder
}

#[gpx_tests::test]
async fn health_frames_and_trace_are_shown() {
    let upstream = Upstream::points(3).await;
    let words = ["run", &example(), "--url", &upstream.url(), "--query", r#"{"multiplier":2}"#];
    let run = ended(words).await.ok();
    let shown = "health  ok  Data source is working

query A  200
  frame 1 response  3 rows, 2 fields
  time                   values
  time                  float64
";
    assert!(run.stdout.starts_with(shown), "{}", run.stdout);
    let names: Vec<_> = run.stdout.lines().map(|line| line.trim().split("   ").next().unwrap()).collect();
    let spans = [
        "gpx: QueryData",
        "└ pluginv2.Data/QueryData",
        "└ sdk.queryData",
        "└ query processing",
        "└ HTTP Outgoing Request",
    ];
    assert!(names.ends_with(&spans), "{}", run.stdout);
    // The component's own log, too, as a line that people can read.
    assert!(run.stderr.contains(" INFO  Plugin Request Completed duration="), "{}", run.stderr);
    assert!(!format!("{}{}", run.stdout, run.stderr).contains('\x1b'), "there is no terminal to color");
}

#[gpx_tests::test]
async fn a_query_that_fails_is_told_with_the_others_answers() {
    let upstream = Upstream::points(25).await;
    let queries = r#"[{"multiplier":2},{},{"refId":"last"}]"#;
    let run = ended(["run", &example(), "--url", &upstream.url(), "--query", queries, "--rows", "2"]).await;
    let refused =
        "query B  400  query 2 is refused on purpose, to show a status per query  (source: plugin)\n";
    assert!(run.stdout.contains(refused), "{}", run.stdout);
    assert!(run.stdout.contains("\nquery A  200\n") && run.stdout.contains("\nquery last  200\n"));
    assert_eq!(run.stdout.matches("  … 23 more rows; --rows 0 shows all\n").count(), 2, "{}", run.stdout);
    run.failed("1 of 3 queries failed");
}

#[gpx_tests::test]
async fn an_upstream_that_is_away_fails_health_and_query() {
    let run = ended(["run", &example(), "--url", "http://127.0.0.1:1", "--log", "off"]).await;
    assert!(run.stdout.starts_with("health  error  request error\n"), "{}", run.stdout);
    assert!(run.stdout.contains("query A  502  bad gateway request  (source: plugin)"), "{}", run.stdout);
    assert_eq!(run.stderr, "error: the health check says: error; 1 of 1 queries failed\n");
    run.failed("");
}

#[gpx_tests::test]
async fn repeated_queries_are_timed() {
    let upstream = Upstream::points(1).await;
    let run = ended(["run", &example(), "--url", &upstream.url(), "--repeat", "3"]).await.ok();
    let timed = run.stdout.lines().find(|line| line.starts_with("answered 3 times: min "));
    assert!(
        timed.is_some_and(|line| line.contains(", median ") && line.contains(", max ")),
        "{}",
        run.stdout
    );
    // One is the health check's.
    assert_eq!(upstream.requests().len(), 4);
    assert_eq!(run.stdout.matches("gpx: QueryData").count(), 1, "{}", run.stdout);
}

#[gpx_tests::test]
async fn all_of_a_trace_has_attributes_and_events() {
    let upstream = Upstream::always(Answer::status(404)).await;
    let words =
        ["run", &example(), "--url", &upstream.url(), "--query", "{}", "--trace", "all", "--log", "off"];
    let run = ended(words).await;
    for part in ["    http.status_code=404\n", " HTTP request done\n", "    query.ref_id=A\n"] {
        assert!(run.stdout.contains(part), "{part} in {}", run.stdout);
    }
    let run = ended(["run", &example(), "--url", &upstream.url(), "--trace", "off"]).await;
    assert!(!run.stdout.contains("trace "), "{}", run.stdout);
}

#[gpx_tests::test]
async fn what_a_plugin_says_cannot_change_the_terminal() {
    let launch = Plugin::guest("probe");
    let folder = launch.directory().to_str().unwrap();
    for end in ["fault", "panic", "frame", "label"] {
        let texts = ["\u{1b}[2J\u{202e}\n\u{85}\u{2028}"];
        let query = serde_json::json!({ "queryType": "say", "texts": texts, "end": end }).to_string();
        let run = ended(["run", folder, "--query", &query, "--log", "trace", "--trace", "all"]).await;
        let all = format!("{}{}", run.stdout, run.stderr);
        assert!(all.contains("\\u{1b}[2J") && run.stdout.contains("trace "), "{all}");
        assert!(!all.contains(['\x1b', '\u{202e}', '\u{85}', '\u{2028}']), "{end}: {all:?}");
    }
}

#[gpx_tests::test]
async fn an_app_need_not_answer_queries() {
    let metadata = r#"{"id":"gpx-test-app","type":"app","name":"Test","executable":"gpx_test"}"#;
    let launch = Plugin::guest("gpx_app").file("plugin.json", metadata.as_bytes());
    let run = ended(["run", launch.directory().to_str().unwrap(), "--log", "off"]).await;
    assert!(
        run.stdout.starts_with("health  ") && !run.stdout.contains("query "),
        "{}{}",
        run.stdout,
        run.stderr
    );
}

#[gpx_tests::test]
async fn a_million_rows_are_cut() {
    let launch = Plugin::guest("probe");
    let query = r#"{"queryType":"big","rows":1000000}"#;
    let run = ended(["run", launch.directory().to_str().unwrap(), "--query", query]).await.ok();
    assert!(run.stdout.contains("\n  … 999980 more rows; --rows 0 shows all\n"), "{}", run.stdout);
    assert!(run.stdout.lines().count() < 50, "{}", run.stdout);
}
