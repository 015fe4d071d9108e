//! docs/tutorial.md, typed as the page says.

use gpx_tests::artifacts;
use gpx_tests::directory::Directory;

use crate::project;
use crate::terminal::printed;

#[test]
fn the_tutorial_leads_from_an_empty_folder_to_a_frame() {
    let page = std::fs::read_to_string(artifacts::repository().join("docs/tutorial.md")).expect("the page");
    let blocks = page.split("```sh\n").skip(1).filter_map(|rest| rest.split_once("```"));
    let (commands, containers): (Vec<_>, Vec<_>) =
        blocks.flat_map(|(block, _)| block.lines()).partition(|command| !command.starts_with("docker"));
    // There is no Grafana here; the directory that it would load has been run by then.
    assert_eq!(containers, ["docker compose up"]);
    assert!(commands.iter().filter(|command| command.starts_with("gpx ")).count() <= 3, "{commands:?}");
    let directory = Directory::new().expect("a directory");
    let mut shell = std::process::Command::new("/bin/sh");
    shell.args(["-e", "-c", &commands.join("\n")]).current_dir(directory.path());
    let tools = artifacts::gpx().parent().expect("a folder").to_owned();
    let path = std::env::var_os("PATH").unwrap_or_default();
    let path = std::env::join_paths(std::iter::once(tools).chain(std::env::split_paths(&path)));
    let told = printed(project::building(&mut shell).env("PATH", path.expect("a path")));
    assert!(told.contains("2 series can be read") && told.contains("time"), "{told}");
    assert!(told.contains("read series"), "the trace has the plugin's span: {told}");
}
