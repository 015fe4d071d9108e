//! The headers of a call, and which of them a component sees: those on a list, and none that bears credentials.

use std::collections::BTreeSet;

/// The headers of a call under their HTTP names, sorted, and without those that bear credentials.
#[derive(Clone, Debug, Default)]
pub(crate) struct CallHeaders(Vec<(String, String)>);

/// The headers that a component sees besides those that every component sees.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct HeaderGrants(BTreeSet<String>);

/// What every component sees: who asks, for what, and what it wants in return.
const SEEN: [&str; 9] = [
    "accept",
    "fromalert",
    "x-dashboard-uid",
    "x-panel-id",
    "x-query-group-id",
    "traceparent",
    "tracestate",
    "baggage",
    "uber-trace-id",
];

/// The beginnings of the names of more such headers.
const SEEN_FAMILIES: [&str; 3] = ["accept-", "content-", "x-rule-"];

/// What the name of a header or setting that bears credentials contains, without anything between letters and digits.
/// A component could do nothing with such a header but leak it.
const CREDENTIALS: [&str; 20] = [
    "token",
    "auth",
    "assertion",
    "cookie",
    "session",
    "secret",
    "password",
    "passwd",
    "passphrase",
    "credential",
    "apikey",
    "accesskey",
    "privatekey",
    "jwt",
    "oidc",
    "saml",
    "bearer",
    "clientcert",
    "clientprincipal",
    "grafanaid",
];

/// Short words of the same kind. In the middle of other words, they mean nothing.
const CREDENTIAL_WORDS: [&str; 10] =
    ["key", "pass", "pwd", "pin", "otp", "sid", "sso", "dpop", "hmac", "iap"];

/// Returns whether this can be the name of a header that somebody grants.
pub(crate) fn is_header_name(name: &str) -> bool {
    !name.is_empty() && name.chars().all(|char| char.is_ascii_alphanumeric() || "-_.".contains(char))
}

/// Returns whether something of this name is likely to prove who somebody is.
pub(crate) fn bears_credentials(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    let letters: String = name.chars().filter(char::is_ascii_alphanumeric).collect();
    let mut words = name.split(|char: char| !char.is_ascii_alphanumeric());
    CREDENTIALS.iter().any(|word| letters.contains(word))
        || words.any(|word| CREDENTIAL_WORDS.contains(&word))
}

// === impl CallHeaders ===

impl CallHeaders {
    /// Drops the headers that bear credentials. It happens here so that no service can forget it.
    pub(crate) fn new(headers: impl IntoIterator<Item = (String, String)>) -> Self {
        let is_seen = |name: &str| SEEN.iter().any(|seen| seen.eq_ignore_ascii_case(name));
        let passes = |name: &str| is_seen(name) || !bears_credentials(name);
        let mut headers: Vec<_> = headers.into_iter().filter(|(name, _)| passes(name)).collect();
        headers.sort_unstable();
        Self(headers)
    }

    /// Drops the headers that a component with such grants does not see.
    #[must_use]
    pub(crate) fn seen_with(mut self, grants: &HeaderGrants) -> Self {
        self.0.retain(|(name, _)| grants.admit(name));
        self
    }

    /// Returns names and values. A name may occur more than once.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }
}

// === impl HeaderGrants ===

impl HeaderGrants {
    /// Names that bear credentials grant nothing.
    pub(crate) fn new<'a>(names: impl IntoIterator<Item = &'a str>) -> Self {
        let names = names.into_iter().filter(|name| !bears_credentials(name));
        Self(names.map(|name| name.trim().to_ascii_lowercase()).collect())
    }

    fn admit(&self, name: &str) -> bool {
        let name = name.to_ascii_lowercase();
        let seen = SEEN.contains(&name.as_str()) || SEEN_FAMILIES.iter().any(|begin| name.starts_with(begin));
        seen || self.0.contains(&name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns which of the names a component sees, whatever it is granted besides.
    fn seen<'a>(names: &[&'a str], granted: &[&str]) -> Vec<&'a str> {
        let grants = HeaderGrants::new(granted.iter().copied());
        let sees = |name: &&&str| {
            let headers = CallHeaders::new([((**name).to_owned(), "value".to_owned())]);
            headers.seen_with(&grants).iter().next().is_some()
        };
        names.iter().filter(sees).copied().collect()
    }

    #[test]
    fn what_every_component_sees_is_on_a_list() {
        let names = [
            "Accept",
            "ACCEPT-Language",
            "accept-encoding",
            "Content-Type",
            "content-length",
            "FromAlert",
            "X-Dashboard-Uid",
            "x-panel-id",
            "X-Query-Group-Id",
            "X-Rule-Name",
            "X-Rule-Uid",
            "traceparent",
            "tracestate",
            "Baggage",
            "Uber-Trace-Id",
        ];
        assert_eq!(seen(&names, &[]), names);
    }

    #[test]
    fn everything_else_is_seen_only_if_it_is_granted() {
        let names = [
            "User-Agent",
            "Referer",
            "X-Forwarded-For",
            "X-Grafana-Org-Id",
            "X-Datasource-Uid",
            "X-Tenant",
            "Forwarded",
            "From",
            "",
            "http_X-Panel-Id",
            "X-Rule",
            "Acceptable",
        ];
        assert_eq!(seen(&names, &[]), [""; 0]);
        assert_eq!(seen(&names, &["x-TENANT", " user-agent "]), ["User-Agent", "X-Tenant"]);
    }

    #[test]
    fn what_bears_credentials_is_never_seen() {
        let names = [
            "Authorization",
            "COOKIE",
            "Proxy-Authorization",
            "X-Grafana-Id",
            "X-ID-Token",
            "X-Access-Token",
            "X-Forwarded-Access-Token",
            "X-Amzn-Oidc-Data",
            "X-Amzn-Oidc-Identity",
            "Cf-Access-Jwt-Assertion",
            "X-Goog-Iap-Jwt-Assertion",
            "X-JWT-Assertion",
            "X-Webauth-User",
            "X-Auth-Request-Email",
            "X-Goog-Authenticated-User-Email",
            "CF-Access-Authenticated-User-Email",
            "CF-Access-Client-Secret",
            "X-Api-Key",
            "x_api_key",
            "ApiKey",
            "Ocp-Apim-Subscription-Key",
            "DD-API-KEY",
            "X-Vault-Token",
            "X-Amz-Security-Token",
            "X-MS-CLIENT-PRINCIPAL",
            "X-MS-TOKEN-AAD-ID-TOKEN",
            "X-Forwarded-Client-Cert",
            "X-SSL-Client-Cert",
            "X-CSRF-Token",
            "X-Session-Id",
            "X-SAML-Response",
            "X-Password",
            "X-GitHub-OTP",
            "DPoP",
            "Set-Cookie",
            "Accept-Token",
            "Content-Authorization",
            "X-Rule-Secret",
            "http_Authorization",
            "HTTP_Cookie",
            "Author\u{200b}ization",
        ];
        assert_eq!(seen(&names, &names), [""; 0]);
    }
}
