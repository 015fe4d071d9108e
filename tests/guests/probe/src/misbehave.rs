//! Things that a guest must not do and that the host must survive.

use std::hint::black_box;
use std::io::Write;

use gpx_sdk::{Frame, Query, Result, log, span};
use serde::Deserialize;

/// Panics with a span open. The message goes to stderr, then the instance traps.
pub fn panic() -> Result<Vec<Frame>> {
    let _span = span!("before the panic");
    panic!("the probe panicked on purpose")
}

/// Traps without a message. It keeps its own place in a backtrace.
#[inline(never)]
pub fn trap() -> Result<Vec<Frame>> {
    #[cfg(target_arch = "wasm32")]
    core::arch::wasm32::unreachable();
    #[cfg(not(target_arch = "wasm32"))]
    std::process::abort()
}

/// Runs forever with a span open, without calling the host.
pub fn forever() -> Result<Vec<Frame>> {
    let _span = span!("for ever");
    log::info!("looping");
    let mut turns = 0_u64;
    loop {
        turns = black_box(turns.wrapping_add(1));
    }
}

#[derive(Deserialize)]
#[serde(default)]
struct Allocate {
    bytes: usize,
}

impl Default for Allocate {
    fn default() -> Self {
        Self { bytes: 1 << 20 }
    }
}

/// Allocates memory in steps of `bytes`, usually a mebibyte, and writes to it, until there is none left.
pub fn allocate(query: &Query) -> Result<Vec<Frame>> {
    let Allocate { bytes } = query.json()?;
    let mut taken = Vec::new();
    loop {
        taken.push(black_box(vec![1_u8; bytes]));
    }
}

/// Allocates all available memory, and keeps it for as long as the instance lives.
pub fn hoard() -> Result<Vec<Frame>> {
    let mut taken: Vec<Vec<u8>> = Vec::with_capacity(4096);
    // Memory grows by pages; each of the small allocations fits into one.
    for size in [1 << 20, 60 << 10] {
        while taken.len() < taken.capacity() {
            let mut piece = Vec::new();
            if piece.try_reserve_exact(size).is_err() {
                break;
            }
            taken.push(piece);
        }
    }
    // One is freed, to make room for the answer.
    taken.pop();
    std::mem::forget(taken);
    Ok(Vec::new())
}

/// Writes to stdout and stderr, which is logged: complete lines, an empty one, and one without a newline. Rust itself
/// buffers the latter until it is flushed.
pub fn stdout() -> Result<Vec<Frame>> {
    println!("one line on stdout");
    eprintln!("one line on stderr");
    println!();
    print!("no end of line on stdout");
    eprint!("no end of line on stderr");
    let _ = std::io::stdout().flush();
    Ok(Vec::new())
}
