//! Answers that an upstream gives page by page.

use std::fmt::Display;

use serde::de::DeserializeOwned;

use super::error::Cause;
use super::{Error, Request, Response};

/// How many pages are read: more are a mistake, of the upstream or of the query.
const MAX_PAGES: usize = 1000;

/// The pages of an answer, by the header `Link`. Made by [`Request::pages`], which has an example.
#[derive(Debug)]
pub struct Pages {
    next: Option<Request>,
    read: usize,
}

// === impl Request ===

impl Request {
    /// Sends the request, and then one for each page that follows, by the header `Link` with `rel="next"`: as GitHub and many
    /// others do it. A page is only requested when it is asked for. After an error there is no further one.
    ///
    /// ```
    /// # use gpx_sdk::test::{self, Host, any};
    /// # let host = Host::new();
    /// # host.given(any().query("page", 2)).respond(test::json(&[3.5]));
    /// # host.given(any()).respond(test::json(&[1.5, 2.5]).header("Link", "<?page=2>; rel=\"next\""));
    /// let mut prices = Vec::new();
    /// for page in gpx_sdk::http::get("http://prices.example/gold").pages() {
    ///     prices.extend(page?.json::<Vec<f64>>()?);
    /// }
    /// # assert_eq!(prices, [1.5, 2.5, 3.5]);
    /// # Ok::<_, gpx_sdk::Fault>(())
    /// ```
    ///
    /// Each request has the method, headers, timeout and further attempts of the first one. If a page is of another origin, headers
    /// that may be credentials are dropped. It is an error if a page names itself as the next, and if there are more than 1000.
    pub fn pages(self) -> Pages {
        Pages { next: Some(self), read: 0 }
    }

    /// Sends the request, and then one for each page that follows. A page is JSON, and `cursor` returns from it what the parameter
    /// of the next request is, or `None` or an empty text if there is no more.
    ///
    /// ```
    /// # use gpx_sdk::test::{self, Host, any};
    /// # use serde_json::json;
    /// # let host = Host::new();
    /// # host.given(any().query("after", "b")).respond(test::json(&json!({ "prices": [3.5], "next": null })));
    /// # host.given(any()).respond(test::json(&json!({ "prices": [1.5, 2.5], "next": "b" })));
    /// #[derive(serde::Deserialize)]
    /// struct Page {
    ///     prices: Vec<f64>,
    ///     next: Option<String>,
    /// }
    ///
    /// let request = gpx_sdk::http::get("http://prices.example/gold").query("limit", 2);
    /// let mut prices = Vec::new();
    /// for page in request.pages_by_cursor("after", |page: &Page| page.next.clone()) {
    ///     prices.extend(page?.prices);
    /// }
    /// # assert_eq!(prices, [1.5, 2.5, 3.5]);
    /// # Ok::<_, gpx_sdk::Fault>(())
    /// ```
    ///
    /// A status other than 200 to 299 is an error. It is also one if a page names its own cursor as the next, and if there are more
    /// than 1000 pages.
    pub fn pages_by_cursor<T: DeserializeOwned, C: Display>(
        self,
        parameter: &str,
        mut cursor: impl FnMut(&T) -> Option<C>,
    ) -> impl Iterator<Item = Result<T, Error>> {
        let (mut next, mut read, mut last) = (Some(self.clone()), 0, None);
        std::iter::from_fn(move || {
            let request = next.take()?;
            if let Err(error) = more(&request, &mut read) {
                return Some(Err(error));
            }
            let name = request.name();
            let page: T = match request.send().and_then(Response::json) {
                Ok(page) => page,
                Err(error) => return Some(Err(error)),
            };
            let cursor = cursor(&page).map(|cursor| cursor.to_string());
            if let Some(cursor) = cursor.filter(|cursor| !cursor.is_empty()) {
                if last.as_ref() == Some(&cursor) {
                    return Some(Err(same(&name)));
                }
                next = Some(self.clone().query(parameter, &cursor));
                last = Some(cursor);
            }
            Some(Ok(page))
        })
    }

    fn name(&self) -> String {
        self.parts.as_ref().map_or_else(|_| "request".to_owned(), |parts| parts.name())
    }
}

// === impl Pages ===

impl Iterator for Pages {
    type Item = Result<Response, Error>;

    fn next(&mut self) -> Option<Result<Response, Error>> {
        let mut request = self.next.take()?;
        if let Err(error) = more(&request, &mut self.read) {
            return Some(Err(error));
        }
        let response = match request.clone().send() {
            Ok(response) => response,
            Err(error) => return Some(Err(error)),
        };
        if let Some(link) = response.link("next")
            && response.status().is_success()
        {
            if link == *response.url() {
                return Some(Err(same(&request.name())));
            }
            if let Ok(parts) = &mut request.parts {
                parts.lead_to(link);
            }
            self.next = Some(request);
        }
        Some(Ok(response))
    }
}

/// Counts a page, unless there are too many.
fn more(request: &Request, read: &mut usize) -> Result<(), Error> {
    *read += 1;
    if *read <= MAX_PAGES {
        return Ok(());
    }
    let what = format!("stopped after {MAX_PAGES} pages: ask for larger pages, or for less");
    Err(Error::new(&request.name(), Cause::Redirect(what)))
}

fn same(name: &str) -> Error {
    Error::new(name, Cause::Redirect("the page names itself as the next one".to_owned()))
}

#[cfg(test)]
mod tests;
