//! What the code that `plugin!` generates relies on: the component's exports, as calls of the plugin's traits.

#[cfg(target_arch = "wasm32")]
mod guest;

use std::any::Any;
use std::cell::OnceCell;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::bindings::admission::exports::gpx::plugin::admission as wit_admission;
use crate::bindings::base::exports::gpx::plugin::plugin as wit;
use crate::bindings::base::gpx::plugin::types;
use crate::bindings::conversion::exports::gpx::plugin::conversion as wit_conversion;
use crate::bindings::outgoing::exports::gpx::plugin::outgoing as wit_outgoing;
use crate::chunks::ChunkSender;
use crate::{
    Admission, Answer, Answers, Context, Conversion, Data, DataBatch, DataChunked, Diagnostics, Model,
    Plugin, Query, QueryConversion, Resource, Stream, conversion as sdk_conversion,
};

pub use crate::bindings::base::gpx::plugin::types::Fault as DataFault;
pub use crate::bindings::data::exports::gpx::plugin::data::Guest as DataGuest;
pub use crate::bindings::data::gpx::plugin::queries::{Answer as DataAnswer, Query as DataQuery};
pub use crate::bindings::data_batch::exports::gpx::plugin::data_batch::Guest as DataBatchGuest;
pub use crate::bindings::data_chunked::exports::gpx::plugin::data_chunked::Guest as DataChunkedGuest;
pub use crate::bindings::query_conversion::exports::gpx::plugin::query_conversion::Guest as QueryConversionGuest;
pub use crate::host::chunks::ChunkSender as WitChunkSender;
pub use wit::Manifest;
pub use wit_outgoing::{Additions, Forwarding, SecretHeader};

pub const SDK: &str = concat!("gpx-sdk ", env!("CARGO_PKG_VERSION"));

/// Whether a text is a header with one place for a secret: `Name: value {}`.
pub const fn is_header(text: &str) -> bool {
    let bytes = text.as_bytes();
    let (mut at, mut colon, mut places) = (0, 0, 0);
    while let Some(byte) = byte(bytes, at) {
        if colon == 0 && byte == b':' {
            colon = at;
        } else if colon == 0 && !(byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_') {
            return false;
        } else if byte == b'{' && matches!(self::byte(bytes, at + 1), Some(b'}')) {
            places += 1;
        }
        at += 1;
    }
    colon > 0 && places == 1
}

const fn byte(bytes: &[u8], at: usize) -> Option<u8> {
    if at < bytes.len() {
        #[expect(clippy::indexing_slicing, reason = "checked above, and `get` is not const")]
        Some(bytes[at])
    } else {
        None
    }
}

pub fn secret_header(secret: &str, header: &str) -> SecretHeader {
    let (name, value) = header.split_once(':').unwrap_or((header, ""));
    SecretHeader { secret: secret.to_owned(), header: name.trim().to_owned(), value: value.trim().to_owned() }
}

/// A plugin that is turned into a component.
pub trait Component: Plugin {
    fn manifest() -> Manifest;
    fn additions() -> Additions;
}

// These exist so that a service that is named but not implemented is a readable error.
pub fn plugin<P: Plugin>() {}
pub fn data<P: Data<M, A>, M: Model, A: Into<Answer>>() {}
pub fn data_batch<P: DataBatch<M>, M: Model>() {}
pub fn data_chunked<P: DataChunked<M>, M: Model>() {}
pub fn diagnostics<P: Diagnostics>() {}
pub fn resource<P: Resource>() {}
pub fn stream<P: Stream>() {}
pub fn admission<P: Admission>() {}
pub fn conversion<P: Conversion>() {}
pub fn query_conversion<P: QueryConversion<Old, New>, Old: DeserializeOwned, New: Serialize>() {}

thread_local! {
    /// The one plugin of this component. It lives as long as the component's instance.
    static PLUGIN: OnceCell<&'static dyn Any> = const { OnceCell::new() };
}

fn opened<P: Plugin>() -> Result<&'static P, types::Fault> {
    let plugin = PLUGIN.with(|plugin| plugin.get().copied());
    plugin
        .and_then(|plugin| plugin.downcast_ref())
        .ok_or_else(|| crate::Fault::plugin("the host called the plugin before `open` succeeded").into())
}

impl<P: Component> wit::Guest for P {
    fn describe() -> Manifest {
        P::manifest()
    }

    fn open(settings: wit::Settings) -> Result<(), types::Fault> {
        let opened = <P as Plugin>::open(settings.into())?;
        // A second `open` of one instance is not in the contract: the first plugin stays.
        let _ = PLUGIN.with(|plugin| plugin.set(Box::leak(Box::new(opened))));
        Ok(())
    }
}

