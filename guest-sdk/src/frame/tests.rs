//! What the host is told of a frame's meta and a field's config.

use serde_json::json;

use super::*;

fn config(config: FieldConfig) -> serde_json::Value {
    serde_json::from_str(&Field::new("", [0.0]).config(config).0.config.unwrap()).unwrap()
}

fn meta(frame: Frame) -> serde_json::Value {
    serde_json::from_str(&wit::Frame::from(frame).meta.unwrap()).unwrap()
}

#[test]
fn nothing_is_said_unless_it_is_set() {
    assert_eq!(wit::Frame::from(Frame::new("")).meta, None);
    assert_eq!(Field::new("", [0.0]).0.config, None);
    assert_eq!(meta(Frame::new("").meta(Meta::new())), json!({}));
    assert_eq!(config(FieldConfig::new()), json!({}));
}

#[test]
fn notices_are_added_to_the_meta() {
    let frame = Frame::new("").notice(Notice::info("a"));
    assert_eq!(meta(frame), json!({ "notices": [{ "severity": "info", "text": "a" }] }));
    let frame = Frame::new("").meta(Meta::new().path("p")).notice(Notice::error("b").inspect(Inspect::Stats));
    assert_eq!(
        meta(frame),
        json!({ "path": "p", "notices": [{ "severity": "error", "text": "b", "inspect": 4 }] })
    );
}

#[test]
fn a_statistic_keeps_its_name() {
    let stat = |stat| meta(Frame::new("").meta(Meta::new().stat(stat)))["stats"][0].clone();
    let unit = || FieldConfig::new().unit("ms");
    assert_eq!(stat(Stat::new("a", 1.5)), json!({ "displayName": "a", "value": 1.5 }));
    assert_eq!(stat(Stat::new("a", 1.0).config(unit()))["displayName"], "a");
    assert_eq!(stat(Stat::new("a", 1.0).config(unit().display_name("b")))["displayName"], "b");
    assert_eq!(stat(Stat::new("a", f64::NAN))["value"], 0.0);
}

#[test]
fn floats_that_are_not_finite_are_no_limits() {
    let odd = FieldConfig::new().min(f64::NEG_INFINITY).max(f64::NAN).interval(f64::INFINITY);
    assert_eq!(config(odd), json!({}));
    let range = ValueMapping::range(f64::NEG_INFINITY, 1.0, MappingResult::default());
    assert_eq!(
        config(FieldConfig::new().mapping(range))["mappings"][0],
        json!({ "type": "range", "options": { "from": null, "to": 1.0, "result": {} } })
    );
}

#[test]
fn steps_are_sorted_behind_the_first_color() {
    let thresholds =
        Thresholds::percentage("a").step(9.0, "d").step(-1.0, "b").step(9.0, "e").step(f64::NAN, "x");
    assert_eq!(
        config(FieldConfig::new().thresholds(thresholds.with(Step::new(3.0, "c").state("s")))),
        json!({ "thresholds": { "mode": "percentage", "steps": [
            { "value": null, "color": "a" },
            { "value": -1.0, "color": "b" },
            { "value": 3.0, "color": "c", "state": "s" },
            { "value": 9.0, "color": "d" },
            { "value": 9.0, "color": "e" },
        ] } })
    );
}

#[test]
fn custom_options_are_an_object() {
    assert!(FieldConfig::new().custom(&json!([])).is_err());
    assert!(FieldConfig::new().custom(&std::collections::BTreeMap::from([((1, 2), 3)])).is_err());
    assert_eq!(
        config(FieldConfig::new().custom(&json!({ "a": 1 })).unwrap()),
        json!({ "custom": { "a": 1 } })
    );
    assert!(Meta::new().custom(&json!([1])).is_ok());
}
