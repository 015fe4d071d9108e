//! Random numbers that a seed determines: SHA-256 of the seed and a counter. A recording has only the seed, whatever amount of
//! numbers the component asks for.

use std::convert::Infallible;

use rand_core::TryRng;
use sha2::{Digest as _, Sha256};

/// The numbers of one interface.
pub(crate) struct TapedRandom {
    seed: [u8; 32],
    interface: u8,
    blocks: u64,
    block: [u8; 32],
    /// How much of the block is used.
    used: usize,
}

// === impl TapedRandom ===

impl TapedRandom {
    pub(crate) fn new(seed: [u8; 32], interface: u8) -> Self {
        Self { seed, interface, blocks: 0, block: [0; 32], used: 32 }
    }

    fn fill(&mut self, bytes: &mut [u8]) {
        for byte in bytes {
            if self.used == self.block.len() {
                let block = Sha256::new().chain_update(self.seed).chain_update([self.interface]);
                self.block = block.chain_update(self.blocks.to_le_bytes()).finalize().into();
                (self.blocks, self.used) = (self.blocks + 1, 0);
            }
            *byte = self.block.get(self.used).copied().unwrap_or_default();
            self.used += 1;
        }
    }

    fn array<const N: usize>(&mut self) -> [u8; N] {
        let mut bytes = [0; N];
        self.fill(&mut bytes);
        bytes
    }

    /// Returns a number of 16 bytes.
    pub(crate) fn number(&mut self) -> u128 {
        u128::from_le_bytes(self.array())
    }
}

impl TryRng for TapedRandom {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        Ok(u32::from_le_bytes(self.array()))
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        Ok(u64::from_le_bytes(self.array()))
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Infallible> {
        self.fill(bytes);
        Ok(())
    }
}
