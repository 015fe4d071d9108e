//! A plugin without services. The host answers `Unimplemented` to every call.

use gpx_sdk::{Plugin, Result, Settings};

struct Minimal;

impl Plugin for Minimal {
    fn open(_: Settings) -> Result<Self> {
        Ok(Self)
    }
}

gpx_sdk::plugin!(Minimal);
