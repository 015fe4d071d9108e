//! A plugin that admits and converts objects: one behaviour for each kind, or for each version that is asked for. The twin on
//! the Go SDK has some of them, too.

mod admission;
mod conversion;

use gpx_sdk::{Fault, Plugin, Result, Settings, SettingsKind};

struct Objects {
    kind: SettingsKind,
}

gpx_sdk::plugin!(Objects: admission, conversion, query_conversion; secrets: ["token"]);

impl Plugin for Objects {
    fn open(settings: Settings) -> Result<Self> {
        match settings.database() {
            "fault" => return Err(Fault::new(418, "open failed on purpose")),
            "panic" => panic!("open panicked on purpose"),
            _ => {}
        }
        Ok(Self { kind: settings.kind() })
    }
}
