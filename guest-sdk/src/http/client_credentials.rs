//! Tokens of the OAuth client credentials flow (RFC 6749, section 4.4).

use std::fmt;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::time::Duration;

use serde::Deserialize;

use super::{Request, post};
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
    client_id: String,
    client_secret: String,
    /// Whether the server wants them in the header `Authorization`.
    in_header: bool,
    form: Vec<(String, String)>,
}

/// RFC 6749, section 5.1.
#[derive(Deserialize)]
struct Granted {
    access_token: String,
    expires_in: Option<Seconds>,
}

/// A number, which some servers write as a text.
#[derive(Deserialize)]
#[serde(untagged)]
enum Seconds {
    Number(f64),
    Text(String),
}

// === impl ClientCredentials ===

impl ClientCredentials {
    /// A login at a token endpoint. The secret is sent in the body of the request: see [`ClientCredentials::in_header`].
    #[must_use]
    pub fn new(
        url: impl Into<String>,
        client_id: impl Into<String>,
        client_secret: impl Into<String>,
    ) -> Self {
        Self {
            url: url.into(),
            client_id: client_id.into(),
            client_secret: client_secret.into(),
            in_header: false,
            form: Vec::from([("grant_type".to_owned(), "client_credentials".to_owned())]),
        }
    }

    /// Sends the id and the secret by HTTP basic authentication, for a server that does not take them in the body (RFC 6749,
    /// section 2.3.1).
    ///
    /// ```
    /// # use gpx_sdk::test::{self, Host, any};
    /// # let host = Host::new();
    /// # host.given(any()).respond(test::json(&serde_json::json!({ "access_token": "abc" })));
    /// # let secret = "ge heim";
    /// let login = gpx_sdk::http::ClientCredentials::new("https://login.example.com/token", "grafana", secret).in_header();
    /// # login.token()?;
    /// # assert_eq!(host.requests()[0].header("authorization"), Some("Basic Z3JhZmFuYTpnZStoZWlt"));
    /// # assert_eq!(host.requests()[0].body, b"grant_type=client_credentials");
    /// # Ok::<_, gpx_sdk::Fault>(())
    /// ```
    #[must_use]
    pub fn in_header(mut self) -> Self {
        self.in_header = true;
        self
    }

    /// Asks for a scope, or for several with blanks between them.
    #[must_use]
    pub fn scope(self, scope: impl Into<String>) -> Self {
        self.parameter("scope", scope)
    }

    /// Adds what else the server wants to know, such as `audience`.
    ///
    /// ```
    /// # let secret = "geheim";
    /// let login = gpx_sdk::http::ClientCredentials::new("https://login.example.com/token", "grafana", secret)
    ///     .parameter("audience", "https://prices.example");
    /// # assert!(!format!("{login:?}").contains(secret));
    /// ```
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
            let granted: Granted = self.request().send()?.json()?;
            let valid = granted.expires_in.and_then(Seconds::duration).unwrap_or(UNKNOWN);
            Ok((granted.access_token, valid.saturating_sub(MARGIN)))
        })
    }

    fn request(&self) -> Request {
        let mut form: Vec<_> =
            self.form.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        let request = post(&self.url).header("Accept", "application/json");
        if self.in_header {
            let encoded = |text: &str| form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
            let (id, secret) = (encoded(&self.client_id), encoded(&self.client_secret));
            return request.basic_auth(id, secret).form(form);
        }
        form.extend([("client_id", self.client_id.as_str()), ("client_secret", self.client_secret.as_str())]);
        request.form(form)
    }

    /// Forgets the token, for example after an answer with status 401: the next [`token`](Self::token) logs in again.
    ///
    /// ```
    /// # use gpx_sdk::{Fault, http::{self, ClientCredentials, StatusCode}, test::{self, Host, any, post, status}};
    /// # let host = Host::new();
    /// # host.given(post("/token")).once().respond(test::json(&serde_json::json!({ "access_token": "a" })));
    /// # host.given(post("/token")).respond(test::json(&serde_json::json!({ "access_token": "b" })));
    /// # host.given(any().header("authorization", "Bearer a")).respond(status(401));
    /// # host.given(any()).respond(status(200));
    /// # let login = ClientCredentials::new("https://login.example.com/token", "grafana", "geheim");
    /// let ask = || -> Result<_, Fault> { Ok(http::get("http://prices.example").bearer(login.token()?).send()?) };
    /// let mut response = ask()?;
    /// if response.status() == StatusCode::UNAUTHORIZED {
    ///     login.forget();
    ///     response = ask()?;
    /// }
    /// assert_eq!(response.status(), StatusCode::OK);
    /// # Ok::<_, Fault>(())
    /// ```
    pub fn forget(&self) {
        cache::remove(&self.key());
    }

    /// All that the token depends on.
    fn key(&self) -> String {
        let mut hasher = DefaultHasher::new();
        (&self.url, &self.client_id, &self.client_secret, self.in_header, &self.form).hash(&mut hasher);
        format!("gpx-sdk token {:016x}", hasher.finish())
    }
}

// === impl Seconds ===

impl Seconds {
    fn duration(self) -> Option<Duration> {
        let seconds = match self {
            Self::Number(seconds) => seconds,
            Self::Text(text) => text.trim().parse().ok()?,
        };
        Duration::try_from_secs_f64(seconds).ok()
    }
}

/// Without the secret.
impl fmt::Debug for ClientCredentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = self.form.iter().map(|(name, _)| name).collect();
        f.debug_struct("ClientCredentials")
            .field("url", &self.url)
            .field("client_id", &self.client_id)
            .field("form", &names)
            .finish_non_exhaustive()
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
    fn a_server_says_in_its_way_how_long_a_token_is_valid() {
        for (expires_in, kept) in [
            (json!(90), 60),
            (json!("90"), 60),
            (json!(90.5), 61),
            (json!(10), 0),
            (json!(-1), 270),
            (json!("soon"), 270),
            (json!(null), 270),
            (json!(1e18), 1_000_000),
        ] {
            let host = Host::new();
            host.given(any()).respond(test::json(&json!({ "access_token": "a", "expires_in": expires_in })));
            login().token().unwrap();
            host.advance(Duration::from_secs(kept));
            let requests = host.requests().len();
            login().token().unwrap();
            assert_eq!((requests, host.requests().len() == 2), (1, kept != 1_000_000), "{expires_in}");
        }
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
        login().in_header().token().unwrap();
        ClientCredentials::new(URL, "grafana", "other").token().unwrap();
        assert_eq!(host.requests().len(), 5);
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
