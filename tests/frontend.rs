//! What the host sends, read by the code of Grafana's frontend, and the examples' own frontends. Only the full run installs
//! Grafana's from npm.

use std::path::Path;
use std::process::Command;

use gpx_tests::artifacts;
use gpx_tests::directory::Directory;
use gpx_tests::grafana::{DataSource, query};
use gpx_tests::plugin::Plugin;
use gpx_tests::proto::pluginv2::DataFrameFormat;
use serde_json::{Map, Value, json};

/// As many rows as frames: around the ends of bytes, words and paddings.
const ROWS: [usize; 14] = [0, 1, 2, 7, 8, 9, 15, 16, 17, 63, 64, 65, 513, 1000];

/// The types of Grafana's data plane contract.
const TYPES: [&str; 9] = [
    "timeseries-wide",
    "timeseries-multi",
    "timeseries-long",
    "numeric-wide",
    "numeric-multi",
    "numeric-long",
    "log-lines",
    "heatmap-rows",
    "heatmap-cells",
];

#[gpx_tests::test]
async fn grafanas_frontend_reads_both_formats_alike() {
    let directory = Directory::new().unwrap();
    let plugin = Plugin::guest("probe").start().await;
    let conversion = json!({
        "count": 100, "how": "long-to-wide", "fill": "null", "from_ns": 0, "to_ns": 0, "interval_ns": 0,
    });
    let mut asked = vec![
        ("types", "types", json!({ "rows": ROWS })),
        ("sample", "sample", json!({})),
        ("random", "convert", conversion),
    ];
    asked.extend(TYPES.map(|frame_type| (frame_type, "dataplane", json!({ "frame_type": frame_type }))));
    let mut sets = Map::new();
    for (format, ending) in [(DataFrameFormat::Arrow, "arrow"), (DataFrameFormat::Json, "json")] {
        for (set, kind, model) in &asked {
            let query = query("A").kind(kind).json(model.clone());
            let reply = plugin.query(&DataSource::new(""), [query]).format(format).await.unwrap();
            let answer = reply.answer("A");
            assert_eq!(answer.error, "", "{set}");
            for (number, frame) in answer.raw.frames.iter().enumerate() {
                std::fs::write(directory.join(format!("{set}.{number}.{ending}")), frame).unwrap();
            }
            sets.insert((*set).to_owned(), answer.raw.frames.len().into());
        }
    }
    std::fs::write(directory.join("sets.json"), Value::Object(sets).to_string()).unwrap();
    assert!(plugin.stop().await.success());

    let text = node("frames.test.js", &[("GPX_FRAMES", directory.path())]);
    eprintln!("{}", text.lines().filter(|line| line.contains("frames: ")).collect::<String>());
}

/// The examples' own frontends.
#[test]
fn the_examples_modules_load_and_render() {
    node("modules.test.js", &[]);
}

/// Runs tests of `tests/frontend` in Node.js, and returns what they print.
fn node(file: &str, environment: &[(&str, &Path)]) -> String {
    let mut node = Command::new("node");
    node.args(["--test", "--test-reporter=spec"])
        .arg(artifacts::repository().join("tests/frontend").join(file))
        .env("GPX_FRONTEND", artifacts::frontend())
        .envs(environment.iter().copied());
    let output = node.output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let failed: Vec<_> = text.lines().filter(|line| !line.contains("✔")).collect();
    assert!(output.status.success(), "{}{}", failed.join("\n"), String::from_utf8_lossy(&output.stderr));
    text
}
