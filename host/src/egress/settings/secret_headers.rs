//! Secrets that the host puts into headers, because the component's manifest says so.

use std::collections::HashMap;

use http::header::{HeaderName, HeaderValue};

use crate::egress::framing::{frames_the_message, is_forbidden};

/// Where the secret stands in the value of its header.
const PLACE: &str = "{}";

/// A header with a secret, as the manifest says it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct SecretHeader {
    /// The key of secureJsonData.
    pub secret: String,
    pub header: String,
    pub value: String,
}

/// Why a request cannot have what the manifest says. Sent without it, it would only be refused by somebody who knows less.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum BadSecretHeader {
    #[error(
        "the plugin's manifest puts the secret {secret} into the header `{header}`, which cannot be; its author must name one \
         that does not belong to the message or the connection, with one {PLACE} in its value"
    )]
    Header { secret: String, header: String },
    #[error(
        "the data source's secret {secret} has signs that a header cannot have, such as a line break; enter it again"
    )]
    Value { secret: String },
}

/// Returns the headers. A secret that the data source does not have leaves its header out.
pub(super) fn parse(
    wanted: &[SecretHeader],
    secrets: &HashMap<String, String>,
) -> Result<Vec<(HeaderName, HeaderValue)>, BadSecretHeader> {
    let mut headers = Vec::new();
    for SecretHeader { secret, header, value } in wanted {
        let bad = || BadSecretHeader::Header { secret: secret.clone(), header: header.clone() };
        let name = HeaderName::try_from(header.as_str()).map_err(|_| bad())?;
        let (before, after) = value.split_once(PLACE).ok_or_else(bad)?;
        let fixed = [before, after].map(str::as_bytes).map(HeaderValue::from_bytes);
        if frames_the_message(&name)
            || is_forbidden(&name)
            || after.contains(PLACE)
            || fixed.iter().any(Result::is_err)
        {
            return Err(bad());
        }
        let Some(held) = secrets.get(secret).map(|held| held.trim()).filter(|held| !held.is_empty()) else {
            continue;
        };
        let text = [before, held, after].concat();
        let mut value = HeaderValue::from_bytes(text.as_bytes())
            .map_err(|_| BadSecretHeader::Value { secret: secret.clone() })?;
        value.set_sensitive(true);
        headers.push((name, value));
    }
    Ok(headers)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(header: &str, value: &str) -> SecretHeader {
        SecretHeader { secret: "token".to_owned(), header: header.to_owned(), value: value.to_owned() }
    }

    fn with(secret: &str) -> HashMap<String, String> {
        HashMap::from([("token".to_owned(), secret.to_owned())])
    }

    #[test]
    fn a_secret_stands_where_the_manifest_says() {
        let wanted = [header("Authorization", "Bearer {}"), header("X-Key", "{}")];
        let headers = parse(&wanted, &with(" geheim\n")).unwrap();
        let shown: Vec<_> = headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes())).collect();
        assert_eq!(shown, [("authorization", &b"Bearer geheim"[..]), ("x-key", b"geheim")]);
        assert!(!format!("{headers:?}").contains("geheim"));
        for none in [HashMap::new(), with(""), with(" ")] {
            assert_eq!(parse(&wanted, &none), Ok(Vec::new()));
        }
    }

    #[test]
    fn what_would_be_another_message_is_refused() {
        for secret in ["a\r\nX-Evil: 1", "a\nb", "a\0", "a\u{7f}"] {
            let error = parse(&[header("X-Key", "{}")], &with(secret)).unwrap_err();
            assert_eq!(error, BadSecretHeader::Value { secret: "token".to_owned() }, "{secret:?}");
        }
        for (name, value) in [
            ("Host", "{}"),
            ("content_length", "{}"),
            ("Proxy-Authorization", "Basic {}"),
            ("X Key", "{}"),
            ("X-Key: a", "{}"),
            ("", "{}"),
            ("X-Key", "no place"),
            ("X-Key", "{} {}"),
            ("X-Key", "a\r\nb: {}"),
        ] {
            let error = parse(&[header(name, value)], &with("geheim")).unwrap_err();
            assert!(matches!(error, BadSecretHeader::Header { .. }), "{name}: {value}");
        }
    }
}
