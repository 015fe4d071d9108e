//! What of a request's body is signed: all of it, or nothing because it is too long to wait for.

use std::collections::VecDeque;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::{Bytes, BytesMut};
use http_body::{Body, Frame, SizeHint};
use http_body_util::BodyExt as _;
use wasmtime_wasi_http::{Error as Code, WasiBody};

use super::error::Unsignable;
use crate::budget::{MemoryKind, OwnerMemory};
use crate::egress::error::RequestError;

/// The longest body that is hashed, in bytes. It is kept until it is sent.
const MAX_HASHED: usize = 1 << 20;

/// Frames that were read already, and the rest of the body.
struct Resumed {
    read: VecDeque<Frame<Bytes>>,
    rest: WasiBody,
}

/// Reads the body, up to the longest that is hashed. Returns what is to be sent instead, and the whole body unless it is
/// longer.
pub(super) async fn read(
    mut body: WasiBody,
    memory: &OwnerMemory,
) -> Result<(WasiBody, Option<Bytes>), RequestError> {
    if body.size_hint().lower() > MAX_HASHED as u64 {
        return Ok((body, None));
    }
    let mut charge = memory.nothing(MemoryKind::Handles);
    let (mut bytes, mut trailers) = (BytesMut::new(), None);
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|_: Code| Unsignable::Body)?;
        match frame.into_data() {
            Ok(data) => {
                charge.try_grow(data.len())?;
                if bytes.len() + data.len() > MAX_HASHED {
                    let read = [charge.keep(bytes), data].map(Frame::data).into();
                    return Ok((Resumed { read, rest: body }.boxed_unsync(), None));
                }
                bytes.extend_from_slice(&data);
            }
            Err(other) => trailers = other.into_trailers().ok(),
        }
    }
    let whole = if bytes.is_empty() { Bytes::new() } else { charge.keep(bytes) };
    let read = std::iter::once(whole.clone()).filter(|bytes| !bytes.is_empty()).map(Frame::data);
    let read: VecDeque<_> = read.chain(trailers.map(Frame::trailers)).collect();
    Ok((Resumed { read, rest: body }.boxed_unsync(), Some(whole)))
}

// === impl Resumed ===

impl Body for Resumed {
    type Data = Bytes;
    type Error = Code;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Code>>> {
        match self.read.pop_front() {
            Some(frame) => Poll::Ready(Some(Ok(frame))),
            None => Pin::new(&mut self.rest).poll_frame(context),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.read.is_empty() && self.rest.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        let read = self.read.iter().filter_map(Frame::data_ref).map(|data| data.len() as u64).sum::<u64>();
        let rest = self.rest.size_hint();
        let mut hint = SizeHint::new();
        hint.set_lower(rest.lower().saturating_add(read));
        if let Some(upper) = rest.upper().and_then(|upper| upper.checked_add(read)) {
            hint.set_upper(upper);
        }
        hint
    }
}

#[cfg(test)]
mod tests {
    use http_body_util::StreamBody;

    use super::*;
    use crate::budget::MemoryAccount;

    #[tokio::test]
    async fn what_is_read_of_a_body_is_charged_until_it_is_sent_even_if_it_is_too_long() {
        for more in [0, 1] {
            let pieces = [MAX_HASHED / 2, MAX_HASHED / 2 + more].map(|length| vec![b'b'; length]);
            let frames = pieces.map(|piece| Ok(Frame::data(Bytes::from(piece))));
            let body = StreamBody::new(futures_util::stream::iter(frames)).boxed_unsync();
            let account = MemoryAccount::new(1 << 30);
            let (body, whole) = read(body, &account.owner()).await.unwrap();
            assert_eq!(whole.map(|whole| whole.len()), (more == 0).then_some(MAX_HASHED));
            assert_eq!(account.used(MemoryKind::Handles), MAX_HASHED + more);
            assert_eq!(body.collect().await.unwrap().to_bytes().len(), MAX_HASHED + more);
            assert_eq!(account.used(MemoryKind::Handles), 0);
        }
    }
}
