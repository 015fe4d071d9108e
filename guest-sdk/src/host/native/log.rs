//! Log lines: recorded, and on stderr, which `cargo test` shows if a test fails.

use super::fake::current;
use super::json;
use crate::Attribute;
use crate::test::record::LogRecord;

pub(crate) use crate::bindings::base::gpx::plugin::log::Level;

pub(crate) fn log(level: Level, message: &str, attributes: &[Attribute]) {
    let line = LogRecord { level, message: message.to_owned(), attributes: json::object(attributes) };
    let pairs = json::pairs(&line.attributes);
    eprintln!("{}: {message}{pairs}", word(level));
    if let Some(fake) = current() {
        fake.lines.borrow_mut().push(line);
    }
}

fn word(level: Level) -> &'static str {
    match level {
        Level::Trace => "trace",
        Level::Debug => "debug",
        Level::Info => "info",
        Level::Warn => "warn",
        Level::Error => "error",
    }
}
