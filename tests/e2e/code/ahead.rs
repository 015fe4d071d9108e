//! `gpx-host compile` beside running plugins, beside itself, and where it cannot write; and what is made of its files.

use std::os::unix::fs::symlink;

use gpx_tests::artifacts;
use gpx_tests::grafana::DataSource;
use gpx_tests::plugin::{Plugin, root};
use tokio::process::Command;

use super::{answers, compile, compile_after, files, guest, started};

/// An instance that there was before answers, and one that is made now.
async fn still_answers(plugin: &Plugin, old: &DataSource) {
    answers(plugin, old).await;
    answers(plugin, &DataSource::new("")).await;
}

#[gpx_tests::test]
async fn compiling_again_and_truncating_do_not_reach_a_running_plugin() {
    let launch = Plugin::of(&guest());
    let (component, code) = files(&launch);
    compile(&component).await;
    let plugin = launch.start().await;
    let old = DataSource::new("");
    answers(&plugin, &old).await;
    assert!(!plugin.logs.mention("Compiling the component"));
    for round in 0..100 {
        compile(&component).await;
        answers(&plugin, &old).await;
        // Whatever else somebody does with the file, and with the one that the plugin was started with.
        match round % 4 {
            0 => std::fs::File::options().write(true).open(&code).unwrap().set_len(0).unwrap(),
            1 => std::fs::write(&code, [0xcc; 200_000]).unwrap(),
            2 => std::fs::remove_file(&code).unwrap(),
            _ => {}
        }
        still_answers(&plugin, &old).await;
    }
    assert!(plugin.stop().await.success());
}

#[gpx_tests::test]
async fn a_file_that_is_changed_in_place_does_not_reach_a_running_plugin() {
    let launch = Plugin::of(&guest());
    let (component, code) = files(&launch);
    compile(&component).await;
    let plugin = launch.start().await;
    let old = DataSource::new("");
    answers(&plugin, &old).await;
    // The very file that it has read.
    let length = code.metadata().unwrap().len();
    std::fs::write(&code, vec![0xcc; usize::try_from(length).unwrap()]).unwrap();
    still_answers(&plugin, &old).await;
    std::fs::File::options().write(true).open(&code).unwrap().set_len(0).unwrap();
    still_answers(&plugin, &old).await;
    assert!(plugin.stop().await.success());
}

#[gpx_tests::test]
async fn compiling_at_the_same_time_ends_with_a_whole_file() {
    let launch = Plugin::of(&guest());
    let (component, _) = files(&launch);
    let before = launch.entries();
    for _ in 0..5 {
        let one = compile(&component);
        tokio::join!(one, compile(&component), compile(&component), compile(&component));
    }
    let after = launch.entries();
    assert_eq!(after.iter().filter(|name| !before.contains(name)).collect::<Vec<_>>(), ["gpx_test.cwasm"]);
    assert_eq!(started(launch).await, (false, vec![]));
}

#[gpx_tests::test]
async fn where_there_is_no_room_the_old_file_stays() {
    let launch = Plugin::of(&guest());
    let (component, _) = files(&launch);
    compile(&component).await;
    let before = launch.entries();
    let output = compile_after("ulimit -f 8", &component).await;
    let told = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{told}");
    assert!(
        told.contains("cannot write ") && told.contains("and the limit on the size of files (ulimit -f"),
        "{told}"
    );
    assert_eq!(launch.entries(), before);
    assert_eq!(started(launch).await, (false, vec![]));
}

#[gpx_tests::test]
async fn a_full_disk_leaves_nothing_behind() {
    if !root::possible() {
        return;
    }
    let launch = Plugin::of(&guest());
    let script = "mount -t tmpfs -o size=64k,mode=755 tmpfs \"$1\" && cp \"$2\" \"$1/it.wasm\" && head -c 1000000 /dev/zero \
                  >\"$1/full\" 2>/dev/null; \"$0\" compile \"$1/it.wasm\" && exit 9; ls -A \"$1\"";
    let mut command = Command::new("unshare");
    command.args(["-m", "/bin/sh", "-c", script]).arg(artifacts::host());
    command.arg(launch.directory()).arg(artifacts::component("minimal"));
    let output = command.kill_on_drop(true).output().await.unwrap();
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(told.contains("cannot write ") && told.contains("No space left on device"), "{told}");
    assert_eq!(String::from_utf8_lossy(&output.stdout), "full\nit.wasm\n");
}

#[gpx_tests::test]
async fn a_symbolic_link_is_replaced_and_what_it_leads_to_stays() {
    let launch = Plugin::of(&guest());
    let (component, code) = files(&launch);
    let other = launch.directory().join("other");
    std::fs::write(&other, "mine").unwrap();
    symlink(&other, &code).unwrap();
    compile(&component).await;
    assert_eq!(std::fs::read(&other).unwrap(), b"mine");
    assert_eq!(started(launch).await, (false, vec![]));
}

#[gpx_tests::test]
async fn damaged_code_is_compiled_again_whatever_is_wrong_with_it() {
    let launch = Plugin::of(&guest());
    let (component, code) = files(&launch);
    compile(&component).await;
    let whole = std::fs::read(&code).unwrap();
    drop(launch);
    let flipped = |at: usize| {
        let mut damaged = whole.clone();
        damaged[at] ^= 0x10;
        damaged
    };
    let middle = whole.len() / 2;
    for damaged in
        [flipped(0), flipped(100), flipped(middle), flipped(whole.len() - 1), whole[..middle].to_vec()]
    {
        let (compiled, reasons) = started(Plugin::of(&guest()).file("gpx_test.cwasm", &damaged)).await;
        let [reason] = reasons.try_into().unwrap();
        let start = "Precompiled code is not used; make it again with `gpx-host compile`: it is incomplete or damaged";
        assert!(compiled && reason.starts_with(start), "{reason}");
    }
    assert_eq!(started(Plugin::of(&guest()).file("gpx_test.cwasm", &whole)).await, (false, vec![]));
}
