//! Memory, stacks and processor time.

use std::hint::black_box;

use gpx_sdk::{Frame, Result, http};

use super::Wanted;

/// Grows the memory by `bytes` at a time, and touches every page, until the host refuses. Returns how often it did not.
pub(super) fn grow(wanted: &Wanted) -> Vec<Frame> {
    let step = wanted.bytes.max(64 << 10);
    let mut steps = 0_u64;
    for _ in 0..wanted.count {
        let mut piece: Vec<u8> = Vec::new();
        if piece.try_reserve_exact(step).is_err() {
            break;
        }
        piece.resize(step, 1);
        std::mem::forget(black_box(piece));
        steps += 1;
    }
    vec![Frame::new("grown").field("steps", [steps])]
}

/// Calls itself `count` times, and waits for `url` at the bottom, if there is one.
pub(super) fn recurse(wanted: &Wanted) -> Result<Vec<Frame>> {
    let mut arrived = Ok(());
    let mut bottom = || {
        if !wanted.url.is_empty() {
            arrived = http::get(&wanted.url).send().and_then(http::Response::text).map(drop);
        }
    };
    // Hidden, so that what the bottom needs is not part of each level.
    let depth = deeper(wanted.count, black_box(&mut bottom));
    arrived?;
    Ok(vec![Frame::new("recursed").field("depth", [depth])])
}

#[inline(never)]
fn deeper(left: usize, bottom: &mut dyn FnMut()) -> u64 {
    if left > 0 {
        // The work after the call keeps this from becoming a loop. None of it is in memory: the host's stack is what
        // is used up.
        return deeper(left - 1, bottom).rotate_left(1) ^ left as u64;
    }
    bottom();
    1
}

/// Overwrites `bytes`, `count` times: a single instruction of the processor's for the host, which no clock interrupts.
pub(super) fn fill(wanted: &Wanted) {
    let mut memory = vec![0_u8; wanted.bytes];
    for turn in 0..wanted.count {
        black_box(memory.as_mut_slice()).fill(turn as u8);
    }
}

/// Copies `bytes` within the memory, `count` times.
pub(super) fn copy(wanted: &Wanted) {
    let mut memory = vec![1_u8; wanted.bytes];
    for _ in 0..wanted.count {
        black_box(memory.as_mut_slice()).copy_within(1.., 0);
    }
}

/// Computes for `count` turns, without calling the host.
pub(super) fn spin(wanted: &Wanted) {
    let mut turns = 0_u64;
    for turn in 0..wanted.count {
        turns = black_box(turns.wrapping_add(turn as u64));
    }
}
