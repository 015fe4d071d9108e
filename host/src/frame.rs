//! Frames on their way to Grafana: a component's columns are checked once, and encoded in one of the two formats that
//! Grafana reads.
//!
//! A component decides how much work that is, so all work here is done in small steps (`pace`). Other calls use the
//! thread in between, and the code that polls can stop the work at the call's deadline, or when its processor time is
//! used up.

use bytes::Bytes;

use crate::budget::{Charge, MemoryKind, OwnerMemory, Refused};
use crate::capability::bindings::gpx::plugin::frames::{Column, Frame};
use encoding::Encoding;
use error::Mistake;
use pace::Pace;

pub(crate) use chunk::{FieldTypes, Include};
pub(crate) use error::FrameError;
pub(crate) use limit::FRAMES as MAX_FRAMES;
pub(crate) use packet::{PacketMistake, check_json};
pub(crate) use room::Room;

mod arrow;
mod check;
mod chunk;
mod draft;
mod encoding;
mod error;
mod escape;
#[cfg(any(test, feature = "fuzz"))]
pub(crate) mod fuzz;
mod grammar;
mod json;
mod limit;
mod meta;
mod number;
mod pace;
mod packet;
mod room;
#[cfg(test)]
mod sample;
mod shown;
mod table;
#[cfg(test)]
mod tests;
mod weight;

/// What Grafana asked for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Format {
    /// An Arrow IPC file.
    Arrow,
    /// Grafana's own JSON object of a schema and columns.
    Json,
}

/// Encodes the frames of an answer. If a frame has no refId, `ref_id` is used.
///
/// The future yields after every 64 KiB of work, which takes a fraction of a millisecond. A small answer is ready at
/// the first poll. The future may be dropped at any time. It owns the frames because freeing large ones takes too long
/// for a thread that serves calls.
///
/// `memory` is what the frames are charged for. What is encoded is charged to the same owner, until it is dropped.
pub(crate) async fn encode(
    frames: Vec<Frame>,
    ref_id: &str,
    format: Format,
    memory: Charge,
) -> Result<Vec<Bytes>, FrameError> {
    encode_within(limit::ANSWER, frames, ref_id, format, Include::All, memory).await
}

/// Encodes the frames of an answer that shares `room` with others. An answer that fails takes none of it. Otherwise, all
/// that holds for [`encode`] holds here.
pub(crate) async fn encode_beside_others(
    frames: Vec<Frame>,
    ref_id: &str,
    format: Format,
    memory: Charge,
    room: &mut Room,
) -> Result<Vec<Bytes>, FrameError> {
    encode_in(room, frames, ref_id, format, Include::All, memory).await
}

/// Encodes a frame, or rows that follow. All that holds for [`encode`] holds here.
pub(crate) async fn encode_chunk(
    frame: Frame,
    ref_id: &str,
    include: Include,
    format: Format,
    memory: Charge,
) -> Result<Bytes, FrameError> {
    let encoded = encode_within(limit::ANSWER, vec![frame], ref_id, format, include, memory).await?;
    Ok(encoded.into_iter().next().unwrap_or_default())
}

/// Encodes a frame of a stream, or a part of it, as JSON. All that holds for [`encode`] holds here.
pub(crate) async fn encode_packet(
    frame: Frame,
    include: Include,
    memory: Charge,
) -> Result<Bytes, PacketMistake> {
    let has_json = frame.fields.iter().any(|field| matches!(field.column, Column::Json(_)));
    let encoded = encode_chunk(frame, "", include, Format::Json, memory).await?;
    if has_json {
        packet::check(&encoded, &mut Pace::paid_by(None)).await?;
    }
    Ok(encoded)
}

/// Charges what has been encoded while it waits for its reader: as much as is free in each call. What is beyond that has been
/// paid for while it was encoded.
pub(crate) async fn paid_while_it_waits(encoded: Bytes, memory: &OwnerMemory) -> Result<Bytes, Refused> {
    let mut waiting = memory.nothing(MemoryKind::Answers);
    waiting.grow(encoded.len().min(draft::PAYMENT)).await?;
    Ok(waiting.keep(encoded))
}

/// Returns the memory of the frames, in bytes, or a little less.
pub(crate) fn weight(frames: &[Frame]) -> usize {
    weight::weight(frames)
}

async fn encode_within(
    limit: usize,
    frames: Vec<Frame>,
    ref_id: &str,
    format: Format,
    include: Include,
    memory: Charge,
) -> Result<Vec<Bytes>, FrameError> {
    encode_in(&mut Room::of(limit), frames, ref_id, format, include, memory).await
}

async fn encode_in(
    room: &mut Room,
    frames: Vec<Frame>,
    ref_id: &str,
    format: Format,
    include: Include,
    mut memory: Charge,
) -> Result<Vec<Bytes>, FrameError> {
    let count = frames.len();
    let encoded = Vec::with_capacity(count.min(limit::FRAMES));
    let lifted = Some(memory.split(usize::MAX));
    let mut encoding = Encoding { frames, encoded, lifted, is_small: false };
    let Encoding { frames, encoded, is_small, .. } = &mut encoding;
    if count > limit::FRAMES {
        return Err(FrameError::in_answer(ref_id, Mistake::ManyFrames(count)));
    }
    if count > room.frames {
        let all = limit::FRAMES - room.frames + count;
        return Err(FrameError::in_answer(ref_id, Mistake::ManyFramesInAll(all)));
    }
    let mut pace = Pace::paid_by(Some(memory)).with_free(room.free);
    let mut left = room.bytes;
    for frame in frames {
        let table = check::check(frame, ref_id, &mut pace).await?;
        let result = match format {
            Format::Arrow => arrow::encode(&table, left, &mut pace).await,
            Format::Json => json::encode(&table, include, left, &mut pace).await.map_err(Mistake::from),
        };
        let bytes = result.map_err(|mistake| FrameError::in_frame(table.name, table.ref_id, mistake))?;
        left = left.saturating_sub(bytes.len());
        encoded.push(bytes);
    }
    *is_small = !pace.has_yielded();
    *room = Room { bytes: left, frames: room.frames - count, free: pace.free() };
    Ok(std::mem::take(encoded))
}
