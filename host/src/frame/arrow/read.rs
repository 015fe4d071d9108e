//! A reader of flatbuffers for this room's tests: only what the format says, nothing of the crate that writes them.

/// A table somewhere in `buffer`.
#[derive(Clone, Copy)]
pub(super) struct Table<'a> {
    buffer: &'a [u8],
    at: usize,
}

// === impl Table ===

impl<'a> Table<'a> {
    pub(super) fn root(buffer: &'a [u8]) -> Table<'a> {
        Table { buffer, at: number(buffer, 0, 4) as usize }
    }

    /// Where the member lies, if the table has it.
    fn member(&self, slot: usize) -> Option<usize> {
        let vtable = self.at.wrapping_add_signed(-(number(self.buffer, self.at, 4) as i32 as isize));
        if 4 + 2 * slot >= number(self.buffer, vtable, 2) as usize {
            return None;
        }
        let offset = number(self.buffer, vtable + 4 + 2 * slot, 2) as usize;
        (offset != 0).then_some(self.at + offset)
    }

    /// A number of `width` bytes; aligned, as flatbuffers' readers rely on.
    pub(super) fn number(&self, slot: usize, width: usize) -> i64 {
        let at = self.member(slot).expect("the member is there");
        assert_eq!(at % width, 0, "slot {slot} is aligned");
        number(self.buffer, at, width)
    }

    /// The start of what the member points at.
    fn target(&self, slot: usize) -> usize {
        let at = self.member(slot).expect("the member is there");
        at + number(self.buffer, at, 4) as usize
    }

    pub(super) fn table(&self, slot: usize) -> Table<'a> {
        Table { at: self.target(slot), ..*self }
    }

    pub(super) fn text(&self, slot: usize) -> &'a str {
        let at = self.target(slot);
        let len = number(self.buffer, at, 4) as usize;
        std::str::from_utf8(&self.buffer[at + 4..at + 4 + len]).unwrap()
    }

    pub(super) fn tables(&self, slot: usize) -> Vec<Table<'a>> {
        let at = self.target(slot);
        let items = (0..number(self.buffer, at, 4) as usize).map(|i| at + 4 + 4 * i);
        items.map(|item| Table { at: item + number(self.buffer, item, 4) as usize, ..*self }).collect()
    }

    /// A list of structs of `N` numbers of 64 bits.
    pub(super) fn structs<const N: usize>(&self, slot: usize) -> Vec<[i64; N]> {
        let at = self.target(slot);
        assert_eq!((at + 4) % 8, 0, "structs are aligned");
        let items = (0..number(self.buffer, at, 4) as usize).map(|i| at + 4 + 8 * N * i);
        items.map(|item| std::array::from_fn(|i| number(self.buffer, item + 8 * i, 8))).collect()
    }
}

/// A little-endian number of `width` bytes.
pub(super) fn number(buffer: &[u8], at: usize, width: usize) -> i64 {
    let mut bytes = [0; 8];
    bytes[..width].copy_from_slice(&buffer[at..at + width]);
    i64::from_le_bytes(bytes)
}
