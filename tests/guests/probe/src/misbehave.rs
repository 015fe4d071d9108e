//! What a guest must not do, and what the host must survive.

use std::hint::black_box;
use std::io::Write;

use gpx_sdk::{Frame, Result, log, span};

/// Panics with a span open. The text goes to stderr, then the instance traps.
pub fn panic() -> Result<Vec<Frame>> {
    let _span = span!("before the panic");
    panic!("the probe panicked on purpose")
}

/// Traps without a word.
pub fn trap() -> Result<Vec<Frame>> {
    #[cfg(target_arch = "wasm32")]
    core::arch::wasm32::unreachable();
    #[cfg(not(target_arch = "wasm32"))]
    std::process::abort()
}

/// Runs for ever with a span open, without asking the host for anything.
pub fn forever() -> Result<Vec<Frame>> {
    let _span = span!("for ever");
    log::info!("looping");
    let mut turns = 0_u64;
    loop {
        turns = black_box(turns.wrapping_add(1));
    }
}

/// Takes memory in pieces of a mebibyte, and writes to it, until there is none.
pub fn allocate() -> Result<Vec<Frame>> {
    let mut taken = Vec::new();
    loop {
        taken.push(black_box(vec![1_u8; 1 << 20]));
    }
}

/// Takes all the memory that there is, and keeps it for as long as the instance lives.
pub fn hoard() -> Result<Vec<Frame>> {
    let mut taken: Vec<Vec<u8>> = Vec::with_capacity(4096);
    // The small pieces fit a page each, in which memory grows.
    for size in [1 << 20, 60 << 10] {
        while taken.len() < taken.capacity() {
            let mut piece = Vec::new();
            if piece.try_reserve_exact(size).is_err() {
                break;
            }
            taken.push(piece);
        }
    }
    // One goes back, for the answer.
    taken.pop();
    std::mem::forget(taken);
    Ok(Vec::new())
}

/// Writes to stdout and stderr, which become log lines: whole ones, an empty one, one without an end. Rust itself keeps
/// the latter until it is flushed.
pub fn stdout() -> Result<Vec<Frame>> {
    println!("one line on stdout");
    eprintln!("one line on stderr");
    println!();
    print!("no end of line on stdout");
    eprint!("no end of line on stderr");
    let _ = std::io::stdout().flush();
    Ok(Vec::new())
}
