//! On whose behalf a call is made: which instance answers it, and what the instance learns about it.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use gpx_tests::grafana::{App, DataSource, query};
use gpx_tests::plugin::Plugin;
use gpx_tests::proto::pluginv2::PluginContext;
use gpx_tests::upstream::Upstream;
use serde_json::json;

/// Returns how many calls the instance that answers has seen, including this one.
pub(crate) async fn count(plugin: &Plugin, source: impl Into<PluginContext>) -> f64 {
    let reply = plugin.query(source, [query("A").kind("count")]).await.unwrap();
    reply.frame("A").field("calls").numbers()[0]
}

/// Like `count`, for one of Grafana Cloud's tenants.
async fn count_of_tenant(plugin: &Plugin, source: &DataSource, tenant: &str) -> f64 {
    let reply = plugin.query(source, [query("A").kind("count")]).metadata("tenantid", tenant).await.unwrap();
    reply.frame("A").field("calls").numbers()[0]
}

#[gpx_tests::test]
async fn data_sources_and_their_owners_share_no_instance() {
    let plugin = Plugin::guest("probe").start().await;
    let source = DataSource::new("");
    assert_eq!(count(&plugin, &source).await, 1.0);
    assert_eq!(count(&plugin, &source).await, 2.0, "an instance is reused");
    assert_eq!(count(&plugin, &DataSource::new("")).await, 1.0, "another data source");
    // The same uid each time.
    for (other, whose) in [
        (source.clone().org(2), "another organisation"),
        (source.clone().namespace("stacks-7"), "another namespace"),
        (source.clone().plugin("gpx-other-datasource"), "another plugin"),
    ] {
        assert_eq!(count(&plugin, &other).await, 1.0, "{whose}");
        assert_eq!(count(&plugin, &other).await, 2.0, "{whose}'s own instance is reused");
    }
    for tenant in ["one", "other"] {
        assert_eq!(count_of_tenant(&plugin, &source, tenant).await, 1.0, "tenant {tenant}");
        assert_eq!(count_of_tenant(&plugin, &source, tenant).await, 2.0, "tenant {tenant}");
    }
    assert_eq!(count(&plugin, &source).await, 3.0, "none of them replaced the first one");
}

#[gpx_tests::test]
async fn changed_settings_or_grafana_configuration_make_new_instances() {
    let plugin = Plugin::guest("probe").start().await;
    let source = DataSource::new("").grafana("GF_SQL_ROW_LIMIT", "100");
    assert_eq!(count(&plugin, &source).await, 1.0);
    assert_eq!(count(&plugin, &source).await, 2.0);
    let changed = source.clone().grafana("GF_SQL_ROW_LIMIT", "200");
    assert_eq!(count(&plugin, &changed).await, 1.0, "a value was changed");
    assert_eq!(count(&plugin, &changed).await, 2.0);
    let more = changed.clone().grafana("GF_DATAPROXY_TIMEOUT", "30");
    assert_eq!(count(&plugin, &more).await, 1.0, "a key was added");
    assert_eq!(count(&plugin, &more.clone().updated()).await, 1.0, "someone saved the settings");
}

#[gpx_tests::test]
async fn credentials_that_are_edited_take_effect_though_the_time_of_the_change_is_the_same() {
    let upstream = Upstream::points(1).await;
    let plugin = Plugin::guest("probe").start().await;
    let source =
        DataSource::new(&upstream.url()).basic_auth("ada", "the old password").secret("apiToken", "old");
    let fetch = || [query("A").kind("fetch").json(json!({ "url": upstream.url() }))];
    let edited = source.clone().secret("basicAuthPassword", "the new password").secret("apiToken", "new");
    assert_eq!(edited.settings.last_updated_ms, source.settings.last_updated_ms);
    plugin.query(&source, fetch()).await.unwrap().frame("A");
    plugin.query(&edited, fetch()).await.unwrap().frame("A");
    let sent: Vec<_> =
        upstream.requests().iter().map(|request| request.headers["authorization"].clone()).collect();
    let basic = |password: &str| format!("Basic {}", BASE64_STANDARD.encode(format!("ada:{password}")));
    assert_eq!(sent, [basic("the old password"), basic("the new password")]);
    let reply = plugin.query(&edited, [query("A").kind("settings")]).await.unwrap();
    assert_eq!(reply.frame("A").pairs().get("secret.apiToken"), Some(&"new"));
    let json = edited.clone().json(json!({ "a": 1 }));
    assert_eq!(count(&plugin, &json).await, 1.0, "jsonData was edited");
    assert_eq!(count(&plugin, &json).await, 2.0, "what stays the same is one version");
}

