//! Decodes the gzip encoding that the host asked for, piece by piece and up to a limit.

use std::io::Write as _;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{Buf as _, Bytes};
use flate2::write::MultiGzDecoder;
use http::Response;
use http::header::{CONTENT_ENCODING, CONTENT_LENGTH};
use http_body::{Body, Frame};

use crate::egress::error::RequestError;

/// More than a component's memory holds. Stops a small response that would decode without end.
const MAX_DECODED: u64 = 1024 * 1024 * 1024;

/// A body that decodes another.
pub(super) struct Gzip<B> {
    body: B,
    authority: String,
    /// Encoded bytes that have arrived and are not yet decoded.
    encoded: Bytes,
    /// Whether the decoder still has bytes of what it was given.
    flushed: bool,
    /// Whether any bytes have arrived.
    begun: bool,
    decoder: MultiGzDecoder<Vec<u8>>,
    decoded: u64,
    limit: u64,
    ended: bool,
}

/// Whether the response is encoded with gzip. If so, removes the headers that describe the encoded body.
pub(super) fn take_gzip<B>(response: &mut Response<B>) -> bool {
    let is_gzip = |value: &http::HeaderValue| value.as_bytes().trim_ascii().eq_ignore_ascii_case(b"gzip");
    if !response.headers().get(CONTENT_ENCODING).is_some_and(is_gzip) {
        return false;
    }
    response.headers_mut().remove(CONTENT_ENCODING);
    response.headers_mut().remove(CONTENT_LENGTH);
    true
}

// === impl Gzip ===

impl<B> Gzip<B> {
    pub(super) fn new(body: B, authority: String) -> Self {
        Self {
            body,
            authority,
            encoded: Bytes::new(),
            flushed: true,
            begun: false,
            decoder: MultiGzDecoder::new(Vec::new()),
            decoded: 0,
            limit: MAX_DECODED,
            ended: false,
        }
    }

    /// Decodes a piece of at most 64 KiB: the decoder fills its buffer of 32 KiB in one step, after it has emptied that from
    /// the step before. Returns no bytes if it needs another step, or more to go on.
    fn decode(&mut self) -> Result<Bytes, RequestError> {
        let step = if self.encoded.is_empty() {
            self.flushed = true;
            self.decoder.flush().map(|()| 0)
        } else {
            self.flushed = false;
            match self.decoder.write(&self.encoded) {
                Ok(0) => Err(std::io::ErrorKind::WriteZero.into()),
                taken => taken,
            }
        };
        let taken = step.map_err(|source| self.damaged(source))?;
        self.encoded.advance(taken);
        self.take()
    }

    fn finish(&mut self) -> Result<Bytes, RequestError> {
        self.decoder.try_finish().map_err(|source| self.damaged(source))?;
        self.take()
    }

    fn take(&mut self) -> Result<Bytes, RequestError> {
        let decoded = std::mem::take(self.decoder.get_mut());
        self.decoded += decoded.len() as u64;
        if self.decoded > self.limit {
            return Err(RequestError::DecodedTooLarge {
                authority: self.authority.clone(),
                limit: self.limit,
            });
        }
        Ok(decoded.into())
    }

    fn damaged(&self, source: std::io::Error) -> RequestError {
        RequestError::Gzip { authority: self.authority.clone(), source }
    }
}

impl<B: Body<Data = Bytes, Error = RequestError> + Unpin> Body for Gzip<B> {
    type Data = Bytes;
    type Error = RequestError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, RequestError>>> {
        loop {
            if self.ended {
                return Poll::Ready(None);
            }
            let decoded = if !self.encoded.is_empty() || !self.flushed {
                self.decode()
            } else {
                match ready!(Pin::new(&mut self.body).poll_frame(cx)) {
                    Some(Ok(frame)) => {
                        match frame.into_data() {
                            Ok(data) => {
                                self.begun |= !data.is_empty();
                                self.encoded = data;
                            }
                            // Trailers come last, and describe the encoded body.
                            Err(_trailers) => {}
                        }
                        continue;
                    }
                    Some(Err(error)) => Err(error),
                    None => {
                        self.ended = true;
                        // As in Go, nothing at all is an encoding of nothing.
                        if self.begun { self.finish() } else { Ok(Bytes::new()) }
                    }
                }
            };
            match decoded {
                Ok(bytes) if bytes.is_empty() => {}
                Ok(bytes) => return Poll::Ready(Some(Ok(Frame::data(bytes)))),
                Err(error) => {
                    self.ended = true;
                    return Poll::Ready(Some(Err(error)));
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use flate2::Compression;
    use flate2::write::GzEncoder;
    use http_body_util::{BodyExt as _, Full, StreamBody};

    use super::*;

    fn gzip(plain: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(plain).unwrap();
        encoder.finish().unwrap()
    }

    fn never(error: Infallible) -> RequestError {
        match error {}
    }

    fn decoding(encoded: Vec<u8>) -> Gzip<impl Body<Data = Bytes, Error = RequestError> + Unpin> {
        Gzip::new(Full::<Bytes>::from(encoded).map_err(never), "host:80".to_owned())
    }

    #[tokio::test]
    async fn bytes_may_come_one_by_one_and_members_one_after_the_other() {
        let encoded = [gzip(b"one "), gzip(b"two")].concat();
        let frames =
            encoded.into_iter().map(|byte| Ok::<_, RequestError>(Frame::data(Bytes::from(vec![byte]))));
        let body = Gzip::new(StreamBody::new(futures_util::stream::iter(frames)), "host:80".to_owned());
        assert_eq!(body.collect().await.unwrap().to_bytes(), "one two");
    }

    #[tokio::test]
    async fn a_bomb_comes_in_small_pieces_and_ends_at_the_limit() {
        let mut body = decoding(gzip(&vec![0; 64 << 20]));
        body.limit = 16 << 20;
        let mut decoded = 0;
        let error = loop {
            match body.frame().await.unwrap() {
                Ok(frame) => {
                    let piece = frame.into_data().unwrap().len();
                    assert!(piece <= 64 * 1024, "{piece}");
                    decoded += piece;
                }
                Err(error) => break error,
            }
        };
        let limit = 16 << 20;
        assert!((limit - (64 << 10)..=limit).contains(&decoded), "{decoded}");
        assert!(matches!(error, RequestError::DecodedTooLarge { .. }), "{error:?}");
        assert!(body.frame().await.is_none());
    }

    #[tokio::test]
    async fn nothing_at_all_is_an_encoding_of_nothing() {
        assert_eq!(decoding(Vec::new()).collect().await.unwrap().to_bytes(), "");
    }

    #[tokio::test]
    async fn an_end_before_the_end_is_an_error() {
        let mut encoded = gzip(b"some text that is cut");
        encoded.truncate(encoded.len() - 9);
        let error = decoding(encoded).collect().await.unwrap_err();
        assert!(matches!(error, RequestError::Gzip { .. }), "{error:?}");
    }
}
