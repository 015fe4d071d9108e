//! End-to-end tests: the packaged plugin runs as a child process and is called as Grafana calls it. `cargo xtask test`
//! builds what they need; `tests/harness` is the library that they use.

mod ahead;
mod answers;
mod apps;
mod attacks;
mod author;
mod chunked;
mod code;
mod data_source;
mod deadline;
mod egress;
mod embed;
mod faults;
mod frames;
mod guest_faults;
mod handshake;
mod har;
mod health;
mod isolated;
mod limits;
mod load;
mod log;
mod machine;
mod metrics;
mod package;
mod parity;
mod peer;
mod query;
mod resource;
mod sandbox;
mod secrets;
mod shutdown;
mod spans;
mod streams;
mod trace;
mod trace_config;
