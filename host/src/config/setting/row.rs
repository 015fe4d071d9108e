//! A row of the table, and the kinds of values that several rows have.

/// One key of `[plugin.<id>]` in grafana.ini.
#[derive(Debug)]
pub(in crate::config) struct Setting {
    pub name: &'static str,
    /// The kind of value, and its unit.
    pub kind: &'static str,
    /// The value that is used if the key is absent.
    pub default: &'static str,
    /// The value that is used if the given one is invalid. It never allows more than the operator may have meant to
    /// allow, so a security setting denies.
    pub when_bad: &'static str,
    pub meaning: &'static str,
}

pub(super) const LIST_OF_PAIRS: &str = "list of `key=value`, separated by commas, percent-encoded";
pub(super) const DURATION: &str = "time, such as `500ms`, `30s` or `5m`";
