//! Objects that are to be stored, and what a component says of them.

use bytes::Bytes;
use prost::Message as _;

use super::context::{app, app_message, data_source, data_source_message};
use crate::capability::bindings::exports::gpx::plugin::admission::Operation;
use crate::capability::bindings::gpx::plugin::objects::Kind;
use crate::plugin::{AdmissionObject, AdmissionRequest, Admitted, CallError, Denial};
use crate::proto::pluginv2::admission_request::Operation as Sent;
use crate::proto::pluginv2::{
    self, AppInstanceSettings, DataSourceInstanceSettings, GroupVersionKind, MutationResponse, PluginContext,
    StatusResult, ValidationResponse,
};
use crate::text;

/// The group of the objects that are not JSON but messages of this protocol.
const SETTINGS: &str = "grafana-plugin-sdk-go";

/// How much of the name of a kind is repeated, in bytes.
const MAX_KIND: usize = 256;

/// Takes the context out of a request.
pub(crate) fn split_admission(
    mut message: pluginv2::AdmissionRequest,
) -> (Option<PluginContext>, pluginv2::AdmissionRequest) {
    (message.plugin_context.take(), message)
}

/// Converts a request without its context.
pub(crate) fn admission_request(message: pluginv2::AdmissionRequest) -> Result<AdmissionRequest, CallError> {
    let pluginv2::AdmissionRequest { plugin_context: _, operation, kind, object_bytes, old_object_bytes } =
        message;
    let operation = match Sent::try_from(operation) {
        Ok(Sent::Create) => Operation::Create,
        Ok(Sent::Update) => Operation::Update,
        Ok(Sent::Delete) => Operation::Delete,
        Err(_) => return Err(CallError::Malformed(format!("unsupported admission operation {operation}"))),
    };
    let kind = kind.unwrap_or_default();
    let (object, old_object) = (object(&kind, object_bytes)?, object(&kind, old_object_bytes)?);
    let GroupVersionKind { group, version, kind } = kind;
    Ok(AdmissionRequest { operation, kind: Kind { group, version, name: kind }, object, old_object })
}

fn object(kind: &GroupVersionKind, bytes: Bytes) -> Result<Option<AdmissionObject>, CallError> {
    if bytes.is_empty() {
        return Ok(None);
    }
    let unreadable = |error: prost::DecodeError| {
        CallError::Malformed(format!("the object is not a message {}: {error}", kind.kind))
    };
    let object = match (kind.group.as_str(), kind.kind.as_str()) {
        (SETTINGS, "DataSourceInstanceSettings") => {
            let settings = DataSourceInstanceSettings::decode(bytes).map_err(unreadable)?;
            AdmissionObject::DataSource(data_source(settings))
        }
        (SETTINGS, "AppInstanceSettings") => {
            AdmissionObject::App(app(AppInstanceSettings::decode(bytes).map_err(unreadable)?))
        }
        // A component might get secrets with it that its operator denies.
        (SETTINGS, other) => {
            let other = text::shorten(other.to_owned(), MAX_KIND);
            let text = format!(
                "objects of the kind {other} of {SETTINGS} are not known; look for an update of gpx-host"
            );
            return Err(CallError::Malformed(text));
        }
        _ => AdmissionObject::Serialized(bytes),
    };
    Ok(Some(object))
}

pub(crate) fn validated(verdict: Admitted<()>) -> ValidationResponse {
    let Admitted { outcome, warnings } = verdict;
    ValidationResponse { allowed: outcome.is_ok(), result: outcome.err().map(status), warnings }
}

/// `sent` is the object as it was sent.
pub(crate) fn mutated(mutation: Admitted<Option<AdmissionObject>>, sent: Bytes) -> MutationResponse {
    let Admitted { outcome, warnings } = mutation;
    let (result, object_bytes) = match outcome {
        Ok(None) => (None, sent),
        Ok(Some(AdmissionObject::Serialized(bytes))) => (None, bytes),
        Ok(Some(AdmissionObject::DataSource(settings))) => {
            (None, data_source_message(settings).encode_to_vec().into())
        }
        Ok(Some(AdmissionObject::App(settings))) => (None, app_message(settings).encode_to_vec().into()),
        Err(denial) => (Some(status(denial)), Bytes::new()),
    };
    MutationResponse { allowed: result.is_none(), result, warnings, object_bytes }
}

/// Converts a denial, under Kubernetes' name for a failure.
pub(super) fn status(denial: Denial) -> StatusResult {
    let Denial { message, reason, status } = denial;
    StatusResult { status: "Failure".to_owned(), message, reason, code: status.into() }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;

    #[test]
    fn settings_survive_the_way_to_the_component_and_back() {
        let sent = DataSourceInstanceSettings {
            id: 1,
            name: "name".to_owned(),
            url: "url".to_owned(),
            user: "user".to_owned(),
            database: "database".to_owned(),
            basic_auth_enabled: true,
            basic_auth_user: "basic".to_owned(),
            json_data: "{}".into(),
            decrypted_secure_json_data: HashMap::from([("key".to_owned(), "value".to_owned())]),
            last_updated_ms: 2,
            uid: "uid".to_owned(),
            api_version: "v1".to_owned(),
        };
        let kind = GroupVersionKind {
            group: SETTINGS.to_owned(),
            kind: "DataSourceInstanceSettings".to_owned(),
            ..Default::default()
        };
        let object = object(&kind, sent.encode_to_vec().into()).unwrap();
        let stored = mutated(Admitted { outcome: Ok(object), warnings: Vec::new() }, Bytes::new());
        assert_eq!(DataSourceInstanceSettings::decode(stored.object_bytes), Ok(sent));
    }
}
