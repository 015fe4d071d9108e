//! The reader of JSON against `serde_json`, on any text and in pieces of any size.

use std::collections::BTreeMap;
use std::fmt::Debug;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::json::from_pieces;

#[derive(Debug, PartialEq, Deserialize)]
enum Shape {
    Point,
    Circle(f64),
    Line(i8, i8),
    Square { side: Option<u64> },
}

#[derive(Debug, PartialEq, Deserialize)]
struct Row {
    time: Option<String>,
    value: f64,
    #[serde(default)]
    count: u32,
}

/// The first byte of an input is the size of the pieces.
pub fn json(input: &[u8]) {
    let Some((size, text)) = input.split_first() else { return };
    let size = usize::from(*size).max(1);
    alike::<Value>(text, size);
    alike::<String>(text, size);
    // `serde_json` also takes an array for a struct.
    let has_array = |value: &Value| value.get("Square").is_some_and(Value::is_array);
    if !serde_json::from_slice::<Vec<Value>>(text).is_ok_and(|shapes| shapes.iter().any(has_array)) {
        alike::<Vec<Shape>>(text, size);
    }
    let objects = serde_json::from_slice::<Vec<Option<Map<String, Value>>>>(text);
    agree(text, size, objects.and_then(|_| serde_json::from_slice::<Vec<Option<Row>>>(text)));
    alike::<BTreeMap<String, (i64, bool)>>(text, size);
    alike::<f64>(text, size);
    alike::<f32>(text, size);
    alike::<i64>(text, size);
    alike::<u64>(text, size);
    alike::<i8>(text, size);
    alike::<char>(text, size);
    alike::<()>(text, size);
}

/// Both read the same value, or both refuse the text.
fn alike<T: DeserializeOwned + Debug + PartialEq>(text: &[u8], size: usize) {
    agree::<T>(text, size, serde_json::from_slice(text));
}

fn agree<T: DeserializeOwned + Debug + PartialEq>(text: &[u8], size: usize, theirs: serde_json::Result<T>) {
    // A level more may be nested here than there.
    if theirs.as_ref().is_err_and(|error| error.to_string().starts_with("recursion limit exceeded")) {
        return;
    }
    let mut pieces = text.chunks(size);
    let ours = from_pieces::<T>(&mut || Ok(pieces.next().map(<[u8]>::to_vec)));
    let same = match (&ours, &theirs) {
        (Ok(ours), Ok(theirs)) => ours == theirs,
        (ours, theirs) => ours.is_err() && theirs.is_err(),
    };
    // What is skipped is read here all the same.
    let is_skipped = ours.is_err() && serde_json::from_slice::<Value>(text).is_err();
    assert!(same || is_skipped, "{} in pieces of {size}: {ours:?}, {theirs:?}", text.escape_ascii());
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    #[test]
    fn what_was_found_once_holds() {
        let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/corpus/json");
        let mut inputs: Vec<_> =
            std::fs::read_dir(corpus).unwrap().map(|file| file.unwrap().path()).collect();
        inputs.sort();
        assert!(!inputs.is_empty());
        for path in inputs {
            // The test's output names the input if it panics.
            println!("{}", path.display());
            super::json(&std::fs::read(&path).unwrap());
        }
    }
}
