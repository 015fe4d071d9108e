//! What holds for any line.

use std::time::SystemTime;

use serde_json::{Map, Value as Json};

use super::hclog::{self, MAX_LINE};
use super::value::{Level, Value};

/// Whatever is logged, it is one line of JSON that Grafana can read, and no field stands for another.
pub(crate) fn line(text: &str) {
    let values = text.lines().map(|line| {
        let (key, value) = line.split_once('=').unwrap_or((line, line));
        let value = match value.parse::<f64>() {
            Ok(number) => Value::Float(number),
            Err(_) if value.contains(',') => Value::from(value.split(',').collect::<Vec<_>>()),
            Err(_) => Value::from(value),
        };
        (key, value)
    });
    let values: Vec<_> = values.collect();
    let fields = values.iter().map(|(key, value)| (*key, value));
    let line = hclog::line(Level::Info, text, SystemTime::UNIX_EPOCH, fields);
    assert!(line.len() <= MAX_LINE && line.ends_with('\n') && line.matches('\n').count() == 1, "{line}");
    assert!(!line.trim_end().contains(char::is_control), "{line:?}");
    let Ok(object) = serde_json::from_str::<Map<String, Json>>(&line) else {
        unreachable!("{line} is not JSON")
    };
    assert_eq!(object.get("@level"), Some(&Json::from("info")));
    assert_eq!(object.get("@timestamp"), Some(&Json::from("1970-01-01T00:00:00.000000Z")));
    let Some(Json::String(message)) = object.get("@message") else { unreachable!("{line} has no message") };
    assert!(text.starts_with(message.trim_end_matches('…')), "{message:?} of {text:?}");
    let own = object.keys().filter(|key| key.starts_with('@')).count();
    // Duplicates would be lost in the map.
    let is_whole = !object.contains_key("_truncated");
    assert!(own == 3 && (!is_whole || object.len() == 3 + values.len()), "{line}");
}
