//! Takes the packets of a stream for the test, until it has enough.

use std::cell::RefCell;
use std::rc::Rc;

use super::fake::current;

pub(crate) use crate::bindings::base::gpx::plugin::packets::{Packet, SendError};

/// What was sent, in order.
pub(crate) type Sent = Rc<RefCell<Vec<Packet>>>;

#[derive(Debug)]
pub(crate) struct PacketSender {
    sent: Sent,
    /// How many packets are taken before the last subscriber leaves.
    most: usize,
}

// === impl PacketSender ===

impl PacketSender {
    pub(crate) fn new(sent: &Sent, most: usize) -> Self {
        Self { sent: Rc::clone(sent), most }
    }

    pub(crate) fn send(&self, packet: &Packet) -> Result<(), SendError> {
        let mut sent = self.sent.borrow_mut();
        if sent.len() >= self.most {
            return Err(SendError::Closed);
        }
        sent.push(packet.clone());
        if sent.len() == self.most
            && let Some(fake) = current()
        {
            fake.leave();
        }
        Ok(())
    }
}
