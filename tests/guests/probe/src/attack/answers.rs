//! Answers that are small for the guest and large for the host.

use gpx_sdk::Frame;

use super::Wanted;

/// A frame of `count` booleans: a bit each for the guest, six bytes each as JSON.
pub(super) fn bools(wanted: &Wanted) -> Vec<Frame> {
    vec![Frame::new("bools").field("value", vec![false; wanted.count])]
}

/// A frame of `count` texts of `bytes` each; as JSON each of these bytes is six.
pub(super) fn texts(wanted: &Wanted) -> Vec<Frame> {
    vec![Frame::new("texts").field("value", vec!["\u{1}".repeat(wanted.bytes); wanted.count])]
}

/// `count` frames of one value.
pub(super) fn frames(wanted: &Wanted) -> Vec<Frame> {
    (0..wanted.count).map(|number| Frame::new("small").field("value", [number as i64])).collect()
}
