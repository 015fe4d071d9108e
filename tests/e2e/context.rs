//! What a component is told of the Grafana that calls: all of it, none of it, and what the Go SDK's accessors make of it.

use std::collections::BTreeMap;

use gpx_tests::grafana::{DataSource, query};
use gpx_tests::peer;
use gpx_tests::plugin::Plugin;
use gpx_tests::proto::pluginv2::PluginContext;
use serde_json::{Value, json};

const TOGGLES: [&str; 5] = ["one", "two", " two", "tw", ""];

/// Texts that Grafana may send, and such that it should not send. The first three are not a mistake anywhere.
const NUMBERS: [&str; 13] = [
    "10",
    "0",
    "+7",
    "",
    "-5",
    "-0",
    "007",
    " 1",
    "1e3",
    "1_000",
    "9223372036",
    "9223372037",
    "9223372036854775808",
];
const TEXTS: [&str; 4] = ["", "static", "http://grafana/", " "];
const VALUES: [(&str, &[&str]); 13] = [
    ("GF_APP_URL", &TEXTS),
    ("GF_CONCURRENT_QUERY_COUNT", &NUMBERS),
    ("GF_USER_FACING_DEFAULT_ERROR", &TEXTS),
    ("GF_SQL_ROW_LIMIT", &NUMBERS),
    ("GF_SQL_MAX_OPEN_CONNS_DEFAULT", &NUMBERS),
    ("GF_SQL_MAX_IDLE_CONNS_DEFAULT", &NUMBERS),
    ("GF_SQL_MAX_CONN_LIFETIME_SECONDS_DEFAULT", &NUMBERS),
    ("GF_RESPONSE_LIMIT", &NUMBERS),
    ("GF_INSTANCE_FEATURE_TOGGLES_ENABLE", &["", "one", "one,two", "one, two", ",", "two,"]),
    ("GF_INSTANCE_OPENFEATURE_PROVIDER_URL", &["http://grafana/", "http://grafana/flags", " ", ""]),
    ("GF_INSTANCE_OPENFEATURE_PROVIDER_TYPE", &["static", "ofrep", "else", ""]),
    ("GF_INSTANCE_OPENFEATURE_CACHE_TTL", &NUMBERS),
    (
        "GF_INSTANCE_OPENFEATURE_CONTEXT",
        &[
            "",
            "null",
            "{}",
            r#" {"slug":"s","a":"\u00e9<"} "#,
            r#"{"a":null}"#,
            r#"{"a":"1","a":"2"}"#,
            r#"{"a":1}"#,
            r#"["a"]"#,
            "{} x",
            "x",
        ],
    ),
];
const USER_AGENTS: [&str; 8] = [
    "Grafana/13.1.0 (linux; amd64)",
    "Grafana/13.2.0-1234pre+security-01 (windows; x86)",
    "Grafana/7.0.0beta (darwin; arm64)",
    "Grafana/13.1 (linux; amd64)",
    "Grafana/13.1.0 (linux)",
    "Grafana/13.1.0 (linux; amd64) ",
    "curl/8",
    "",
];

/// Returns what the component was told, as JSON.
async fn told(plugin: &Plugin, context: impl Into<PluginContext>) -> Value {
    let reply = plugin.query(context, [query("A").kind("config")]).await.unwrap();
    let [value] = reply.frame("A").field("json").values.as_slice() else { panic!("one row") };
    serde_json::from_str(value.as_str().unwrap()).unwrap()
}

#[gpx_tests::test]
async fn the_values_are_those_of_the_go_sdks_accessors() {
    let Some(tools) = peer::tools() else { return };
    let mut peer = tools.launch(Plugin::guest("probe")).await;
    let mut state = 1_u64;
    let mut below = |count: usize| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(state >> 33).unwrap() % count
    };
    let source = peer::context(&DataSource::new(""));
    let (mut sql, mut flags) = (0, 0);
    for _ in 0..300 {
        let mut config = BTreeMap::new();
        for (key, values) in VALUES {
            // Mistakes are rare: otherwise hardly any group of values was complete.
            let among = match below(8) {
                0 => continue,
                1 => values.len(),
                _ => 3,
            };
            config.insert(key, values[below(among)]);
        }
        let user_agent = USER_AGENTS[below(USER_AGENTS.len())];
        let said = json!({ "config": config, "user_agent": user_agent, "toggles": TOGGLES });
        let theirs = peer.get("config", said).await;
        let mut context = source.clone();
        context["config"] = json!(config);
        context["user_agent"] = user_agent.into();
        let asked =
            json!({ "plugin_context": context, "queries": [peer::query(&query("A").kind("config"))] });
        let reply = peer.get("query", asked).await;
        let answer = &reply["responses"]["A"];
        let text = answer["frames"][0]["fields"][0]["values"][0].as_str();
        let ours: Value = serde_json::from_str(text.unwrap_or_else(|| panic!("{answer}"))).unwrap();
        assert_eq!(ours, theirs, "{config:?} {user_agent}");
        sql += usize::from(!ours["sql"].is_null());
        flags += usize::from(!ours["open_feature"].is_null());
    }
    assert!((20..280).contains(&sql) && (20..280).contains(&flags), "{sql} and {flags} were complete");
    peer.end().await;
}

