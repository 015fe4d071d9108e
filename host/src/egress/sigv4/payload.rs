//! What a signature says of a request's body: its hash, or that it is not signed because it is too long to wait for.

use std::collections::VecDeque;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::{Bytes, BytesMut};
use http_body::{Body, Frame, SizeHint};
use http_body_util::BodyExt as _;
use sha2::{Digest as _, Sha256};
use wasmtime_wasi_http::{Error as Code, WasiBody};

use super::error::Unsignable;
use crate::budget::{MemoryKind, OwnerMemory};
use crate::egress::error::RequestError;

/// The longest body that is hashed, in bytes. It is kept until it is sent.
pub(super) const MAX_HASHED: usize = 1 << 20;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Payload {
    /// The SHA-256 of the body, in lower-case hexadecimal.
    Hashed(String),
    Unsigned,
}

/// Frames that were read already, and the rest of the body.
struct Resumed {
    read: VecDeque<Frame<Bytes>>,
    rest: WasiBody,
}

// === impl Payload ===

impl Payload {
    /// Reads the body, up to the longest that is hashed. Returns what is to be sent instead.
    pub(super) async fn read(
        mut body: WasiBody,
        memory: &OwnerMemory,
    ) -> Result<(WasiBody, Self), RequestError> {
        if body.size_hint().lower() > MAX_HASHED as u64 {
            return Ok((body, Self::Unsigned));
        }
        let mut charge = memory.nothing(MemoryKind::Handles);
        let (mut bytes, mut trailers) = (BytesMut::new(), None);
        while let Some(frame) = body.frame().await {
            let frame = frame.map_err(|_: Code| Unsignable::Body)?;
            match frame.into_data() {
                Ok(data) => {
                    charge.try_grow(data.len())?;
                    if bytes.len() + data.len() > MAX_HASHED {
                        let read = [bytes.freeze(), data].map(Frame::data).into();
                        return Ok((Resumed { read, rest: body }.boxed_unsync(), Self::Unsigned));
                    }
                    bytes.extend_from_slice(&data);
                }
                Err(other) => trailers = other.into_trailers().ok(),
            }
        }
        let payload = Self::of(&bytes);
        let whole = if bytes.is_empty() { Bytes::new() } else { charge.keep(bytes) };
        let read = std::iter::once(whole).filter(|bytes| !bytes.is_empty()).map(Frame::data);
        let read: VecDeque<_> = read.chain(trailers.map(Frame::trailers)).collect();
        Ok((Resumed { read, rest: body }.boxed_unsync(), payload))
    }

    pub(super) fn of(bytes: &[u8]) -> Self {
        Self::Hashed(Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect())
    }
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
