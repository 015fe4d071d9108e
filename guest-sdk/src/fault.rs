//! Errors as the panel's user, and Grafana's statistics, see them.

use std::error::Error;
use std::fmt::{self, Display};
use std::io;

use crate::bindings::base::gpx::plugin::types;
use crate::chunks::ChunkError;
use crate::resource::SendError;
use crate::stream::PacketError;
use crate::{Source, http};

/// A result whose error is a [`Fault`]: what the functions that a plugin implements return.
pub type Result<T, E = Fault> = std::result::Result<T, E>;

/// An error with an HTTP status, a message for the panel's user, and who is to blame.
///
/// Never put a secret into the message.
///
/// `?` turns every error into a fault, of this crate, of the standard library and of any other. Its status and source are
/// those that Grafana's Go SDK would choose, even if the reason is further down in the error's chain of sources: the
/// upstream is to blame if it could not be reached, did not answer in time or refused, and the plugin for the rest, with 500.
///
/// ```
/// fn port(text: &str) -> gpx_sdk::Result<u16> {
///     Ok(text.trim().parse()?)
/// }
///
/// let fault = port("many").unwrap_err();
/// assert_eq!((fault.status, fault.source), (500, gpx_sdk::Source::Plugin));
/// assert_eq!(fault.message, "invalid digit found in string");
/// ```
///
/// To choose them yourself, make the fault before the `?`:
///
/// ```
/// # use gpx_sdk::{Fault, Result};
/// fn port(text: &str) -> Result<u16> {
///     text.parse().map_err(|err| Fault::bad_request(format_args!("the port `{text}` is not valid: {err}")))
/// }
/// # assert_eq!(port("many").unwrap_err().status, 400);
/// ```
///
/// A text is no error, as it does not say who is to blame: `?` on a `Result<_, String>` does not compile. Say it with
/// `.map_err(Fault::bad_request)`, for example. For that to be possible a fault is not a [`std::error::Error`] itself.
/// Where one is needed, [`Fault::into_error`] makes it, and `?` makes a fault with its status and source of it again.
///
/// ```compile_fail
/// fn name() -> gpx_sdk::Result<String> {
///     Ok(Err::<String, _>(String::from("no name"))?)
/// }
/// ```
///
/// ```
/// use gpx_sdk::Fault;
///
/// let fault = Fault::bad_request("the query names no table: choose one");
/// assert_eq!((fault.status, fault.to_string()), (400, "the query names no table: choose one".into()));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// An HTTP status, 100 to 599. Anything else is treated as 500.
    pub status: u16,
    pub message: String,
    pub source: Source,
}

/// A fault where an error is needed, such as in a `Box<dyn Error>`. See [`Fault::into_error`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FaultError(Fault);

// === impl Fault ===

impl Fault {
    pub fn new(status: u16, message: impl Display) -> Self {
        Self { status, message: message.to_string(), source: Source::Plugin }
    }

    /// The plugin failed: 500.
    pub fn plugin(message: impl Display) -> Self {
        Self::new(500, message)
    }

    /// The plugin was asked for something it cannot do: 400.
    pub fn bad_request(message: impl Display) -> Self {
        Self::new(400, message)
    }

    /// The system that the plugin asked failed.
    pub fn downstream(status: u16, message: impl Display) -> Self {
        Self { source: Source::Downstream, ..Self::new(status, message) }
    }

    /// Returns it as an error, for code that is generic over errors.
    pub fn into_error(self) -> FaultError {
        FaultError(self)
    }
}

impl Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl<E: Error + 'static> From<E> for Fault {
    fn from(error: E) -> Self {
        let mut next: Option<&(dyn Error + 'static)> = Some(&error);
        while let Some(link) = next {
            if let Some((status, source)) = blame(link) {
                return Self { status, source, message: messages(&error) };
            }
            next = below(link);
        }
        Self::plugin(messages(&error))
    }
}

impl From<Fault> for types::Fault {
    fn from(fault: Fault) -> Self {
        let source = match fault.source {
            Source::Plugin => types::FaultSource::Plugin,
            Source::Downstream => types::FaultSource::Downstream,
        };
        Self { status: fault.status, message: fault.message, source }
    }
}

// === impl FaultError ===

impl Display for FaultError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Error for FaultError {}

/// Status and source of an error that is not simply the plugin's.
fn blame(error: &(dyn Error + 'static)) -> Option<(u16, Source)> {
    if let Some(FaultError(fault)) = error.downcast_ref() {
        return Some((fault.status, fault.source));
    }
    if let Some(error) = error.downcast_ref::<http::Error>() {
        return Some(error.blame());
    }
    if let Some(error) = error.downcast_ref::<SendError>() {
        return Some(error.blame());
    }
    if let Some(error) = error.downcast_ref::<ChunkError>() {
        return Some(error.blame());
    }
    if let Some(error) = error.downcast_ref::<PacketError>() {
        return Some(error.blame());
    }
    let error = error.downcast_ref::<io::Error>()?;
    match error.kind() {
        // What it contains decides.
        _ if error.get_ref().is_some() => None,
        io::ErrorKind::TimedOut => Some((504, Source::Downstream)),
        io::ErrorKind::ConnectionRefused => Some((502, Source::Downstream)),
        io::ErrorKind::PermissionDenied => Some((401, Source::Plugin)),
        _ => None,
    }
}

/// The error within an error. An I/O error's own `source` leaves out what the I/O error stands for.
fn below<'e>(error: &'e (dyn Error + 'static)) -> Option<&'e (dyn Error + 'static)> {
    match error.downcast_ref::<io::Error>().and_then(io::Error::get_ref) {
        Some(inner) => Some(inner),
        None => error.source(),
    }
}

/// The messages of the whole chain, without those that the one above already contains.
pub(crate) fn messages(error: &(dyn Error + 'static)) -> String {
    let mut text = error.to_string();
    let (mut above, mut next) = (text.clone(), below(error));
    while let Some(link) = next {
        let message = link.to_string();
        if !above.contains(&message) {
            text.push_str(": ");
            text.push_str(&message);
        }
        (above, next) = (message, below(link));
    }
    text
}

#[cfg(test)]
mod tests;
