//! How long an exchange and its parts may take.

use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::time::{Instant, Sleep, sleep_until};
use wasmtime_wasi_http::RequestOptions;

use crate::egress::dial::ConnectLimits;
use crate::egress::error::RequestError;
use crate::egress::origin::Origin;
use crate::egress::redirects::TotalLimit;
use crate::egress::settings::Timeouts;

/// The limits of one exchange: the data source's, or the guest's if shorter. None means no limit.
#[derive(Clone, Copy)]
pub(super) struct TimeLimits {
    pub(super) connect: ConnectLimits,
    pub(super) expect_continue: Option<Duration>,
    pub(super) first_byte: Option<Duration>,
    between_bytes: Option<Duration>,
    /// For the whole exchange, with the time at which it is up.
    pub(super) total: Option<TotalLimit>,
}

/// The time by which something of a response's body must have arrived.
pub(super) struct BodyTimer {
    sleep: Pin<Box<Sleep>>,
    limit: Duration,
    awaited: Awaited,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Awaited {
    WholeBody,
    NextPart,
}

// === impl TimeLimits ===

impl TimeLimits {
    /// The time for the whole exchange runs from now on, unless it has begun with an earlier one of a `chain`.
    pub(super) fn new(timeouts: Timeouts, options: RequestOptions, chain: Option<TotalLimit>) -> Self {
        // What is too far away to be a time is no limit.
        let total = || timeouts.total.and_then(|limit| Some((Instant::now().checked_add(limit)?, limit)));
        Self {
            connect: ConnectLimits {
                tcp: shorter(timeouts.connect, options.connect_timeout),
                handshake: shorter(timeouts.handshake, options.connect_timeout),
            },
            expect_continue: timeouts.expect_continue,
            first_byte: options.first_byte_timeout,
            between_bytes: options.between_bytes_timeout,
            total: chain.or_else(total),
        }
    }

    /// Waits for part of the exchange, until the whole exchange must be over.
    pub(super) async fn within<T>(
        &self,
        origin: &Origin,
        part: impl Future<Output = Result<T, RequestError>>,
    ) -> Result<T, RequestError> {
        let Some((deadline, limit)) = self.total else { return part.await };
        let late = |_| Err(RequestError::ResponseTimeout { authority: origin.authority(), limit });
        tokio::time::timeout_at(deadline, part).await.unwrap_or_else(late)
    }

    /// When the whole exchange must be over.
    pub(super) fn deadline(&self) -> Option<Instant> {
        self.total.map(|(deadline, _)| deadline)
    }

    /// Starts the timers for reading the body.
    pub(super) fn body_timers(&self) -> Vec<BodyTimer> {
        let timer = |until, limit, awaited| BodyTimer { sleep: Box::pin(sleep_until(until)), limit, awaited };
        let whole = self.total.map(|(deadline, limit)| timer(deadline, limit, Awaited::WholeBody));
        let next = self
            .between_bytes
            .and_then(|limit| Some(timer(Instant::now().checked_add(limit)?, limit, Awaited::NextPart)));
        whole.into_iter().chain(next).collect()
    }
}

fn shorter(one: Option<Duration>, other: Option<Duration>) -> Option<Duration> {
    match (one, other) {
        (Some(one), Some(other)) => Some(one.min(other)),
        (one, other) => one.or(other),
    }
}

// === impl BodyTimer ===

impl BodyTimer {
    /// Part of the body has arrived.
    pub(super) fn progress(&mut self) {
        if self.awaited == Awaited::NextPart
            && let Some(until) = Instant::now().checked_add(self.limit)
        {
            self.sleep.as_mut().reset(until);
        }
    }

    /// Ready once the time is up.
    pub(super) fn poll_expired(&mut self, cx: &mut Context<'_>, authority: &str) -> Poll<RequestError> {
        ready!(self.sleep.as_mut().poll(cx));
        let (authority, limit) = (authority.to_owned(), self.limit);
        Poll::Ready(match self.awaited {
            Awaited::WholeBody => RequestError::ResponseTimeout { authority, limit },
            Awaited::NextPart => RequestError::ReadTimeout { authority, limit },
        })
    }
}
