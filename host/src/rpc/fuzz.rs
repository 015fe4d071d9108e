//! What holds for any message from Grafana or go-plugin.

use std::collections::HashMap;
use std::fmt::Debug;

use prost::Message;
use tonic::metadata::MetadataMap;

use super::convert::{
    admission_request, concurrent_queries, context, conversion_request, format, header_list_pairs,
    header_pairs, mutated, queries as all, query, resource_request, split_admission, stored_queries,
};
use crate::call::{CallContext, CallHeaders, HeaderGrants};
use crate::plugin::{AdmissionObject, Admitted};
use crate::proto::plugin::{ConnInfo, StdioData};
use crate::proto::pluginv2::{
    AdmissionRequest, CallResourceRequest, CheckHealthRequest, CollectMetricsRequest, ConversionRequest,
    PluginContext, PublishStreamRequest, QueryChunkedDataRequest, QueryDataRequest, RunStreamRequest,
    SubscribeStreamRequest,
};

/// What no header that a component sees may contain, between any signs.
const CREDENTIALS: [&str; 6] = ["authorization", "cookie", "token", "password", "secret", "apikey"];

/// The first byte says what message the others are.
pub(crate) fn message(input: &[u8]) {
    let Some((kind, message)) = input.split_first() else { return };
    match kind {
        6 => {
            streams(decoded(message).map(|read: SubscribeStreamRequest| (read.plugin_context, read.headers)))
        }
        7 => streams(decoded(message).map(|read: RunStreamRequest| (read.plugin_context, read.headers))),
        8 => streams(decoded(message).map(|read: PublishStreamRequest| (read.plugin_context, read.headers))),
        9 => admission(message),
        10 => conversion(message),
        kind => unary(kind % 6, message),
    }
}

/// What a component does not change is stored as it was.
fn admission(message: &[u8]) {
    let Some(request) = decoded::<AdmissionRequest>(message) else { return };
    let (context, request) = split_admission(request);
    let _ = call(context, []);
    let sent = request.object_bytes.clone();
    let Ok(crate::plugin::AdmissionRequest { object, .. }) = admission_request(request) else { return };
    let is_serialized = matches!(object, Some(AdmissionObject::Serialized(_)));
    let stored = mutated(Admitted { outcome: Ok(object), warnings: Vec::new() }, sent.clone());
    assert!(stored.allowed && stored.result.is_none());
    assert!(!is_serialized || stored.object_bytes == sent);
}

/// Queries are objects, as they were saved.
fn conversion(message: &[u8]) {
    let Some(request) = decoded::<ConversionRequest>(message) else { return };
    let (context, _, request) = conversion_request(request);
    let _ = call(context, []);
    let Ok(requests) = stored_queries(&request.objects) else { return };
    assert_eq!(requests.len(), request.objects.len());
    for (queries, object) in requests.iter().zip(&request.objects) {
        let raw = String::from_utf8_lossy(&object.raw);
        for query in queries {
            assert!(raw.contains(query.as_str()));
            assert!(serde_json::from_str::<serde_json::Value>(query).is_ok_and(|query| query.is_object()));
        }
    }
}

fn unary(kind: u8, message: &[u8]) {
    match kind {
        0 => queries(message),
        1 => {
            let Some(request) = decoded::<CallResourceRequest>(message) else { return };
            let pairs = header_list_pairs(request.headers.clone());
            let Some(context) = call(request.plugin_context.clone(), pairs) else { return };
            let (path, body) = (request.path.clone(), request.body.clone());
            let converted = resource_request(request, &context);
            assert_eq!((converted.path, converted.body), (path, body));
        }
        2 => {
            let Some(request) = decoded::<CheckHealthRequest>(message) else { return };
            let _ = call(request.plugin_context, header_pairs(request.headers));
        }
        3 => {
            let Some(request) = decoded::<CollectMetricsRequest>(message) else { return };
            let _ = call(request.plugin_context, []);
        }
        4 => drop(decoded::<ConnInfo>(message)),
        _ => drop(decoded::<StdioData>(message)),
    }
}

