//! The calls that a component can answer: one file for each service, with the functions that it calls.

mod answers;
mod data;
mod data_batch;
mod data_chunked;
mod diagnostics;
mod packets;
mod resource;
mod stream;

pub(crate) use self::answers::Answered;
pub(crate) use self::resource::ResourceRequest;
pub(crate) use self::stream::{Ask, StreamReply, StreamRequest};
