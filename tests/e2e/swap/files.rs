//! How a component's file may change.

use std::fs::{self, File};
use std::io::Write as _;
use std::os::unix::fs::symlink;

use gpx_tests::directory::Directory;

use super::*;

#[gpx_tests::test]
async fn a_component_may_be_written_in_place_and_counts_once_it_is_complete() {
    let plugin = watching(Plugin::of(&build(1))).await;
    let path = component(&plugin);
    for frames_then in 2..5 {
        let new = build(frames_then);
        let (half, rest) = new.split_at(new.len() / 2);
        let mut file = File::create(&path).unwrap();
        file.write_all(half).unwrap();
        // Something else happens beside it.
        fs::write(plugin.directory.join("module.js"), "").unwrap();
        file.write_all(rest).unwrap();
        drop(file);
        runs(&plugin, &new).await;
        assert_eq!(frames(&plugin).await, frames_then);
    }
    assert!(!plugin.logs.mention("The component is not replaced"), "{}", plugin.logs);
}

#[gpx_tests::test]
async fn a_component_may_be_a_link_or_be_gone_for_a_while() {
    let plugin = watching(Plugin::of(&build(1))).await;
    let (path, elsewhere) = (component(&plugin), Directory::new().unwrap());
    let target = elsewhere.join("built.wasm");
    // As cargo does it: the old file is removed, and the new one linked.
    fs::write(&target, build(2)).unwrap();
    fs::remove_file(&path).unwrap();
    fs::hard_link(&target, &path).unwrap();
    runs(&plugin, &build(2)).await;

    fs::remove_file(&path).unwrap();
    refused(&plugin, "No such file or directory (os error 2); put the plugin's .wasm there").await;
    assert_eq!(frames(&plugin).await, 2);
    symlink(&target, &path).unwrap();
    put(&target, &build(3));
    runs(&plugin, &build(3)).await;
    fs::write(&target, build(4)).unwrap();
    runs(&plugin, &build(4)).await;

    fs::remove_file(&target).unwrap();
    fs::remove_file(&path).unwrap();
    symlink("gpx_test.wasm", &path).unwrap();
    refused(&plugin, "Too many levels of symbolic links").await;
    for (kind, reason) in [("-p", "it is not a regular file"), ("-d", "it is not a regular file")] {
        fs::remove_file(&path).unwrap();
        match kind {
            "-p" => assert!(std::process::Command::new("mkfifo").arg(&path).status().unwrap().success()),
            _ => fs::create_dir(&path).unwrap(),
        }
        refused(&plugin, reason).await;
        assert_eq!(frames(&plugin).await, 4);
    }
    fs::remove_dir(&path).unwrap();
    put(&path, &build(5));
    runs(&plugin, &build(5)).await;
    assert_eq!(frames(&plugin).await, 5);
}

#[gpx_tests::test]
async fn the_directory_may_be_emptied_and_made_again() {
    let plugin = watching(Plugin::of(&build(1))).await;
    let directory = plugin.directory.path().to_owned();
    fs::remove_dir_all(&directory).unwrap();
    refused(&plugin, "No such file or directory").await;
    fs::create_dir(&directory).unwrap();
    fs::write(component(&plugin), build(2)).unwrap();
    runs(&plugin, &build(2)).await;
    assert_eq!(frames(&plugin).await, 2);
}

#[gpx_tests::test]
async fn machine_code_of_another_build_is_not_used_and_that_of_the_new_one_is() {
    let launch = Plugin::guest("minimal");
    assert!(launch.entries().contains(&"gpx_test.cwasm".to_owned()), "the test is about this file");
    let holder = launch.holder();
    let plugin = watching(launch).await;
    let (path, new) = (component(&plugin), rebuilt(&guest("minimal"), 1));
    put(&path, &new);
    runs(&plugin, &new).await;
    // The stale code was no surprise, but it was not used: the compiler was.
    assert!(!plugin.logs.mention("Precompiled code is not used"), "{}", plugin.logs);
    let compiled = |line: &Line| line.message == "Compiling the component";
    plugin.logs.wait_for_lines(1, compiled).await;

    // With its code put there first, it is not compiled.
    let (aside, newest) = (Directory::new().unwrap(), rebuilt(&guest("minimal"), 2));
    let built = aside.join("gpx_test.wasm");
    fs::write(&built, &newest).unwrap();
    let output = holder.output(&["compile", built.to_str().unwrap()]).await;
    assert!(output.status.success(), "{output:?}");
    fs::rename(built.with_extension("cwasm"), path.with_extension("cwasm")).unwrap();
    fs::rename(&built, &path).unwrap();
    runs(&plugin, &newest).await;
    assert_eq!(plugin.logs.all().iter().filter(|line| compiled(line)).count(), 1);
}
