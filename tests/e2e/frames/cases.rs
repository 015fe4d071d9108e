//! Texts for a frame's meta and a field's config, valid and not.

/// Texts that Go drops a part of, or has no meaning for, and what the host says. Metas begin with `meta `.
pub(super) const TYPOS: &[(&str, &str)] = &[
    (r#"{"units":"s"}"#, r#"did you mean "unit"?"#),
    (r#"{"Decimal":1}"#, r#"did you mean "decimals"?"#),
    (r#"{"display_name":"a"}"#, r#"did you mean "displayName"?"#),
    (
        r#"{"fieldMinMax":true}"#,
        r#"config.fieldMinMax is not a key that Grafana knows; it knows "displayName", "#,
    ),
    (r#"{"":1}"#, r#"config[""] is not a key that Grafana knows"#),
    (
        r#"{"thresholds":{"mode":"nope"}}"#,
        r#"config.thresholds.mode is "nope"; it must be "absolute" or "percentage""#,
    ),
    (r#"{"thresholds":{"mode":"percentages"}}"#, r#"did you mean "percentage"?"#),
    (
        r#"{"thresholds":{"step":[]}}"#,
        r#"config.thresholds.step is not a key that Grafana knows; did you mean "steps"?"#,
    ),
    (r#"{"mappings":[{"type":"value","options":{},"id":1}]}"#, r#"config.mappings[0].id is not a key"#),
    (
        r#"{"mappings":[{"type":"special","options":{"match":"NaN"}}]}"#,
        r#"config.mappings[0].options.match is "NaN"; did you mean "nan"?"#,
    ),
    (
        r#"{"mappings":[{"type":"range","options":{"start":1}}]}"#,
        r#"config.mappings[0].options.start is not a key"#,
    ),
    (r#"{"links":[{"href":"x"}]}"#, r#"config.links[0].href is not a key"#),
    (
        r#"{"links":[{"internal":{"transformations":[{"type":"nope"}]}}]}"#,
        r#"it must be "regex" or "logfmt""#,
    ),
    (
        r#"{"links":[{"internal":{"datasourceUID":"x","range":{}}}]}"#,
        r#"config.links[0].internal.range is not a key"#,
    ),
    (r#"{"type":{"enum":{"texts":[]}}}"#, r#"did you mean "text"?"#),
    (
        r#"meta {"type":"time-series-multi"}"#,
        r#"meta.type is "time-series-multi"; did you mean "timeseries-multi"?"#,
    ),
    (r#"meta {"type":"made-up"}"#, r#"meta.type is "made-up"; it must be "timeseries-wide", "#),
    (r#"meta {"preferredVisualizationType":"logs"}"#, r#"did you mean "preferredVisualisationType"?"#),
    (r#"meta {"preferredVisualisationType":"nodegraph"}"#, r#"did you mean "nodeGraph"?"#),
    (r#"meta {"dataTopic":"annotation"}"#, r#"did you mean "annotations"?"#),
    (
        r#"meta {"notices":[{"inspect":9}]}"#,
        r#"meta.notices[0].inspect is 9; it must be a whole number from 0 to 4"#,
    ),
    (r#"meta {"notices":[{"message":"m"}]}"#, r#"meta.notices[0].message is not a key"#),
    (
        r#"meta {"stats":[{"units":"s"}]}"#,
        r#"meta.stats[0].units is not a key that Grafana knows; did you mean "unit"?"#,
    ),
];

pub(super) fn metas() -> impl Iterator<Item = &'static str> {
    include_str!("metas.txt").lines()
}

pub(super) fn configs() -> impl Iterator<Item = &'static str> {
    include_str!("configs.txt").lines()
}
