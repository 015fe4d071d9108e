//! Frames as people read them.

use gpx_client::frame::{Cell, Field, Frame};
use serde_json::Value;

use crate::moment::rfc3339;
use crate::terminal::{Output, shown};

/// The most characters of a line, as far as one column does not have more, and of a cell.
const LINE: usize = 200;
const CELL: usize = 60;

/// Shows a frame: a column for each field with its name, its type and unit, and its labels.
pub(crate) fn show(frame: &Frame, number: usize, limit: usize, output: &mut Output) -> std::io::Result<()> {
    let paint = output.paint();
    let (rows, fields) = (frame.rows(), frame.fields.len());
    let name = format!("frame {number} {}", shown(&frame.name));
    let size = format!("{}, {}", count(rows, "row"), count(fields, "field"));
    output.line(format_args!("  {}  {}", paint.bold(name.trim_end()), paint.faint(size)))?;
    for notice in notices(frame) {
        output.line(format_args!("  {}", paint.yellow(notice)))?;
    }
    let limit = if limit == 0 { rows } else { limit };
    let mut columns: Vec<_> = frame.fields.iter().map(Column::of).collect();
    for row in frame.cells().take(limit) {
        columns.iter_mut().zip(row).for_each(|(column, value)| column.push(cell(value)));
    }
    let mut width = 0;
    let fitting = columns.iter().position(|column| {
        width += 2 + column.width;
        width > LINE
    });
    columns.truncate(fitting.unwrap_or(fields).max(1));
    let labelled = columns.iter().any(|column| column.heads.last().is_some_and(|labels| !labels.is_empty()));
    for head in 0..if labelled { 3 } else { 2 } {
        let text = line(&columns, |column| column.heads.get(head));
        output.line(if head == 0 { paint.bold(text) } else { paint.faint(text) })?;
    }
    for row in 0..rows.min(limit) {
        output.line(line(&columns, |column| column.cells.get(row)))?;
    }
    if rows > limit {
        let more = count(rows - limit, "more row");
        output.line(paint.faint(format_args!("  … {more}; --rows 0 shows all")))?;
    }
    if fields > columns.len() {
        let more = count(fields - columns.len(), "more field");
        output.line(paint.faint(format_args!("  … {more}; --format csv prints all")))?;
    }
    Ok(())
}

struct Column {
    /// The name, the type with the unit, and the labels.
    heads: [String; 3],
    cells: Vec<String>,
    width: usize,
    is_number: bool,
}

// === impl Column ===

impl Column {
    fn of(field: &Field) -> Self {
        let unit = field.unit().map(|unit| format!(" ({})", shown(unit))).unwrap_or_default();
        let label = |(name, value): (&String, &String)| format!("{}={}", shown(name), shown(value));
        let labels: Vec<_> = field.labels.iter().map(label).collect();
        let heads = [shown(&field.name), format!("{}{unit}", shown(&field.kind)), labels.join(" ")].map(cut);
        let width = heads.iter().map(|text| text.chars().count()).max();
        let is_number = ["int", "uint", "float"].iter().any(|kind| field.kind.starts_with(kind));
        Self { heads, cells: Vec::new(), width: width.unwrap_or_default(), is_number }
    }

    fn push(&mut self, cell: String) {
        let cell = cut(cell);
        self.width = self.width.max(cell.chars().count());
        self.cells.push(cell);
    }
}

fn line<'a>(columns: &'a [Column], text: impl Fn(&'a Column) -> Option<&'a String>) -> String {
    let mut line = String::new();
    for column in columns {
        let (text, width) = (text(column).map(String::as_str).unwrap_or_default(), column.width);
        line.push_str("  ");
        line.push_str(&if column.is_number { format!("{text:>width$}") } else { format!("{text:width$}") });
    }
    line.trim_end().to_owned()
}

pub(crate) fn count(number: usize, what: &str) -> String {
    if number == 1 { format!("1 {what}") } else { format!("{number} {what}s") }
}

fn cell(cell: Cell<'_>) -> String {
    match cell {
        Cell::Null => "null".to_owned(),
        Cell::Bool(value) => value.to_string(),
        Cell::Int(value) => value.to_string(),
        Cell::Uint(value) => value.to_string(),
        // Shortest, with an exponent where that is shorter to read.
        Cell::Float32(value) => format!("{value:?}"),
        Cell::Float64(value) => format!("{value:?}"),
        Cell::Text(text) => shown(text),
        Cell::Bytes(bytes) => shown(&String::from_utf8_lossy(bytes)),
        Cell::Time(nanoseconds) => rfc3339(nanoseconds),
    }
}

fn cut(mut text: String) -> String {
    if let Some((place, _)) = text.char_indices().nth(CELL) {
        text.truncate(place);
        text.push('…');
    }
    text
}

/// What the plugin wants people to know about a frame.
fn notices(frame: &Frame) -> Vec<String> {
    let notices = frame.meta.as_ref().and_then(|meta| meta.get("notices")?.as_array());
    let text = |notice: &Value| {
        let word = |key: &str| notice.get(key).and_then(Value::as_str).map(shown);
        Some(format!("{}: {}", word("severity").unwrap_or_else(|| "info".to_owned()), word("text")?))
    };
    notices.into_iter().flatten().filter_map(text).collect()
}
