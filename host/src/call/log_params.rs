//! What the caller wants on each line of a call's log, such as the part of Grafana that calls. Grafana Cloud uses it.

use crate::text::shorten;

/// A line has room for more, but others need it too.
const MAX_PARAMS: usize = 16;

/// Bytes of a name, and of a value.
const MAX_NAME: usize = 64;
const MAX_VALUE: usize = 256;

/// Between a name and its value.
const SEPARATOR: &str = ":::";

/// Names and values, in the caller's order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct LogParams(Vec<(String, String)>);

// === impl LogParams ===

impl LogParams {
    /// Reads `name:::value` texts. What has another form is ignored, as in the Go SDK.
    pub(crate) fn parse<'a>(texts: impl IntoIterator<Item = &'a str>) -> Self {
        let pairs = texts.into_iter().filter_map(|text| {
            let (name, value) = text.split_once(SEPARATOR)?;
            let complete = !name.is_empty() && !value.is_empty() && !value.contains(SEPARATOR);
            complete.then(|| (shorten(name.to_owned(), MAX_NAME), shorten(value.to_owned(), MAX_VALUE)))
        });
        Self(pairs.take(MAX_PARAMS).collect())
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs_are_read_as_go_reads_them() {
        let texts = [
            "scope:::alerting",
            "rule:::a b",
            "",
            "none",
            ":::value",
            "name:::",
            "a:::b:::c",
            "a::b",
            "k::::v",
        ];
        let params = LogParams::parse(texts);
        assert_eq!(params.iter().collect::<Vec<_>>(), [("scope", "alerting"), ("rule", "a b"), ("k", ":v")]);
    }

    #[test]
    fn they_are_bounded() {
        let long = format!("{}:::{}", "k".repeat(1000), "v".repeat(1000));
        let params = LogParams::parse((0..1000).map(|_| long.as_str()));
        assert_eq!(params.iter().count(), MAX_PARAMS);
        assert!(params.iter().all(|(name, value)| name.len() <= MAX_NAME && value.len() <= MAX_VALUE));
    }
}
