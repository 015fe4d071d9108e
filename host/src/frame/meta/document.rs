//! A JSON text with an index of its values, which can then be read in another order than they are written in.

use super::super::draft::{Full, PAYMENT};
use super::super::limit::NESTING;
use super::super::pace::{PIECE, Pace, drop_buffer};
use crate::budget::Charge;

/// The text and its values. Where a method takes a value, it is the value's number.
pub(super) struct Document<'a> {
    text: &'a [u8],
    /// In the order of the text. Keys count as values.
    nodes: Vec<Node>,
    _paid: Option<Charge>,
}

/// A value of a document.
#[derive(Clone, Copy)]
pub(super) enum Token<'a> {
    Null,
    Flag(bool),
    /// As it is written.
    Number(&'a [u8]),
    /// As it is written, without the quotes.
    Text(&'a [u8]),
    List,
    Object,
}

/// Why a text has no document.
pub(super) enum Unread {
    Deep,
    Full(Full),
}

#[derive(Clone, Copy)]
struct Node {
    /// Where it begins.
    at: u32,
    /// For a list or an object: the number of the value after it and all that is in it. For others: where it ends.
    to: u32,
}

/// Where the reader is.
#[derive(Clone, Copy, PartialEq)]
enum Inside {
    Nothing,
    Text,
    Escape,
    /// A number, or `true`, `false` or `null`.
    Word,
}

/// The number of the outermost value.
pub(super) const ROOT: usize = 0;

/// What a node costs at most: twice its size while the list of them grows, and its number three times while keys are sorted.
const COST: usize = 2 * size_of::<Node>() + 3 * size_of::<u32>();

// === impl Document ===

impl<'a> Document<'a> {
    /// Reads a text that is valid JSON.
    pub(super) async fn read(text: &'a str, pace: &mut Pace) -> Result<Self, Unread> {
        let text = text.as_bytes();
        if u32::try_from(text.len()).is_err() {
            return Err(Unread::Full(Full::Limit));
        }
        let mut document = Document { text, nodes: Vec::new(), _paid: pace.take_paid(0) };
        let (mut inside, mut open) = (Inside::Nothing, Vec::new());
        let mut paid = PAYMENT;
        for (piece, start) in text.chunks(PIECE).zip((0..).step_by(PIECE)) {
            for (byte, at) in piece.iter().zip(start..) {
                inside = document.after(inside, *byte, at, &mut open);
                if open.len() > NESTING {
                    return Err(Unread::Deep);
                }
            }
            while document.nodes.len() * COST > paid {
                let grown = document._paid.as_mut().map_or(Ok(()), |memory| memory.try_grow(PAYMENT));
                grown.map_err(|refused| Unread::Full(Full::Memory(refused)))?;
                paid += PAYMENT;
            }
            pace.spend(piece.len()).await;
        }
        if inside == Inside::Word {
            document.end(text.len());
        }
        Ok(document)
    }

    /// Reads one more byte.
    fn after(&mut self, inside: Inside, byte: u8, at: usize, open: &mut Vec<u32>) -> Inside {
        match (inside, byte) {
            (Inside::Text, b'"') => {
                self.end(at);
                Inside::Nothing
            }
            (Inside::Text, b'\\') => Inside::Escape,
            (Inside::Text | Inside::Escape, _) => Inside::Text,
            (Inside::Word, b',' | b']' | b'}' | b' ' | b'\t' | b'\n' | b'\r') => {
                self.end(at);
                self.after(Inside::Nothing, byte, at, open)
            }
            (Inside::Word, _) => Inside::Word,
            (Inside::Nothing, b',' | b':' | b' ' | b'\t' | b'\n' | b'\r') => Inside::Nothing,
            (Inside::Nothing, b']' | b'}') => {
                let next = self.nodes.len() as u32;
                if let Some(node) = open.pop().and_then(|number| self.nodes.get_mut(number as usize)) {
                    node.to = next;
                }
                Inside::Nothing
            }
            (Inside::Nothing, _) => {
                if matches!(byte, b'[' | b'{') {
                    open.push(self.nodes.len() as u32);
                }
                self.nodes.push(Node { at: at as u32, to: 0 });
                match byte {
                    b'[' | b'{' => Inside::Nothing,
                    b'"' => Inside::Text,
                    _ => Inside::Word,
                }
            }
        }
    }

    /// Ends the value that began last.
    fn end(&mut self, at: usize) {
        if let Some(node) = self.nodes.last_mut() {
            node.to = at as u32;
        }
    }

    pub(super) fn len(&self) -> usize {
        self.nodes.len()
    }

    pub(super) fn token(&self, value: usize) -> Token<'a> {
        let Some(Node { at, to }) = self.nodes.get(value) else { return Token::Null };
        let (at, to) = (*at as usize, *to as usize);
        match self.text.get(at) {
            Some(b'{') => Token::Object,
            Some(b'[') => Token::List,
            Some(b'"') => Token::Text(self.text.get(at + 1..to).unwrap_or_default()),
            Some(b't') => Token::Flag(true),
            Some(b'f') => Token::Flag(false),
            Some(b'n') | None => Token::Null,
            Some(_) => Token::Number(self.text.get(at..to).unwrap_or_default()),
        }
    }

    /// Returns a key or a string as it is written, without the quotes.
    pub(super) fn raw(&self, value: usize) -> &'a [u8] {
        match self.token(value) {
            Token::Text(raw) => raw,
            _ => &[],
        }
    }

    /// Returns how many bytes are read to know what a value means, apart from what is in it.
    pub(super) fn width(&self, value: usize) -> usize {
        match self.token(value) {
            Token::Number(text) | Token::Text(text) => text.len(),
            _ => 0,
        }
    }

    pub(super) fn is_null(&self, value: usize) -> bool {
        matches!(self.token(value), Token::Null)
    }

    /// Returns the number of what follows a value and all that is in it.
    pub(super) fn next(&self, value: usize) -> usize {
        match (self.token(value), self.nodes.get(value)) {
            (Token::List | Token::Object, Some(node)) => (node.to as usize).max(value + 1),
            _ => value + 1,
        }
    }

    /// Returns the first value in a list, or the first key of an object, if there is one.
    pub(super) fn first(&self, value: usize) -> Option<usize> {
        (self.next(value) > value + 1).then_some(value + 1)
    }
}

impl Drop for Document<'_> {
    fn drop(&mut self) {
        drop_buffer(std::mem::take(&mut self.nodes));
    }
}

// === impl Unread ===

impl From<Unread> for Full {
    /// A text that was read once before is not too deep.
    fn from(unread: Unread) -> Self {
        match unread {
            Unread::Deep => Self::Limit,
            Unread::Full(full) => full,
        }
    }
}
