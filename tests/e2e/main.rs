//! End-to-end tests: the packaged plugin as a child process, called as Grafana calls it. `cargo xtask test` builds
//! what they need; see `tests/harness` for what they are written with.

mod data_source;
mod faults;
mod guest_faults;
mod handshake;
mod health;
mod isolated;
mod limits;
mod load;
mod log;
mod package;
mod peer;
mod query;
mod resource;
mod secrets;
mod shutdown;
mod spans;
mod trace;
