//! What a failure of the engine means, in words for the person who reads the panel.

use wasmtime::Trap;
use wasmtime::component::ResourceTableError;

use super::place::{CodePlace, of_failure, of_recursion};
use super::{CallError, Evidence};
use crate::budget::{GUEST_STACK, Refused};
use crate::capability::http::MAX_FIELDS;
use crate::plugin::instance::state::MAX_RANDOM;
use crate::text::{self, MAX_REASON};

/// How many bytes of an error of the engine's are shown.
const MAX_ENGINE_TEXT: usize = 512;

/// How many printed lines are shown of a component that aborts, and how many bytes of them.
const SHOWN_LINES: usize = 4;
const MAX_SHOWN: usize = 1024;

/// How many bytes of a panic's location are shown.
const MAX_LOCATION: usize = 256;

impl CallError {
    /// Returns what it means that a call did not return.
    pub(in crate::plugin) fn from_trap(error: &wasmtime::Error, evidence: Evidence<'_>) -> Self {
        let printed = evidence.printed;
        let panicked = printed.iter().rposition(|line| line.contains(" panicked at "));
        let refused = evidence.refused.or(evidence.refused_earlier);
        if let Some(failed) = printed.iter().rposition(|line| is_failed_allocation(line, refused.is_some()))
            && panicked.is_none_or(|panicked| failed > panicked)
        {
            return refused.map_or_else(|| Self::out_of_memory(printed.get(failed)), Self::from);
        }
        if let Some(panicked) = panicked {
            return Self::Panicked(panic(printed, panicked, of_failure(error)));
        }
        match error.downcast_ref::<Trap>() {
            Some(trap) => Self::from_guests_trap(*trap, error, evidence),
            None => Self::from_engines_error(error, evidence),
        }
    }

    /// Returns what it means that an instance could not be made.
    pub(in crate::plugin) fn from_failed_start(error: &wasmtime::Error, evidence: Evidence<'_>) -> Self {
        match Self::from_trap(error, evidence) {
            Self::Trapped(what) => Self::NotStarted(what),
            other => other,
        }
    }

    fn out_of_memory(line: Option<&String>) -> Self {
        let line = line.map_or("", String::as_str);
        Self::OutOfMemory(text::shorten(line.to_owned(), MAX_ENGINE_TEXT))
    }

    /// Returns what an instruction that failed means.
    fn from_guests_trap(trap: Trap, error: &wasmtime::Error, evidence: Evidence<'_>) -> Self {
        let place = of_failure(error);
        let at = place.as_ref().map_or_else(String::new, |place| format!(" in {place}"));
        let recursion = of_recursion(error);
        let engine = engine_text(error);
        Self::Trapped(match trap {
            Trap::StackOverflow => {
                let at = recursion.or(place).map_or_else(String::new, |place| format!(" in {place}"));
                let kib = GUEST_STACK >> 10;
                return Self::StackOverflow(format!(
                    "it recursed too deep{at}, and its calls may take {kib} KiB"
                ));
            }
            Trap::MemoryOutOfBounds if let Some(place) = recursion => {
                return Self::StackOverflow(format!(
                    "it recursed too deep in {place}, and the stack that it was linked with is used up"
                ));
            }
            Trap::MemoryOutOfBounds => format!("it accessed memory that is not its own{at} ({engine})"),
            Trap::TableOutOfBounds | Trap::IndirectCallToNull | Trap::BadSignature => {
                format!("it called a function by an invalid pointer{at} ({engine})")
            }
            Trap::IntegerDivisionByZero => format!("it divided an integer by zero{at}"),
            Trap::IntegerOverflow => format!("the quotient of two integers is too large{at} ({engine})"),
            Trap::BadConversionToInteger => {
                format!("it converted a float to an integer that cannot hold it{at} ({engine})")
            }
            Trap::StringOutOfBounds | Trap::ListOutOfBounds => {
                format!("it passed a list or string that is not within its memory{at} ({engine})")
            }
            Trap::UnreachableCodeReached => format!("it aborted{at}{}", aborted(evidence)),
            _ => format!("it broke a rule of the engine{at} ({engine})"),
        })
    }

