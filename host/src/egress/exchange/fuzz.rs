//! What holds for whatever an upstream sends.

use std::io::Read as _;

use bytes::Bytes;
use flate2::read::MultiGzDecoder;
use futures_util::FutureExt as _;
use http_body::Frame;
use http_body_util::{BodyExt as _, StreamBody};

use super::decode::Gzip;
use super::inbound::Frames;
use crate::egress::error::RequestError;

/// More than any input in the corpus becomes.
const MAX_DECODED: u64 = 64 << 20;

/// What arrives in pieces is what arrives at once.
pub(in crate::egress) fn pieces(sent: &[u8], size: usize) {
    heads(sent, size);
    // For other readers, nothing is damaged.
    if !sent.is_empty() {
        gzip(sent, size);
    }
}

/// Heads are found in a stream as another reader finds them.
fn heads(sent: &[u8], size: usize) {
    let (mut frames, mut heads, mut rest) = (Frames::default(), 0, sent);
    while let Some(([high, middle, low, kind, ..], after)) = rest.split_at_checked(9).and_then(frame) {
        heads += usize::from(kind == 1);
        rest = after.get(u32::from_be_bytes([0, high, middle, low]) as usize..).unwrap_or_default();
    }
    assert_eq!(sent.chunks(size).map(|piece| frames.heads_in(piece)).sum::<usize>(), heads);
}

fn frame<'a>((head, after): (&'a [u8], &'a [u8])) -> Option<([u8; 9], &'a [u8])> {
    Some((head.try_into().ok()?, after))
}

/// A body is decoded as another reader decodes it, or both find it damaged.
fn gzip(sent: &[u8], size: usize) {
    let pieces =
        sent.chunks(size).map(|piece| Ok::<_, RequestError>(Frame::data(Bytes::copy_from_slice(piece))));
    let body = Gzip::new(StreamBody::new(futures_util::stream::iter(pieces)), "host:80".to_owned());
    let ours = body.collect().now_or_never().map(|body| body.map(|body| body.to_bytes()));
    let mut theirs = Vec::new();
    let read = MultiGzDecoder::new(sent).take(MAX_DECODED).read_to_end(&mut theirs);
    match (ours, read) {
        (Some(Ok(ours)), Ok(_)) => assert_eq!(ours, theirs),
        (Some(Err(_)), Err(_)) => {}
        (ours, read) => unreachable!("{ours:?} and {read:?}"),
    }
}
