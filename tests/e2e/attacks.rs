//! Attacks: a component takes as much as it can of memory, handles, time and the host's work. Whatever it does, the
//! process stays within its limits, other data sources are answered, and afterwards everything is given back.
//!
//! What is asserted is counted, never timed.

mod answers;
mod cliff;
mod descriptors;
mod ends;
mod floods;
mod handles;
mod idle;
mod memory;
mod order;
mod responses;
mod siege;
mod streams;
mod upstream;
