//! Takes the answer to a resource call for the test.

use std::cell::RefCell;
use std::rc::Rc;

use crate::bindings::base::gpx::plugin::types::Header;

pub(crate) use crate::bindings::base::gpx::plugin::response::SendError;

/// What was sent.
pub(crate) type Sent = Rc<RefCell<Answer>>;

#[derive(Debug, Default)]
pub(crate) struct Answer {
    /// The status and the headers, once something was sent.
    pub(crate) head: Option<(u16, Vec<Header>)>,
    pub(crate) body: Vec<u8>,
}

#[derive(Debug)]
pub(crate) struct ResponseSender(Sent);

// === impl ResponseSender ===

impl ResponseSender {
    pub(crate) fn new(sent: &Sent) -> Self {
        Self(Rc::clone(sent))
    }

    pub(crate) fn start(&self, status: u16, headers: &[Header]) -> Result<(), SendError> {
        let mut sent = self.0.borrow_mut();
        if sent.head.is_some() || !(100..=599).contains(&status) {
            return Err(SendError::Misuse);
        }
        sent.head = Some((status, headers.to_vec()));
        Ok(())
    }

    pub(crate) fn send(&self, body: &[u8]) -> Result<(), SendError> {
        let mut sent = self.0.borrow_mut();
        sent.head.get_or_insert_with(|| (200, Vec::new()));
        sent.body.extend_from_slice(body);
        Ok(())
    }
}
