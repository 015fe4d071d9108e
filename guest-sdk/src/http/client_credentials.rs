//! Tokens of the OAuth client credentials flow (RFC 6749, section 4.4).

use std::fmt;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::time::Duration;

use serde::Deserialize;

use super::post;
use crate::{Result, cache};

/// How long a token is kept if the server does not say how long it is valid.
const UNKNOWN: Duration = Duration::from_secs(300);

/// How long before its end a token is no longer used, so that none expires on its way.
const MARGIN: Duration = Duration::from_secs(30);

/// A login that gives tokens to the plugin itself: the OAuth client credentials flow.
///
/// A token is kept in the [`cache`](crate::cache) until half a minute before it expires. All instances of the data source share it:
/// many calls at once send one request.
///
/// ```
/// # use gpx_sdk::test::{self, Host, post, any, status};
/// # use serde_json::json;
/// use gpx_sdk::http::{self, ClientCredentials};
///
/// # let host = Host::new();
/// # host.given(post("https://login.example.com/token")).respond(test::json(&json!({ "access_token": "abc", "expires_in": 3600 })));
/// # host.given(any().header("authorization", "Bearer abc")).respond(status(200));
/// # let secret = "geheim";
/// let login = ClientCredentials::new("https://login.example.com/token", "grafana", secret).scope("prices");
/// http::get("http://prices.example").bearer(login.token()?).send()?;
/// # Ok::<_, gpx_sdk::Fault>(())
/// ```
///
/// Name the login's origin among the `origins` of `plugin!`, and the secret among its `secrets`; the operator grants the origin.
#[derive(Clone)]
pub struct ClientCredentials {
    url: String,
    form: Vec<(String, String)>,
}

/// RFC 6749, section 5.1.
#[derive(Deserialize)]
struct Granted {
    access_token: String,
    expires_in: Option<u64>,
}

// === impl ClientCredentials ===

impl ClientCredentials {
    /// A login at a token endpoint. The secret is sent in the body of the request.
    #[must_use]
    pub fn new(
        url: impl Into<String>,
        client_id: impl Into<String>,
        client_secret: impl Into<String>,
    ) -> Self {
        let form = Vec::from([("grant_type".to_owned(), "client_credentials".to_owned())]);
        let login = Self { url: url.into(), form };
        login.parameter("client_id", client_id).parameter("client_secret", client_secret)
    }

    /// Asks for a scope, or for several with blanks between them.
    #[must_use]
    pub fn scope(self, scope: impl Into<String>) -> Self {
        self.parameter("scope", scope)
    }

    /// Adds what else the server wants to know, such as `audience`.
    #[must_use]
    pub fn parameter(mut self, name: &str, value: impl Into<String>) -> Self {
        self.form.push((name.to_owned(), value.into()));
        self
    }

    /// Returns a token that is valid.
    ///
    /// # Errors
    ///
    /// If the login fails: with the answer of the server, which is blamed.
    pub fn token(&self) -> Result<String> {
        cache::get_or_load(&self.key(), || {
            let pairs = self.form.iter().map(|(name, value)| (name, value));
            let granted: Granted =
                post(&self.url).header("Accept", "application/json").form(pairs).send()?.json()?;
            let valid = granted.expires_in.map_or(UNKNOWN, Duration::from_secs);
            Ok((granted.access_token, valid.saturating_sub(MARGIN)))
        })
    }

    /// Forgets the token, for example after an answer with status 401: the next [`token`](Self::token) logs in again.
    pub fn forget(&self) {
        cache::remove(&self.key());
    }

    /// All that the token depends on.
    fn key(&self) -> String {
        let mut hasher = DefaultHasher::new();
        (&self.url, &self.form).hash(&mut hasher);
        format!("gpx-sdk token {:016x}", hasher.finish())
    }
}

/// Without the secret.
impl fmt::Debug for ClientCredentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = self.form.iter().map(|(name, _)| name).collect();
        f.debug_struct("ClientCredentials").field("url", &self.url).field("form", &names).finish()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::Source;
    use crate::test::{self, Host, any, status};

    const URL: &str = "https://login.example.com/token";

    fn login() -> ClientCredentials {
        ClientCredentials::new(URL, "grafana", "ge heim")
    }

    #[test]
    fn a_token_is_kept_until_half_a_minute_before_its_end() {
        let host = Host::new();
        host.given(any()).once().respond(test::json(&json!({ "access_token": "a", "expires_in": 90 })));
        host.given(any()).respond(test::json(&json!({ "access_token": "b" })));
        assert_eq!([(); 2].map(|()| login().token().unwrap()), ["a", "a"]);
        let body = "grant_type=client_credentials&client_id=grafana&client_secret=ge+heim";
        assert_eq!(host.requests()[0].body, body.as_bytes());
        host.advance(Duration::from_secs(59));
        assert_eq!(login().token().unwrap(), "a");
        host.advance(Duration::from_secs(1));
        assert_eq!(login().token().unwrap(), "b");
        host.advance(UNKNOWN - MARGIN - Duration::from_secs(1));
        assert_eq!(login().token().unwrap(), "b");
        assert_eq!(host.requests().len(), 2);
    }

    #[test]
    fn each_scope_has_its_token_and_one_can_be_forgotten() {
        let host = Host::new();
        host.given(any()).respond(test::json(&json!({ "access_token": "a", "expires_in": 90 })));
        login().token().unwrap();
        login().scope("prices").parameter("audience", "b").token().unwrap();
        assert_eq!(host.requests().len(), 2);
        login().forget();
        login().token().unwrap();
        assert_eq!(host.requests().len(), 3);
    }

    #[test]
    fn a_login_that_is_refused_is_the_servers_and_shows_no_secret() {
        let host = Host::new();
        host.given(any()).respond(status(401).json(&json!({ "error": "invalid_client" })));
        let fault = login().token().unwrap_err();
        assert_eq!((fault.status, fault.source), (401, Source::Downstream));
        assert!(fault.message.contains("invalid_client"), "{fault}");
        assert!(!format!("{:?}", login()).contains("heim"));
    }
}
