//! Grafana's side of the plugin protocol: starts a plugin, calls it, receives its spans, and reads its frames.
//!
//! It is for the author's tool and for the tests, and shares no code with the host: only the files in `proto/`.

pub mod call;
mod calls;
pub mod channel;
pub mod collector;
pub mod environment;
pub mod frame;
pub mod handshake;
pub mod log;
pub mod trace;

pub use self::call::Call;
pub use self::channel::Channel;
pub use self::handshake::Handshake;
pub use tonic::{Code, Status, Streaming};

/// Code generated from `proto/`.
#[expect(clippy::allow_attributes_without_reason, reason = "generated")]
pub mod proto {
    pub mod pluginv2 {
        tonic::include_proto!("pluginv2");
    }
    pub mod go_plugin {
        tonic::include_proto!("plugin");
    }
}
