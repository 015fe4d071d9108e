//! The calls that a component may be asked to answer: a file for each service, with what it makes of an instance.

mod data;
mod diagnostics;
mod resource;
