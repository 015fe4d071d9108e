//! Components in the text format, for attacks that no compiler produces: `component.wat` explains them.

use std::fmt::Write as _;

/// Where [`Answer`] is in memory, in bytes; before it, `component.wat` keeps its own.
const ANSWER: usize = 64 << 10;

/// A column whose values are whatever is in memory, which is zeros.
#[derive(Clone, Copy)]
pub enum Column {
    Booleans {
        rows: usize,
    },
    /// Texts without any bytes, except that the last one has `bytes`.
    Texts {
        rows: usize,
        bytes: usize,
    },
    /// One text whose offsets are `from` and `to`, and whose bytes are `bytes`.
    Text {
        from: usize,
        to: usize,
        bytes: usize,
    },
}

/// `frames` frames, all of which are the same one in memory, with `fields` fields that are the same one too.
#[derive(Clone, Copy)]
pub struct Answer {
    pub frames: usize,
    pub fields: usize,
    pub column: Column,
}

/// Returns a component with these items in its module, and whose queries run these instructions.
pub fn component(items: &str, query: &str, pages: usize) -> Vec<u8> {
    component_with("", items, query, pages)
}

/// Returns such a component that has more core modules and instances. The module with the index 0 is the usual one.
pub fn component_with(modules: &str, items: &str, query: &str, pages: usize) -> Vec<u8> {
    let text = include_str!("component.wat").replace("(; items ;)", items).replace("(; query ;)", query);
    let text = text.replace("(; modules ;)", modules).replace("(; pages ;)", &pages.to_string());
    wat::parse_str(text).expect("a component")
}

// === impl Answer ===

impl Answer {
    /// Returns a component that answers each query with this.
    pub fn component(self) -> Vec<u8> {
        // The lists of answers, frames and fields are real; what is in them is not copied.
        let answer = ANSWER + 16;
        let frames = answer + 36;
        let fields = frames + self.frames * 36;
        let texts = fields + self.fields * 64;
        let (case, words, used) = match self.column {
            Column::Booleans { rows } => (2, vec![rows, texts, rows.div_ceil(8)], rows.div_ceil(8)),
            Column::Texts { rows, bytes } | Column::Text { to: rows, bytes, .. } => {
                let rows = if matches!(self.column, Column::Text { .. }) { 1 } else { rows };
                let offsets = rows + 1;
                (1, vec![texts, offsets, texts + offsets * 4, bytes], offsets * 4 + bytes)
            }
        };
        let mut image = words_of(&[0, answer, 1, 0]);
        // An empty refId, the frames, and success.
        image.extend(words_of(&[0, 0, frames, self.frames, 0, 0, 0, 0, 0]));
        for _ in 0..self.frames {
            image.extend(words_of(&[0, 0, 0, 0, 0, 0, 0, fields, self.fields]));
        }
        for _ in 0..self.fields {
            // Name, labels, config, validity: empty.
            image.extend(words_of(&[0; 11]));
            image.extend(words_of(&[case]));
            let mut payload = words_of(&words);
            payload.resize(16, 0);
            image.extend(payload);
        }
        match self.column {
            Column::Booleans { .. } => {}
            Column::Texts { rows, bytes } => {
                image.resize(texts - ANSWER + rows * 4, 0);
                image.extend(words_of(&[bytes]));
            }
            Column::Text { from, to, .. } => image.extend(words_of(&[from, to])),
        }
        let mut data = format!("(data (i32.const {ANSWER}) \"");
        for byte in image {
            write!(data, "\\{byte:02x}").expect("writes to memory");
        }
        data.push_str("\")");
        component(&data, &format!("(i32.const {ANSWER})"), (texts + used).div_ceil(64 << 10) + 1)
    }
}

fn words_of(words: &[usize]) -> Vec<u8> {
    words.iter().flat_map(|word| u32::try_from(*word).expect("an address").to_le_bytes()).collect()
}
