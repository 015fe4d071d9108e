//! Further attempts: when, how often, and after which pause.

use std::time::Duration;

use http::header::{HeaderValue, RETRY_AFTER};
use http::{Method, StatusCode};

use super::error::Cause;
use super::redirect::Parts;
use super::{Error, Response};
use crate::host::{call, clock, random};
use crate::{Time, log};

/// Statuses that say that a later attempt may succeed.
const PASSING: [StatusCode; 4] = [
    StatusCode::TOO_MANY_REQUESTS,
    StatusCode::BAD_GATEWAY,
    StatusCode::SERVICE_UNAVAILABLE,
    StatusCode::GATEWAY_TIMEOUT,
];

/// How often a request is sent again, and after which pause. Given to [`Request::retry`](super::Request::retry).
///
/// It is sent again after status 429, 502, 503 and 504, and if there was no answer in time, no connection, or the connection
/// ended before the response began. Other failures would only happen again.
///
/// The pause is 250 ms, then twice as long after each attempt, up to 10 s, less a random part of up to half. If the upstream names
/// one with `Retry-After`, it is that. No attempt is made after the call, or the request's own timeout, is over; nor if the
/// upstream asks for a pause that is longer than the longest. Then the last answer is the result.
///
/// Only methods are repeated that do the same twice as once (RFC 9110, section 9.2.2): all but POST and PATCH. See
/// [`Retry::all_methods`].
///
/// ```
/// # use gpx_sdk::test::{self, Host, any, status};
/// use gpx_sdk::http::{self, Retry};
///
/// # let host = Host::new();
/// # host.given(any()).once().respond(status(503).header("Retry-After", "2"));
/// # host.given(any()).respond(test::json(&[1.5]));
/// # let before = host.now();
/// let prices: Vec<f64> = http::get("http://prices.example").retry(Retry::times(3)).send()?.json()?;
/// # assert_eq!(prices, [1.5]);
/// # assert_eq!(host.now().unix_seconds() - before.unix_seconds(), 2);
/// # Ok::<_, gpx_sdk::Fault>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retry {
    most: u32,
    first: Duration,
    longest: Duration,
    all_methods: bool,
}

/// The attempts of one request.
#[derive(Debug)]
pub(super) struct Attempts {
    retry: Retry,
    made: u32,
    /// The request as it was before redirects.
    parts: Parts,
}

/// Returns after which pause to send what, if another attempt makes sense.
pub(super) type Next =
    fn(&mut Attempts, &Result<Response, Error>, Option<Duration>) -> Option<(Duration, Parts)>;

// === impl Retry ===

impl Retry {
    /// Allows so many attempts after the first one.
    #[must_use]
    pub const fn times(most: u32) -> Self {
        Self { most, first: Duration::from_millis(250), longest: Duration::from_secs(10), all_methods: false }
    }

    /// Sets the first pause and the longest.
    ///
    /// ```
    /// # use std::time::Duration;
    /// let retry = gpx_sdk::http::Retry::times(5).pause(Duration::from_secs(1), Duration::from_secs(30));
    /// # use gpx_sdk::test::{Host, any, status};
    /// # let host = Host::new();
    /// # host.given(any()).respond(status(503).header("Retry-After", "30"));
    /// # gpx_sdk::http::get("http://a.example").retry(retry).send()?;
    /// # assert_eq!(host.requests().len(), 6);
    /// # Ok::<_, gpx_sdk::Fault>(())
    /// ```
    #[must_use]
    pub const fn pause(mut self, first: Duration, longest: Duration) -> Self {
        self.first = first;
        self.longest = longest;
        self
    }

    /// Repeats POST and PATCH, too: for an upstream that takes queries by POST, for example.
    ///
    /// ```
    /// # use gpx_sdk::test::{self, Host, any, status};
    /// # let host = Host::new();
    /// # host.given(any()).once().respond(status(503));
    /// # host.given(any()).respond(test::json(&[1.5]));
    /// use gpx_sdk::http::{self, Retry};
    ///
    /// let search = http::post("http://prices.example/search").json(&"gold").retry(Retry::times(2).all_methods());
    /// assert_eq!(search.send()?.json::<Vec<f64>>()?, [1.5]);
    /// # assert_eq!(host.requests().len(), 2);
    /// # Ok::<_, gpx_sdk::Fault>(())
    /// ```
    #[must_use]
    pub const fn all_methods(mut self) -> Self {
        self.all_methods = true;
        self
    }

