use std::time::Duration;

use crate::budget::Limits;
use crate::plugin::test::{Guest, LIMITS, Loaded, PAGE, directory};

/// Returns why the guest cannot be loaded.
async fn refused(guest: Guest, limits: &Limits) -> String {
    let (_directory, file) = directory(&guest.bytes());
    let (loaded, _) = Loaded::from_file(&file, true, limits).await;
    let Err(error) = loaded else { panic!("it was loaded") };
    error.to_string().replace(file.to_str().unwrap(), "IT")
}

#[tokio::test]
async fn a_component_that_cannot_describe_itself_is_refused() {
    let why = refused(Guest::describing("unreachable"), &LIMITS).await;
    assert!(why.starts_with("the component IT cannot describe itself: the plugin failed: "), "{why}");
}

#[tokio::test]
async fn a_component_whose_description_never_ends_is_refused() {
    for (limits, told) in [
        (
            Limits { call_timeout: Duration::from_millis(30), ..LIMITS },
            "did not answer within 30ms; raise gpx_call_timeout",
        ),
        (
            Limits { cpu_timeout: Duration::from_millis(30), ..LIMITS },
            "computed for more than 30ms; raise gpx_cpu_timeout",
        ),
    ] {
        let why = refused(Guest::describing("(loop (br 0))"), &limits).await;
        assert_eq!(
            why,
            format!("the component IT cannot describe itself: the plugin {told} if it needs more")
        );
    }
}

#[tokio::test]
async fn a_component_that_does_not_fit_in_its_memory_is_refused() {
    let why = refused(Guest::new(), &Limits { memory_max: PAGE - 1, ..LIMITS }).await;
    assert!(
        why.starts_with("the component IT cannot describe itself: ") && why.contains("gpx_memory_max"),
        "{why}"
    );
}
