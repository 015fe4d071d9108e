//! What holds for any settings.

use std::time::Duration;

use super::{Settings, Strings};

/// No setting exceeds its bounds, and none that is invalid allows more than the operator may have meant to allow.
pub(crate) fn settings<'a>(variables: impl Iterator<Item = (&'a str, &'a str)>) -> Settings {
    let variables: Strings = variables.map(|(key, value)| (key.to_owned(), value.to_owned())).collect();
    let settings = Settings::read(&variables);
    let section = &settings.section;
    for time in [section.call_timeout, section.cpu_timeout] {
        assert!(!time.is_zero() && time <= Duration::from_secs(24 * 60 * 60), "{time:?}");
    }
    for bytes in [section.memory_max, section.memory_total] {
        assert!((1 << 20..=1 << 40).contains(&bytes), "{bytes}");
    }
    for count in section.instances_max.into_iter().chain([section.connections_max]) {
        assert!((1..=10_000).contains(&count), "{count}");
    }
    assert!(section.cache_dir.iter().all(|path| path.is_absolute()), "{:?}", section.cache_dir);
    for list in [&section.allow_hosts, &section.allow_paths, &section.deny_secrets, &section.allow_headers] {
        let is_word =
            |word: &String| !word.is_empty() && !word.contains(|c: char| c == ',' || c.is_whitespace());
        assert!(list.iter().all(is_word), "{list:?}");
    }
    if said(&variables, "gpx_deny_private", &["off", "false"]) {
        assert!(section.deny_private);
    }
    if said(&variables, "gpx_precompiled", &["on", "true"]) {
        assert!(!section.precompiled);
    }
    operators(&settings, &variables);
    assert!(settings.problems.iter().all(|problem| !problem.key.is_empty() && !problem.text.is_empty()));
    settings
}

/// The component gets the operator's own settings and nothing else.
fn operators(settings: &Settings, variables: &Strings) {
    for (key, value) in &settings.operator {
        assert!(!key.starts_with("gpx_"), "{key}");
        assert!(!["app_client_id", "app_client_secret", "app_private_key"].contains(&key.as_str()), "{key}");
        let sent =
            |name: &String| name.strip_prefix("GF_PLUGIN_").is_some_and(|name| name.to_lowercase() == *key);
        assert!(variables.iter().any(|(name, sent_value)| sent(name) && sent_value == value), "{key}");
    }
}

/// Whether this setting has one value, which is neither empty nor one of these.
fn said(variables: &Strings, key: &str, not: &[&str]) -> bool {
    let is_key = |name: &str| name.strip_prefix("GF_PLUGIN_").is_some_and(|name| name.to_lowercase() == key);
    let values: Vec<_> = variables.iter().filter(|(name, _)| is_key(name)).collect();
    matches!(values.as_slice(), [(_, value)] if !value.trim().is_empty() && !not.contains(&value.trim()))
}
