//! Where in a component something happened: the author's own function, as far as the engine's backtrace knows its name.

use std::fmt;

use wasmtime::{FrameInfo, WasmBacktrace};

use crate::text;

/// How many bytes of a function's name are shown.
const MAX_NAME: usize = 128;

/// How many bytes of a file's name are shown.
const MAX_FILE: usize = 128;

/// How long a name may be that is decoded. Generic code can have names of any length.
const MAX_MANGLED: usize = 2048;

/// How many frames a backtrace must have before it may show a recursion. It has no more than 20.
const MANY_FRAMES: usize = 16;

/// The beginnings of the names of functions that an author did not write: they report a panic, allocate memory, or pass
/// data to the host.
const MACHINERY: &[&str] = &[
    "core::",
    "std::",
    "alloc::",
    "<core::",
    "<std::",
    "<alloc::",
    "<&core::",
    "<&std::",
    "<&alloc::",
    "__",
    "_abort",
    "abort",
    "rust_",
    "dlmalloc",
    "dlfree",
    "malloc",
    "calloc",
    "realloc",
    "free",
    "memcpy",
    "memmove",
    "memset",
    "operator new",
    "cabi_",
    "compiler_builtins::",
    "gpx_sdk::",
    "<gpx_sdk::",
    "wit_bindgen",
    "runtime.",
];

/// A function, and the line in it if the component has debug information.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct CodePlace {
    pub function: String,
    line: Option<String>,
}

/// A name as its author wrote it.
struct Demangled<'a>(&'a str);

/// Returns where something went wrong: the innermost function that the author wrote.
pub(super) fn of_failure(error: &wasmtime::Error) -> Option<CodePlace> {
    let frames = frames(error);
    let mut places = frames.iter().flat_map(places).peekable();
    let innermost = places.peek().map(|place| place.function.clone());
    let own = places.find(|place| !is_machinery(&place.function));
    own.or_else(|| Some(CodePlace { function: innermost?, line: None }))
}

/// Returns the function that calls itself, if a few functions fill the whole backtrace.
pub(super) fn of_recursion(error: &wasmtime::Error) -> Option<CodePlace> {
    let frames = frames(error);
    let same =
        |a: &FrameInfo, b: &FrameInfo| a.func_index() == b.func_index() && a.func_name() == b.func_name();
    let times = |frame: &FrameInfo| frames.iter().filter(|other| same(frame, other)).count();
    let repeated = frames.iter().filter(|frame| times(frame) > 1).count();
    if frames.len() < MANY_FRAMES || repeated < MANY_FRAMES {
        return None;
    }
    let mut recursing: Vec<_> = frames.iter().filter(|frame| times(frame) > 1).collect();
    recursing.sort_by_key(|frame| std::cmp::Reverse(times(frame)));
    let mut places = recursing.into_iter().flat_map(places).peekable();
    let first = places.peek().map(|place| place.function.clone());
    let own = places.find(|place| !is_machinery(&place.function));
    own.or_else(|| Some(CodePlace { function: first?, line: None }))
}

fn frames(error: &wasmtime::Error) -> &[FrameInfo] {
    error.downcast_ref::<WasmBacktrace>().map_or(&[], WasmBacktrace::frames)
}

/// Returns the functions of a frame, those that were inlined first.
fn places(frame: &FrameInfo) -> Vec<CodePlace> {
    let symbols = frame.symbols().iter().filter_map(|symbol| {
        let line = symbol.file().zip(symbol.line()).map(|(file, line)| {
            let start = file.ceil_char_boundary(file.len().saturating_sub(MAX_FILE));
            format!("{}:{line}", file.get(start..).unwrap_or_default())
        });
        Some(CodePlace { function: name(symbol.name()?), line })
    });
    let mut places: Vec<_> = symbols.collect();
    if places.is_empty() {
        let function = frame.func_name().map_or_else(|| format!("function {}", frame.func_index()), name);
        places.push(CodePlace { function, line: None });
    }
    places
}

fn is_machinery(name: &str) -> bool {
    MACHINERY.iter().any(|beginning| name.starts_with(beginning))
}

/// Returns a function's name without what compilers add to it.
fn name(name: &str) -> String {
    let name = match name.len() {
        ..=MAX_MANGLED => text::written(format_args!("{}", Demangled(name)), MAX_MANGLED),
        _ => text::shorten(name.to_owned(), MAX_NAME),
    };
    text::shorten(without_hashes(&name).replace(char::is_control, " "), MAX_NAME)
}

/// Removes `::h0123456789abcdef` from the end, and `[0123456789abcdef]` after the name of a crate.
fn without_hashes(name: &str) -> String {
    let is_hash = |text: &str| text.len() >= 8 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    let name = match name.rsplit_once("::h") {
        Some((name, hash)) if is_hash(hash) => name,
        _ => name,
    };
    let mut rest = name;
    let mut kept = String::new();
    while let Some((before, after)) = rest.split_once('[') {
        kept.push_str(before);
        match after.split_once(']') {
            Some((hash, after)) if is_hash(hash) => rest = after,
            _ => {
                kept.push('[');
                rest = after;
            }
        }
    }
    kept + rest
}

// === impl CodePlace ===

impl fmt::Display for CodePlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.function)?;
        self.line.as_ref().map_or(Ok(()), |line| write!(f, " ({line})"))
    }
}

// === impl Demangled ===

impl fmt::Display for Demangled<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        wasmtime_environ::demangle_function_name(f, self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_what_its_author_wrote() {
        for (raw, written) in [
            ("rows", "rows"),
            ("prices::rows::h0123456789abcdef", "prices::rows"),
            ("_ZN6prices4rows17h0123456789abcdefE", "prices::rows"),
            ("prices[846817f741e54dfd]::rows::<[u8; 3]>", "prices::rows::<[u8; 3]>"),
            ("_ZN6prices4rowsEv", "prices::rows()"),
            ("a\nb", "a b"),
        ] {
            assert_eq!(name(raw), written);
        }
        assert!(name(&"x".repeat(100_000)).len() <= MAX_NAME);
        assert!(name(&"é".repeat(MAX_MANGLED / 2)).len() <= MAX_NAME);
    }

    #[test]
    fn a_place_has_its_line_if_it_is_known() {
        let place = |line: Option<&str>| {
            CodePlace { function: "prices::rows".to_owned(), line: line.map(str::to_owned) }.to_string()
        };
        assert_eq!(place(Some("src/lib.rs:7")), "prices::rows (src/lib.rs:7)");
        assert_eq!(place(None), "prices::rows");
    }

    #[test]
    fn an_authors_trait_is_not_machinery() {
        assert!(is_machinery("<alloc::vec::Vec<T> as core::ops::Index<I>>::index"));
        assert!(is_machinery("core::panicking::panic_fmt"));
        assert!(!is_machinery("<prices::Rows as core::fmt::Debug>::fmt"));
        assert!(!is_machinery("prices::rows"));
    }
}
