//! Frames of the data plane contract, as Grafana's own reader of the contract reads them.

use gpx_tests::peer::Peer;
use serde_json::{Value, json};

use super::{answers, probe};

/// Returns the frames that the probe makes for a query, in JSON.
async fn frames(peer: &mut Peer, kind: &str, model: Value) -> Vec<Value> {
    let mut answers = answers(peer, "json", &[("A".to_owned(), kind, model)]).await;
    match answers["A"]["frames"].take() {
        Value::Array(frames) if answers["A"]["error"] == "" => frames,
        _ => panic!("{}", answers["A"]["error"]),
    }
}

fn sent(frames: &[Value]) -> Value {
    frames.iter().map(|frame| frame["sent"]["json"].clone()).collect()
}

/// Items in the order of names and labels, so that formats can be compared.
fn sorted(mut set: Value) -> Vec<Value> {
    let Value::Array(mut items) = set["items"].take() else { panic!("{set}") };
    items.sort_by_key(ToString::to_string);
    items
}

#[gpx_tests::test]
async fn grafanas_reader_finds_the_series_and_numbers_in_every_format() {
    let Some(mut peer) = probe().await else { return };
    let at =
        |second: u64, value: Value| json!({ "time": format!("2023-11-14T22:13:2{second}Z"), "value": value });
    let item = |name: &str, labels: Value, points: Value| json!({ "name": name, "labels": labels, "points": points });
    let (a, b) = (json!({ "host": "a", "zone": "z" }), json!({ "host": "b" }));
    // The format says which points there are besides those that have a value, and which labels.
    let null = Value::Null;
    for (frame_type, points) in [
        (
            "timeseries-wide",
            [
                json!([at(1, null.clone()), at(2, json!(0.5)), at(3, json!(0.25))]),
                json!([at(1, json!(1.5)), at(2, null.clone()), at(3, null.clone())]),
                json!([at(1, null.clone()), at(2, json!(2.5)), at(3, null.clone())]),
            ],
        ),
        (
            "timeseries-multi",
            [
                json!([at(2, json!(0.5)), at(3, json!(0.25))]),
                json!([at(1, json!(1.5)), at(3, null.clone())]),
                json!([at(2, json!(2.5))]),
            ],
        ),
        ("numeric-wide", [json!([{ "value": null }]), json!([{ "value": 1.5 }]), json!([{ "value": 2.5 }])]),
        ("numeric-multi", [json!([{ "value": null }]), json!([{ "value": 1.5 }]), json!([{ "value": 2.5 }])]),
    ] {
        let frames = frames(&mut peer, "dataplane", json!({ "frame_type": frame_type })).await;
        let set = peer.get("items", json!({ "frames": sent(&frames) })).await;
        assert_eq!((&set["type"], &set["ignored"]), (&json!(frame_type), &json!(0)), "{set}");
        let [free, load_a, load_b] = points;
        let items =
            [item("free", b.clone(), free), item("load", a.clone(), load_a), item("load", b.clone(), load_b)];
        let mut items = items.to_vec();
        items.sort_by_key(ToString::to_string);
        assert_eq!(sorted(set), items, "{frame_type}");
    }

    // Every series has all labels, and a row for each value that another one has.
    let b = json!({ "host": "b", "zone": "" });
    for (frame_type, items) in [
        (
            "timeseries-long",
            [
                item("free", a.clone(), json!([at(1, null.clone()), at(3, null.clone())])),
                item("free", b.clone(), json!([at(2, json!(0.5)), at(3, json!(0.25))])),
                item("load", a.clone(), json!([at(1, json!(1.5)), at(3, null.clone())])),
                item("load", b.clone(), json!([at(2, json!(2.5)), at(3, null.clone())])),
            ],
        ),
        (
            "numeric-long",
            [
                item("free", a.clone(), json!([{ "value": null }])),
                item("free", b.clone(), json!([{ "value": null }])),
                item("load", a.clone(), json!([{ "value": 1.5 }])),
                item("load", b.clone(), json!([{ "value": 2.5 }])),
            ],
        ),
    ] {
        let frames = frames(&mut peer, "dataplane", json!({ "frame_type": frame_type })).await;
        let set = peer.get("items", json!({ "frames": sent(&frames) })).await;
        assert_eq!((&set["type"], &set["ignored"]), (&json!(frame_type), &json!(0)), "{set}");
        let mut items = items.to_vec();
        items.sort_by_key(ToString::to_string);
        assert_eq!(sorted(set), items, "{frame_type}");
    }
    peer.end().await;
}

#[gpx_tests::test]
async fn logs_and_heatmaps_have_the_fields_of_the_contract() {
    let Some(mut peer) = probe().await else { return };
    for (frame_type, expected) in [
        (
            "log-lines",
            json!([
                ["timestamp", "time.Time", false, {}],
                ["body", "string", false, {}],
                ["severity", "string", true, {}],
                ["id", "string", true, {}],
                ["labels", "json.RawMessage", false, {}],
                ["labelTypes", "json.RawMessage", false, {}],
            ]),
        ),
        (
            "heatmap-rows",
            json!([
                ["time", "time.Time", false, {}], ["", "uint64", false, { "le": "1" }],
                ["", "uint64", false, { "le": "+Inf" }],
            ]),
        ),
        (
            "heatmap-cells",
            json!([
                ["xMin", "time.Time", false, {}],
                ["yMin", "float64", false, {}],
                ["yMax", "float64", false, {}],
                ["count", "uint64", false, {}],
            ]),
        ),
    ] {
        let frames = frames(&mut peer, "dataplane", json!({ "frame_type": frame_type })).await;
        let [frame] = &frames[..] else { panic!("{} frames", frames.len()) };
        assert_eq!(
            (&frame["meta"]["type"], &frame["meta"]["typeVersion"]),
            (&json!(frame_type), &json!([0, 0]))
        );
        let fields: Value = frame["fields"]
            .as_array()
            .unwrap()
            .iter()
            .map(|field| json!([field["name"], field["type"], field["nullable"], field["labels"]]))
            .collect();
        assert_eq!(fields, expected, "{frame_type}");
        if frame_type == "log-lines" {
            assert_eq!(frame["meta"]["preferredVisualisationType"], "logs");
            let values = |field: usize| &frame["fields"][field]["values"];
            assert_eq!((values(2), values(3)), (&json!(["error", null]), &json!(["7", null])));
            assert_eq!(values(4), &json!([{ "host": "<a>" }, {}]));
            assert_eq!(values(5), &json!([{}, { "host": "I" }]));
        }
    }
    peer.end().await;
}

#[gpx_tests::test]
async fn grafanas_reader_takes_every_frame_that_promises_to_be_readable() {
    let Some(mut peer) = probe().await else { return };
    let frames = frames(&mut peer, "promised", json!({ "count": 1000 })).await;
    let mut types = std::collections::BTreeMap::<String, usize>::new();
    for frame in &frames {
        let set = peer.ask("items", json!({ "frames": [frame["sent"]["json"]] })).await;
        let set = set.unwrap_or_else(|error| panic!("{error}: {}", frame["sent"]["json"]));
        assert_eq!(set["ignored"], 0, "{}", frame["sent"]["json"]);
        *types.entry(set["type"].as_str().unwrap().to_owned()).or_default() += 1;
    }
    eprintln!("promises that were made: {types:?}");
    assert!(types.len() == 6 && types.values().all(|count| *count > 3), "{types:?}");
    peer.end().await;
}
