//! A small blocking HTTP client. The host traces each request, applies the data source's credentials, and lets it reach
//! only the data source's own origin and the origins that the operator granted.
//!
//! ```no_run
//! # #[derive(serde::Deserialize)] struct Points;
//! # fn points(url: &str) -> gpx_sdk::Result<Points> {
//! use gpx_sdk::http;
//!
//! let points: Points = http::get(url).query("limit", 10).header("Accept", "application/json").send()?.json()?;
//! # Ok(points) }
//! ```
//!
//! Several requests are in flight at once if all of them are started before the first is waited for:
//!
//! ```no_run
//! # fn both(a: &str, b: &str) -> gpx_sdk::Result<()> {
//! # use gpx_sdk::http;
//! let (a, b) = (http::get(a).start()?, http::get(b).start()?);
//! let (a, b) = (a.wait()?.text()?, b.wait()?.text()?);
//! # Ok(()) }
//! ```

mod basic;
mod client_credentials;
mod error;
mod excerpt;
mod link;
mod pages;
mod port;
pub(crate) mod redirect;
mod request;
mod request_span;
mod response;
mod retry;
mod segment;
mod url;

pub use client_credentials::ClientCredentials;
pub use error::{Cause, Error};
pub use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri};
pub use link::join;
pub use pages::Pages;
pub use request::{Pending, Request, delete, get, patch, post, put, request};
pub use response::Response;
pub use retry::Retry;