#[gpx_tests::test]
async fn a_guest_sees_only_headers_on_a_list_and_never_credentials() {
    let plugin = Plugin::guest("probe").setting("gpx_allow_headers", "X-Tenant, X-Api-Key").start().await;
    let seen = [
        "Accept-Language",
        "Content-Type",
        "FromAlert",
        "X-Dashboard-Uid",
        "X-Panel-Id",
        "X-Probe",
        "X-Query-Group-Id",
        "X-Rule-Name",
        "X-Tenant",
        "baggage",
        "traceparent",
    ];
    let hidden = [
        "User-Agent",
        "X-Forwarded-For",
        "X-Grafana-Org-Id",
        "Authorization",
        "Cookie",
        "X-Id-Token",
        "X-Grafana-Id",
        "X-Access-Token",
        "X-Forwarded-Access-Token",
        "X-Amzn-Oidc-Data",
        "X-Amzn-Oidc-Accesstoken",
        "X-Amzn-Oidc-Identity",
        "Cf-Access-Jwt-Assertion",
        "X-Goog-Iap-Jwt-Assertion",
        "X-Jwt-Assertion",
        "X-Webauth-User",
        "X-Probe-Token",
        "X-Api-Key",
        "X-Saml-Response",
        "X-Session",
        "X-Auth-Request-User",
    ];
    for prefix in ["", "http_"] {
        let source = DataSource::new("").json(json!({ "health": "headers" }));
        let mut queries = plugin.query(&source, [query("A").kind("context")]);
        let mut health = plugin.health(&source);
        for name in seen.iter().chain(&hidden) {
            queries = queries.header(&format!("{prefix}{name}"), "value");
            health = health.header(&format!("{prefix}{name}"), "value");
        }
        let reply = queries.await.unwrap();
        let names = reply.frame("A").pairs();
        let mut names: Vec<_> = names.keys().filter_map(|name| name.strip_prefix("header.")).collect();
        names.sort_unstable();
        assert_eq!(names, seen, "{prefix}");
        assert_eq!(health.await.unwrap().message, seen.join(" "), "{prefix}");
    }
    let mut resource = plugin.resource(&DataSource::new(""), "GET", "echo", "");
    for name in seen.iter().chain(&hidden) {
        resource = resource.header(name, "value");
    }
    let text = resource.await.unwrap().text();
    let names: Vec<_> = text.lines().filter_map(|line| line.strip_suffix(": value")).collect();
    assert_eq!(names, seen);
    for (whose, name) in [("manifest", "X-Probe-Token"), ("gpx_allow_headers", "X-Api-Key")] {
        let line = plugin
            .logs
            .wait_for(|line| line.message.contains(whose) && line.to_string().contains(name))
            .await;
        assert!(line.level == "warn" && line.message.contains("bear credentials"), "{line}");
    }
}

#[gpx_tests::test]
async fn what_is_set_and_not_used_is_told_once_for_each_version() {
    let plugin = Plugin::guest("probe").start().await;
    let source = DataSource::new("http://localhost:9")
        .basic_auth("ada", "hunter2-and-more")
        .secret("apiToken", "used");
    let source = source.secret("forgotten", "tell-nobody").secret("httpHeaderValue1", "tell-nobody");
    let source = source.json(json!({
        "httpHeaderName1": "X-Key", "oauthPassThru": true, "sigV4Auth": false, "azureAuth": true, "gpx_timeout": "1s",
    }));
    for source in [&source, &source, &source.clone().updated()] {
        count(&plugin, source).await;
    }
    let logs = plugin.logs.clone();
    assert!(plugin.stop().await.success());
    let warnings: Vec<_> = logs
        .all()
        .into_iter()
        .filter(|line| line.level == "warn" && !line.text("dsUid").is_empty())
        .collect();
    let [secrets, settings, again, _] = warnings.as_slice() else { panic!("{warnings:?}") };
    assert_eq!(secrets.text("dsUid"), source.settings.uid);
    assert!(secrets.message.contains("does not name: forgotten; name them in the manifest"), "{secrets}");
    assert_eq!(again.message, secrets.message);
    for key in ["azureAuth", "gpx_timeout"] {
        assert!(settings.message.contains(&format!("{key} (")), "{settings}");
    }
    assert!(
        !settings.message.contains("sigV4Auth")
            && !settings.message.contains("oauthPassThru")
            && !settings.message.contains("httpHeaderName1"),
        "{settings}"
    );
    assert!(!logs.mention("tell-nobody") && !logs.mention("hunter2-and-more"), "{logs}");
}