    /// Returns what it means that the engine or the host refused to go on.
    fn from_engines_error(error: &wasmtime::Error, evidence: Evidence<'_>) -> Self {
        let engine = engine_text(error);
        if let Some(refused) = error.downcast_ref::<Refused>() {
            return (*refused).into();
        }
        if let Some(refused) = evidence
            .refused
            .filter(|_| engine.ends_with("exceeds memory limits") || engine.ends_with("exceeds table limits"))
        {
            return refused.into();
        }
        match error.downcast_ref::<ResourceTableError>() {
            Some(ResourceTableError::Full) => return Self::Handles,
            Some(ResourceTableError::HasChildren) => {
                return Self::Trapped("it dropped a handle before those that depend on it".to_owned());
            }
            Some(ResourceTableError::NotPresent | ResourceTableError::WrongType) => {
                return Self::Trapped("it used a handle that it does not have".to_owned());
            }
            None => {}
        }
        let causes: Vec<_> = error.chain().map(first_line).collect();
        let has = |words: &str| causes.iter().any(|cause| cause.contains(words));
        if has("requested len") && has("exceeds limit") {
            let kib = MAX_RANDOM >> 10;
            return Self::Trapped(format!(
                "it asked for more than {kib} KiB of random bytes at once; ask for less"
            ));
        }
        if has("total size of fields exceeds limit") {
            let kib = MAX_FIELDS >> 10;
            return Self::Trapped(format!(
                "the headers of a message take more than {kib} KiB; send fewer or shorter ones"
            ));
        }
        if has("store handle limit exceeded") {
            return Self::Handles;
        }
        if has("fuel allocated for hostcalls has been exhausted") {
            return Self::PassedAtOnce(evidence.passable);
        }
        if has("out of bounds of memory") {
            return Self::Trapped("it passed a list or string that is not within its memory".to_owned());
        }
        if error.root_cause().is::<std::str::Utf8Error>() || engine.starts_with("invalid utf-8") {
            return Self::Trapped(format!("it passed a string that is not UTF-8 ({engine})"));
        }
        if has("mmap failed") || has("Cannot allocate memory") {
            return Self::AddressSpace;
        }
        let at = of_failure(error).map_or_else(String::new, |place| format!(" (in {place})"));
        Self::Trapped(format!("{engine}{at}"))
    }
}

/// Returns why a component may have aborted: what it printed, and the memory that it did not get.
fn aborted(evidence: Evidence<'_>) -> String {
    let refused = match evidence.refused {
        Some(Refused::Instance { max }) => Some((max, "gpx_memory_max")),
        Some(Refused::Total { total: most } | Refused::Lasting { most }) => Some((most, "gpx_memory_total")),
        Some(Refused::System) => {
            return " after the system had no more memory for it; give Grafana's process more".to_owned();
        }
        None => None,
    };
    if let Some((limit, key)) = refused {
        let mib = limit >> 20;
        return format!(" after more than {mib} MiB of memory was refused; raise {key} if it needs more");
    }
    let first = evidence.printed.len().saturating_sub(SHOWN_LINES);
    match evidence.printed.get(first..) {
        None | Some([]) => " without a message (wasm `unreachable` instruction)".to_owned(),
        Some(lines) => format!("; it printed: {}", text::shorten(lines.join(" "), MAX_SHOWN)),
    }
}

/// Returns whether a component says that it got no memory. Rust, C++, and the runtimes of Go and JavaScript do.
fn is_failed_allocation(line: &str, was_refused: bool) -> bool {
    let rust = line.contains("memory allocation of ") && line.contains(" bytes failed");
    let others = ["bad_alloc", "out of memory", "Out of memory", "OutOfMemory"];
    rust || was_refused && others.iter().any(|words| line.contains(words))
}

/// Returns the message and the place of a Rust panic, from the lines that the standard library prints.
fn panic(printed: &[String], panicked: usize, place: Option<CodePlace>) -> String {
    let line = printed.get(panicked).map_or("", String::as_str);
    let location = line.split(" panicked at ").nth(1).unwrap_or_default().trim_end_matches(':');
    let location = text::shorten(location.to_owned(), MAX_LOCATION);
    let message = printed.iter().skip(panicked + 1).take_while(|line| !line.starts_with("note: "));
    let message = message.map(String::as_str).collect::<Vec<_>>().join(" ");
    let function = place.map_or_else(String::new, |place| format!(", in {}", place.function));
    let room = MAX_REASON.saturating_sub(location.len() + function.len());
    format!("{} ({location}{function})", text::shorten(message, room))
}

/// Returns the engine's own words, without its backtrace.
fn engine_text(error: &wasmtime::Error) -> String {
    let line = first_line(error.root_cause());
    line.strip_prefix("wasm trap: ").map(str::to_owned).unwrap_or(line)
}

