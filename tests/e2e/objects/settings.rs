//! Settings that are about to be stored: what a component sees of them, and what it may change.

use std::collections::HashMap;

use gpx_tests::plugin::Plugin;
use gpx_tests::proto::pluginv2::{AppInstanceSettings, DataSourceInstanceSettings};
use prost::Message as _;
use tonic::Code;

use super::source;

const SOURCE: &str = "DataSourceInstanceSettings";

fn settings(database: &str) -> DataSourceInstanceSettings {
    DataSourceInstanceSettings {
        name: "Prices".to_owned(),
        url: "https://ada:geheimgeheim@example.com/api".to_owned(),
        database: database.to_owned(),
        json_data: r#"{"a":1}"#.into(),
        decrypted_secure_json_data: HashMap::from([("token".to_owned(), "geheim-token-1".to_owned())]),
        last_updated_ms: 7,
        uid: "prices".to_owned(),
        ..Default::default()
    }
}

#[gpx_tests::test]
async fn a_component_changes_settings_but_sees_no_secret() {
    let plugin = Plugin::guest("objects").start().await;
    let sent = settings("");
    let verdict = plugin.validate(&source(), SOURCE, sent.encode_to_vec()).await.unwrap();
    assert_eq!(verdict.warnings, ["Prices at https://example.com/api, a token: true"]);
    let stored = plugin.mutate(&source(), SOURCE, sent.encode_to_vec()).await.unwrap();
    let changed = DataSourceInstanceSettings { name: "Prices (checked)".to_owned(), ..sent };
    assert_eq!(DataSourceInstanceSettings::decode(stored.object_bytes), Ok(changed));

    let secrets = HashMap::from([("token".to_owned(), "geheim-token-2".to_owned())]);
    let app = AppInstanceSettings { decrypted_secure_json_data: secrets, ..Default::default() };
    let stored = plugin.mutate(&source(), "AppInstanceSettings", app.encode_to_vec()).await.unwrap();
    let changed = AppInstanceSettings { json_data: r#"{"stamped":true}"#.into(), ..app };
    assert_eq!(stored.warnings, ["a token: true"]);
    assert_eq!(AppInstanceSettings::decode(stored.object_bytes), Ok(changed));
}

#[gpx_tests::test]
async fn a_component_does_not_decide_where_secrets_are_sent() {
    let plugin = Plugin::guest("objects").start().await;
    for (database, text) in [
        (
            "url",
            "the plugin has changed the URL of a data source, which only users may do; return a denial that says which URL to \
             enter",
        ),
        ("list", "the plugin has returned settings whose jsonData is not a JSON object; write one"),
        (
            "half",
            "the plugin has returned settings whose jsonData is not JSON (expected a value at byte 5); make it one JSON value",
        ),
        ("bytes", "the plugin has returned settings whose jsonData is not UTF-8; encode it"),
        (
            "deep",
            "the plugin has returned settings whose jsonData is nested more than 9900 levels deep; make it flatter",
        ),
    ] {
        let object = settings(database).encode_to_vec();
        let status = plugin.mutate(&source(), SOURCE, object).await.unwrap_err();
        assert_eq!((status.code(), status.message()), (Code::Unknown, text));
    }
    let large = plugin.mutate(&source(), SOURCE, settings("large").encode_to_vec()).await.unwrap_err();
    assert!(
        large.message().starts_with("the bytes of the object of the plugin's answer take 16777"),
        "{large:?}"
    );
    let stored = plugin.mutate(&source(), SOURCE, settings("nothing").encode_to_vec()).await.unwrap();
    let cleared = DataSourceInstanceSettings { json_data: "".into(), ..settings("nothing") };
    assert_eq!(DataSourceInstanceSettings::decode(stored.object_bytes), Ok(cleared));
    let status = plugin.validate(&source(), "TokenInstanceSettings", vec![1]).await.unwrap_err();
    let text = "objects of the kind TokenInstanceSettings of grafana-plugin-sdk-go are not known; look for an update of gpx-host";
    assert_eq!((status.code(), status.message()), (Code::Unknown, text));
    let status = plugin.validate(&source(), SOURCE, vec![0xff; 9]).await.unwrap_err();
    let text = "the object is not a message DataSourceInstanceSettings: ";
    assert!(status.code() == Code::Unknown && status.message().starts_with(text), "{status:?}");
}
