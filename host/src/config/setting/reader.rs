//! Reads settings by their rows.

use std::collections::BTreeSet;

use super::row::Setting;
use crate::config::problem::{Problem, Strings};
use crate::config::value::Expected;

/// Reads settings one by one, and records those that are invalid.
pub(super) struct Reader<'a> {
    given: &'a Strings,
    problems: &'a mut Vec<Problem>,
}

// === impl Reader ===

impl<'a> Reader<'a> {
    pub(super) fn new(given: &'a Strings, problems: &'a mut Vec<Problem>) -> Self {
        Self { given, problems }
    }

    pub(super) fn refuse_unknown(&mut self, known: &BTreeSet<&str>) {
        for key in self.given.keys().filter(|key| !known.contains(key.as_str())) {
            let names = known.iter().copied().collect::<Vec<_>>().join(", ");
            let text = format!("this setting does not exist and is ignored; the settings are {names}");
            self.problems.push(Problem { key: key.clone(), text });
        }
    }

    /// A key without a value counts as absent.
    pub(super) fn value<T: Default>(
        &mut self,
        setting: &Setting,
        parse: fn(&str) -> Result<T, Expected>,
    ) -> T {
        let given = self.given.get(setting.name).map(|text| text.trim()).filter(|text| !text.is_empty());
        let used = match given.map(|text| (text, parse(text))) {
            None => setting.default,
            Some((_, Ok(value))) => return value,
            Some((text, Err(expected))) => {
                let text = format!(
                    "`{text}` must be {expected}; until it is corrected, {} is used",
                    shown(setting.when_bad)
                );
                self.problems.push(Problem { key: setting.name.to_owned(), text });
                setting.when_bad
            }
        };
        // A test parses every text of the table.
        parse(used).unwrap_or_default()
    }
}

/// Returns a value as pages and messages show it.
pub(super) fn shown(text: &str) -> String {
    if text.is_empty() { "empty".to_owned() } else { format!("`{text}`") }
}
