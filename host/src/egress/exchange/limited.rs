//! The limit that Grafana sets for a response's body, with the error of its Go SDK.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};

use super::body::ResponseBody;
use crate::egress::error::RequestError;
use crate::log::{Log, Value};

/// A body of which no more than so many bytes are passed on. The rest is an error.
pub(super) struct LimitedBody {
    body: ResponseBody,
    limit: u64,
    left: u64,
    /// Whether there was more.
    exceeded: bool,
    failed: bool,
    log: Log,
}

// === impl LimitedBody ===

impl LimitedBody {
    pub(super) fn new(body: ResponseBody, limit: u64, log: Log) -> Self {
        Self { body, limit, left: limit, exceeded: false, failed: false, log }
    }

    fn fail(&mut self) -> Poll<Option<Result<Frame<Bytes>, RequestError>>> {
        self.failed = true;
        let limit = Value::from(i64::try_from(self.limit).unwrap_or(i64::MAX));
        self.log.warn("downstream response body exceeded limit", &[("limit_bytes", limit)]);
        Poll::Ready(Some(Err(RequestError::ResponseLimit { limit: self.limit })))
    }
}

impl Body for LimitedBody {
    type Data = Bytes;
    type Error = RequestError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, RequestError>>> {
        if self.failed {
            return Poll::Ready(None);
        }
        if self.exceeded {
            return self.fail();
        }
        let mut data = match ready!(Pin::new(&mut self.body).poll_frame(cx)) {
            Some(Ok(frame)) => match frame.into_data() {
                Ok(data) => data,
                Err(trailers) => return Poll::Ready(Some(Ok(trailers))),
            },
            other => return Poll::Ready(other),
        };
        let left = usize::try_from(self.left).unwrap_or(usize::MAX);
        if data.len() > left {
            self.exceeded = true;
            data.truncate(left);
            if data.is_empty() {
                return self.fail();
            }
        }
        self.left -= data.len() as u64;
        Poll::Ready(Some(Ok(Frame::data(data))))
    }

    fn is_end_stream(&self) -> bool {
        !self.exceeded && self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        // What is declared may be more than is passed on.
        SizeHint::default()
    }
}

#[cfg(test)]
mod tests {
    use http_body_util::{BodyExt as _, Full};

    use super::*;

    #[tokio::test]
    async fn what_fits_passes_and_one_byte_more_is_gos_error() {
        for (length, limit) in [(0, 1), (4, 4), (4, 5), (5, 4), (100, 1)] {
            let (log, lines) = Log::memory();
            let whole = Full::from(vec![7; length]).map_err(|never| match never {}).boxed_unsync();
            let mut body = LimitedBody::new(whole, limit, log);
            let (mut read, mut error) = (0, None);
            while let Some(frame) = body.frame().await {
                match frame {
                    Ok(frame) => read += frame.into_data().unwrap().len() as u64,
                    Err(failed) => error = Some(failed.to_string()),
                }
            }
            let exceeds = length as u64 > limit;
            let text = format!("error: http: response body too large, response limit is set to: {limit}");
            assert_eq!((read, error), (limit.min(length as u64), exceeds.then_some(text)));
            assert_eq!(lines.json().len(), usize::from(exceeds));
        }
    }
}
