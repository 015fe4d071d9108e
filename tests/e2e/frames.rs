//! What frames say about themselves: as the Go SDK reads and writes it, and apart from other queries if it is nonsense.

use gpx_tests::grafana::{DataSource, query};
use gpx_tests::peer::{self, Peer};
use gpx_tests::plugin::Plugin;
use gpx_tests::proto::pluginv2::DataFrameFormat;
use serde_json::{Value, json};

mod cases;
mod contract;
mod convert;
mod types;

const FORMATS: [&str; 2] = ["arrow", "json"];

/// Starts the probe under the peer, unless Go is missing.
async fn probe() -> Option<Peer> {
    Some(peer::tools()?.launch(Plugin::guest("probe")).await)
}

/// Returns what the Go SDK makes of the answers to queries of these types and models, by refId.
async fn answers(peer: &mut Peer, format: &str, queries: &[(String, &str, Value)]) -> Value {
    let queries: Vec<_> = queries
        .iter()
        .map(|(ref_id, kind, model)| peer::query(&query(ref_id).kind(kind).json(model.clone())))
        .collect();
    let context = peer::context(&DataSource::new(""));
    let asked = json!({ "plugin_context": context, "queries": queries, "format": format, "encoded": true });
    peer.get("query", asked).await["responses"].take()
}

