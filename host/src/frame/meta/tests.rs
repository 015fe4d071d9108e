//! What is written of a text, in both styles, and what is said of one that does not fit.

use super::super::error::Mistake;
use super::super::sample::polls;
use super::*;

mod bounds;

/// The text as it is written, and how many polls that takes.
fn written(text: &str, root: &'static Root, style: Style) -> (Result<String, String>, usize) {
    let mut pace = Pace::new();
    polls(async {
        let text =
            check(text, root, &mut pace).await.map_err(|unusable| Mistake::from(unusable).to_string())?;
        let mut draft = Draft::new(0, usize::MAX, &mut pace);
        match text {
            Some(text) => write(&mut draft, text, root, style).await.unwrap(),
            None => draft.bytes.extend_from_slice(b"absent"),
        }
        Ok(String::from_utf8(draft.finish()).unwrap())
    })
}

fn refused(text: &str, root: &'static Root) -> String {
    written(text, root, Style::Html).0.unwrap_err()
}

/// Each text, and how Go writes it with jsoniter.
const CONFIGS: &[(&str, &str)] = &[
    ("{}", "{}"),
    (" \n{ } ", "{}"),
    ("null", "absent"),
    (r#"{"unit":"a","displayName":"b"}"#, r#"{"displayName":"b","unit":"a"}"#),
    (r#"{"UNIT":"\u0061\/"}"#, r#"{"unit":"a/"}"#),
    (r#"{"\u0075nit":"x"}"#, r#"{"unit":"x"}"#),
    (r#"{"unit":"a","Unit":"b"}"#, r#"{"unit":"b"}"#),
    (r#"{"unit":"","noValue":null,"mappings":[],"links":[],"color":{},"custom":{}}"#, "{}"),
    (r#"{"filterable":false,"writeable":null,"decimals":0}"#, r#"{"filterable":false,"decimals":0}"#),
    (r#"{"min":null,"max":1e6,"interval":0}"#, r#"{"max":1e+06}"#),
    (r#"{"min":-0.0,"max":0.00001,"interval":-0.0}"#, r#"{"min":-0,"max":1e-05}"#),
    (r#"{"interval":1e-7}"#, r#"{"interval":1e-07}"#),
    (r#"{"thresholds":{}}"#, r#"{"thresholds":{"mode":"","steps":null}}"#),
    (
        r#"{"thresholds":{"steps":[null,{},{"value":"a"},{"value":[{}]},{"value":1e6,"color":"<\b"}],"Mode":"absolute"}}"#,
        concat!(
            r#"{"thresholds":{"mode":"absolute","steps":[{"value":null},{"value":null},{"value":null},{"value":null},"#,
            r#"{"value":1e+06,"color":"\u003c\u0008"}]}}"#,
        ),
    ),
    (
        r#"{"mappings":[{"options":{"b":{"index":-0,"text":"x"},"a\b":null},"type":"value"}]}"#,
        r#"{"mappings":[{"type":"value","options":{"a\u0008":{},"b":{"text":"x"}}}]}"#,
    ),
    (
        r#"{"mappings":[{"type":"range","options":{"from":null,"to":1e21}},{"type":"special","options":{"match":"null+nan"}}]}"#,
        concat!(
            r#"{"mappings":[{"type":"range","options":{"to":1e+21,"result":{}}},"#,
            r#"{"type":"special","options":{"match":"null+nan","result":{}}}]}"#,
        ),
    ),
    (r#"{"links":[null,{"targetBlank":false,"url":"a&b"}]}"#, r#"{"links":[{},{"url":"a\u0026b"}]}"#),
    (
        r#"{"links":[{"internal":{"transformations":[],"timeRange":{"to":"2020-01-01T00:00:00.100+02:00"},"query":null}}]}"#,
        concat!(
            r#"{"links":[{"internal":{"transformations":[],"#,
            r#""timeRange":{"from":"0001-01-01T00:00:00Z","to":"2020-01-01T00:00:00.1+02:00"}}}]}"#,
        ),
    ),
    (r#"{"type":{"enum":{}}}"#, r#"{"type":{"enum":{"text":null}}}"#),
    (r#"{"type":{"enum":{"text":["a",null],"icon":[]}}}"#, r#"{"type":{"enum":{"text":["a",""]}}}"#),
    (
        r#"{"custom":{"z":1.0,"a":[1e2,{"d":1,"c":"<"}],"z":null}}"#,
        r#"{"custom":{"a":[100,{"c":"\u003c","d":1}],"z":null}}"#,
    ),
];

const METAS: &[(&str, &str)] = &[
    ("{}", r#"{"typeVersion":[0,0]}"#),
    ("null", "absent"),
    (r#"{"custom":null,"type":""}"#, r#"{"typeVersion":[0,0]}"#),
    (r#"{"custom":{},"type":"table"}"#, r#"{"type":"table","typeVersion":[0,0],"custom":{}}"#),
    (r#"{"typeVersion":[null,1,"x"]}"#, r#"{"typeVersion":[0,1]}"#),
    (r#"{"typeVersion":[18446744073709551615]}"#, r#"{"typeVersion":[18446744073709551615,0]}"#),
    (
        r#"{"stats":[{"value":1e-7,"unit":"s"},null]}"#,
        r#"{"typeVersion":[0,0],"stats":[{"unit":"s","value":1e-07},{"value":0}]}"#,
    ),
    (
        r#"{"notices":[null,{"text":"a\bb","severity":"error","inspect":4}]}"#,
        concat!(
            r#"{"typeVersion":[0,0],"notices":[{"severity":"info","text":""},"#,
            r#"{"severity":"error","text":"a\u0008b","inspect":4}]}"#,
        ),
    ),
    (r#"{"uniqueRowIdFields":[1,null,-1]}"#, r#"{"typeVersion":[0,0],"uniqueRowIdFields":[1,0,-1]}"#),
    (r#"{"custom":12345678901234567890}"#, r#"{"typeVersion":[0,0],"custom":12345678901234567000}"#),
    (
        r#"{"custom":[true,"\ud800",[[]],-0]}"#,
        "{\"typeVersion\":[0,0],\"custom\":[true,\"\u{fffd}\",[[]],-0]}",
    ),
];

#[test]
fn every_text_is_written_as_go_writes_it() {
    for (root, texts) in [(&FIELD_CONFIG, CONFIGS), (&FRAME_META, METAS)] {
        for (text, html) in texts {
            assert_eq!(written(text, root, Style::Html).0.as_deref(), Ok(*html), "{text}");
            if *html != "absent" {
                assert_eq!(written(html, root, Style::Html).0.as_deref(), Ok(*html), "again");
            }
        }
    }
}

#[test]
fn encoding_json_has_its_own_numbers_and_escapes() {
    let standard = |text| written(text, &FIELD_CONFIG, Style::Standard).0.unwrap();
    let text = r#"{"interval":1e-7,"noValue":"\b","custom":{"a\f":2e-7}}"#;
    assert_eq!(standard(text), r#"{"interval":1e-7,"noValue":"\b","custom":{"a\f":2e-7}}"#);
    // The SDK writes mappings with jsoniter.
    let text = r#"{"noValue":"\b","mappings":[{"type":"value","options":{"a\f":{"text":"\b"}}}]}"#;
    assert_eq!(
        standard(text),
        r#"{"mappings":[{"type":"value","options":{"a\u000c":{"text":"\u0008"}}}],"noValue":"\b"}"#
    );
}

#[test]
fn an_error_names_the_path_what_is_there_and_what_must_be() {
    for (text, error) in [
        ("[]", "config is a list; it must be an object"),
        (r#"{"unit":5}"#, "config.unit is 5; it must be a string"),
        (r#"{"units":"s"}"#, r#"config.units is not a key that Grafana knows; did you mean "unit"?"#),
        (r#"{"decimals":-1}"#, "config.decimals is -1; it must be a whole number from 0 to 65535"),
        (r#"{"min":"a"}"#, r#"config.min is "a"; it must be a number that fits into 64 bits"#),
        (r#"{"max":1e400}"#, "config.max is 1e400; it must be a number that fits into 64 bits"),
        (r#"{"filterable":1}"#, "config.filterable is 1; it must be true or false"),
        (r#"{"color":[]}"#, "config.color is a list; it must be an object"),
        (r#"{"links":{}}"#, "config.links is an object; it must be a list"),
        (r#"{"links":[{},{"title":1}]}"#, "config.links[1].title is 1; it must be a string"),
        (
            r#"{"thresholds":{"mode":"nope"}}"#,
            r#"config.thresholds.mode is "nope"; it must be "absolute" or "percentage""#,
        ),
        (
            r#"{"thresholds":{"steps":[{"Value":1}]}}"#,
            r#"config.thresholds.steps[0].Value is not a key that Grafana knows; did you mean "value"?"#,
        ),
        (
            r#"{"thresholds":{"steps":[{"x y":1}]}}"#,
            r#"config.thresholds.steps[0]["x y"] is not a key that Grafana knows; it knows "value", "color" and "state""#,
        ),
        (
            r#"{"mappings":[{"type":"nope","options":{}}]}"#,
            r#"config.mappings[0].type is "nope"; it must be "value", "range" or "special""#,
        ),
        (r#"{"mappings":[null]}"#, "config.mappings[0] is null; it must be an object"),
        (
            r#"{"mappings":[{"type":"value"}]}"#,
            "config.mappings[0] has no options; give it some that suit its type",
        ),
        (
            r#"{"mappings":[{"type":"value","options":{"a b":{"text":1}}}]}"#,
            r#"config.mappings[0].options["a b"].text is 1; it must be a string"#,
        ),
        (
            r#"{"mappings":[{"type":"range","options":null}]}"#,
            "config.mappings[0].options is null; it must be an object",
        ),
        (
            r#"{"custom":{"a":[1e999]}}"#,
            "config.custom.a[0] is 1e999; it must be a number that fits into 64 bits",
        ),
        (
            r#"{"links":[{"internal":{"timeRange":{"from":"now"}}}]}"#,
            concat!(
                r#"config.links[0].internal.timeRange.from is "now"; "#,
                r#"it must be a time such as "2026-01-02T15:04:05Z""#,
            ),
        ),
    ] {
        assert_eq!(refused(text, &FIELD_CONFIG), error);
    }
    for (text, error) in [
        (
            r#"{"type":5}"#,
            concat!(
                r#"meta.type is 5; it must be "timeseries-wide", "timeseries-long", "timeseries-multi", "timeseries-many", "#,
                r#""numeric-wide", "numeric-long", "numeric-multi", "log-lines", "table", "directory-listing", "#,
                r#""heatmap-rows", "heatmap-cells" or "histogram""#,
            ),
        ),
        (
            r#"{"type":"time-series-multi"}"#,
            r#"meta.type is "time-series-multi"; did you mean "timeseries-multi"?"#,
        ),
        (
            r#"{"notices":[{"severity":"bad"}]}"#,
            r#"meta.notices[0].severity is "bad"; it must be "info", "warning" or "error""#,
        ),
        (
            r#"{"notices":[{"severity":null}]}"#,
            r#"meta.notices[0].severity is null; it must be "info", "warning" or "error""#,
        ),
        (
            r#"{"notices":[{"inspect":"meta"}]}"#,
            r#"meta.notices[0].inspect is "meta"; it must be a whole number from 0 to 4"#,
        ),
        (r#"{"stats":"x"}"#, r#"meta.stats is "x"; it must be a list"#),
        (
            r#"{"typeVersion":[0,-1]}"#,
            "meta.typeVersion[1] is -1; it must be a whole number from 0 to 18446744073709551615",
        ),
        (
            r#"{"preferredVisualizationType":"logs"}"#,
            concat!(
                "meta.preferredVisualizationType is not a key that Grafana knows; ",
                r#"did you mean "preferredVisualisationType"?"#,
            ),
        ),
    ] {
        assert_eq!(refused(text, &FRAME_META), error);
    }
    assert_eq!(
        refused("{]", &FRAME_META),
        "its meta is not JSON (expected a key in quotes or the end of the object at byte 1); \
         give a JSON object, or omit it"
    );
}
