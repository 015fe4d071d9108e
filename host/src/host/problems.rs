//! What is wrong with the operator's settings, apart from those for tracing.

use crate::call::is_header_name;
use crate::config::Settings;
use crate::egress::{AllowedPaths, Patterns, Proxies};

/// Returns what is wrong, in a sentence for the operator each.
pub(crate) fn problems(settings: &Settings) -> Vec<String> {
    let Settings { section, problems, .. } = settings;
    let (_, bad_hosts) = Patterns::parse(section.allow_hosts.iter().map(String::as_str));
    let (_, bad_paths) = AllowedPaths::parse(section.allow_paths.iter().map(String::as_str));
    let bad_headers = section.allow_headers.iter().filter(|name| !is_header_name(name)).map(|name| {
        format!(
            "gpx_allow_headers: `{name}` grants nothing: it is not a header's name; write each name in full"
        )
    });
    let problems = problems.iter().map(ToString::to_string);
    let problems = problems.chain(bad_hosts.iter().map(ToString::to_string)).chain(bad_headers);
    let (_, bad_proxies) = Proxies::parse(&settings.proxies);
    let problems = problems.chain(bad_paths.iter().map(ToString::to_string));
    problems.chain(bad_proxies.iter().map(ToString::to_string)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_setting_that_cannot_be_used_is_told() {
        let settings: Settings = [
            ("GF_PLUGIN_GPX_CALL_TIMEOUT", "soon"),
            ("GF_PLUGIN_GPX_ALLOW_HOSTS", "api.example.com,ftp://a"),
            ("GF_PLUGIN_GPX_ALLOW_HEADERS", "x-good,x(y"),
            ("GF_PLUGIN_GPX_ALLOW_PATHS", "/api,admin"),
            ("HTTPS_PROXY", "ftp://proxy.example.com"),
        ]
        .into_iter()
        .collect();
        let problems = problems(&settings);
        let keys: Vec<_> =
            problems.iter().map(|problem| problem.split([':', ' ']).next().unwrap_or_default()).collect();
        let expected =
            ["gpx_call_timeout", "gpx_allow_hosts", "gpx_allow_headers", "gpx_allow_paths", "HTTPS_PROXY"];
        assert_eq!(keys, expected, "{problems:?}");
    }
}