impl<P: Component> wit_outgoing::Guest for P {
    fn add() -> Additions {
        P::additions()
    }
}

/// `plugin!` implements the export by this, as only there the compiler finds out which model the plugin names.
pub fn query_data<P: Data<M, A>, M: Model, A: Into<Answer>>(
    query: DataQuery,
) -> Result<Vec<DataAnswer>, DataFault> {
    answer(opened::<P>()?, query)
}

pub fn query_batch<P: DataBatch<M>, M: Model>(queries: Vec<DataQuery>) -> Result<Vec<DataAnswer>, DataFault> {
    answer_batch(opened::<P>()?, queries)
}

pub fn query_chunked<P: DataChunked<M>, M: Model>(
    queries: Vec<DataQuery>,
    chunks: WitChunkSender,
) -> Result<(), DataFault> {
    answer_chunked(opened::<P>()?, queries, &mut chunks.into())
}

/// Answers a query, whoever has opened the plugin.
pub(crate) fn answer<P: Data<M, A>, M: Model, A: Into<Answer>>(
    plugin: &P,
    query: DataQuery,
) -> Result<Vec<DataAnswer>, DataFault> {
    let answer = plugin.query(&Context::default(), &Query::new(query)?)?;
    let mut answers = Vec::new();
    answer.into().write(String::new(), &mut answers);
    Ok(answers)
}

pub(crate) fn answer_batch<P: DataBatch<M>, M: Model>(
    plugin: &P,
    queries: Vec<DataQuery>,
) -> Result<Vec<DataAnswer>, DataFault> {
    let (queries, unfit) = read(queries);
    let mut answers = unfit.into_iter().collect::<Answers>().write();
    if !queries.is_empty() || answers.is_empty() {
        answers.extend(plugin.query_batch(&Context::default(), &queries)?.write());
    }
    Ok(answers)
}

pub(crate) fn answer_chunked<P: DataChunked<M>, M: Model>(
    plugin: &P,
    queries: Vec<DataQuery>,
    chunks: &mut ChunkSender,
) -> Result<(), DataFault> {
    let (queries, unfit) = read(queries);
    let none_fits = queries.is_empty() && !unfit.is_empty();
    for (ref_id, fault) in unfit {
        chunks.fault(&ref_id, fault).map_err(crate::Fault::from)?;
    }
    if none_fits {
        return Ok(());
    }
    Ok(plugin.query_chunked(&Context::default(), &queries, chunks)?)
}

/// Reads the models of queries. Returns the queries whose model fits, and the faults of the others.
fn read<M: Model>(queries: Vec<DataQuery>) -> (Vec<Query<M>>, Vec<(String, crate::Fault)>) {
    let (mut fit, mut unfit) = (Vec::with_capacity(queries.len()), Vec::new());
    for query in queries {
        let ref_id = query.ref_id.clone();
        match Query::new(query) {
            Ok(query) => fit.push(query),
            Err(fault) => unfit.push((ref_id, fault)),
        }
    }
    (fit, unfit)
}

impl<P: Admission> wit_admission::Guest for P {
    fn validate(request: wit_admission::Request) -> Result<wit_admission::Verdict, types::Fault> {
        Ok(opened::<P>()?.validate(&Context::default(), &request.into())?.into())
    }

    fn mutate(request: wit_admission::Request) -> Result<wit_admission::Mutation, types::Fault> {
        Ok(opened::<P>()?.mutate(&Context::default(), &request.into())?.into())
    }
}

impl<P: Conversion> wit_conversion::Guest for P {
    fn convert(
        request: wit_conversion::Request,
    ) -> Result<Result<Vec<wit_conversion::RawObject>, wit_conversion::Denial>, types::Fault> {
        let converted = opened::<P>()?.convert(&Context::default(), &request.into())?;
        Ok(converted.map(|objects| objects.into_iter().map(Into::into).collect()).map_err(Into::into))
    }
}

pub fn convert_queries<P: QueryConversion<Old, New>, Old: DeserializeOwned, New: Serialize>(
    queries: Vec<String>,
) -> Result<Vec<String>, DataFault> {
    let (plugin, context) = (opened::<P>()?, Context::default());
    let convert = |query: &String| {
        let old = sdk_conversion::read_query(query)?;
        sdk_conversion::write_query(query, &plugin.convert_query(&context, old)?)
    };
    Ok(queries.iter().map(convert).collect::<crate::Result<_>>()?)
}
