//! Long and deep texts, and any others.

use super::super::super::limit::NESTING;
use super::super::super::pace::PIECE;
use super::super::super::sample::Random;
use super::*;
use crate::budget::{MemoryAccount, MemoryKind};

#[test]
fn nothing_in_an_error_is_long() {
    let long = "x".repeat(10_000);
    for text in [
        format!(r#"{{"{long}":1}}"#),
        format!(r#"{{"min":"{long}"}}"#),
        format!(r#"{{"min":1{}}}"#, "0".repeat(10_000)),
        format!(r#"{{"custom":{{"{long}":1e999}}}}"#),
        format!(r#"{{"custom":{}1e999{}}}"#, r#"{"a":"#.repeat(1000), "}".repeat(1000)),
        format!(r#"{{"custom":{{"{}":1}}}}"#, "x".repeat(70_000)),
    ] {
        let error = refused(&text, &FIELD_CONFIG);
        assert!(error.len() < 500, "{error}");
    }
}

#[test]
fn documents_may_be_deep_but_not_deeper_than_go_reads() {
    let nested = |depth: usize| format!(r#"{{"custom":{{"a":{}{}}}}}"#, "[".repeat(depth), "]".repeat(depth));
    let deepest = nested(NESTING - 2);
    assert_eq!(written(&deepest, &FIELD_CONFIG, Style::Html).0.as_deref(), Ok(deepest.as_str()));
    for depth in [NESTING - 1, NESTING + PIECE, 1 << 22] {
        let error = refused(&nested(depth), &FIELD_CONFIG);
        assert_eq!(error, "config is nested more than 9900 levels deep; make it flatter");
    }
}

#[test]
fn everything_long_takes_many_steps() {
    const PIECES: usize = 20;
    let of = |text: String| written(&text, &FRAME_META, Style::Html).1;
    let text = "x".repeat(PIECES * PIECE);
    let elements = "0,".repeat(PIECES * PIECE / 2);
    let members: String = (0..PIECES * PIECE / 8).map(|key| format!("\"{key:x}\":0,")).collect();
    for count in [
        of(format!(r#"{{"path":"{text}"}}"#)),
        of(format!(r#"{{"custom":[{elements}0]}}"#)),
        of(format!(r#"{{"custom":{{{members}"z":0}}}}"#)),
        of(format!(r#"{{"uniqueRowIdFields":[{elements}0]}}"#)),
        of(format!(r#"{{"custom":[{}0]}}"#, format!("0.{},", "1".repeat(60_000)).repeat(PIECES))),
        of(format!(r#"{{{}"path":""}}"#, r#""path":"","#.repeat(PIECES * PIECE / 10))),
    ] {
        assert!(count >= 3 * PIECES, "{count} polls");
    }
}

#[test]
fn what_a_document_costs_is_paid_and_given_back() {
    let text = format!(r#"{{"custom":[{}0]}}"#, "0,".repeat(1 << 20));
    for (total, is_enough) in [(1 << 20, false), (256 << 20, true)] {
        let account = MemoryAccount::new(total);
        let mut pace = Pace::paid_by(Some(account.owner().nothing(MemoryKind::Answers)));
        let (checked, _) = polls(check(&text, &FRAME_META, &mut pace));
        assert_eq!(checked.is_ok(), is_enough);
        assert!(is_enough || matches!(checked, Err(Unusable::Full(Full::Memory(_)))));
        assert_eq!(account.used(MemoryKind::Answers), 0);
    }
}

#[test]
fn whatever_is_accepted_is_written_as_json_that_stays_the_same() {
    const PARTS: &[&str] = &[
        "{",
        "}",
        "[",
        "]",
        ",",
        ":",
        "null",
        "1",
        "-0.0",
        "1e6",
        "\"\"",
        "\"a\\u0062\"",
        "true",
        "\"unit\":",
        "\"custom\":",
        "\"type\":",
        "\"stats\":[",
        "\"mappings\":[{",
        "\"options\":{",
        "\"type\":\"value\"",
        "\"thresholds\":{",
        "\"steps\":[{",
        "\"value\":",
        "\"links\":[{",
        "\"internal\":{",
        "}]",
        "}]}",
    ];
    let mut random = Random::new();
    let mut accepted = 0;
    for _ in 0..200_000 {
        let text: String =
            (0..random.below(9)).map(|_| PARTS[random.below(PARTS.len() as u64) as usize]).collect();
        let text = format!("{{{text}}}");
        for root in [&FRAME_META, &FIELD_CONFIG] {
            for style in [Style::Html, Style::Standard] {
                if let (Ok(once), _) = written(&text, root, style) {
                    assert_eq!(written(&once, root, style).0.as_deref(), Ok(once.as_str()), "{text}");
                    accepted += 1;
                }
            }
        }
    }
    assert!(accepted > 4_000, "{accepted} were accepted");
}
