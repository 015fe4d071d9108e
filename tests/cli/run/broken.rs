//! Plugins that do not start, crash, or are not what they should be.

use std::os::unix::fs::PermissionsExt as _;

use gpx_tests::plugin::Plugin;

use super::script;
use crate::terminal::ended;

#[gpx_tests::test]
async fn a_plugin_that_does_not_start_is_told_with_its_last_words() {
    for (lines, words, error) in [
        (
            "echo boom >&2; exit 3",
            "boom\n",
            "the plugin has ended before it said where it listens: exit status: 3",
        ),
        ("kill -SEGV $$", "", "the plugin has ended before it said where it listens: signal: 11 (SIGSEGV)"),
        ("printf 'a\\033[2J\\377\\n' >&2; exit 1", "a\\u{1b}[2J\u{fffd}\n", "exit status: 1"),
        ("echo hello", "", "the plugin's first line on standard output is not a handshake but \"hello\\n\""),
        ("printf '\\377\\000'", "", "is not a handshake but \"\u{fffd}\\0\""),
        ("echo '1|2|pigeon|home|grpc|'", "", "names the network \"pigeon\", which is neither unix nor tcp"),
        ("echo '1|2|unix|/nowhere|grpc|'", "", "cannot connect to /nowhere: No such file or directory"),
        // Without an end of the line, and then without an end.
        ("exec cat /dev/zero", "", "is not a handshake but"),
        // Its log has no end, since another process has it.
        ("sleep 5 & echo boom >&2; exit 1", "boom\n", "exit status: 1"),
    ] {
        let folder = script(lines);
        let run = ended(["run", folder.path().to_str().unwrap()]).await;
        assert!(run.stderr.starts_with(words) && run.stdout.is_empty(), "{lines}: {}", run.stderr);
        run.failed(error);
    }
}

#[gpx_tests::test]
async fn what_is_wrong_with_a_plugins_files_is_named() {
    let folder = script("exit 0");
    let path = folder.path().to_str().unwrap();
    std::fs::set_permissions(folder.join("x_linux_amd64"), std::fs::Permissions::from_mode(0o644)).unwrap();
    ended(["run", path]).await.failed("x_linux_amd64: Permission denied");
    for (metadata, error) in [
        ("{", "plugin.json: EOF while parsing an object at line 1 column 1"),
        (r#"{"id":"a","type":"app"}"#, "plugin.json names no `executable`, so the plugin has no back end"),
        (r#"{"type":"app"}"#, "plugin.json: missing field `id`"),
    ] {
        std::fs::write(folder.join("plugin.json"), metadata).unwrap();
        ended(["run", path]).await.failed(error);
    }
    let metadata = r#"{"id":"a-b-app","type":"app","executable":"x"}"#;
    std::fs::write(folder.join("plugin.json"), metadata).unwrap();
    ended(["run", path, "--url", "http://x"]).await.failed("a-b-app is an app, which has no URL");
    let deep = format!("{}=1", "a.".repeat(60_000));
    ended(["run", path, "--json-data", &deep]).await.failed("--json-data takes at most 100 names");
}

#[gpx_tests::test]
async fn a_component_that_cannot_be_loaded_is_the_answer() {
    let launch = Plugin::of(b"not a component");
    let run = ended(["run", launch.directory().to_str().unwrap()]).await;
    assert!(
        run.stdout.starts_with("health  error  ") && run.stdout.contains("query A  500  "),
        "{}",
        run.stdout
    );
    run.failed("1 of 1 queries failed");
}

#[gpx_tests::test]
async fn a_plugin_that_is_killed_in_a_call_is_told() {
    let launch = Plugin::guest("probe");
    let folder = launch.directory().to_str().unwrap();
    let mut command = tokio::process::Command::from(crate::terminal::gpx(["stream", "hold", folder]));
    command.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped()).kill_on_drop(true);
    let mut child = command.spawn().unwrap();
    let mut lines = tokio::io::BufReader::new(child.stdout.take().unwrap());
    let mut line = String::new();
    tokio::io::AsyncBufReadExt::read_line(&mut lines, &mut line).await.unwrap();
    let plugin = crate::terminal::child_of(child.id().unwrap()).unwrap();
    let plugin = rustix::process::Pid::from_raw(plugin.cast_signed()).unwrap();
    rustix::process::kill_process(plugin, rustix::process::Signal::KILL).unwrap();
    let output = child.wait_with_output().await.unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{stderr}");
    let error = "error: the plugin has ended by itself (signal: 9 (SIGKILL)): the stream has failed: ";
    assert!(stderr.lines().last().unwrap().starts_with(error), "{stderr}");
}