#[gpx_tests::test]
async fn nonsense_of_one_query_leaves_the_others_whole() {
    let Some(mut peer) = probe().await else { return };
    for format in FORMATS {
        let whole = answers(&mut peer, format, &[("B".to_owned(), "all-types", json!({}))]).await["B"].take();
        assert_eq!(whole["frames"].as_array().map(Vec::len), Some(2));
        for (said, error) in [
            (
                json!({ "meta": r#"{"notices":[{"severity":5}]}"# }),
                r#"meta.notices[0].severity is 5; it must be "info", "warning" or "error""#,
            ),
            (
                json!({ "config": r#"{"thresholds":{"mode":"nope"}}"# }),
                r#"config.thresholds.mode is "nope"; it must be "absolute" or "percentage""#,
            ),
            (
                json!({ "config": r#"{"units":"s"}"# }),
                r#"config.units is not a key that Grafana knows; did you mean "unit"?"#,
            ),
        ] {
            let field = if said["config"].is_null() { "" } else { r#", fields[0] "v""# };
            let queries = [("A".to_owned(), "said", said), ("B".to_owned(), "all-types", json!({}))];
            let answers = answers(&mut peer, format, &queries).await;
            assert_eq!(answers["B"], whole, "{format}");
            let a = &answers["A"];
            assert_eq!((&a["status"], &a["error_source"]), (&json!(500), &json!("plugin")));
            let text = format!(r#"frame "said" of query "A"{field}: {error}"#);
            assert!(a["error"].as_str().unwrap().ends_with(&text), "{a}");
        }
    }
    peer.end().await;
}

#[gpx_tests::test]
async fn the_go_sdk_and_the_host_agree_on_every_meta_and_config() {
    let Some(mut peer) = probe().await else { return };
    let said: Vec<Value> = cases::metas()
        .map(|text| json!({ "meta": text }))
        .chain(cases::configs().map(|text| json!({ "config": text })))
        .collect();
    let go = peer.get("decode", json!({ "texts": said })).await["texts"].take();
    for format in FORMATS {
        let queries: Vec<_> = said
            .iter()
            .enumerate()
            .map(|(number, said)| (number.to_string(), "said", said.clone()))
            .collect();
        let ours = answers(&mut peer, format, &queries).await;
        for (number, said) in said.iter().enumerate() {
            let (ours, theirs) = (&ours[&number.to_string()], &go[number]);
            let refused = !theirs["arrow"]["error"].is_null();
            assert_eq!(!theirs["json"]["error"].is_null(), refused, "Go's decoders differ: {said} {theirs}");
            let is_refused = ours["error"].as_str().is_some_and(|error| !error.is_empty());
            assert_eq!(is_refused, refused, "{said}\nours: {ours}\ntheirs: {theirs}");
            if !refused {
                let frame = &ours["frames"][0];
                assert_eq!(parts(frame, "sent"), parts(frame, "again"), "{said}");
                let [meta, config] = parts(frame, "sent");
                assert_eq!([&meta, &config], [&theirs[format]["meta"], &theirs[format]["config"]], "{said}");
            }
        }
    }
    assert!(said.len() > 120, "{} cases", said.len());
    peer.end().await;
}

/// The meta, and the config of the first field, as they were encoded.
fn parts(frame: &Value, which: &str) -> [Value; 2] {
    let encoded = &frame[which];
    let Some(json) = encoded["json"].as_str() else {
        return [encoded["schema"]["meta"].clone(), encoded["fields"][0]["metadata"]["config"].clone()];
    };
    // Cut out by hand, since parsing would forget the bytes.
    let (meta, fields) = json.split_once(r#","fields":["#).unwrap();
    let part = |text: &str, key: &str, end: &str| {
        let text = text.split_once(key).map(|(_, text)| text)?;
        Some(text.split_once(end).map_or(text, |(text, _)| text).to_owned())
    };
    [part(meta, r#""meta":"#, "\0").into(), part(fields, r#","config":"#, r#"}]},"data":"#).into()]
}

#[gpx_tests::test]
async fn what_go_would_drop_or_not_know_is_refused() {
    let Some(mut peer) = probe().await else { return };
    for (said, near) in cases::TYPOS {
        let said = if said.starts_with("meta ") {
            json!({ "meta": said.trim_start_matches("meta ") })
        } else {
            json!({ "config": said })
        };
        let go = peer.get("decode", json!({ "texts": [said] })).await;
        assert!(go["texts"][0]["arrow"]["error"].is_null(), "Go refuses {said} too");
        let answer = answers(&mut peer, "json", &[("A".to_owned(), "said", said.clone())]).await;
        let error = answer["A"]["error"].as_str().unwrap_or_default();
        assert!(error.contains(near), "{said}: {error}");
    }
    peer.end().await;
}

#[gpx_tests::test]
async fn the_go_sdk_reads_what_is_nested_as_deeply_as_the_host_takes() {
    let Some(mut peer) = probe().await else { return };
    let plugin = Plugin::guest("probe").start().await;
    for (levels, taken) in [(9_898, true), (9_899, false), (10_100, false)] {
        let deep = format!(r#"{{"custom":{{"a":{}{}}}}}"#, "[".repeat(levels), "]".repeat(levels));
        let said = json!({ "meta": deep, "config": deep });
        let go = peer.get("decode", json!({ "texts": [said] })).await["texts"][0].take();
        for format in FORMATS {
            assert!(!taken || go[format]["error"].is_null(), "{format} {levels}");
            assert!(levels < 10_000 || !go[format]["error"].is_null(), "{format} {levels}");
        }
        // The peer's answer would be as deep.
        let query = query("A").kind("said").json(said);
        let call = plugin.query(&DataSource::new(""), [query]).format(DataFrameFormat::Arrow);
        let reply = call.await.unwrap();
        let error = "meta is nested more than 9900 levels deep; make it flatter";
        let found = &reply.answer("A").error;
        assert!(if taken { found.is_empty() } else { found.ends_with(error) }, "{levels}: {found}");
    }
    peer.end().await;
}

#[gpx_tests::test]
async fn a_frame_has_the_same_bytes_as_on_the_go_sdk() {
    let Some(mut peer) = probe().await else { return };
    let go = peer.get("sample", json!({})).await;
    for format in FORMATS {
        let answers = answers(&mut peer, format, &[("A".to_owned(), "sample", json!({}))]).await;
        let frame = &answers["A"]["frames"][0];
        assert_eq!(frame["sent"], go[format], "{}", answers["A"]["error"]);
        assert_eq!(frame["sent"], frame["again"]);
    }
    peer.end().await;
}

#[gpx_tests::test]
async fn the_go_sdk_writes_every_type_as_the_host_does() {
    let Some(mut peer) = probe().await else { return };
    for format in FORMATS {
        let answers = answers(&mut peer, format, &[("A".to_owned(), "all-types", json!({}))]).await;
        let frames = answers["A"]["frames"].as_array().unwrap();
        assert_eq!(frames.len(), 2, "{}", answers["A"]["error"]);
        for frame in frames {
            assert_eq!(frame["sent"], frame["again"]);
        }
    }
    peer.end().await;
}
