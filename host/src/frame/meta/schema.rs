//! The types of Grafana's Go SDK for a frame's meta and a field's config (package `data`, v0.298), as tables. Where that
//! SDK has any string for a word, the words are those of its constants and of Grafana's frontend.

/// What a value has to be. Null is allowed unless stated otherwise.
#[derive(Clone, Copy)]
pub(super) enum Shape {
    Text,
    /// One of these words, or the empty string.
    Word(&'static [&'static str]),
    /// The severity of a notice; not null.
    Severity,
    Flag,
    /// An integer.
    Whole(Bounds),
    /// A float.
    Number,
    /// A float that Go writes in another notation.
    Limit,
    /// The value of a threshold: what is no number stands for negative infinity.
    Threshold,
    /// A time as RFC 3339 has it.
    Time,
    /// Two integers. A shorter list is filled up, and the rest of a longer one is dropped.
    Version,
    /// Any JSON value.
    Any,
    /// A value that Grafana does not even read.
    Skipped,
    /// An object with any keys.
    Map(&'static Shape),
    List(&'static Shape),
    Object(&'static Struct),
    /// A value mapping, which is one of three objects by its `type`; not null.
    Mapping,
    /// Exactly this word, without escapes; not null.
    Tag(&'static str),
    /// The options of a mapping; not null.
    Options(&'static Shape),
}

/// What an integer may be.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Bounds {
    pub(super) least: i64,
    pub(super) most: u64,
}

/// More digits than an integer of 64 bits has.
const MOST_DIGITS: usize = 32;

/// A JSON text that describes a frame or a field.
pub(in super::super) struct Root {
    /// As errors call it.
    pub(super) name: &'static str,
    pub(super) object: Struct,
}

/// An object with known keys, in the order in which they are written.
pub(super) struct Struct {
    parts: &'static [&'static [Property]],
    /// Whether a key must be spelled exactly; otherwise, upper and lower case are the same.
    pub(super) exact: bool,
}

/// A key and its value.
pub(super) struct Property {
    pub(super) name: &'static str,
    pub(super) shape: Shape,
    pub(super) written: When,
}

/// When a property is written.
#[derive(Clone, Copy)]
pub(super) enum When {
    Always,
    /// If it is neither absent nor null.
    Given,
    /// If it is also not empty, zero or false.
    Filled,
}

/// What a frame says about itself.
pub(in super::super) static FRAME_META: Root = Root { name: "meta", object: object(&[META]) };

/// What a field says about itself.
pub(in super::super) static FIELD_CONFIG: Root = Root { name: "config", object: object(&[CONFIG]) };

/// What the `type` of a value mapping can be.
pub(super) const MAPPING_TYPES: &[&str] = &["value", "range", "special"];

/// The same mappings.
pub(super) static MAPPINGS: [Struct; 3] = [exact(&[VALUE]), exact(&[RANGE]), exact(&[SPECIAL])];

pub(super) const SEVERITIES: &[&str] = &["info", "warning", "error"];

const META: &[Property] = &[
    filled(
        "type",
        Shape::Word(&[
            "timeseries-wide",
            "timeseries-long",
            "timeseries-multi",
            "timeseries-many",
            "numeric-wide",
            "numeric-long",
            "numeric-multi",
            "log-lines",
            "table",
            "directory-listing",
            "heatmap-rows",
            "heatmap-cells",
            "histogram",
        ]),
    ),
    always("typeVersion", Shape::Version),
    filled("path", Shape::Text),
    filled("pathSeparator", Shape::Text),
    given("custom", Shape::Any),
    filled("stats", Shape::List(&Shape::Object(&object(&[CONFIG, STATISTIC])))),
    filled("notices", Shape::List(&Shape::Object(&object(&[NOTICE])))),
    filled("channel", Shape::Text),
    filled(
        "preferredVisualisationType",
        Shape::Word(&["graph", "table", "logs", "trace", "nodeGraph", "flamegraph", "rawPrometheus"]),
    ),
    filled("preferredVisualisationPluginId", Shape::Text),
    filled("executedQueryString", Shape::Text),
    filled("dataTopic", Shape::Word(&["annotations", "alertStates", "series"])),
    filled("uniqueRowIdFields", Shape::List(&INT)),
];

const STATISTIC: &[Property] = &[always("value", Shape::Number)];

const NOTICE: &[Property] = &[
    always("severity", Shape::Severity),
    always("text", Shape::Text),
    filled("link", Shape::Text),
    // None, meta, error, data, stats.
    filled("inspect", Shape::Whole(Bounds { least: 0, most: 4 })),
];

const CONFIG: &[Property] = &[
    filled("displayName", Shape::Text),
    filled("displayNameFromDS", Shape::Text),
    filled("path", Shape::Text),
    filled("description", Shape::Text),
    given("filterable", Shape::Flag),
    given("writeable", Shape::Flag),
    filled("unit", Shape::Text),
    given("decimals", Shape::Whole(Bounds { least: 0, most: u16::MAX as u64 })),
    given("min", Shape::Limit),
    given("max", Shape::Limit),
    filled("interval", Shape::Number),
    filled("mappings", Shape::List(&Shape::Mapping)),
    given("thresholds", Shape::Object(&object(&[THRESHOLDS]))),
    filled("color", Shape::Map(&Shape::Any)),
    filled("links", Shape::List(&Shape::Object(&object(&[LINK])))),
    filled("noValue", Shape::Text),
    given("type", Shape::Object(&object(&[&[given("enum", Shape::Object(&object(&[ENUM])))]]))),
    filled("custom", Shape::Map(&Shape::Any)),
];

const THRESHOLDS: &[Property] = &[
    always("mode", Shape::Word(&["absolute", "percentage"])),
    always("steps", Shape::List(&Shape::Object(&exact(&[STEP])))),
];

const STEP: &[Property] =
    &[always("value", Shape::Threshold), filled("color", Shape::Text), filled("state", Shape::Text)];

const LINK: &[Property] = &[
    filled("title", Shape::Text),
    filled("targetBlank", Shape::Flag),
    filled("url", Shape::Text),
    given("internal", Shape::Object(&object(&[INTERNAL]))),
];

const INTERNAL: &[Property] = &[
    given("query", Shape::Any),
    filled("datasourceUid", Shape::Text),
    filled("datasourceName", Shape::Text),
    given("panelsState", Shape::Any),
    given("transformations", Shape::List(&Shape::Object(&object(&[TRANSFORMATION])))),
    given("timeRange", Shape::Object(&object(&[RANGE_OF_TIME]))),
];

const TRANSFORMATION: &[Property] = &[
    filled("type", Shape::Word(&["regex", "logfmt"])),
    filled("field", Shape::Text),
    filled("expression", Shape::Text),
    filled("mapValue", Shape::Text),
];

const RANGE_OF_TIME: &[Property] = &[always("from", Shape::Time), always("to", Shape::Time)];

const ENUM: &[Property] = &[
    always("text", Shape::List(&Shape::Text)),
    filled("color", Shape::List(&Shape::Text)),
    filled("icon", Shape::List(&Shape::Text)),
    filled("description", Shape::List(&Shape::Text)),
];

const VALUE: &[Property] =
    &[always("type", Shape::Tag("value")), always("options", Shape::Options(&Shape::Map(&RESULT)))];

const RANGE: &[Property] = &[
    always("type", Shape::Tag("range")),
    always(
        "options",
        Shape::Options(&Shape::Object(&object(&[&[
            given("from", Shape::Limit),
            given("to", Shape::Limit),
            always("result", RESULT),
        ]]))),
    ),
];

const SPECIAL: &[Property] = &[
    always("type", Shape::Tag("special")),
    always(
        "options",
        Shape::Options(&Shape::Object(&object(&[&[
            always("match", Shape::Word(&["true", "false", "null", "nan", "null+nan", "empty"])),
            always("result", RESULT),
        ]]))),
    ),
];

const RESULT: Shape = Shape::Object(&object(&[&[
    filled("text", Shape::Text),
    filled("color", Shape::Text),
    filled("index", INT),
]]));

const INT: Shape = Shape::Whole(Bounds { least: i64::MIN, most: i64::MAX as u64 });

/// Any integer of 64 bits.
pub(super) const WIDEST: Bounds = Bounds { least: i64::MIN, most: u64::MAX };

/// Each of the two integers of a version.
pub(super) const OF_VERSION: Bounds = Bounds { least: 0, most: u64::MAX };

const fn object(parts: &'static [&'static [Property]]) -> Struct {
    Struct { parts, exact: false }
}

const fn exact(parts: &'static [&'static [Property]]) -> Struct {
    Struct { parts, exact: true }
}

const fn always(name: &'static str, shape: Shape) -> Property {
    Property { name, shape, written: When::Always }
}

const fn given(name: &'static str, shape: Shape) -> Property {
    Property { name, shape, written: When::Given }
}

const fn filled(name: &'static str, shape: Shape) -> Property {
    Property { name, shape, written: When::Filled }
}

// === impl Bounds ===

impl Bounds {
    /// Returns what a number means, if it is an integer and allowed. Go refuses a sign where nothing is negative.
    pub(super) fn read(self, text: &[u8]) -> Option<i128> {
        let text = std::str::from_utf8(text.get(..MOST_DIGITS).unwrap_or(text)).ok()?;
        let number: i128 = text.parse().ok()?;
        let is_signed = self.least >= 0 && text.starts_with('-');
        (!is_signed && (i128::from(self.least)..=i128::from(self.most)).contains(&number)).then_some(number)
    }
}

// === impl Struct ===

impl Struct {
    pub(super) fn properties(&self) -> impl Iterator<Item = &'static Property> + use<> {
        self.parts.iter().copied().flatten()
    }
}
