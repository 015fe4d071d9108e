//! `gpx:plugin/log`: a component's lines in Grafana's log.

use wasmtime::Result;
use wasmtime::component::HasData;

use super::bindings::gpx::plugin::log::{Host, Level};
use super::bindings::gpx::plugin::types::{Attribute, Value as WitValue};
use super::scrub::Scrub;
use crate::log::{self, Log, Value};

/// The part of a store that this interface works on.
pub(crate) struct LogView<'a> {
    /// The call's log. Outside of calls, the log of the plugin as a whole.
    pub log: &'a Log,
    pub scrub: &'a Scrub,
}

/// Names [`LogView`] for the linker.
pub(crate) struct HasLog;

impl HasData for HasLog {
    type Data<'a> = LogView<'a>;
}

impl Host for LogView<'_> {
    fn log(&mut self, level: Level, message: String, attributes: Vec<Attribute>) -> Result<()> {
        let field = |item: Attribute| (item.key, value(item.value, self.scrub));
        let fields: Vec<_> = attributes.into_iter().map(field).collect();
        self.log.log(level.into(), &self.scrub.text(message), &fields);
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

fn value(value: WitValue, scrub: &Scrub) -> Value {
    match value {
        WitValue::Text(item) => scrub.text(item).into(),
        WitValue::Boolean(item) => item.into(),
        WitValue::Integer(item) => item.into(),
        WitValue::Float(item) => item.into(),
        WitValue::Texts(list) => list.into_iter().map(|item| scrub.text(item)).collect::<Vec<_>>().into(),
        WitValue::Booleans(list) => list.into(),
        WitValue::Integers(list) => list.into(),
        WitValue::Floats(list) => list.into(),
    }
}
