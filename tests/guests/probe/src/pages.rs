//! Upstreams that answer page by page, or only at a later attempt.

use std::time::Duration;

use gpx_sdk::http::{self, Retry};
use gpx_sdk::{Frame, Query, Result};
use serde::Deserialize;

/// `{"url"}`
#[derive(Deserialize)]
struct Wanted {
    url: String,
}

#[derive(Deserialize)]
struct Page {
    values: Vec<i64>,
    next: Option<String>,
}

/// Reads all pages by the header `Link`, with a bearer token.
pub fn by_link(query: &Query) -> Result<Vec<Frame>> {
    let Wanted { url } = query.json()?;
    let mut values = Vec::new();
    for page in http::get(url).bearer("probe").pages() {
        values.extend(page?.json::<Vec<i64>>()?);
    }
    Ok(vec![Frame::new("pages").field("value", values)])
}

/// Reads all pages by cursor.
pub fn by_cursor(query: &Query) -> Result<Vec<Frame>> {
    let Wanted { url } = query.json()?;
    let pages = http::get(url).query("limit", 2).pages_by_cursor("after", |page: &Page| page.next.clone());
    let pages: Vec<_> = pages.collect::<std::result::Result<_, _>>()?;
    let values: Vec<_> = pages.into_iter().flat_map(|page| page.values).collect();
    Ok(vec![Frame::new("pages").field("value", values)])
}

/// Puts a value, with up to three further attempts.
pub fn retry(query: &Query) -> Result<Vec<Frame>> {
    let Wanted { url } = query.json()?;
    let retry = Retry::times(3).pause(Duration::from_millis(1), Duration::from_secs(60));
    let response = http::put(url).json(&1).retry(retry).send()?;
    let status = response.status().as_u16();
    Ok(vec![Frame::new("retry").field("status", [status]).field("text", [response.text()?])])
}

/// `{"text"}`: a text with macros.
pub fn interpolate(query: &Query) -> Result<Vec<Frame>> {
    #[derive(Deserialize)]
    struct Text {
        text: String,
    }

    let Text { text } = query.json()?;
    Ok(vec![Frame::new("text").field("text", [query.interpolate(&text)?])])
}
