//! What a frame and its fields say about themselves: Grafana's frame meta and field config.
//!
//! Grafana decodes both into types of its Go SDK, and encodes them again for the browser. If one text does not fit, it
//! fails the whole response, the answers to all queries. So both are checked against those types here (`schema`), and
//! written as the Go SDK writes them: known keys in its order, without what is empty, other keys sorted.
//!
//! A text may have as many bytes as a component can send, so nothing here recurses, and all work is paced.

use super::draft::{Draft, Full};
use super::escape::Style;
use super::grammar::Grammar;
use super::pace::Pace;
use document::{Document, Unread};
use unfit::Wrong;

pub(super) use schema::{FIELD_CONFIG, FRAME_META, Root};
pub(super) use unfit::{Unfit, Unusable};

mod check;
mod document;
mod name;
mod order;
mod schema;
mod string;
#[cfg(test)]
mod tests;
mod time;
mod unfit;
mod write;

/// Checks a text, and returns it unless it is `null`, which Grafana takes for an absent one.
pub(super) async fn check<'a>(
    text: &'a str,
    root: &'static Root,
    pace: &mut Pace,
) -> Result<Option<&'a str>, Unusable> {
    let unfit = |unfit| Unusable::Unfit(Box::new(unfit));
    let valid = Grammar::default().read_all(text.as_bytes(), pace).await;
    valid.map_err(|reason| Unusable::NotJson { what: root.name, reason })?;
    let document = Document::read(text, pace).await.map_err(|unread| match unread {
        Unread::Deep => unfit(Unfit::new(root, Wrong::Deep)),
        Unread::Full(full) => Unusable::Full(full),
    })?;
    check::check(&document, root, pace).await.map_err(unfit)?;
    Ok((!document.is_null(document::ROOT)).then_some(text))
}

/// Appends a checked text as the Go SDK writes it.
pub(super) async fn write(
    draft: &mut Draft<'_>,
    text: &str,
    root: &'static Root,
    style: Style,
) -> Result<(), Full> {
    let document = Document::read(text, draft.pace()).await?;
    write::write(draft, &document, &root.object, style).await
}