/// Returns how an error begins. The names of the component's functions, in a backtrace, come after the first line.
fn first_line(error: &(dyn std::error::Error + 'static)) -> String {
    let words = text::written(format_args!("{error}"), MAX_ENGINE_TEXT);
    words.lines().next().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    const MEMORY: Refused = Refused::Instance { max: 64 << 20 };

    fn lines(text: &str) -> Vec<String> {
        text.lines().map(str::to_owned).collect()
    }

    fn told(error: impl Into<wasmtime::Error>, evidence: Evidence<'_>) -> String {
        CallError::from_trap(&error.into(), evidence).to_string()
    }

    #[test]
    fn a_panic_is_reported_with_its_message_and_location() {
        let printed = lines(
            "thread '<unnamed>' (1) panicked at src/lib.rs:10:5:\nindex out of bounds\nnote: run with RUST_BACKTRACE=1",
        );
        let evidence = Evidence { printed: &printed, ..Evidence::default() };
        let text = "the plugin panicked: index out of bounds (src/lib.rs:10:5)";
        assert_eq!(told(Trap::UnreachableCodeReached, evidence), text);
    }

    #[test]
    fn a_panic_keeps_its_location_however_long_its_message_is() {
        let printed = lines(&format!("thread 'main' panicked at src/lib.rs:10:5:\n{}", "x".repeat(1 << 20)));
        let text = told(Trap::UnreachableCodeReached, Evidence { printed: &printed, ..Evidence::default() });
        assert!(text.len() < MAX_REASON + 100 && text.ends_with("x… (src/lib.rs:10:5)"), "{}", text.len());
    }

    #[test]
    fn memory_that_was_refused_explains_a_failed_allocation_whenever_it_was() {
        let printed = lines("memory allocation of 65536 bytes failed");
        let just_now = Evidence { printed: &printed, refused: Some(MEMORY), ..Evidence::default() };
        let earlier = Evidence { refused: None, refused_earlier: Some(MEMORY), ..just_now };
        for evidence in [just_now, earlier] {
            let text = "the plugin needs more than 64 MiB; raise gpx_memory_max if that is expected";
            assert_eq!(told(Trap::UnreachableCodeReached, evidence), text);
        }
        let nothing = Evidence { printed: &printed, ..Evidence::default() };
        let text = told(Trap::UnreachableCodeReached, nothing);
        assert!(
            text.contains("ran out of memory: memory allocation of 65536") && text.contains("gpx_memory_max")
        );
    }

    #[test]
    fn memory_that_a_component_did_without_explains_nothing_else() {
        let evidence = Evidence { refused_earlier: Some(MEMORY), ..Evidence::default() };
        let panic = lines("thread 'main' panicked at a.rs:1:1:\nno rows");
        let all = [Trap::UnreachableCodeReached, Trap::IntegerDivisionByZero, Trap::MemoryOutOfBounds];
        for trap in all {
            assert!(!told(trap, evidence).contains("memory_max"));
            assert!(!told(trap, Evidence { printed: &panic, ..evidence }).contains("memory_max"));
        }
        let just_now = Evidence { refused: Some(MEMORY), ..Evidence::default() };
        assert!(!told(Trap::IntegerDivisionByZero, just_now).contains("memory_max"));
        let text = "the plugin failed: it aborted after more than 64 MiB of memory was refused; \
                    raise gpx_memory_max if it needs more";
        assert_eq!(told(Trap::UnreachableCodeReached, just_now), text);
    }

    #[test]
    fn what_a_component_printed_explains_its_abort() {
        let printed = lines("1\n2\n3\n4\nTypeError: no such function");
        let evidence = Evidence { printed: &printed, ..Evidence::default() };
        let text = "the plugin failed: it aborted; it printed: 2 3 4 TypeError: no such function";
        assert_eq!(told(Trap::UnreachableCodeReached, evidence), text);
    }

    #[test]
    fn what_the_engine_and_the_host_refuse_is_told_in_words() {
        let no = Evidence::default();
        let full = told(ResourceTableError::Full, no);
        assert!(full.contains("handles") && full.contains("drop"), "{full}");
        let text = "too much data is being copied between the host and the guest: \
                    fuel allocated for hostcalls has been exhausted";
        let passed = told(wasmtime::Error::msg(text), Evidence { passable: 128 << 20, ..no });
        assert!(passed.contains("128 MiB") && !passed.contains("fuel"), "{passed}");
        let space = wasmtime::Error::msg("Cannot allocate memory (os error 12)")
            .context("mmap failed to reserve 0x180000000 bytes");
        let space = told(space, no);
        assert!(space.contains("address space") && !space.contains("mmap"), "{space}");
    }

    #[test]
    fn a_failed_start_is_told_as_one() {
        let error = wasmtime::Error::msg("resource limit exceeded: memory count too high at 10001\nmore");
        let text = "the plugin could not be started: resource limit exceeded: memory count too high at 10001";
        assert_eq!(CallError::from_failed_start(&error, Evidence::default()).to_string(), text);
        let limit = wasmtime::Error::msg("table minimum size of 1000 elements exceeds table limits");
        let evidence = Evidence { refused: Some(MEMORY), ..Evidence::default() };
        let told = CallError::from_failed_start(&limit, evidence).to_string();
        assert!(told.starts_with("the plugin needs more than 64 MiB"), "{told}");
    }
}
