//! Frames as CSV (RFC 4180), with an empty line between two.

use gpx_client::frame::{Cell, Field, Frame};

use crate::moment::rfc3339;
use crate::terminal::Output;

pub(crate) fn print(frame: &Frame, output: &mut Output) -> std::io::Result<()> {
    let mut line = String::new();
    for field in &frame.fields {
        push(&mut line, &head(field));
    }
    end(&mut line, output)?;
    for row in frame.cells() {
        if output.is_gone() {
            break;
        }
        for cell in row {
            match cell {
                Cell::Null => push(&mut line, ""),
                Cell::Text(text) => push(&mut line, text),
                Cell::Bytes(bytes) => push(&mut line, &String::from_utf8_lossy(bytes)),
                Cell::Bool(value) => push(&mut line, &value.to_string()),
                Cell::Int(value) => push(&mut line, &value.to_string()),
                Cell::Uint(value) => push(&mut line, &value.to_string()),
                Cell::Float32(value) => push(&mut line, &format!("{value:?}")),
                Cell::Float64(value) => push(&mut line, &format!("{value:?}")),
                Cell::Time(nanoseconds) => push(&mut line, &rfc3339(nanoseconds)),
            }
        }
        end(&mut line, output)?;
    }
    Ok(())
}

/// `name`, or `name{host="a"}`.
fn head(field: &Field) -> String {
    let labels: Vec<_> = field.labels.iter().map(|(name, value)| format!("{name}={value:?}")).collect();
    if labels.is_empty() { field.name.clone() } else { format!("{}{{{}}}", field.name, labels.join(",")) }
}

fn push(line: &mut String, value: &str) {
    if value.contains([',', '"', '\r', '\n']) {
        line.push('"');
        line.push_str(&value.replace('"', "\"\""));
        line.push('"');
    } else {
        line.push_str(value);
    }
    line.push(',');
}

fn end(line: &mut String, output: &mut Output) -> std::io::Result<()> {
    line.pop();
    line.push_str("\r\n");
    output.bytes(line.as_bytes())?;
    line.clear();
    Ok(())
}
