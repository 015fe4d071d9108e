//! Counts gRPC messages in the bytes that pass.

/// The prefix of each message: one byte of flags and four bytes of length.
const PREFIX: usize = 5;

/// Where the bytes so far end within a message.
#[derive(Debug, Default)]
pub(super) struct Messages {
    prefix: [u8; PREFIX],
    /// How many bytes of the prefix have arrived.
    known: usize,
    /// How many bytes of the message are still to come.
    left: usize,
}

// === impl Messages ===

impl Messages {
    /// Returns how many messages have their prefix completed by these bytes.
    pub(super) fn begun(&mut self, mut bytes: &[u8]) -> u64 {
        let mut begun = 0;
        loop {
            bytes = match bytes.split_at_checked(self.left) {
                Some((_, rest)) => rest,
                None => {
                    self.left -= bytes.len();
                    return begun;
                }
            };
            self.left = 0;
            let missing = self.prefix.iter_mut().skip(self.known);
            let found = missing.zip(bytes).map(|(place, byte)| *place = *byte).count();
            self.known += found;
            if self.known < PREFIX {
                return begun;
            }
            bytes = bytes.get(found..).unwrap_or_default();
            let [_, length @ ..] = self.prefix;
            self.left = u32::from_be_bytes(length) as usize;
            self.known = 0;
            begun += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::serve::layer::fake::framed;

    #[test]
    fn messages_are_counted_wherever_the_bytes_are_cut() {
        let bytes = [framed(b"hello"), framed(b""), framed(&[0; 300])].concat();
        for size in 1..=bytes.len() {
            let mut messages = Messages::default();
            let begun: u64 = bytes.chunks(size).map(|chunk| messages.begun(chunk)).sum();
            assert_eq!(begun, 3, "chunks of {size}");
        }
    }
}
