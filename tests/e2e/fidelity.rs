//! The same calls to a component and to its twin on the Go SDK: what each leaves behind is compared, line by line. What
//! differs on purpose is listed in `differences`, with the reason; docs/tracing.md prints that list.

mod corpus;
mod differences;
mod record;

use gpx_tests::peer;
use gpx_tests::plugin::Plugin;

use self::corpus::Group;
use self::differences::INTENDED;
use self::record::Record;

const PAGE: &str = include_str!("../../docs/tracing.md");

/// Makes the calls of a group on both, and fails with each difference that is not intended.
async fn compare(group: Group) {
    let Some(tools) = peer::tools() else { return };
    let launch = match group.component {
        Some(component) => Plugin::packaged("http-backend").component(component),
        None => Plugin::packaged("http-backend"),
    };
    let ours = Record::of(&tools, launch.executable(), &group).await;
    let theirs = Record::of(&tools, &tools.twin, &group).await;
    let (mut lines, mut intended, mut unintended) = (0, 0, Vec::new());
    for (ours, theirs) in ours.parts.iter().zip(&theirs.parts) {
        lines += theirs.lines.len();
        for difference in differences::between(&ours.lines, &theirs.lines) {
            if INTENDED.iter().any(|known| known.explains(&ours.name, &difference)) {
                intended += 1;
            } else {
                unintended.push(format!("{}: {difference}", ours.name));
            }
        }
    }
    println!("{}: {} calls, {lines} lines, {intended} intended differences", group.name, group.calls.len());
    assert!(lines > 10 * group.calls.len(), "{}: only {lines} lines", group.name);
    assert!(unintended.is_empty(), "{}:\n{}", group.name, unintended.join("\n"));
}

#[gpx_tests::test]
async fn queries_are_the_twins() {
    compare(corpus::queries()).await;
}

#[gpx_tests::test]
async fn failures_of_upstreams_are_the_twins() {
    compare(corpus::failures()).await;
}

#[gpx_tests::test]
async fn calls_over_tls_and_http2_are_the_twins() {
    compare(corpus::secure()).await;
}

#[gpx_tests::test]
async fn calls_through_proxies_are_the_twins() {
    compare(corpus::proxied()).await;
    compare(corpus::tunneled()).await;
}

#[gpx_tests::test]
async fn other_calls_are_the_twins() {
    compare(corpus::other_calls()).await;
}

#[gpx_tests::test]
async fn traps_are_the_twins_panics() {
    compare(corpus::traps()).await;
}

#[gpx_tests::test]
async fn calls_that_nobody_serves_are_the_twins() {
    compare(corpus::unserved()).await;
}

#[gpx_tests::test]
async fn contexts_in_w3cs_headers_are_the_twins() {
    compare(corpus::contexts("w3c")).await;
}

#[gpx_tests::test]
async fn contexts_in_jaegers_header_are_the_twins() {
    compare(corpus::contexts("jaeger")).await;
}

#[gpx_tests::test]
async fn contexts_in_both_are_the_twins() {
    compare(corpus::contexts("w3c,jaeger")).await;
    compare(corpus::contexts("jaeger,w3c")).await;
}

#[gpx_tests::test]
async fn contexts_without_tracing_are_the_twins() {
    compare(corpus::contexts("")).await;
}

#[gpx_tests::test]
async fn what_is_not_sampled_is_the_twins() {
    compare(corpus::never_sampled()).await;
}

#[test]
fn the_page_lists_what_differs() {
    let table = differences::table();
    assert!(PAGE.contains(&table), "docs/tracing.md should have this table:\n{table}");
}
