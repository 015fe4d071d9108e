//! The process in which a plugin has its component compiled: what it may use, and what it does not have.

use std::process::Stdio;

use gpx_tests::artifacts;
use gpx_tests::grafana::{DataSource, query};
use gpx_tests::plugin::Plugin;
use tokio::io::AsyncWriteExt as _;
use tokio::process::Command;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_client::HealthClient;

use super::bomb;

/// Returns what a plugin answers whose component keeps the compiler busy, after a shell has set this limit.
async fn refused_within(limit: &str) -> String {
    let script = format!("{limit} && exec \"$0\"");
    let words = |_: &std::path::Path, executable: &std::path::Path| {
        ["/bin/sh", "-c", &script, executable.to_str().unwrap()].map(str::to_owned).into()
    };
    let plugin = Plugin::of(&bomb()).start_by(words).await.unwrap();
    let reply = plugin.query(&DataSource::new(""), [query("A")]).await.unwrap();
    let answer = reply.answer("A").error.clone();
    assert!(plugin.stop().await.success(), "{answer}");
    answer
}

#[gpx_tests::test]
async fn a_component_that_compiles_for_too_long_is_refused_with_the_limit() {
    let told = refused_within("ulimit -t 3").await;
    let limit =
        "cannot be used: compiling it takes more than 2 s of processor time; compile it ahead of time";
    assert!(told.contains(limit), "{told}");
}

#[gpx_tests::test]
async fn a_component_that_takes_too_much_memory_to_compile_is_refused_with_the_limit() {
    let told = refused_within("ulimit -v 204800").await;
    let limit = "cannot be used: compiling it takes more than 200 MiB of memory; compile it ahead of time";
    assert!(told.contains(limit), "{told}");
}

/// A process, as the system sees it.
struct Seen(u32);

impl Seen {
    /// Waits until a process has a child.
    async fn child_of(parent: u32) -> Self {
        loop {
            let children = std::fs::read_to_string(format!("/proc/{parent}/task/{parent}/children"));
            let others = std::fs::read_dir(format!("/proc/{parent}/task")).unwrap().flatten();
            let others = others.filter_map(|task| std::fs::read_to_string(task.path().join("children")).ok());
            let all: Vec<_> = children.into_iter().chain(others).collect();
            if let Some(child) = all.iter().flat_map(|text| text.split_whitespace()).next() {
                let child = Self(child.parse().unwrap());
                if child.read("cmdline") == "gpx-host-compiler\0"
                    && child.limit("Max core file size").1 == "0"
                {
                    return child;
                }
            }
            tokio::task::yield_now().await;
        }
    }

    fn read(&self, name: &str) -> String {
        std::fs::read_to_string(format!("/proc/{}/{name}", self.0)).unwrap_or_default()
    }

    /// The lower and the upper limit.
    fn limit(&self, name: &str) -> (String, String) {
        let limits = self.read("limits");
        let line = limits.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_default();
        let mut words = line.split_whitespace().map(str::to_owned);
        (words.next().unwrap_or_default(), words.next().unwrap_or_default())
    }

    /// Waits until the process is dead. Its new parent may not have asked for its status.
    async fn end(&self) {
        while self.read("stat").split(") ").nth(1).is_some_and(|state| !state.starts_with(['Z', 'X'])) {
            tokio::task::yield_now().await;
        }
    }
}

#[gpx_tests::test]
async fn it_has_limits_and_nothing_else_and_ends_with_the_plugin() {
    // The shell leaves a file open for the plugin.
    let words = |_: &std::path::Path, executable: &std::path::Path| {
        ["/bin/sh", "-c", "exec 7</etc/passwd && exec \"$0\"", executable.to_str().unwrap()]
            .map(str::to_owned)
            .into()
    };
    let launch = Plugin::of(&bomb()).setting("secret", "x");
    let mut plugin = launch.start_by(words).await.unwrap();
    let child = Seen::child_of(plugin.id()).await;
    assert_eq!(child.limit("Max cpu time"), ("45".to_owned(), "47".to_owned()));
    let space = (1088_u64 << 20).to_string();
    assert_eq!(child.limit("Max address space"), (space.clone(), space));
    let environment = child.read("environ");
    assert!(
        environment.starts_with("RAYON_NUM_THREADS=") && environment.matches('\0').count() == 1,
        "{environment}"
    );
    let descriptors = std::fs::read_dir(format!("/proc/{}/fd", child.0)).unwrap();
    let mut descriptors: Vec<_> =
        descriptors.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    descriptors.sort();
    assert_eq!(descriptors, ["0", "1", "2"]);

    // Meanwhile the plugin answers what needs no component.
    let request = HealthCheckRequest { service: "plugin".to_owned() };
    HealthClient::new(plugin.channel.clone()).check(request).await.unwrap();
    plugin.kill().await;
    child.end().await;
}

#[gpx_tests::test]
async fn shutdown_does_not_wait_for_it() {
    let plugin = Plugin::of(&bomb()).start().await;
    let child = Seen::child_of(plugin.id()).await;
    assert!(plugin.stop().await.success());
    child.end().await;
}

#[gpx_tests::test]
async fn started_by_anybody_else_it_refuses() {
    for (input, told) in [
        ("", "standard input is not a job: "),
        ("what?\n", "standard input is not a job: "),
        (
            r#"{"parent":1,"limits":{"seconds":1,"memory":1,"threads":1},"target":{"triple":null,"growth":null},"component":0}"#,
            "the process that asked is gone",
        ),
    ] {
        let mut command = Command::new(artifacts::host());
        command.arg0("gpx-host-compiler").stdin(Stdio::piped()).stderr(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.kill_on_drop(true).spawn().unwrap();
        let _ = child.stdin.take().unwrap().write_all(input.as_bytes()).await;
        let output = child.wait_with_output().await.unwrap();
        let text = String::from_utf8_lossy(&output.stderr);
        assert!(
            output.status.code() == Some(1) && output.stdout.is_empty() && text.starts_with(told),
            "{text}"
        );
    }
}
