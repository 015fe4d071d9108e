//! The names of the fields that say where a line comes from. Only the host writes them, so whoever reads the log can rely
//! on them.

pub(crate) const PLUGIN_ID: &str = "pluginId";
pub(crate) const PLUGIN_VERSION: &str = "pluginVersion";
pub(crate) const ENDPOINT: &str = "endpoint";
pub(crate) const TRACE_ID: &str = "traceId";
pub(crate) const SPAN_ID: &str = "spanId";
pub(crate) const DATA_SOURCE_NAME: &str = "dsName";
pub(crate) const DATA_SOURCE_UID: &str = "dsUid";
pub(crate) const USER: &str = "uname";

const ALL: [&str; 8] =
    [PLUGIN_ID, PLUGIN_VERSION, ENDPOINT, TRACE_ID, SPAN_ID, DATA_SOURCE_NAME, DATA_SOURCE_UID, USER];

/// Returns the name under which a field of a component is written: another one if a reader could take it for one of the
/// host's, whatever signs and capital letters it has.
pub(crate) fn foreign(name: String) -> String {
    let letters = |name: &str| -> String {
        name.chars().filter(char::is_ascii_alphanumeric).map(|char| char.to_ascii_lowercase()).collect()
    };
    let own = letters(&name);
    if ALL.iter().any(|reserved| letters(reserved) == own) { format!("_{name}") } else { name }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_looks_like_one_of_the_hosts_is_changed() {
        for name in ALL.iter().chain(&[
            "traceID",
            "trace_id",
            "TRACE-ID",
            "_dsUid",
            "ds uid",
            "trace\u{200b}Id",
            "uname\n",
        ]) {
            assert_eq!(foreign((*name).to_owned()), format!("_{name}"));
        }
        for name in ["error", "traceIds", "user", "status", "", "_"] {
            assert_eq!(foreign(name.to_owned()), name);
        }
    }
}