#[gpx_tests::test]
async fn the_guest_sees_on_whose_behalf_it_is_called() {
    let plugin = Plugin::guest("probe").setting("team", "observability").start().await;
    let source = DataSource::new("http://localhost:9/")
        .json(json!({ "a": 1 }))
        .org(7)
        .namespace("stacks-7")
        .grafana("GF_INSTANCE_FEATURE_TOGGLES_ENABLE", "one,two");
    let call = plugin.query(&source, [query("A").kind("context")]);
    let call = call.header("http_X-Dashboard-Uid", "d1").header("FromAlert", "true");
    let reply = call.header("http_X-Grafana-Id", "proof").header("Authorization", "proof").await.unwrap();
    let seen = reply.frame("A").pairs();
    for (name, value) in [
        ("org-id", "7"),
        ("plugin-id", "gpx-test-datasource"),
        ("plugin-version", "1.2.3"),
        ("namespace", "stacks-7"),
        ("grafana-version", "13.1.0"),
        ("grafana-os", "linux"),
        ("grafana-arch", "amd64"),
        ("feature-toggles", "one,two"),
        ("user.login", "ada"),
        ("user.name", "Ada Lovelace"),
        ("user.email", "ada@example.com"),
        ("user.role", "Editor"),
        ("header.X-Dashboard-Uid", "d1"),
        ("header.FromAlert", "true"),
        ("cancelled", "false"),
    ] {
        assert_eq!(seen.get(name), Some(&value), "{name} in {seen:?}");
    }
    assert!(
        !seen.values().any(|value| *value == "proof"),
        "proof of identity must not reach the guest: {seen:?}"
    );

    let reply = plugin.query(&source, [query("A").kind("settings")]).await.unwrap();
    let seen = reply.frame("A").pairs();
    let id = source.settings.id.to_string();
    for (name, value) in [
        ("kind", "SettingsKind::DataSource"),
        ("id", id.as_str()),
        ("uid", source.settings.uid.as_str()),
        ("name", source.settings.name.as_str()),
        ("url", "http://localhost:9/"),
        ("basic-auth", "none"),
        ("updated", "1767225600000"),
        ("json", r#"{"a":1}"#),
        ("operator.team", "observability"),
    ] {
        assert_eq!(seen.get(name), Some(&value), "{name} in {seen:?}");
    }
}

#[gpx_tests::test]
async fn the_hosts_own_settings_do_not_reach_the_guest() {
    let launch = Plugin::guest("probe").setting("gpx_instances_max", "3").setting("team", "observability");
    let plugin = launch.start().await;
    let reply = plugin.query(&DataSource::new(""), [query("A").kind("settings")]).await.unwrap();
    let seen = reply.frame("A").pairs();
    let operators: Vec<_> = seen.keys().filter(|name| name.starts_with("operator.")).collect();
    assert_eq!(operators, [&"operator.team"]);
}

#[gpx_tests::test]
async fn an_app_has_its_own_settings_and_instances() {
    let upstream = Upstream::points(1).await;
    let plugin = Plugin::guest("probe").start().await;
    let app = App::default().json(json!({ "health": "error" })).secret("apiToken", "of-the-app");
    let reply = plugin.query(&app, [query("A").kind("settings")]).await.unwrap();
    let seen = reply.frame("A").pairs();
    for (name, value) in [
        ("kind", "SettingsKind::App"),
        ("id", "0"),
        ("uid", ""),
        ("url", ""),
        ("json", r#"{"health":"error"}"#),
        ("secret.apiToken", "of-the-app"),
    ] {
        assert_eq!(seen.get(name), Some(&value), "{name} in {seen:?}");
    }
    assert_eq!(count(&plugin, &app).await, 2.0, "an instance is reused");
    assert_eq!(count(&plugin, &DataSource::new("")).await, 1.0, "a data source of the same plugin");
    assert_eq!(plugin.health(&app).await.unwrap().message, "unwell on purpose");
    assert_eq!(plugin.resource(&app, "GET", "empty", "").await.unwrap().status, 200);

    // An app has no URL of its own, so it can reach only what the operator grants.
    let fetch = query("A").kind("fetch").json(json!({ "url": upstream.url() }));
    let reply = plugin.query(&app, [fetch]).await.unwrap();
    let text = format!("GET {}/: no grant for {}; ", upstream.url(), upstream.address());
    assert!(reply.answer("A").error.starts_with(&text), "{}", reply.answer("A").error);
    assert_eq!(upstream.requests().len(), 0);
    assert_eq!(count(&plugin, &app.clone().updated()).await, 1.0, "someone saved the settings");

    let completed = plugin.logs.wait_for_message("Plugin Request Completed").await;
    assert_eq!((completed.text("pluginId"), completed.fields.get("dsUid")), ("gpx-test-datasource", None));
}
