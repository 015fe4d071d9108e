use std::time::Duration;

use crate::plugin::Limits;
use crate::plugin::test::{Guest, LIMITS, Loaded, PAGE, directory};

/// Why the guest cannot be loaded.
async fn refused(guest: Guest, limits: &Limits) -> String {
    let (_directory, files) = directory(&guest.bytes());
    let (loaded, _) = Loaded::from_files(&files, true, limits).await;
    let Err(error) = loaded else { panic!("it is loaded") };
    error.to_string().replace(files.component.to_str().unwrap(), "IT")
}

#[tokio::test]
async fn a_component_that_cannot_describe_itself_is_refused() {
    let why = refused(Guest::describing("unreachable"), &LIMITS).await;
    assert!(why.starts_with("the component IT does not say who it is: the plugin failed: "), "{why}");
}

#[tokio::test]
async fn a_component_that_describes_itself_without_end_is_refused() {
    for limits in [
        Limits { call_timeout: Duration::from_millis(30), ..LIMITS },
        Limits { cpu_timeout: Duration::from_millis(30), ..LIMITS },
    ] {
        let why = refused(Guest::describing("(loop (br 0))"), &limits).await;
        assert_eq!(why, "the component IT does not say who it is: it takes too long");
    }
}

#[tokio::test]
async fn a_component_that_does_not_fit_into_its_memory_is_refused() {
    let why = refused(Guest::new(), &Limits { memory_max: PAGE - 1, ..LIMITS }).await;
    assert!(
        why.starts_with("the component IT does not say who it is: ") && why.contains("gpx_memory_max"),
        "{why}"
    );
}