#[gpx_tests::test]
async fn all_that_grafana_sends_is_there() {
    let plugin = Plugin::guest("probe").env("GF_APP_URL", "http://of-the-environment/").start().await;
    let source = DataSource::new("")
        .grafana("GF_APP_URL", "http://grafana/")
        .grafana("GF_CONCURRENT_QUERY_COUNT", "7")
        .grafana("GF_USER_FACING_DEFAULT_ERROR", "oh")
        .grafana("GF_SQL_ROW_LIMIT", "1000000")
        .grafana("GF_SQL_MAX_OPEN_CONNS_DEFAULT", "100")
        .grafana("GF_SQL_MAX_IDLE_CONNS_DEFAULT", "50")
        .grafana("GF_SQL_MAX_CONN_LIFETIME_SECONDS_DEFAULT", "14400")
        .grafana("GF_RESPONSE_LIMIT", "1024")
        .grafana("GF_LIVE_CLIENT_QUEUE_MAX_SIZE", "4194304")
        .grafana("GF_INSTANCE_FEATURE_TOGGLES_ENABLE", "one,two")
        .grafana("GF_INSTANCE_OPENFEATURE_PROVIDER_URL", "http://grafana/flags")
        .grafana("GF_INSTANCE_OPENFEATURE_PROVIDER_TYPE", "ofrep")
        .grafana("GF_INSTANCE_OPENFEATURE_CACHE_TTL", "30")
        .grafana("GF_INSTANCE_OPENFEATURE_CONTEXT", r#"{"slug":"s","stackId":"7"}"#);
    let expected = json!({
        "grafana": ["13.1.0", "linux", "amd64"],
        "toggles": [true, true, false, false, false],
        "app_url": "http://grafana/",
        "concurrent_query_count": 7,
        "user_facing_default_error": "oh",
        "sql": [1_000_000, 100, 50, 14_400],
        "response_limit": 1024,
        "live_client_queue_max_size": 4_194_304,
        "open_feature": {
            "provider_type": "ofrep",
            "url": "http://grafana/flags",
            "cache_ttl_seconds": 30,
            "attributes": { "slug": "s", "stackId": "7" },
        },
    });
    assert_eq!(told(&plugin, &source).await, expected);
}

#[gpx_tests::test]
async fn what_grafana_does_not_send_is_absent() {
    let plugin = Plugin::guest("probe").start().await;
    let mut context = PluginContext::from(&DataSource::new(""));
    context.user = None;
    for text in [&mut context.plugin_version, &mut context.namespace, &mut context.user_agent] {
        text.clear();
    }
    let nothing = json!({
        "grafana": null,
        "toggles": [false, false, false, false, false],
        "app_url": null,
        "concurrent_query_count": null,
        "user_facing_default_error": null,
        "sql": null,
        "response_limit": 0,
        "live_client_queue_max_size": null,
        "open_feature": null,
    });
    assert_eq!(told(&plugin, context.clone()).await, nothing);
    let reply = plugin.query(context.clone(), [query("A").kind("context")]).await.unwrap();
    let seen = reply.frame("A").pairs();
    for name in ["plugin-version", "api-version", "namespace", "grafana-version", "user.login"] {
        assert_eq!(seen.get(name), None, "{name} in {seen:?}");
    }

    context.api_version = "v0alpha1".to_owned();
    let reply = plugin.query(context, [query("A").kind("context")]).await.unwrap();
    assert_eq!(reply.frame("A").pairs()["api-version"], "v0alpha1");
    assert!(!plugin.logs.mention("look for an update of Grafana"), "nothing was unreadable");
}

#[gpx_tests::test]
async fn grafanas_own_url_may_be_in_the_environment() {
    let plugin = Plugin::guest("probe").env("GF_APP_URL", "http://of-the-environment/").start().await;
    let source = DataSource::new("");
    assert_eq!(told(&plugin, &source).await["app_url"], "http://of-the-environment/");
}

#[gpx_tests::test]
async fn what_cannot_be_read_is_absent_and_the_log_says_so() {
    let plugin = Plugin::guest("probe").start().await;
    let source = DataSource::new("").grafana("GF_RESPONSE_LIMIT", "much").grafana("GF_APP_URL", "http://a/");
    let told = told(&plugin, &source).await;
    assert_eq!((&told["response_limit"], &told["app_url"]), (&json!(0), &json!("http://a/")));
    let line = plugin.logs.wait_for_message("Grafana's GF_RESPONSE_LIMIT is not a whole number").await;
    assert_eq!((line.level.as_str(), line.text("dsUid")), ("warn", source.settings.uid.as_str()));
}
