mod served;

use std::error::Error as _;

use super::*;
use crate::config::Settings;
use crate::plugin::test::compiled;

fn host(component: Component) -> Host {
    Host::builder(component).log(Log::memory().0).build().unwrap()
}

fn broken() -> Component {
    Component::from_bytes("nonsense")
}

#[tokio::test]
async fn a_component_that_cannot_be_run_is_an_error_with_its_reason() {
    let error = host(broken()).loaded().await.unwrap_err();
    assert_eq!(error.to_string(), "cannot run the component");
    let reason = error.source().unwrap().to_string();
    assert!(reason.starts_with("the component of 8 bytes cannot be used: it is not WebAssembly"), "{reason}");
}

/// The line refers to earlier ones, also if it is the plugin's own section that is wrong.
#[tokio::test]
async fn that_tracing_is_off_is_said_after_what_is_wrong() {
    let settings: Settings = [
        ("GF_PLUGIN_GPX_OTLP_ENDPOINT", "https://tempo.example:4317"),
        ("GF_PLUGIN_GPX_OTLP_CA_FILE", "ca.pem"),
    ]
    .into_iter()
    .collect();
    let (log, lines) = Log::memory();
    let _host = Host::builder(broken()).settings(settings).log(log).build().unwrap();
    let lines = lines.json();
    let [problem, off] = lines.as_slice() else { panic!("{lines:?}") };
    assert!(problem["@message"].as_str().unwrap().starts_with("gpx_otlp_ca_file must be"), "{problem}");
    assert_eq!(off["@message"], "Tracing is off");
    assert_eq!(off["reason"], "its settings cannot be used; an earlier line says which");
}

#[tokio::test]
async fn a_component_takes_the_place_of_one_that_cannot_be_run_but_not_the_other_way_round() {
    let host = host(broken());
    let (_directory, file) = compiled();
    host.replace(Component::from_file(file)).await.unwrap();
    assert!(host.loaded().await.is_ok());
    assert!(host.replace(broken()).await.is_err());
    assert!(host.loaded().await.is_ok());
}

#[tokio::test]
async fn a_host_that_was_never_served_can_be_drained_and_then_serves_no_more() {
    let host = host(broken());
    host.drain().await;
    host.drain().await;
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    host.serve(listener).await.unwrap();
}

#[test]
fn without_a_runtime_there_is_no_host() {
    let Err(error) = Host::builder(broken()).build() else { panic!("it was built") };
    assert_eq!(error.to_string(), "cannot set up the plugin's host");
}

#[tokio::test]
async fn only_a_component_in_a_file_is_compiled_ahead() {
    let error = broken().compile_ahead("x86_64-unknown-linux-gnu").unwrap_err();
    assert_eq!(error.source().unwrap().to_string(), "the component is not in a file");
}

#[tokio::test]
async fn a_component_of_no_bytes_is_an_error_with_its_reason() {
    let error = host(Component::from_bytes("")).loaded().await.unwrap_err();
    let reason = error.source().unwrap().to_string();
    assert!(reason.starts_with("the component of 0 bytes cannot be used: it is not WebAssembly"), "{reason}");
}

#[tokio::test(start_paused = true)]
async fn a_drain_ends_though_the_server_is_dropped() {
    let host = host(broken());
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let mut serving = Box::pin(host.serve(listener));
    assert!(futures_util::poll!(&mut serving).is_pending());
    let mut drain = Box::pin(host.drain());
    assert!(futures_util::poll!(&mut drain).is_pending());
    drop(serving);
    tokio::time::timeout(Duration::from_secs(60), drain).await.expect("nobody else ends it");
}

#[tokio::test]
async fn a_host_can_be_drained_while_its_component_is_replaced() {
    let host = host(broken());
    let (_directory, file) = compiled();
    let replace = host.replace(Component::from_file(&file));
    let (replaced, (), ()) = tokio::join!(replace, host.drain(), host.drain());
    replaced.unwrap();
    host.loaded().await.unwrap();
}

#[tokio::test]
async fn a_host_can_be_drained_while_its_component_is_loaded() {
    let (_directory, file) = compiled();
    let host = host(Component::from_file(file));
    host.drain().await;
    host.loaded().await.unwrap();
}