    /// Returns the pause after so many attempts, between half and all of it.
    fn backoff(&self, made: u32) -> Duration {
        let whole = self.first.saturating_mul(1_u32.checked_shl(made).unwrap_or(u32::MAX)).min(self.longest);
        let part = (random::number() >> 32) as u32;
        let half = whole / 2;
        half + half.mul_f64(f64::from(part) / f64::from(u32::MAX))
    }
}

// === impl Attempts ===

impl Attempts {
    pub(super) fn new(retry: Retry, parts: &Parts) -> Self {
        Self { retry, made: 0, parts: parts.clone() }
    }

    /// A [`Next`].
    pub(super) fn next(
        &mut self,
        result: &Result<Response, Error>,
        deadline: Option<Duration>,
    ) -> Option<(Duration, Parts)> {
        let Self { retry, made, parts } = self;
        let repeatable = retry.all_methods || !matches!(parts.method, Method::POST | Method::PATCH);
        if *made >= retry.most || !repeatable || !is_passing(result) {
            return None;
        }
        let pause = match result.as_ref().ok().and_then(asked_for) {
            Some(asked) => Some(asked).filter(|asked| *asked <= retry.longest)?,
            None => retry.backoff(*made),
        };
        let left = deadline.map(|deadline| deadline.saturating_sub(clock::monotonic()));
        let left = left.into_iter().chain(call::time_left().map(Duration::from_nanos)).min();
        if left.is_some_and(|left| left <= pause) {
            return None;
        }
        *made += 1;
        let reason = match result {
            Ok(response) => response.status().to_string(),
            Err(error) => error.cause().to_string(),
        };
        log::debug!(
            "a request is sent again",
            "request" = parts.name(),
            "attempt" = *made + 1,
            "reason" = reason,
            "pause_ms" = u64::try_from(pause.as_millis()).unwrap_or(u64::MAX)
        );
        Some((pause, parts.clone()))
    }
}

fn is_passing(result: &Result<Response, Error>) -> bool {
    match result {
        Ok(response) => PASSING.contains(&response.status()),
        Err(error) => {
            matches!(error.cause(), Cause::Timeout | Cause::Refused | Cause::Unreachable | Cause::Reset)
        }
    }
}

/// Returns the pause that a response asks for.
fn asked_for(response: &Response) -> Option<Duration> {
    let value = response.headers().get(RETRY_AFTER).map(HeaderValue::to_str)?.ok()?;
    pause(value.trim(), Time::now())
}

/// RFC 9110 section 10.2.3: seconds, or a date.
fn pause(value: &str, now: Time) -> Option<Duration> {
    if !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit()) {
        return Some(value.parse().map_or(Duration::MAX, Duration::from_secs));
    }
    let nanos = date(value)?.unix_nanos().saturating_sub(now.unix_nanos());
    Some(Duration::from_nanos(u64::try_from(nanos).unwrap_or_default()))
}

/// RFC 9110 section 5.6.7: `Sun, 06 Nov 1994 08:49:37 GMT`. The two formats that are obsolete are not read.
fn date(text: &str) -> Option<Time> {
    const MONTHS: [&str; 12] =
        ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let (_weekday, rest) = text.split_once(", ")?;
    let mut words = rest.strip_suffix(" GMT")?.split(' ');
    let (day, month, year, time) = (words.next()?, words.next()?, words.next()?, words.next()?);
    let month = MONTHS.iter().zip(1..).find(|(name, _)| **name == month).map(|(_, number)| number)?;
    Time::parse(&format!("{year}-{month:02}-{day}T{time}Z")).ok().filter(|_| words.next().is_none())
}

#[cfg(test)]
mod tests;
