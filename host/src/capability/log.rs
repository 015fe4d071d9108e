//! `gpx:plugin/log`: a component's lines in Grafana's log.

use opentelemetry::trace::TraceContextExt as _;
use wasmtime::Result;
use wasmtime::component::HasData;

use super::bindings::gpx::plugin::log::{Host, Level};
use super::bindings::gpx::plugin::types::{Attribute, Value as WitValue};
use super::tracer::CallSpans;
use crate::log::{self, Log, MAX_FIELDS, MAX_KEY, MAX_MESSAGE, MAX_VALUE, Value, origin};
use crate::text::Scrub;

/// What a text in a list takes besides its own bytes: quotes and a comma.
const QUOTES: usize = 3;

/// How many items of a list are kept. Each takes at least two bytes, so a line never has room for more.
const MAX_ITEMS: usize = MAX_VALUE / 2 + 1;

/// The part of a store that this interface works on.
pub(crate) struct LogView<'a> {
    /// The call's log. Outside of calls, the log of the plugin as a whole.
    pub log: &'a Log,
    /// Of the call.
    pub spans: &'a CallSpans,
    pub scrub: &'a Scrub,
}

/// Names [`LogView`] for the linker.
pub(crate) struct HasLog;

impl HasData for HasLog {
    type Data<'a> = LogView<'a>;
}

impl Host for LogView<'_> {
    fn log(&mut self, level: Level, message: String, attributes: Vec<Attribute>) -> Result<()> {
        let field = |item: Attribute| (key(item.key, self.scrub), value(item.value, self.scrub));
        // One more than a line can have: the line then says that some are missing.
        let fields: Vec<_> = attributes.into_iter().take(MAX_FIELDS + 1).map(field).collect();
        let log = self.log.in_span(self.spans.current().span().span_context());
        log.relay(level.into(), &self.scrub.shorten(message, MAX_MESSAGE), &fields);
        Ok(())
    }
}

impl From<Level> for log::Level {
    fn from(level: Level) -> Self {
        match level {
            Level::Trace => Self::Trace,
            Level::Debug => Self::Debug,
            Level::Info => Self::Info,
            Level::Warn => Self::Warn,
            Level::Error => Self::Error,
        }
    }
}

fn key(key: String, scrub: &Scrub) -> String {
    origin::foreign(scrub.shorten(key, MAX_KEY))
}

fn value(value: WitValue, scrub: &Scrub) -> Value {
    match value {
        WitValue::Text(item) => scrub.shorten(item, MAX_VALUE).into(),
        WitValue::Boolean(item) => item.into(),
        WitValue::Integer(item) => item.into(),
        WitValue::Float(item) => item.into(),
        WitValue::Texts(list) => texts(list, scrub).into(),
        WitValue::Booleans(list) => items(list).into(),
        WitValue::Integers(list) => items(list).into(),
        WitValue::Floats(list) => items(list).into(),
    }
}

/// Returns the texts that a value has room for, and one that shows that there are more.
fn texts(list: Vec<String>, scrub: &Scrub) -> Vec<String> {
    let mut room = MAX_VALUE;
    let fits = |item: &String| {
        let fitted = room > 0;
        room = room.saturating_sub(item.len() + QUOTES);
        fitted
    };
    items(list).into_iter().take_while(fits).map(|item| scrub.shorten(item, MAX_VALUE)).collect()
}

/// Returns the items that a value has room for, and one that shows that there are more.
fn items<T>(mut list: Vec<T>) -> Vec<T> {
    list.truncate(MAX_ITEMS);
    list
}

#[cfg(test)]
mod tests {
    use opentelemetry::Context;

    use super::*;
    use crate::telemetry::Tracer;

    fn logged(message: &str, attributes: Vec<Attribute>) -> serde_json::Value {
        let (log, lines) = Log::memory();
        let scrub = Scrub::new(["hunter2"]);
        let spans = CallSpans::new(Tracer::Off, Context::new());
        LogView { log: &log, spans: &spans, scrub: &scrub }
            .log(Level::Info, message.to_owned(), attributes)
            .unwrap();
        lines.json().pop().unwrap()
    }

    fn attribute(key: &str, value: WitValue) -> Attribute {
        Attribute { key: key.to_owned(), value }
    }

    #[test]
    fn names_and_texts_reveal_no_secret_and_are_shortened() {
        let long = |text: &str| text.repeat(1 << 20);
        let list = WitValue::Texts(vec!["hunter2".to_owned(), long("ab")]);
        let attributes =
            vec![attribute("key hunter2", WitValue::Text(long("hunter2"))), attribute(&long("k"), list)];
        let line = logged(&long("say hunter2 "), attributes);
        assert!(!line.to_string().contains("hunter"));
        let message = line["@message"].as_str().unwrap();
        assert!(
            message.starts_with("say [secret]") && message.ends_with('…') && message.len() <= MAX_MESSAGE
        );
        let value = line["key [secret]"].as_str().unwrap();
        assert!(value.ends_with('…') && value.len() <= MAX_VALUE);
        let fields = line.as_object().unwrap();
        let (key, list) = fields.iter().find(|(key, _)| key.starts_with("kkk")).unwrap();
        assert!(key.ends_with('…') && key.len() <= MAX_KEY);
        assert_eq!(list[0], "[secret]");
    }

    #[test]
    fn fields_that_say_where_a_line_comes_from_cannot_be_forged_where_the_host_has_none() {
        let names =
            ["pluginId", "pluginVersion", "endpoint", "traceId", "dsName", "dsUid", "uname", "traceID"];
        let forged = names.map(|name| attribute(name, WitValue::Text("forged".to_owned())));
        let line = logged("", forged.into());
        for name in names {
            assert_eq!(
                (&line[name], &line[format!("_{name}")]),
                (&serde_json::Value::Null, &"forged".into())
            );
        }
    }

    #[test]
    fn long_lists_lose_their_end_before_they_are_copied() {
        assert_eq!(texts(vec![String::new(); 1 << 20], &Scrub::default()).len(), MAX_VALUE / QUOTES + 1);
        assert_eq!(texts(vec!["a".repeat(MAX_VALUE); 3], &Scrub::default()).len(), 1);
        assert_eq!(items(vec![true; 1 << 20]).len(), MAX_ITEMS);
        let many = (0..1000).map(|number| attribute(&number.to_string(), WitValue::Boolean(true))).collect();
        let line = logged("", many);
        assert_eq!(line["_truncated"], true);
        let list = logged("", vec![attribute("list", WitValue::Integers(vec![7; 1 << 20]))]);
        assert_eq!(list["list"].as_array().unwrap().last().unwrap(), "…");
    }
}
