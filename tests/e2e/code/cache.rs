//! `gpx_cache_dir`: what was compiled is found at the next start.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt as _;

use gpx_tests::directory::Directory;
use gpx_tests::grafana::DataSource;
use gpx_tests::plugin::{Launch, Plugin, root};

use super::{answers, guest, started};

/// A plugin without machine code of its own.
fn launch(cache: &Directory) -> Launch {
    Plugin::of(&guest()).setting("gpx_cache_dir", cache.join("a/b").to_str().unwrap())
}

#[gpx_tests::test]
async fn a_component_is_compiled_once() {
    let cache = Directory::new().unwrap();
    assert_eq!(started(launch(&cache)).await, (true, vec![]));
    assert_eq!(started(launch(&cache)).await, (false, vec![]));
    // It is the operator's own, so it is used where code that came with the plugin is not.
    assert_eq!(started(launch(&cache).setting("gpx_precompiled", "off")).await, (false, vec![]));
    let names: Vec<_> =
        std::fs::read_dir(cache.join("a/b")).unwrap().map(|entry| entry.unwrap().path()).collect();
    let [kept] = names.as_slice() else { panic!("{names:?}") };
    for (path, mode) in [(cache.join("a/b"), 0o700), (kept.clone(), 0o600)] {
        assert_eq!(path.metadata().unwrap().permissions().mode() & 0o7777, mode, "{}", path.display());
    }
    // A plugin that runs does not notice what happens to it.
    let plugin = launch(&cache).start().await;
    answers(&plugin, &DataSource::new("")).await;
    std::fs::File::options().write(true).open(kept).unwrap().set_len(9).unwrap();
    answers(&plugin, &DataSource::new("")).await;
    assert!(plugin.stop().await.success());
    let (compiled, reasons) = started(launch(&cache)).await;
    assert!(compiled && reasons.join("").contains("it is incomplete or damaged"), "{reasons:?}");
    assert_eq!(started(launch(&cache)).await, (false, vec![]));
}

#[gpx_tests::test]
async fn a_directory_that_others_can_write_to_is_not_used() {
    let cache = Directory::new().unwrap();
    std::fs::create_dir_all(cache.join("a/b")).unwrap();
    std::fs::set_permissions(cache.join("a/b"), Permissions::from_mode(0o777)).unwrap();
    let (compiled, reasons) = started(launch(&cache)).await;
    let [reason] = reasons.try_into().unwrap();
    assert!(compiled, "{reason}");
    assert!(reason.starts_with("The cache of compiled code is not used: gpx_cache_dir = /"), "{reason}");
    assert!(reason.ends_with("is open to other users (mode 0777); make it private (chmod 700)"), "{reason}");
    assert_eq!(std::fs::read_dir(cache.join("a/b")).unwrap().count(), 0);
}

#[gpx_tests::test]
async fn plugins_that_start_at_the_same_time_share_it() {
    let cache = Directory::new().unwrap();
    let start = || started(launch(&cache));
    let all = tokio::join!(start(), start(), start(), start());
    let all = [all.0, all.1, all.2, all.3];
    assert!(all.iter().all(|(_, reasons)| reasons.is_empty()), "{all:?}");
    assert_eq!(std::fs::read_dir(cache.join("a/b")).unwrap().count(), 1);
    assert_eq!(started(launch(&cache)).await, (false, vec![]));
}

/// Starts a plugin whose cache cannot be written to, in a shell that has done this before.
async fn without_room(cache: &Directory, before: &str) -> String {
    let script = format!("{before} && exec \"$1\"");
    let words = |_: &std::path::Path, executable: &std::path::Path| {
        let words = ["unshare", "-m", "/bin/sh", "-c", &script].map(str::to_owned);
        let places = [cache.path(), executable].map(|path| path.display().to_string());
        [&words[..], &places[..]].concat()
    };
    let plugin = launch(cache).start_by(words).await.unwrap();
    answers(&plugin, &DataSource::new("")).await;
    let line = plugin.logs.wait_for_message("Compiled code is not kept, so").await;
    assert!(plugin.stop().await.success());
    line.text("reason").to_owned()
}

#[gpx_tests::test]
async fn without_room_for_it_the_plugin_answers_all_the_same() {
    if !root::possible() {
        return;
    }
    let cache = Directory::new().unwrap();
    let told = without_room(&cache, "mount -t tmpfs -o size=8k,mode=700 tmpfs \"$0\"").await;
    assert!(told.contains("No space left on device"), "{told}");
    // Beyond this limit, a signal would end the process.
    let told = without_room(&cache, "ulimit -f 8").await;
    assert!(told.contains("the limit on the size of files (ulimit -f, LimitFSIZE=) is 4096"), "{told}");
    assert_eq!(std::fs::read_dir(cache.join("a/b")).unwrap().count(), 0);
}
