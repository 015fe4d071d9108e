//! Takes the chunks of an answer for the test.

use std::cell::RefCell;
use std::rc::Rc;

use crate::bindings::base::gpx::plugin::frames::Frame;
use crate::bindings::base::gpx::plugin::types::Fault;

pub(crate) use crate::bindings::base::gpx::plugin::chunks::SendError;

/// The longest refId and the longest id of a frame, in bytes.
const MAX_ID: usize = 1024;

/// What was sent, in order.
pub(crate) type Sent = Rc<RefCell<Vec<Chunk>>>;

pub(crate) enum Chunk {
    Frame { ref_id: String, frame_id: String, frame: Frame },
    Fault { ref_id: String, fault: Fault },
}

#[derive(Debug)]
pub struct ChunkSender(Sent);

// === impl ChunkSender ===

impl ChunkSender {
    pub(crate) fn new(sent: &Sent) -> Self {
        Self(Rc::clone(sent))
    }

    pub(crate) fn send_frame(&self, ref_id: &str, frame_id: &str, frame: &Frame) -> Result<(), SendError> {
        let (id, name) = (identifier(ref_id)?, identifier(frame_id)?);
        self.0.borrow_mut().push(Chunk::Frame { ref_id: id, frame_id: name, frame: frame.clone() });
        Ok(())
    }

    pub(crate) fn send_fault(&self, ref_id: &str, fault: &Fault) -> Result<(), SendError> {
        let ref_id = identifier(ref_id)?;
        self.0.borrow_mut().push(Chunk::Fault { ref_id, fault: fault.clone() });
        Ok(())
    }
}

impl std::fmt::Debug for Chunk {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Frame { ref_id, frame_id, .. } => write!(f, "frame {ref_id} {frame_id}"),
            Self::Fault { ref_id, fault } => write!(f, "fault {ref_id} {}", fault.message),
        }
    }
}

fn identifier(text: &str) -> Result<String, SendError> {
    if text.is_empty() || text.len() > MAX_ID { Err(SendError::Misuse) } else { Ok(text.to_owned()) }
}
