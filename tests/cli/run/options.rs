//! The data source, the operator's settings, and the queries.

use gpx_tests::artifacts::{host, packaged};
use gpx_tests::directory::{Directory, link};
use gpx_tests::plugin::Plugin;
use gpx_tests::upstream::Upstream;

use super::example;
use crate::terminal::{Ended, ended, gpx};

#[gpx_tests::test]
async fn json_data_and_secrets_are_the_data_sources() {
    let upstream = Upstream::points(1).await;
    let (folder, url) = (example(), upstream.url());
    let words =
        ["run", &folder, "--url", &url, "--json-data", "httpHeaderName1=X-Token", "--basic-auth", "ada"];
    let secrets =
        ["--secret", "httpHeaderValue1", "--secret", "basicAuthPassword=love=lace", "--log", "trace"];
    let mut command = gpx(words.into_iter().chain(secrets).chain(["--trace", "all"]));
    command.env("httpHeaderValue1", "s3cret-token");
    let run = Ended::of(command).await.ok();
    for request in upstream.requests() {
        assert_eq!(request.header("x-token"), Some("s3cret-token"));
        // ada:love=lace
        assert_eq!(request.header("authorization"), Some("Basic YWRhOmxvdmU9bGFjZQ=="));
    }
    let all = run.stdout + &run.stderr;
    for secret in ["s3cret-token", "love=lace", "YWRhOmxvdmU9bGFjZQ"] {
        assert!(!all.contains(secret), "{all}");
    }
}

#[gpx_tests::test]
async fn a_mistyped_secret_is_not_printed() {
    let folder = example();
    for mistake in ["hunter2", "=hunter2"] {
        let run = ended(["run", &folder, "--secret", "fine=x", "--secret", mistake]).await;
        assert!(!format!("{}{}", run.stdout, run.stderr).contains("hunter2"), "{}", run.stderr);
        run.failed("--secret number 2 has no ");
    }
    for option in ["--setting", "--json-data"] {
        let run = ended(["run", &folder, option, "hunter2"]).await;
        assert!(!run.stderr.contains("hunter2"), "{}", run.stderr);
        run.failed(&format!("{option} takes KEY=VALUE"));
    }
}

#[gpx_tests::test]
async fn a_plugin_that_leaks_its_secret_does_not_show_it_here() {
    let launch = Plugin::guest("probe");
    let folder = launch.directory().to_str().unwrap();
    let query = r#"{"queryType":"leak"}"#;
    let words =
        ["run", folder, "--query", query, "--secret", "apiToken=s3cret-token", "--json-data", "health=leak"];
    for more in [["--log", "trace", "--trace", "all"].as_slice(), &["--json"]] {
        let run = ended(words.into_iter().chain(more.iter().copied())).await;
        assert!(run.code == Some(1) && run.stdout.contains("leak"), "{}{}", run.stdout, run.stderr);
        assert!(
            !format!("{}{}", run.stdout, run.stderr).contains("s3cret-token"),
            "{}{}",
            run.stdout,
            run.stderr
        );
    }
}

