//! A machine that gives the plugin little: the host makes do with it, and says so.

use gpx_tests::directory::Directory;
use gpx_tests::grafana::{DataSource, query};
use gpx_tests::plugin::Plugin;
use serde_json::json;

use crate::data_source::count;

/// Starts the probe with a limit on its address space, in MiB, as systemd sets it for a unit with `LimitAS=`. What is
/// compiled is kept in `cache`.
async fn start_within(mebibytes: u32, cache: &Directory) -> Plugin {
    let limited = format!("ulimit -v {} && exec \"$0\"", mebibytes << 10);
    let launch = Plugin::guest("probe").setting("gpx_cache_dir", &cache.path().display().to_string());
    let started = launch.start_by(|_, executable| {
        vec!["/bin/sh".to_owned(), "-c".to_owned(), limited, executable.display().to_string()]
    });
    started.await.expect("the plugin starts")
}

#[gpx_tests::test]
async fn a_plugin_answers_with_little_address_space() {
    // So little address space needs other code than what lies beside the executable.
    let cache = Directory::new().unwrap();
    for mebibytes in [1024, 2048, 16 * 1024] {
        let plugin = start_within(mebibytes, &cache).await;
        let sources = [0; 8].map(|_| DataSource::new(""));
        for source in &sources {
            assert_eq!(count(&plugin, source).await, 1.0, "{mebibytes} MiB");
        }
        // It takes memory until there is none: that is this call's error, and no other instance's.
        // In few steps, since memory that grows is copied where address space is scarce.
        let allocate = query("A").kind("allocate").json(json!({ "bytes": 32 << 20 }));
        let reply = plugin.query(&DataSource::new(""), [allocate]).await.unwrap();
        assert_eq!(reply.answer("A").status, 500, "{mebibytes} MiB: {}", reply.answer("A").error);
        // Its idle instance may have made room.
        assert!(count(&plugin, &sources[0]).await <= 2.0, "{mebibytes} MiB");
        let limit =
            format!("Because of RLIMIT_AS = {mebibytes} MiB, less than gpx_memory_total = 1280 MiB is ");
        let lines = plugin.logs.all().into_iter().filter(|line| line.message.starts_with(&limit)).count();
        assert_eq!(lines, usize::from(mebibytes < 16 * 1024), "{mebibytes} MiB");
        assert!(plugin.stop().await.success(), "{mebibytes} MiB");
    }
}
