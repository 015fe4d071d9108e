//! The calls that a component can answer: one file for each service, with the functions that it calls.

mod admission;
mod answers;
mod conversion;
mod data;
mod data_batch;
mod data_chunked;
mod denial;
mod diagnostics;
mod packets;
mod resource;
mod stream;

pub(crate) use self::admission::{AdmissionObject, AdmissionRequest, Admitted};
pub(crate) use self::answers::Answered;
pub(crate) use self::conversion::{Conversion, ConversionRequest, JSON, StoredObject};
pub(crate) use self::denial::Denial;
pub(crate) use self::resource::ResourceRequest;
pub(crate) use self::stream::{Ask, StreamReply, StreamRequest};
