//! What happens whenever control passes between a guest and the host: how much may be passed, and who pays for it.

use wasmtime::{CallHook, StoreContextMut};

use super::state::State;
use crate::budget::{Charge, MemoryKind};

/// How much a component may pass to one function of the host, in bytes. The copy is not charged: there are no more of them
/// at once than threads.
pub(super) const ARGUMENTS: usize = 2 << 20;

/// How much a component's answer may take once it is lifted, in bytes.
const ANSWER: usize = 128 << 20;

/// An instance with more memory than this is worth dropping idle ones for its answer.
const LARGE: usize = 2 << 20;

/// What an answer may always have, since it needs no more than a small part of an instance.
const SMALL_ANSWER: usize = 256 << 10;

/// An answer may take this many times the component's memory. The place of a string or a list is larger in the host, but
/// what an answer was made from is in that memory, too. Only one that passes parts of it many times over needs more.
const LARGER_IN_HOST: usize = 2;

/// What is paid for a byte of an answer: what the allocator adds to short strings is as much as they are.
const PAID: usize = 2;

/// Called by the engine.
pub(super) fn cross(mut store: StoreContextMut<'_, State>, to: CallHook) -> wasmtime::Result<()> {
    match to {
        CallHook::CallingWasm => {
            let crossing = &mut store.data_mut().crossing;
            crossing.depth += 1;
            // What came back was not the answer, but memory for arguments.
            crossing.lifting = None;
            store.set_hostcall_fuel(ARGUMENTS);
        }
        CallHook::ReturningFromWasm => {
            let state = store.data_mut();
            state.crossing.depth = state.crossing.depth.saturating_sub(1);
            if state.crossing.depth == 0 {
                let fuel = state.pay_for_answer();
                store.set_hostcall_fuel(fuel);
            }
        }
        CallHook::CallingHost => {}
        CallHook::ReturningFromHost => store.data_mut().left_host()?,
    }
    Ok(())
}

// === impl State ===

impl State {
    /// Returns what was paid for the answer that has been lifted.
    pub(super) fn paid_for_answer(&mut self) -> Charge {
        self.crossing.lifting.take().unwrap_or_else(|| self.memory.owner().nothing(MemoryKind::Answers))
    }

    /// Charges the owner for the answer that is about to be lifted. Returns how large it may be: as large as makes sense for
    /// the component's memory, or as there is memory for.
    fn pay_for_answer(&mut self) -> usize {
        let linear = self.memory.footprint().linear();
        let owner = self.memory.owner();
        let most = linear.saturating_mul(LARGER_IN_HOST).clamp(SMALL_ANSWER, ANSWER);
        let mut paid = owner.charge_if_free(MemoryKind::Answers, PAID * most);
        if linear > LARGE {
            paid = paid.or_else(|| owner.try_charge(MemoryKind::Answers, PAID * most).ok());
        }
        let mut bytes = most;
        while paid.is_none() && bytes > SMALL_ANSWER {
            bytes = (bytes / 2).max(SMALL_ANSWER);
            paid = owner.charge_if_free(MemoryKind::Answers, PAID * bytes);
        }
        self.crossing.lifting = paid;
        bytes
    }
}