fn streams(request: Option<(Option<PluginContext>, HashMap<String, String>)>) {
    let Some((context, headers)) = request else { return };
    let _ = call(context, header_pairs(headers));
}

fn queries(message: &[u8]) {
    let Some(request) = decoded::<QueryDataRequest>(message) else { return };
    chunked(message, &request);
    let Some(context) = call(request.plugin_context, header_pairs(request.headers)) else { return };
    let _ = format(&context, request.format);
    assert!(concurrent_queries(&context) > 0);
    let count = request.queries.len();
    for (index, each) in request.queries.into_iter().enumerate() {
        let (ref_id, range) = (each.ref_id.clone(), each.time_range.unwrap_or_default());
        let converted = query(each, index, count);
        assert!(converted.index < converted.count && converted.ref_id == ref_id);
        for (ours, theirs) in
            [(converted.time_range.start, range.from_epoch_ms), (converted.time_range.end, range.to_epoch_ms)]
        {
            let exact = i128::from(theirs) * 1_000_000;
            assert_eq!(i128::from(ours), exact.clamp(i64::MIN.into(), i64::MAX.into()));
        }
    }
}

/// A request for chunks is the same message under another name.
fn chunked(message: &[u8], request: &QueryDataRequest) {
    let chunked = decoded::<QueryChunkedDataRequest>(message);
    assert!(chunked.is_some(), "it is no request for chunks");
    let Some(QueryChunkedDataRequest { plugin_context, headers, queries, format }) = chunked else { return };
    let same = QueryDataRequest { plugin_context, headers, queries, format };
    assert_eq!(&same, request);
    let converted = all(same.queries);
    assert_eq!(converted.len(), request.queries.len());
    assert!(converted.iter().enumerate().all(|(at, query)| query.index as usize == at));
    assert!(converted.iter().all(|query| query.count as usize == converted.len()));
}

/// A component sees no header that bears credentials, whatever it is granted, and none that is not on a list.
fn call(
    message: Option<PluginContext>,
    headers: impl IntoIterator<Item = (String, String)>,
) -> Option<CallContext> {
    let headers: Vec<_> = headers.into_iter().collect();
    let context = context(message, &MetadataMap::new(), headers.clone())?;
    let seen = |grants: &HeaderGrants| {
        let seen = context.headers.clone().seen_with(grants);
        seen.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect::<Vec<_>>()
    };
    let all = seen(&HeaderGrants::new(headers.iter().map(|(name, _)| name.as_str())));
    for (name, value) in &all {
        let letters: String = name.chars().filter(char::is_ascii_alphanumeric).collect();
        let letters = letters.to_ascii_lowercase();
        assert!(!CREDENTIALS.iter().any(|word| letters.contains(word)), "{name} is seen");
        assert!(headers.iter().any(|pair| (&pair.0, &pair.1) == (name, value)), "{name} was made up");
    }
    for (name, _) in seen(&HeaderGrants::default()) {
        let name = name.to_ascii_lowercase();
        let listed = [
            "accept",
            "content-",
            "fromalert",
            "x-",
            "traceparent",
            "tracestate",
            "baggage",
            "uber-trace-id",
        ];
        assert!(listed.iter().any(|begin| name.starts_with(begin)), "{name} is on no list");
        assert!(all.iter().any(|(granted, _)| granted.eq_ignore_ascii_case(&name)), "{name}");
    }
    let again =
        CallHeaders::new(context.headers.iter().map(|(name, value)| (name.to_owned(), value.to_owned())));
    assert!(again.iter().eq(context.headers.iter()));
    Some(context)
}

/// What was read is written as what reads the same.
fn decoded<T: Message + Default + PartialEq + Debug>(message: &[u8]) -> Option<T> {
    let read = T::decode(message).ok()?;
    let written = read.encode_to_vec();
    assert_eq!(written.len(), read.encoded_len());
    let again = T::decode(written.as_slice());
    assert_eq!(again.as_ref(), Ok(&read));
    Some(read)
}
