//! A plugin without services. For every call, the host returns `Unimplemented`.

use gpx_sdk::{Plugin, Result, Settings};

struct Minimal;

impl Plugin for Minimal {
    fn open(_: Settings) -> Result<Self> {
        Ok(Self)
    }
}

gpx_sdk::plugin!(Minimal);
