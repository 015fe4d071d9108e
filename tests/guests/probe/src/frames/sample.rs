//! A frame that says about itself all that the SDK's types can say. The peer has the same frame on the Go SDK.

use gpx_sdk::frame::{
    Color, EnumConfig, Enumeration, FrameType, Inspect, InternalLink, Json, Link, LinkTransformation,
    MappingResult, Meta, Notice, SeriesBy, SpecialValue, Stat, Step, Thresholds, Topic, ValueMapping,
    Visualization,
};
use gpx_sdk::{Field, FieldConfig, Frame, Result, Time};
use serde_json::json;

pub fn sample() -> Result<Vec<Frame>> {
    let times = vec![Time::from_unix_nanos(1_700_000_000_123_456_789), Time::from_unix_nanos(-1)];
    let names = EnumConfig::from(["off", "on"])
        .colors(["red", "green"])
        .icons(["x", "check"])
        .descriptions(["It is off", "It is on"]);
    let state = Field::new("state", [1, 0].map(Enumeration)).no_labels();
    let frame = Frame::new("a <sample> & more\u{2028}")
        .meta(meta()?)
        .with(Field::new("time", times).config(FieldConfig::new().interval(1000.0)))
        .with(
            Field::new("load <%>", [Some(0.5), None])
                .label("zone", "<b>")
                .label("host", "a&b\u{2028}\u{8}")
                .config(load()?),
        )
        .with(state.config(FieldConfig::new().enumeration(names)))
        .with(Field::new("odd", [f64::NAN, f64::NEG_INFINITY]).config(FieldConfig::new()))
        .field("small", [0.1_f32, f32::INFINITY])
        .field("json", [r#"{"a": "<b>"}"#, "null"].map(|text| Json(text.to_owned())))
        .field("text", ["<&>\u{2028}\u{8}", ""]);
    Ok(vec![frame])
}

fn meta() -> Result<Meta> {
    let stat = FieldConfig::new().unit("short").decimals(0);
    Meta::new()
        .frame_type(FrameType::TimeSeriesWide, (0, 1))
        .path("hosts")
        .path_separator(":")
        .stat(Stat::new("Rows <read>", 1e-7).config(stat))
        .notice(Notice::info("all is well"))
        .notice(Notice::warning("cut at 2").link("/d/x?a&b").inspect(Inspect::Stats))
        .notice(Notice::error("no more\u{8}"))
        .channel("ds/uid1/load")
        .visualization(Visualization::Graph)
        .visualization_plugin("timeseries")
        .executed_query("SELECT '<load>' & more")
        .topic(Topic::Annotations)
        .unique_row_fields([0, 2])
        .custom(&json!({ "resultType": "<matrix>", "rows": 1e21 }))
}

fn load() -> Result<FieldConfig> {
    let (up, down) =
        (MappingResult::text("up\u{8}").color("green"), MappingResult::text("down").color("red"));
    let traces = InternalLink::new("uid1", "Traces")
        .query(&json!({ "query": "${__value.raw}", "limit": 20 }))?
        .panels_state(&json!({ "trace": { "spanId": "${span}" } }))?
        .transformation(LinkTransformation::regex("line", r"id=(\w+)", "id"))
        .transformation(LinkTransformation::logfmt("line"))
        .time_range(Time::from_unix_millis(1_700_000_000_500), Time::from_unix_seconds(1_700_003_600));
    FieldConfig::new()
        .display_name("Load")
        .display_name_from_ds("load of a")
        .path("hosts/a")
        .description("The <load>\u{8}")
        .filterable(false)
        .writeable(true)
        .unit("percentunit")
        .decimals(2)
        .min(0.0)
        .max(1_500_000.0)
        .mapping(ValueMapping::values([("1", up), ("0", down.index(1))]))
        .mapping(ValueMapping::range(0.0, 1e6, MappingResult::text("some")))
        .mapping(ValueMapping::range(None, None, MappingResult::text("any")))
        .mapping(ValueMapping::special(SpecialValue::NullOrNaN, MappingResult::text("nothing")))
        .thresholds(Thresholds::percentage("green").with(Step::new(80.5, "#ff0000").state("High")))
        .color(Color::fixed("blue").series_by(SeriesBy::Last))
        .link(Link::url("Docs", "https://example.com/?a=1&b=2").in_new_tab())
        .link(Link::internal("Trace", traces))
        .no_value("none")
        .custom(&json!({ "width": 120, "align": "right", "nested": { "b": [1.5, null], "a": true } }))
}
