//! Zip archives (PKWARE's APPNOTE.TXT 6.3.10) that depend on nothing but their files: no times, no owners.

use std::io::Write as _;

use anyhow::{Context as _, Result};
use flate2::Compression;
use flate2::write::DeflateEncoder;

#[derive(Default)]
pub(crate) struct Zip {
    bytes: Vec<u8>,
    /// The central directory (4.3.12).
    directory: Vec<u8>,
    files: u16,
}

/// Version 2.0: deflate, and folders.
const NEEDED: u16 = 20;

/// Made on Unix, so that permissions count.
const MADE_BY: u16 = 3 << 8 | NEEDED;

/// Names are UTF-8 (4.4.4, bit 11).
const UTF_8: u16 = 1 << 11;

const DEFLATED: u16 = 8;

/// 1980-01-01, the first day that the format knows.
const DATE: u16 = 1 << 5 | 1;

// === impl Zip ===

impl Zip {
    pub(crate) fn add(&mut self, name: &str, content: &[u8], is_executable: bool) -> Result<()> {
        let mut encoder = DeflateEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(content)?;
        let packed = encoder.finish()?;
        let size = |bytes: usize| u32::try_from(bytes).context("the archive has more than 4 GiB");
        let (offset, packed_size, size) =
            (size(self.bytes.len())?, size(packed.len())?, size(content.len())?);
        let name_size = u16::try_from(name.len()).context("a file's name is too long")?;
        self.files = self.files.checked_add(1).context("the archive has more than 65,535 files")?;
        // What both headers have.
        let mut common = Vec::new();
        for number in [NEEDED, UTF_8, DEFLATED, 0, DATE] {
            common.extend(number.to_le_bytes());
        }
        for number in [crc32fast::hash(content), packed_size, size] {
            common.extend(number.to_le_bytes());
        }
        common.extend(name_size.to_le_bytes());
        common.extend(0_u16.to_le_bytes());

        self.bytes.extend(b"PK\x03\x04");
        self.bytes.extend(&common);
        self.bytes.extend(name.as_bytes());
        self.bytes.extend(packed);

        self.directory.extend(b"PK\x01\x02");
        self.directory.extend(MADE_BY.to_le_bytes());
        self.directory.extend(common);
        // No comment, the first disk, no kind.
        self.directory.extend([0; 6]);
        let mode: u32 = if is_executable { 0o100_755 } else { 0o100_644 };
        self.directory.extend((mode << 16).to_le_bytes());
        self.directory.extend(offset.to_le_bytes());
        self.directory.extend(name.as_bytes());
        Ok(())
    }

    pub(crate) fn finish(mut self) -> Result<Vec<u8>> {
        let size = |bytes: usize| u32::try_from(bytes).context("the archive has more than 4 GiB");
        let (offset, length) = (size(self.bytes.len())?, size(self.directory.len())?);
        self.bytes.extend(&self.directory);
        self.bytes.extend(b"PK\x05\x06\0\0\0\0");
        self.bytes.extend(self.files.to_le_bytes());
        self.bytes.extend(self.files.to_le_bytes());
        self.bytes.extend(length.to_le_bytes());
        self.bytes.extend(offset.to_le_bytes());
        self.bytes.extend([0; 2]);
        Ok(self.bytes)
    }
}
