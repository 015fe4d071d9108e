//! `gpx doctor`: what it finds, and the line to paste.

use std::os::unix::fs::PermissionsExt as _;

use gpx_tests::collector::Collector;
use gpx_tests::directory::Directory;
use serde_json::Value;

use crate::project;
use crate::terminal::{Ended, gpx, printed};

#[test]
fn nothing_is_wrong_where_a_project_was_built() {
    let told = printed(project::building(&mut gpx(["doctor"])).current_dir(project::built()));
    for line in [
        "ok       rust       rustc ",
        "ok       target     wasm32-wasip2\n",
        "ok       gpx-host   gpx-host ",
        "ok       project    ",
    ] {
        assert!(told.contains(line), "{line}\n{told}");
    }
    assert!(told.contains("note     tracing    off: "), "{told}");
    assert!(!told.contains("problem"), "{told}");
}

#[gpx_tests::test]
async fn each_problem_has_its_remedy() {
    let empty = Directory::new().unwrap();
    let rustc = empty.join("rustc");
    std::fs::write(
        &rustc,
        "#!/bin/sh\ncase \"$*\" in *target-libdir*) echo /nowhere;; *) echo 'rustc 1.80.1 (x)';; esac\n",
    )
    .unwrap();
    std::fs::set_permissions(&rustc, std::fs::Permissions::from_mode(0o755)).unwrap();
    let mut command = gpx(["doctor"]);
    command.env("RUSTC", &rustc).current_dir(empty.path());
    let ended = Ended::of(command).await.failed("there are 2 problems");
    for part in [
        "rustc 1.80.1 (x) is older than 1.95; type `rustup update`",
        "type `rustup target add wasm32-wasip2`",
        "note     project    ",
    ] {
        assert!(ended.stdout.contains(part), "{part}\n{}", ended.stdout);
    }
    let mut command = gpx(["doctor"]);
    command.env("RUSTC", empty.join("none")).current_dir(empty.path());
    let ended = Ended::of(command).await;
    assert!(
        ended.stdout.contains("there is no rustc; install Rust as https://rustup.rs says"),
        "{}",
        ended.stdout
    );
}

#[gpx_tests::test]
async fn settings_and_the_collector_are_looked_at() {
    let (copy, collector) = (project::copy(), Collector::start().await);
    let doctor = |address: &str| {
        let mut command = gpx(["doctor", "--json"]);
        project::building(&mut command).current_dir(copy.join("prices"));
        command.env("GF_INSTANCE_OTLP_ADDRESS", address).env("GF_INSTANCE_OTLP_PROPAGATION", "w3c");
        command.env("GF_PLUGIN_GPX_CALL_TIMEOUT", "soon");
        Ended::of(command)
    };
    let ended = doctor(&collector.address()).await.failed("there is a problem");
    let found: Value = serde_json::from_str(&ended.stdout).expect("JSON");
    let of = |what: &str| {
        let all = found["found"].as_array().expect("a list").iter();
        all.filter(|found| found["what"] == what).cloned().collect::<Vec<_>>()
    };
    assert!(
        of("settings")[0]["text"].as_str().is_some_and(|text| text.contains("gpx_call_timeout")),
        "{found}"
    );
    assert_eq!(of("collector")[0]["fine"], true, "{found}");
    // Nobody listens there.
    let ended = doctor("127.0.0.1:1").await;
    assert!(ended.stdout.contains(r#""what":"collector""#) && ended.code == Some(1), "{}", ended.stdout);
}
