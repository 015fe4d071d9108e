//! The calls that a component can answer: one file for each service, with the functions that it calls.

mod data;
mod diagnostics;
mod resource;

pub(crate) use self::resource::ResourceRequest;
