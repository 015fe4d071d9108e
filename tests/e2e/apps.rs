//! App plugins: their settings, the resources of their pages, and a data source of theirs.

use std::path::Path;

use gpx_tests::grafana::{App, DataSource, Resource, query};
use gpx_tests::peer::{self, Tools};
use gpx_tests::plugin::Plugin;
use gpx_tests::proto::pluginv2::PluginContext;
use gpx_tests::trace::assert_alike;
use serde_json::{Value, json};

use crate::peer::invoked;

fn app(team: &str) -> App {
    App::default().json(json!({ "team": team, "members": ["Ada", "Alan"] }))
}

fn answer(response: &Resource) -> Value {
    serde_json::from_str(&response.text()).unwrap()
}

#[gpx_tests::test]
async fn an_apps_page_talks_to_its_router() {
    let plugin = Plugin::guest("gpx_app").start().await;
    let red = app("red").secret("directoryKey", "the key of the directory").secret("other", "not asked for");
    let team = plugin.resource(&red, "GET", "team", "").await.unwrap();
    let expected = json!({ "team": "red", "members": ["Ada", "Alan"], "has_key": true });
    assert_eq!((team.status, answer(&team)), (200, expected));
    let word = json!({ "word": "Hello" }).to_string();
    let greeting = plugin.resource(&red, "POST", "team/Alan/greeting", word.clone()).await.unwrap();
    assert_eq!(answer(&greeting), "Hello, Alan! From Ada Lovelace");
    let stranger = plugin.resource(&red, "POST", "team/Eve/greeting", word).await.unwrap();
    assert_eq!((stranger.status, &answer(&stranger)["message"]), (404, &json!("`Eve` is not in team `red`")));
    assert_eq!(plugin.resource(&red, "GET", "team/Alan/greeting", "").await.unwrap().status, 405);
    assert_eq!(plugin.health(&red).await.unwrap().message, "The app is for team red");
}

#[gpx_tests::test]
async fn an_app_that_is_configured_again_has_its_new_settings() {
    let plugin = Plugin::guest("gpx_app").start().await;
    let health = async |app: &App| plugin.health(app).await.unwrap().message;
    let unconfigured = App::default();
    let text = "The app has no team: choose one on its configuration page";
    assert_eq!(health(&unconfigured).await, text);
    assert_eq!(health(&app("red").updated()).await, "The app is for team red");
    assert_eq!(health(&app("blue").updated()).await, "The app is for team blue");
    let broken = plugin.health(&App::default().json(json!({ "team": 1 }))).await.unwrap();
    assert!(broken.message.starts_with("jsonData of the app: "), "{}", broken.message);
}

/// Grafana starts `../gpx_app` from the folder of the data source, and the app itself.
#[gpx_tests::test]
async fn a_data_source_of_an_app_shares_its_executable() {
    let launch = Plugin::guest("gpx_app");
    std::fs::create_dir(launch.directory().join("datasource")).unwrap();
    let plugin = launch
        .start_by(|directory, executable| {
            let nested = directory.join("datasource").join("..").join(executable.file_name().unwrap());
            vec![nested.to_string_lossy().into_owned()]
        })
        .await
        .unwrap();
    let source = DataSource::new("").json(json!({ "team": "green", "members": ["Grace"] }));
    let reply = plugin.query(&source, [query("A")]).await.unwrap();
    assert_eq!(reply.frame("A").name, "green");
    assert_eq!(plugin.health(&source).await.unwrap().message, "The data source is for team green");
    // The settings of the app are not those of its data source, whoever asks first.
    assert_eq!(plugin.health(&app("red")).await.unwrap().message, "The app is for team red");
}

/// Grafana gives each of the two processes the variables of its own plugin's section.
#[gpx_tests::test]
async fn an_app_and_its_data_source_have_settings_of_their_own() {
    let nested = |directory: &Path, executable: &Path| {
        let nested = directory.join("datasource").join("..").join(executable.file_name().unwrap());
        vec![nested.to_string_lossy().into_owned()]
    };
    let launch = |team: &str, timeout: &str| {
        let launch = Plugin::guest("probe").setting("team", team).setting("gpx_cpu_timeout", timeout);
        std::fs::create_dir(launch.directory().join("datasource")).unwrap();
        launch
    };
    let app_process = launch("of the app", "300ms").start().await;
    let source_process = launch("of the data source", "100ms").start_by(nested).await.unwrap();
    let source = DataSource::new("").plugin("gpx-teammembers-datasource");
    for (plugin, context, team, timeout) in [
        (&app_process, PluginContext::from(&app("red")), "of the app", "300ms"),
        (&source_process, PluginContext::from(&source), "of the data source", "100ms"),
    ] {
        let queries = [query("A").kind("settings"), query("B").kind("loop")];
        let reply = plugin.query(context, queries).await.unwrap();
        let settings = format!("{:?}", reply.frame("A"));
        assert!(settings.contains(team), "{settings}");
        let text =
            format!("the plugin computed for more than {timeout}; raise gpx_cpu_timeout if it needs more");
        assert_eq!(reply.answer("B").error, text);
    }
}

