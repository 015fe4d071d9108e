//! Which secrets the host has for a data source or app: nothing that is printed may show them.

use std::collections::HashMap;

use percent_encoding::percent_decode_str;
use url::Url;

use crate::call::{Subject, bears_credentials};
use crate::egress::DataSourceHttp;
use crate::plugin::platform::OperatorSettings;
use crate::text::Scrub;

/// Returns what replaces all secrets: those that Grafana sends, whoever uses them, what the host makes of them, the password
/// in the URL, and those of proxies.
pub(crate) fn scrub(
    subject: &Subject,
    http: &DataSourceHttp,
    operator: &OperatorSettings,
    of_proxies: impl Iterator<Item = String>,
) -> Scrub {
    let none = HashMap::new();
    let (sent, url) = match subject {
        Subject::DataSource(source) => (&source.secrets, source.url.as_str()),
        Subject::App(app) => (&app.secrets, ""),
        Subject::Plugin => (&none, ""),
    };
    let sent = sent.values().cloned();
    let applied = http.secrets().map(str::to_owned);
    let operators = operator.settings.iter().filter(|(name, _)| bears_credentials(name));
    let operators = operators.map(|(_, value)| value.clone());
    Scrub::new(sent.chain(applied).chain(operators).chain(in_userinfo(url)).chain(of_proxies))
}

/// Returns the URL without user and password, whatever else is wrong with it.
pub(crate) fn without_userinfo(url: &str) -> String {
    let (start, end) = userinfo(url);
    let without = [url.get(..start), url.get(end..)].map(Option::unwrap_or_default).concat();
    // What reads URLs may see userinfo where there is none in the text, for example after `http:`.
    match Url::parse(url.trim()) {
        Ok(mut parsed) if !parsed.username().is_empty() || parsed.password().is_some() => {
            // Only a URL without a host refuses these, and then it has no userinfo.
            let _ = parsed.set_username("");
            let _ = parsed.set_password(None);
            if Url::parse(without.trim()).as_ref() == Ok(&parsed) { without } else { parsed.into() }
        }
        _ => without,
    }
}

/// Returns what is secret in the URL's userinfo. Without a password, the user is a token.
fn in_userinfo(url: &str) -> Vec<String> {
    let parsed = Url::parse(url.trim()).ok();
    let parsed = parsed.map(|url| match url.password() {
        Some(password) => format!("{}:{password}", url.username()),
        None => url.username().to_owned(),
    });
    let (start, end) = userinfo(url);
    let written = url.get(start..end).unwrap_or_default().trim_end_matches('@').to_owned();
    let mut secrets = Vec::new();
    let decoded = |text: &str| percent_decode_str(text).decode_utf8_lossy().into_owned();
    for userinfo in parsed.into_iter().chain([written]) {
        // Split before it is decoded: there may be an encoded colon in the user's name.
        secrets.push(decoded(userinfo.split_once(':').map_or("", |(_, password)| password)));
        secrets.push(decoded(&userinfo));
    }
    secrets
}

/// Returns where the userinfo begins and ends, with the `@` after it.
fn userinfo(url: &str) -> (usize, usize) {
    let start = url.find("://").map_or(0, |scheme| scheme + 3);
    let rest = url.get(start..).unwrap_or_default();
    let authority = rest.split(['/', '?', '#', '\\']).next().unwrap_or_default();
    (start, authority.rfind('@').map_or(start, |at| start + at + 1))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::call::DataSourceSettings;
    use crate::egress::WantedHeaders;
    use crate::plugin::owner::settings::applied_of;

    #[test]
    fn a_url_loses_its_userinfo_and_nothing_else() {
        for (url, without) in [
            ("https://ada:hunter2@example.com:81/a?b=c@d#e@f", "https://example.com:81/a?b=c@d#e@f"),
            ("https://hunter2@Example.com", "https://Example.com"),
            ("https://a:b@c:hunter2@example.com/", "https://example.com/"),
            ("https://:hunter2@example.com/", "https://example.com/"),
            ("postgres://ada:hunter2@db/name", "postgres://db/name"),
            ("ada:hunter2@db:81/a", "db:81/a"),
            ("http://ada:hunter2@[bad/", "http://[bad/"),
            ("http://ada:hunter2@h:99999/", "http://h:99999/"),
            ("http:ada:hunter2@example.com/", "http://example.com/"),
            ("http:/ada:hunter2@example.com/", "http://example.com/"),
            (r"http:\\ada:hunter2@example.com/", "http://example.com/"),
            ("http:///ada:hunter2@example.com/", "http://example.com/"),
            ("ht\ttp://ada:hunter2@example.com/", "ht\ttp://example.com/"),
            (" http://example.com/@a ", " http://example.com/@a "),
            ("", ""),
            ("localhost:9090", "localhost:9090"),
        ] {
            assert_eq!(without_userinfo(url), without, "{url}");
        }
    }

    #[test]
    fn a_password_is_known_whatever_is_encoded_before_it() {
        for (url, password) in [
            ("https://a%3Ab:hunter2@example.com", "hunter2"),
            ("https://a%3Ab@c%40d:hun%3Ater@example.com", "hun:ter"),
            ("https://a%3Ab:hunter2@[bad", "hunter2"),
        ] {
            assert!(in_userinfo(url).iter().any(|secret| secret == password), "{url}");
        }
    }

    #[test]
    fn every_secret_of_a_data_source_is_known() {
        let secrets = [
            ("apiToken", "of the component"),
            ("basicAuthPassword", "of the host"),
            ("httpHeaderValue1", "Bearer 1234567"),
        ];
        let secrets = secrets.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let source = DataSourceSettings {
            url: "https://ada:in%20the%20URL@example.com".to_owned(),
            basic_auth_enabled: true,
            basic_auth_user: "grace".to_owned(),
            json_data: r#"{"httpHeaderName1":"X-Key"}"#.into(),
            secrets: HashMap::from(secrets),
            ..DataSourceSettings::default()
        };
        let http =
            applied_of(&source, "", &HashMap::new(), &OperatorSettings::default(), &WantedHeaders::default());
        let operator = OperatorSettings {
            settings: [("client_secret", "of the operator"), ("team", "observability")]
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .to_vec(),
            ..OperatorSettings::default()
        };
        let scrub =
            scrub(&Subject::DataSource(source), &http, &operator, ["of the proxy".to_owned()].into_iter());
        for secret in [
            "of the component",
            "of the host",
            "in the URL",
            "in%20the%20URL",
            "grace:of the host",
            // Of `grace:of the host`.
            "Z3JhY2U6b2YgdGhlIGhvc3Q=",
            "ada:in the URL",
            "Bearer 1234567",
            "1234567",
            "of the operator",
            "of the proxy",
        ] {
            let text = scrub.text(format!("<{secret}>"));
            assert!(
                text.replace("Bearer ", "").trim_end_matches("=>") == "<[secret]" || text == "<[secret]>",
                "{secret}: {text}"
            );
        }
        assert_eq!(
            scrub.text("grace in ada's team observability".to_owned()),
            "grace in ada's team observability"
        );
    }
}
