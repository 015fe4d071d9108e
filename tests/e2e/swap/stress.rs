//! Many builds, many callers, and what stays of them.

use std::sync::Arc;

use gpx_tests::directory::Directory;

use super::*;

#[gpx_tests::test]
async fn of_many_builds_in_a_second_the_last_one_runs() {
    let plugin = watching(Plugin::of(&build(1))).await;
    let (path, last) = (component(&plugin), build(2));
    for number in 0..1000 {
        put(&path, &rebuilt(&build(1), number));
    }
    put(&path, &last);
    runs(&plugin, &last).await;
    assert_eq!(frames(&plugin).await, 2);
    let swaps = plugin.logs.all().iter().filter(|line| line.message == "The component is replaced").count();
    assert!(swaps < 500, "{swaps} builds were loaded");
}

#[gpx_tests::test]
async fn no_call_of_32_callers_fails_while_builds_come_and_go() {
    let plugin = Arc::new(watching(Plugin::of(&build(1))).await);
    let sources: Vec<_> = (0..8).map(|_| DataSource::new("")).collect();
    let (done, _) = tokio::sync::watch::channel(false);
    let callers: Vec<_> = (0..32)
        .map(|number| {
            let (plugin, done, source) = (plugin.clone(), done.subscribe(), sources[number % 8].clone());
            tokio::spawn(async move {
                let (mut calls, mut last) = (0, 0);
                while !*done.borrow() {
                    let reply = plugin.query(&source, [query("A")]).await.unwrap();
                    assert_eq!(reply.answer("A").error, "");
                    let frames = reply.answer("A").frames.len();
                    // Nobody is answered by an older build again.
                    assert!(frames >= last, "{frames} after {last}");
                    (calls, last) = (calls + 1, frames);
                }
                calls
            })
        })
        .collect();
    for frames in 2..12 {
        put(&component(&plugin), b"garbage");
        put(&component(&plugin), &build(frames));
        runs(&plugin, &build(frames)).await;
    }
    done.send_replace(true);
    for caller in callers {
        assert!(caller.await.unwrap() > 0);
    }
}

#[gpx_tests::test]
async fn a_hundred_builds_leave_nothing_behind() {
    // Compiled code is kept, so that this is about everything else.
    let cache = Directory::new().unwrap();
    let launch = Plugin::of(&build(1)).setting("gpx_cache_dir", cache.join("c").to_str().unwrap());
    let plugin = watching(launch).await;
    let swap = async |from: usize, to: usize| {
        for number in from..to {
            let new = build(2 + number % 2);
            put(&component(&plugin), &new);
            let swaps = |line: &Line| line.message == "The component is replaced";
            plugin.logs.wait_for_lines(number + 1, swaps).await;
            assert_eq!(frames(&plugin).await, 2 + number % 2);
        }
    };
    swap(0, 20).await;
    let process = plugin.process();
    let (resident, descriptors, threads) = (process.resident(), process.descriptors(), process.threads());
    swap(20, 120).await;
    let grown = process.resident().saturating_sub(resident);
    println!("100 builds: {} KiB more, {resident} bytes before", grown >> 10);
    assert!(grown < 4 << 20, "{grown} bytes more are in memory");
    assert!(process.descriptors() <= descriptors + 2, "{} descriptors", process.descriptors());
    assert!(process.threads() <= threads + 2, "{} threads", process.threads());
}