/// Each of the two plugins has a section of its own in grafana.ini, and the process may have been started for either.
#[gpx_tests::test]
async fn a_refusal_names_the_section_of_the_plugin_that_was_called() {
    let plugin = Plugin::guest("probe").start().await;
    for id in ["gpx-team-app", "gpx-teammembers-datasource"] {
        let model = query("A").kind("fetch").json(json!({ "url": "http://elsewhere.example/" }));
        let reply = plugin.query(&DataSource::new("http://here.example").plugin(id), [model]).await.unwrap();
        let error = &reply.answer("A").error;
        assert!(
            error.contains("gpx_allow_hosts") && error.contains(&format!(" under [plugin.{id}]")),
            "{error}"
        );
    }
}

/// Returns status and body of each answer, and how the calls were recorded.
async fn called(tools: &Tools, executable: &Path) -> (Vec<Value>, (Vec<String>, Vec<Value>)) {
    let mut peer = tools.run(executable, json!({ "TWIN_IS": "app" })).await;
    let user = json!({ "login": "ada", "name": "Ada Lovelace" });
    let context = |team: Value, updated: i64| {
        let settings = json!({ "json_data": team, "secure": { "directoryKey": "k" }, "updated_ms": updated });
        json!({ "org_id": 1, "plugin_id": "gpx-team-app", "app": settings, "user": user })
    };
    let red = context(json!({ "team": "red", "members": ["Ada", "Alan"] }), 2);
    let mut answers = Vec::new();
    for context in [context(json!({}), 1), red.clone()] {
        let health = peer.get("health", json!({ "plugin_context": context })).await;
        answers.push(json!([health["status"], health["message"]]));
    }
    for (method, path, body) in [
        ("GET", "team", ""),
        ("POST", "team/Alan/greeting", r#"{"word":"Hello"}"#),
        ("POST", "team/Eve/greeting", r#"{"word":"Hello"}"#),
        ("GET", "team/Alan/greeting", ""),
        ("GET", "nowhere", ""),
    ] {
        let call =
            json!({ "plugin_context": red, "method": method, "path": path, "url": path, "body": body });
        let chunk = peer.get("resource", call).await["chunks"][0].take();
        let body = chunk["body"].as_str().and_then(|body| serde_json::from_str::<Value>(body).ok());
        // Each has its own words for what is not there.
        answers.push(json!([chunk["status"], body.filter(|_| chunk["status"] == 200)]));
    }
    let recorded = peer.recorded().await;
    peer.end().await;
    (answers, recorded)
}

#[gpx_tests::test]
async fn an_app_is_the_twins() {
    let Some(tools) = peer::tools() else { return };
    let app = Plugin::guest("gpx_app");
    let ours = called(&tools, app.executable()).await;
    let theirs = called(&tools, &tools.twin).await;
    assert_eq!(ours, theirs);
    assert_eq!(ours.0[3], json!([200, "Hello, Alan! From Ada Lovelace"]));
}

#[gpx_tests::test]
async fn the_spans_of_an_app_are_the_twins() {
    let Some(tools) = peer::tools() else { return };
    // {"team":"red","members":["Ada"]}
    let settings =
        json!({ "jsonData": "eyJ0ZWFtIjoicmVkIiwibWVtYmVycyI6WyJBZGEiXX0=", "lastUpdatedMS": "1" });
    let user = json!({ "name": "Ada", "login": "ada" });
    let context =
        json!({ "orgId": 1, "pluginId": "gpx-team-app", "user": user, "appInstanceSettings": settings });
    let resource = |method: &str, path: &str| {
        let request = json!({ "pluginContext": context, "method": method, "path": path, "url": path });
        ("pluginv2.Resource/CallResource".to_owned(), request)
    };
    let calls = [
        ("pluginv2.Diagnostics/CheckHealth".to_owned(), json!({ "pluginContext": context })),
        resource("GET", "team"),
        resource("GET", "nowhere"),
    ];
    let app = Plugin::guest("gpx_app");
    let variables = json!({ "TWIN_IS": "app" });
    let ours = invoked(&tools, app.executable(), &variables, &calls).await;
    let theirs = invoked(&tools, &tools.twin, &variables, &calls).await;
    for ((call, ours), theirs) in calls.iter().zip(&ours).zip(&theirs) {
        assert_eq!(ours.spans.len(), 2, "{call:?}");
        assert_alike(&format!("{call:?}"), ours, theirs);
    }
}

#[gpx_tests::test]
async fn go_plugin_calls_an_app() {
    let Some(tools) = peer::tools() else { return };
    let mut peer = tools.launch(Plugin::guest("gpx_app")).await;
    let settings =
        json!({ "json_data": { "team": "red", "members": ["Ada"] }, "secure": {}, "updated_ms": 1 });
    let context = json!({ "org_id": 1, "plugin_id": "gpx-team-app", "app": settings });
    let call = json!({ "plugin_context": context, "method": "GET", "path": "team", "url": "team" });
    let chunk = peer.get("resource", call).await["chunks"][0].take();
    let expected = r#"{"team":"red","members":["Ada"],"has_key":false}"#;
    assert_eq!((&chunk["status"], &chunk["body"]), (&json!(200), &json!(expected)));
    let health = peer.get("health", json!({ "plugin_context": context })).await;
    assert_eq!((&health["status"], &health["message"]), (&json!("OK"), &json!("The app is for team red")));
    peer.end().await;
}
