//! A trace on a terminal: one line per span, indented under its parent, with its position in time.

use super::{Span, Trace};

/// The width of the timeline, in columns.
const WIDTH: u64 = 32;

/// Returns a line for every span, with its duration, a bar and the attribute that matters to a reader.
pub fn waterfall(trace: &Trace) -> String {
    let start = trace.spans.iter().map(|span| span.start).min().unwrap_or_default();
    let end = trace.spans.iter().map(|span| span.end).max().unwrap_or_default();
    let mut rows = Vec::new();
    for root in trace.roots() {
        descend(trace, root, "", "", &mut rows);
    }
    let widest = rows.iter().map(|(name, _)| name.chars().count()).max().unwrap_or_default();
    let lines = rows.iter().map(|(name, span)| {
        let pad = widest - name.chars().count();
        let took = duration(span.end.saturating_sub(span.start));
        let mark = if span.status == "error" { " ✗ " } else { "" };
        format!("{name}{:pad$}  {took:>9}  {}{mark}{}", "", bar(span, start, end), note(span))
    });
    lines.map(|line| line.trim_end().to_owned() + "\n").collect()
}

pub fn duration(nanoseconds: u64) -> String {
    match nanoseconds {
        0..1_000_000 => format!("{:.0} µs", nanoseconds as f64 / 1e3),
        1_000_000..1_000_000_000 => format!("{:.2} ms", nanoseconds as f64 / 1e6),
        _ => format!("{:.2} s", nanoseconds as f64 / 1e9),
    }
}

fn descend<'a>(
    trace: &'a Trace,
    span: &'a Span,
    indent: &str,
    below: &str,
    rows: &mut Vec<(String, &'a Span)>,
) {
    rows.push((format!("{indent}{}", span.name), span));
    let children = trace.children(span);
    for (number, child) in children.iter().enumerate() {
        let last = number + 1 == children.len();
        let (mark, stem) = if last { ("└ ", "  ") } else { ("├ ", "│ ") };
        descend(trace, child, &format!("{below}{mark}"), &format!("{below}{stem}"), rows);
    }
}

fn bar(span: &Span, start: u64, end: u64) -> String {
    let whole = (end - start).max(1);
    let column = |time: u64| (time.saturating_sub(start) * WIDTH / whole).min(WIDTH);
    let from = column(span.start).min(WIDTH - 1);
    let to = column(span.end).max(from + 1);
    format!(
        "│{}{}{}│",
        " ".repeat(from as usize),
        "█".repeat((to - from) as usize),
        " ".repeat((WIDTH - to) as usize)
    )
}

/// Returns the attribute that distinguishes similar spans, and why the span failed.
fn note(span: &Span) -> String {
    let keys = ["query.ref_id", "http.url", "request_status", "rpc.response.status_code", "http.status_code"];
    let mut words: Vec<String> = keys
        .iter()
        .filter_map(|key| span.attributes.get(*key))
        .map(|value| value.as_str().map_or_else(|| value.to_string(), str::to_owned))
        .collect();
    if !span.status_message.is_empty() {
        words.push(span.status_message.clone());
    }
    format!(" {}", words.join("  "))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn span(name: &str, id: &str, parent: &str, start: u64, end: u64) -> Span {
        Span {
            name: name.into(),
            span_id: id.into(),
            parent_id: parent.into(),
            start,
            end,
            ..Default::default()
        }
    }

    #[test]
    fn draws_parents_above_children() {
        let trace = Trace::new(vec![
            span("inner", "3", "2", 2_000_000, 3_000_000),
            span("call", "1", "0", 0, 4_000_000),
            span("query", "2", "1", 1_000_000, 4_000_000),
        ]);
        let text = waterfall(&trace);
        let names: Vec<_> = text.lines().map(|line| line.split("  ").next().unwrap()).collect();
        assert_eq!(names, ["call", "└ query", ""], "{text}");
        assert!(text.contains("└ inner") && text.contains("1.00 ms"), "{text}");
    }
}
