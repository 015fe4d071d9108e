use crate::budget::Limits;
use crate::plugin::CallError;
use crate::plugin::test::{Asker, Guest, LIMITS, Loaded, directory};

fn a() -> Asker {
    Asker::of("a")
}

async fn failure(loaded: &Loaded, script: &str) -> String {
    loaded.ask(&a().to(script)).await.unwrap_err().to_string()
}

#[tokio::test]
async fn each_failure_is_told_in_one_sentence_with_its_function() {
    let loaded = Loaded::new().await;
    for (script, told) in [
        ("trap", "failed: it aborted in command without a message (wasm `unreachable` instruction)"),
        ("divide 0", "failed: it divided an integer by zero in command"),
        (
            "outside",
            "failed: it accessed memory that is not its own in command (out of bounds memory access)",
        ),
        (
            "recurse",
            "stack overflowed: it recursed too deep in recurse, and its calls may take 512 KiB; \
             let it recurse less, or use a loop",
        ),
        (
            "sink",
            "stack overflowed: it recursed too deep in sink, and the stack that it was linked with is used up; \
             let it recurse less, or use a loop",
        ),
        ("err Error: no rows\ntrap", "failed: it aborted in command; it printed: Error: no rows"),
        ("spans 20001", "holds more than 4000 handles at once; drop those that are no longer needed"),
        ("rows 4294967295", "failed: it passed a list or string that is not within its memory"),
    ] {
        let text = failure(&loaded, script).await;
        let text = text.strip_prefix("the plugin ").or(text.strip_prefix("the plugin's ")).unwrap();
        assert_eq!(text, told, "{script}");
    }
    for line in loaded.lines.json() {
        let shown = [&line["@message"], &line["error"]].map(ToString::to_string);
        assert!(!shown.iter().any(|text| text.contains("backtrace")), "{line}");
    }
}

#[tokio::test]
async fn too_much_data_at_once_is_told_with_its_limit() {
    let loaded = Loaded::with(&Limits { memory_max: 256 << 20, memory_total: 512 << 20, ..LIMITS }).await;
    let text = failure(&loaded, "need 2080\nrows 1088000000").await;
    assert_eq!(
        text,
        "the plugin passed more than 128 MiB to the host at once; return or send less at a time"
    );
}

#[tokio::test]
async fn memory_that_a_guest_did_without_is_not_blamed() {
    let loaded = Loaded::with(&Limits { memory_max: 2 << 20, ..LIMITS }).await;
    let aborted =
        "the plugin failed: it aborted in command without a message (wasm `unreachable` instruction)";
    assert_eq!(failure(&loaded, "try 32\nout on\ntrap").await, aborted);
    loaded.ask(&a().to("try 32")).await.unwrap();
    assert_eq!(failure(&loaded, "trap").await, aborted, "it was refused in another call");
    let text = failure(&loaded, "try 32\nout on\nerr memory allocation of 5 bytes failed\ntrap").await;
    assert_eq!(text, "the plugin needs more than 2 MiB; raise gpx_memory_max if that is expected");
    let text = failure(&loaded, "try 32\nerr thread main panicked at a.rs:1:2:\nerr no rows\ntrap").await;
    assert_eq!(text, "the plugin panicked: no rows (a.rs:1:2, in command)");
}

#[tokio::test]
async fn a_failure_while_a_component_starts_is_told_like_any_other() {
    let cpu = Limits { cpu_timeout: std::time::Duration::from_millis(30), ..LIMITS };
    let memory = Limits { memory_max: 2 << 20, ..LIMITS };
    for (guest, limits, told) in [
        (
            Guest::starting("unreachable"),
            &LIMITS,
            "could not be started: it aborted in starting without a message",
        ),
        (
            Guest::starting("(drop (call $recurse))"),
            &LIMITS,
            "stack overflowed: it recursed too deep in recurse",
        ),
        (
            Guest::starting("(loop (br 0))"),
            &cpu,
            "computed for more than 30ms; raise gpx_cpu_timeout if it needs more",
        ),
        (
            Guest::starting("(if (i32.eq (memory.grow (i32.const 32)) (i32.const -1)) (then unreachable))"),
            &memory,
            "could not be started: it aborted in starting after more than 2 MiB of memory was refused; \
             raise gpx_memory_max",
        ),
    ] {
        let (_directory, file) = directory(&guest.bytes());
        let Err(error) = Loaded::from_file(&file, false, limits).await.0 else { panic!("{told}") };
        assert!(error.to_string().contains(told), "{error}: {told}");
    }
}

#[tokio::test]
async fn a_fault_of_any_length_is_shortened() {
    let loaded = Loaded::new().await;
    let error = loaded.ask(&a().to("fail-long 20000000")).await.unwrap_err();
    let CallError::Fault(fault) = &error else { panic!("{error}") };
    assert!((8000..=8192).contains(&fault.message.len()) && fault.message.ends_with("x…"));
    for line in loaded.lines.json() {
        assert!(line.to_string().len() < 10_000);
    }
}
