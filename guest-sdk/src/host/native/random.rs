//! The fake host's random numbers, which are the same in every run: splitmix64. Without a host, std's.

use std::hash::{BuildHasher, RandomState};

use super::fake::current;

pub(crate) fn number() -> u64 {
    let Some(fake) = current() else { return RandomState::new().hash_one(0) };
    let state = fake.random.get().wrapping_add(0x9E37_79B9_7F4A_7C15);
    fake.random.set(state);
    let mixed = (state ^ (state >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    mixed ^ (mixed >> 31)
}
