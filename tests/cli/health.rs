//! `gpx health`.

use gpx_tests::plugin::Plugin;
use serde_json::{Value, json};

use crate::terminal::ended;

#[gpx_tests::test]
async fn the_exit_code_is_the_health() {
    let launch = Plugin::guest("probe");
    let folder = launch.directory().to_str().unwrap();
    let well = ended(["health", folder]).await.ok();
    assert!(well.stdout.starts_with("health  ok  all is well\n  {\"calls\":0"), "{}", well.stdout);
    let words = ["health", folder, "--json-data", "health=error", "--json", "--trace"];
    let unwell = ended(words).await.failed("the health check says: error");
    let document: Value = serde_json::from_str(&unwell.stdout).unwrap();
    assert_eq!((&document["status"], &document["message"]), (&json!("error"), &json!("unwell on purpose")));
    assert_eq!(document["spans"][0]["name"], "gpx: CheckHealth");
    assert!(document["spans"].as_array().unwrap().iter().any(|span| span["name"] == "sdk.checkHealth"));
    ended(["health", folder, "--json-data", "health=unknown"]).await.failed("the health check says: unknown");
}
