use bytes::Bytes;
use wasmtime_wasi::cli::StdoutStream as _;

use crate::call::User;
use crate::log::Log;
use crate::plugin::instance::output::Output;
use crate::plugin::test::{Asker, Guest, Loaded};
use crate::text::Scrub;

/// The longest line that is logged in one piece, in bytes.
const LONGEST: usize = 8192;

fn write(output: &Output, bytes: &[u8]) {
    output.p2_stream().write(Bytes::copy_from_slice(bytes)).unwrap();
}

/// Prints the chunks, and returns the log's lines from before and from after the end of the call.
fn printed(pieces: &[&[u8]]) -> (Vec<String>, Vec<String>) {
    let (log, lines) = Log::memory();
    let output = Output::stdout(log, Scrub::default());
    for piece in pieces {
        write(&output, piece);
    }
    let messages = || -> Vec<String> {
        lines.json().iter().map(|line| line["@message"].as_str().unwrap().to_owned()).collect()
    };
    let before = messages();
    output.finish();
    let after = messages().split_off(before.len());
    (before, after)
}

#[test]
fn a_line_is_assembled_from_its_chunks() {
    let (lines, rest) = printed(&[b"one\ntw", b"", b"o\ncaf\xc3", b"\xa9\nfour"]);
    assert_eq!(lines, ["one", "two", "caf\u{e9}"]);
    assert_eq!(rest, ["four"], "the end of a call ends a line");
}

#[test]
fn empty_lines_and_trailing_white_space_are_skipped() {
    let (lines, rest) = printed(&[b"\n\r\n \n  one \r\n\n", b"  "]);
    assert_eq!(lines, ["  one"]);
    assert!(rest.is_empty(), "{rest:?}");
}

#[test]
fn no_secret_is_cut_with_a_line_that_is_too_long() {
    let secret = "0123456789abcdef".repeat(4);
    for before in [LONGEST - 70, LONGEST - 60, LONGEST - 1, LONGEST, 3 * LONGEST - 30] {
        for piece in [1, 1000, usize::MAX] {
            let (log, lines) = Log::memory();
            let output = Output::stdout(log, Scrub::new([secret.as_str()]));
            let text = format!("{}{secret}{}", "x".repeat(before), "y".repeat(2 * LONGEST));
            text.as_bytes().chunks(piece.min(text.len())).for_each(|chunk| write(&output, chunk));
            output.finish();
            let lines: Vec<_> =
                lines.json().iter().map(|line| line["@message"].as_str().unwrap().to_owned()).collect();
            let all = lines.concat();
            assert!(
                lines.iter().all(|line| line.len() <= LONGEST) && all.matches("[secret]").count() == 1,
                "{before} {piece}"
            );
            assert_eq!(all.replace("[secret]", "").replace(['x', 'y', '…'], ""), "", "{before} {piece}");
        }
    }
}

#[test]
fn invalid_utf_8_is_replaced() {
    let (lines, _) = printed(&[b"a\xff\xfeb\n\xc3\n"]);
    assert_eq!(lines, ["a\u{fffd}\u{fffd}b", "\u{fffd}"]);
}

#[test]
fn a_line_that_never_ends_is_cut_and_not_buffered() {
    for piece in [100, LONGEST - 1, 10 * LONGEST] {
        let text = vec![b'x'; 10 * LONGEST];
        let pieces: Vec<_> = text.chunks(piece).collect();
        let (lines, rest) = printed(&pieces);
        assert!(lines.iter().chain(&rest).all(|line| line.len() <= LONGEST));
        // Only the last line may still wait for its end.
        assert!(lines.len() >= 9 && rest.len() <= 1, "{} and {} of {piece}", lines.len(), rest.len());
    }
}

#[test]
fn the_two_streams_do_not_mix() {
    let (log, lines) = Log::memory();
    let (out, err) = (Output::stdout(log.clone(), Scrub::default()), Output::stderr(log, Scrub::default()));
    write(&out, b"one");
    write(&err, b"two\n");
    write(&out, b" and three\n");
    let lines = lines.json();
    let seen: Vec<_> = lines
        .iter()
        .map(|line| ["@message", "@level", "stream"].map(|field| line[field].as_str().unwrap()))
        .collect();
    assert_eq!(seen, [["two", "warn", "stderr"], ["one and three", "info", "stdout"]]);
}

#[test]
fn secrets_are_replaced() {
    let (log, lines) = Log::memory();
    let output = Output::stdout(log, Scrub::new(["hunter2"]));
    write(&output, b"the password is hun");
    write(&output, b"ter2\n");
    assert_eq!(lines.json()[0]["@message"], "the password is [secret]");
}

#[tokio::test]
async fn a_line_belongs_to_the_call_that_printed_it() {
    let guest = Guest::describing("(call $print-line (call $stderr) 'described')");
    let loaded = Loaded::of(guest).await;
    let mut asker = Asker::of("a");
    asker.settings().json_data = "out opened".into();
    for (user, script) in [("ann", "out-part half a line"), ("bob", "err a whole one")] {
        asker.context.user = Some(User { name: user.to_owned(), ..Default::default() });
        loaded.ask(&asker.to(script)).await.unwrap();
    }
    let who = |message| {
        let lines = loaded.logged(message);
        let [line] = lines.as_slice() else { panic!("{lines:?}") };
        (line["uname"].clone(), line["stream"].clone())
    };
    assert_eq!(who("described"), (serde_json::Value::Null, "stderr".into()));
    assert_eq!(who("opened"), ("ann".into(), "stdout".into()));
    assert_eq!(who("half a line"), ("ann".into(), "stdout".into()));
    assert_eq!(who("a whole one"), ("bob".into(), "stderr".into()));
}

#[tokio::test]
async fn what_a_call_printed_before_a_trap_is_logged() {
    let loaded = Loaded::new().await;
    loaded.ask(&Asker::of("a").to("out-part so far\nerr-part and here\ntrap")).await.unwrap_err();
    for message in ["so far", "and here"] {
        let lines = loaded.logged(message);
        assert!(matches!(lines.as_slice(), [line] if line["dsUid"] == "a"), "{message}: {lines:?}");
    }
}

#[tokio::test]
async fn a_flood_is_cut_into_lines() {
    // 40 960 bytes, none of which ends a line or is UTF-8.
    let loaded = Loaded::new().await;
    loaded.ask(&Asker::of("a").to("flood 10")).await.unwrap();
    let lines = loaded.lines.json();
    let flood = lines.iter().filter(|line| line["stream"] == "stdout");
    assert_eq!(flood.count(), 5);
}

#[test]
fn the_lines_that_are_kept_to_explain_a_panic_are_few_and_short() {
    let (log, _lines) = Log::memory();
    let (out, err) = (Output::stdout(log.clone(), Scrub::default()), Output::stderr(log, Scrub::default()));
    for number in 0..1000 {
        write(&err, format!("{number}\n").as_bytes());
        write(&out, b"not kept\n");
    }
    assert_eq!(err.finish(), (984..1000).map(|number| number.to_string()).collect::<Vec<_>>());
    assert!(out.finish().is_empty());
    for _ in 0..16 {
        write(&err, "x".repeat(LONGEST).as_bytes());
        write(&err, b"\nthe last\n");
    }
    let kept = err.finish();
    assert!(kept.iter().map(String::len).sum::<usize>() <= 2 * LONGEST && kept.len() > 2, "{}", kept.len());
    assert_eq!(kept.last().unwrap(), "the last");
}