#[gpx_tests::test]
async fn settings_are_the_operators() {
    let launch = Plugin::guest("probe");
    let folder = launch.directory().to_str().unwrap();
    let query = r#"{"queryType":"settings"}"#;
    let words = ["run", folder, "--query", query, "--json-data", "a.b=[1]", "--rows", "0"];
    let plain = ended(words).await.ok().stdout;
    let more = ["--setting", "gpx_trace_host=on", "--setting", "own_key=own value"];
    let with = ended(words.into_iter().chain(more)).await.ok().stdout;
    assert!(plain.contains(r#"{"a":{"b":[1]}}"#), "{plain}");
    assert!(with.contains("own value") && !plain.contains("own value"), "{with}");
    let spans = |text: &str| text.lines().filter(|line| line.contains('│')).count();
    assert!(spans(&with) > spans(&plain), "{with}");
}

#[gpx_tests::test]
async fn proxies_of_the_environment_count() {
    let proxy = Upstream::points(1).await;
    let mut command = gpx(["run", &example(), "--url", "http://prices.example"]);
    command.env_remove("http_proxy").env("HTTP_PROXY", proxy.url());
    Ended::of(command).await.ok();
    assert!(proxy.requests().iter().all(|request| request.header("host") == Some("prices.example")));
}

#[gpx_tests::test]
async fn queries_have_what_grafana_adds_and_the_time_range() {
    let upstream = Upstream::points(1).await;
    let files = Directory::new().unwrap();
    let request =
        r#"{"from":"1767225600000","to":"now","queries":[{"refId":"X","maxDataPoints":7,"queryType":"q"}]}"#;
    let (file, folder, url) = (files.join("request.json"), example(), upstream.url());
    std::fs::write(&file, request).unwrap();
    let words = ["run", &folder, "--url", &url, "--trace", "all", "--query"];
    let saved = ended(words.into_iter().chain([file.to_str().unwrap()])).await.ok().stdout;
    for part in ["time_range.from=1767225600", "ref_id=X", "max_data_points=7", "interval_ms=1000", "type=q"]
    {
        assert!(saved.contains(&format!("    query.{part}\n")), "{part} in {saved}");
    }
    let range = ["--from", "2026-01-01T00:00:00Z", "--to", "1767229200000", "--query", "-"];
    let mut command = gpx(["run", &folder, "--url", &url, "--trace", "all"].into_iter().chain(range));
    command.stdin(std::fs::File::open(&file).unwrap());
    let given = Ended::of(command).await.ok().stdout;
    assert!(given.contains("range.from=1767225600\n") && given.contains("range.to=1767229200\n"), "{given}");
}

#[gpx_tests::test]
async fn what_is_wrong_with_a_query_is_said_before_anything_starts() {
    let files = Directory::new().unwrap();
    let garbage: Vec<u8> = (0..=255).rev().cycle().take(100_000).collect();
    std::fs::write(files.join("garbage"), garbage).unwrap();
    let (folder, garbage) = (example(), files.join("garbage"));
    let garbage = garbage.to_str().unwrap();
    for (query, error) in [
        (r#"{"a":"#, "the query {\"a\": is not JSON: EOF while parsing"),
        ("[{},1]", "is a list of which not everything is an object"),
        (r#"[{"refId":"A"},{"refId":"A"}]"#, "two queries have the refId \"A\"; give each its own"),
        (r#"{"refId":1}"#, "the refId of a query is not a text"),
        (r#"{"intervalMs":"1m"}"#, "intervalMs of query A is not a whole number"),
        (garbage, "garbage is not JSON: expected value at line 1 column 1"),
        (files.path().to_str().unwrap(), "Is a directory"),
        ("query.json", "cannot read the query from query.json; a query itself begins with `{`: No such file"),
        ("/dev/zero", "/dev/zero has more than 64 MiB, too much for a query"),
    ] {
        let run = ended(["run", &folder, "--query", query]).await;
        assert_eq!(run.stderr.lines().count(), 1, "{query}: {}", run.stderr);
        run.failed(error);
    }
    let words = ["run", &folder, "--from", "now", "--to", "now-1h"];
    ended(words).await.failed("the time range ends before it begins; look at --from and --to");
    ended(["run", &folder, "--to", "later"]).await.failed("--to: \"later\" is not a time; write `now-6h`");
}

#[gpx_tests::test]
async fn the_host_beside_gpx_runs_a_plugin_without_an_executable() {
    let upstream = Upstream::points(1).await;
    let folder = Directory::new().unwrap();
    for name in ["plugin.json", "gpx_http_backend.wasm", "gpx_http_backend.cwasm"] {
        link(&packaged("http-backend").join(name), &folder.join(name)).unwrap();
    }
    ended(["run", folder.path().to_str().unwrap(), "--url", &upstream.url()]).await.ok();
    // Nothing is left there.
    assert_eq!(folder.entries(), ["gpx_http_backend.cwasm", "gpx_http_backend.wasm", "plugin.json"]);
    // With a gpx that has no host beside itself, both are missing.
    let alone = Directory::new().unwrap();
    link(&gpx_tests::artifacts::gpx(), &alone.join("gpx")).unwrap();
    let mut command = std::process::Command::new(alone.join("gpx"));
    command.args(["run", folder.path().to_str().unwrap()]);
    let run = Ended::of(command).await;
    assert!(host().is_file());
    run.failed("gpx_http_backend_linux_amd64 and no gpx-host beside gpx; `gpx build` makes the one");
}

#[gpx_tests::test]
async fn a_project_is_run_once_it_is_built() {
    let upstream = Upstream::points(1).await;
    let project = Directory::new().unwrap();
    let path = project.path().to_str().unwrap().to_owned();
    ended(["run", &path])
        .await
        .failed("is neither a plugin's directory, which has a plugin.json, nor a project");
    std::fs::write(project.join("Cargo.toml"), "").unwrap();
    ended(["run", &path]).await.failed("has not been built; type `gpx build`");
    std::os::unix::fs::symlink(packaged("http-backend"), project.join("dist")).unwrap();
    ended(["run", &path, "--url", &upstream.url()]).await.ok();
    ended(["run", "/nowhere"]).await.failed("there is no directory /nowhere");
}
