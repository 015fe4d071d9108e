//! `gpx run --watch` and `gpx dev`: what happens on each save.

use std::path::Path;
use std::process::Stdio;

use gpx_tests::directory::Directory;
use tokio::io::{AsyncBufReadExt as _, AsyncRead, BufReader, Lines};

use crate::project;
use crate::terminal::{gpx, interrupt};

fn edit(path: &Path, from: &str, to: &str) {
    let text = std::fs::read_to_string(path).expect("a file");
    assert!(text.contains(from), "{text}");
    std::fs::write(path, text.replace(from, to)).expect("a file");
}

/// Returns the next line that has this in it.
async fn line(lines: &mut Lines<BufReader<impl AsyncRead + Unpin>>, part: &str) -> String {
    let mut before = String::new();
    while let Some(line) = lines.next_line().await.expect("it can be read") {
        if line.contains(part) {
            return line;
        }
        before += &line;
        before += "\n";
    }
    panic!("no line has {part:?}:\n{before}");
}

#[test]
fn each_save_is_answered_by_the_new_component() {
    let copy = project::developed();
    gpx_tests::run(answered(copy));
}

async fn answered(copy: Directory) {
    let folder = copy.join("prices");
    let health = |text: &str| edit(&folder.join("src/lib.rs"), "Ok(Health::ok(format!(\"", text);
    let query = r#"{"series": "daily"}"#;
    let mut command = gpx(["run", "--watch", "--query", query]);
    project::building(&mut command).current_dir(&folder);
    let mut command = tokio::process::Command::from(command);
    command.process_group(0).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    let mut child = command.spawn().expect("gpx starts");
    let mut stdout = BufReader::new(child.stdout.take().expect("a pipe")).lines();
    let mut stderr = BufReader::new(child.stderr.take().expect("a pipe")).lines();
    line(&mut stdout, "2 series can be read").await;
    line(&mut stdout, "daily").await;

    health("Ok(Health::ok(format!(\"now ");
    line(&mut stdout, "now 2 series can be read").await;

    // A build that fails says where, and what runs stays.
    health("Ok(Health::ok(fromat!(\"");
    assert!(line(&mut stderr, "src/lib.rs:").await.contains("-->"));
    line(&mut stderr, "the plugin stays as it is").await;
    edit(&folder.join("src/lib.rs"), "fromat!(\"", "format!(\"then ");
    line(&mut stdout, "then now 2 series can be read").await;
    tokio::spawn(async move { while let Ok(Some(_)) = stderr.next_line().await {} });
    tokio::spawn(async move { while let Ok(Some(_)) = stdout.next_line().await {} });
    assert_eq!(interrupt(child).await, Some(0));
}

#[test]
fn a_component_is_put_into_place_for_a_grafana_that_runs() {
    let copy = project::developed();
    gpx_tests::run(put_into_place(copy));
}

async fn put_into_place(copy: Directory) {
    let folder = copy.join("prices");
    let before = std::fs::read(folder.join("dist/gpx_prices.wasm")).expect("it was built");
    let mut command = gpx(["dev"]);
    project::building(&mut command).current_dir(&folder);
    let mut command = tokio::process::Command::from(command);
    command.stderr(Stdio::piped()).kill_on_drop(true);
    let mut child = command.spawn().expect("gpx starts");
    let mut stderr = BufReader::new(child.stderr.take().expect("a pipe")).lines();
    line(&mut stderr, "waiting for changes; the plugin takes them if it runs with `gpx_watch = on`").await;
    let first = std::fs::read(folder.join("dist/gpx_prices.wasm")).expect("it was built");
    assert!(first != before && !folder.join("dist/gpx_prices.cwasm").exists());
    edit(&folder.join("src/lib.rs"), "series can be read", "series");
    line(&mut stderr, "built in ").await;
    let second = std::fs::read(folder.join("dist/gpx_prices.wasm")).expect("it was built");
    assert!(second != first);
}
