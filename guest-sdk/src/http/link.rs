//! Links: relative ones, and those of the header `Link` (RFC 8288).

use http::Uri;
use http::header::LINK;

use super::error::Cause;
use super::redirect::resolve;
use super::{Error, Response, url};

/// Returns where a link leads that an upstream has given, seen from the URL that it came from. It may be relative.
///
/// ```
/// use gpx_sdk::http;
///
/// assert_eq!(http::join("http://prices.example/api/v1/gold", "../v2/gold?page=2")?, "http://prices.example/api/v2/gold?page=2");
/// assert_eq!(http::join("http://prices.example/api/", "/health")?, "http://prices.example/health");
/// # Ok::<_, gpx_sdk::Fault>(())
/// ```
///
/// The host lets requests go only to the data source's own origin and below its path, wherever links lead. For input of users,
/// see [`Request::path`](super::Request::path).
///
/// # Errors
///
/// If one of them is not a URL of HTTP.
pub fn join(base: impl AsRef<str>, link: impl AsRef<str>) -> Result<String, Error> {
    let (base, link) = (base.as_ref(), link.as_ref());
    let invalid = |what: String| Error::new("link", Cause::Invalid(what));
    let base = url::parse(base).map_err(invalid)?;
    match resolve(&base, link) {
        Some(url) => Ok(url.to_string()),
        None => Err(invalid(format!("`{link}` is not a URL of HTTP"))),
    }
}

// === impl Response ===

impl Response {
    /// Returns where the header `Link` leads for a relation such as `next`, seen from this response. See
    /// [`Request::pages`](super::Request::pages).
    ///
    /// ```
    /// # use gpx_sdk::test::{Host, any, status};
    /// # let host = Host::new();
    /// # host.given(any()).respond(status(200).header("Link", "<../silver>; rel=\"prev\", </lead>; rel=\"next\""));
    /// let response = gpx_sdk::http::get("http://prices.example/v1/gold").send()?;
    /// # assert_eq!(response.link("prev").unwrap(), "http://prices.example/silver");
    /// assert_eq!(response.link("next").unwrap(), "http://prices.example/lead"); // Link: </lead>; rel="next"
    /// assert_eq!(response.link("last"), None);
    /// # Ok::<_, gpx_sdk::Fault>(())
    /// ```
    #[must_use]
    pub fn link(&self, relation: &str) -> Option<Uri> {
        let headers = self.headers().get_all(LINK).iter().filter_map(|header| header.to_str().ok());
        let mut links = headers.flat_map(Links).filter(|link| link.is(relation));
        resolve(self.url(), links.next()?.target)
    }
}

/// One link of a header.
struct Link<'h> {
    target: &'h str,
    parameters: &'h str,
}

/// The links of a header that are left.
struct Links<'h>(&'h str);

// === impl Links ===

impl<'h> Iterator for Links<'h> {
    type Item = Link<'h>;

    fn next(&mut self) -> Option<Link<'h>> {
        let (_, rest) = self.0.split_once('<')?;
        let (target, rest) = rest.split_once('>')?;
        let (parameters, rest) = rest.split_at(end(rest, ','));
        self.0 = rest;
        Some(Link { target: target.trim(), parameters })
    }
}

// === impl Link ===

impl Link<'_> {
    /// Section 3.3: the first `rel` counts, with one relation or several between blanks.
    fn is(&self, relation: &str) -> bool {
        let mut rest = self.parameters;
        while let Some((_, parameter)) = rest.split_once(';') {
            let (parameter, after) = parameter.split_at(end(parameter, ';'));
            rest = after;
            let (name, value) = parameter.split_once('=').unwrap_or((parameter, ""));
            if name.trim().eq_ignore_ascii_case("rel") {
                let mut relations = value.trim().trim_matches('"').split_ascii_whitespace();
                return relations.any(|known| known.eq_ignore_ascii_case(relation));
            }
        }
        false
    }
}

/// Returns where a character is that is not within quotes, or the end.
fn end(text: &str, character: char) -> usize {
    let (mut is_quoted, mut is_escaped) = (false, false);
    let found = text.char_indices().find(|(_, at)| {
        match at {
            _ if is_escaped => is_escaped = false,
            '\\' if is_quoted => is_escaped = true,
            '"' => is_quoted = !is_quoted,
            at => return !is_quoted && *at == character,
        }
        false
    });
    found.map_or(text.len(), |(index, _)| index)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test::{Host, any, status};

    fn next(headers: &[&str]) -> Option<String> {
        let host = Host::new();
        host.given(any())
            .respond(headers.iter().fold(status(200), |answer, value| answer.header("Link", value)));
        let response = crate::http::get("http://a.example/b/c?page=1").send().unwrap();
        response.link("next").map(|url| url.to_string())
    }

    #[test]
    fn a_link_is_found_by_its_relation() {
        for (headers, expected) in [
            (&["<http://a.example/d?page=2>; rel=\"next\""][..], Some("http://a.example/d?page=2")),
            (&["<?page=0>; rel=prev, <?page=2>; rel=next"], Some("http://a.example/b/c?page=2")),
            (
                &["<?page=0>; rel=prev", "</x>; title=\"a, b; rel=c\"; REL=\"last NEXT\""],
                Some("http://a.example/x"),
            ),
            (&["<a,b;c>;rel=next"], Some("http://a.example/b/a,b;c")),
            (&["<x>; title=\"\\\", <y>; rel=next\"; rel=prev"], None),
            (&["<x>; rel=prev; rel=next"], None),
            (&["<x>; rel=nextpage"], None),
            (&["<ftp://a.example/>; rel=next"], None),
            (&["<x; rel=next"], None),
            (&["x>; rel=next", ""], None),
            (&[], None),
        ] {
            assert_eq!(next(headers).as_deref(), expected, "{headers:?}");
        }
    }

    #[test]
    fn what_is_no_url_is_named() {
        let told = |base, link| join(base, link).unwrap_err().to_string();
        assert_eq!(told("http://a.example", "mailto:a"), "link: `mailto:a` is not a URL of HTTP");
        assert!(told("prices.example", "/x").starts_with("link: the URL is not valid"));
    }
}
