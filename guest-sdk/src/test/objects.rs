//! Objects that Grafana wants to store, and what a plugin says of them.

use std::collections::HashMap;

use serde::Deserialize;
use serde::de::IgnoredAny;

use crate::admission::{Denial, Kind, Object, Operation, Request};
use crate::bindings::admission::exports::gpx::plugin::admission as wit;
use crate::bindings::admission::gpx::plugin::objects::Denial as WitDenial;
use crate::{Fault, Result};

/// What somebody does to an object, for [`Opened::validate`](super::Opened::validate) and
/// [`Opened::mutate`](super::Opened::mutate). Settings of a data source or an app are an object, and so is JSON.
///
/// ```
/// use gpx_sdk::admission::{Object, Operation, Request};
/// use gpx_sdk::test::{AdmissionRequest, data_source};
/// use serde_json::json;
///
/// let source = data_source("http://prices.example").json(&json!({ "table": "gold" })).secret("apiToken", "abc");
/// let request: Request = AdmissionRequest::create(source).into();
/// assert_eq!((request.operation, request.kind.name.as_str()), (Operation::Create, "DataSourceInstanceSettings"));
///
/// let object = Object::of_json(&json!({ "apiVersion": "prices.example/v1", "kind": "Table" }))?;
/// let request: Request = AdmissionRequest::delete(object).into();
/// assert_eq!((request.kind.version.as_str(), request.object.is_none()), ("v1", true));
/// # Ok::<_, gpx_sdk::Fault>(())
/// ```
#[derive(Clone, Debug)]
pub struct AdmissionRequest(Request);

/// Whether an object may be stored, and what the user is told in any case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerdictRecord {
    pub outcome: Result<(), Denial>,
    pub warnings: Vec<String>,
}

/// Whether an object may be stored, in which form, and what the user is told in any case.
#[derive(Clone, Debug)]
pub struct MutationRecord {
    /// The object as it is stored: as it was sent, if the plugin has not changed it. `None` if it is deleted.
    pub outcome: Result<Option<Object>, Denial>,
    pub warnings: Vec<String>,
}

/// The group of objects that are settings.
const SETTINGS: &str = "grafana-plugin-sdk-go";

// === impl AdmissionRequest ===

impl AdmissionRequest {
    #[must_use]
    pub fn create(object: impl Into<Object>) -> Self {
        Self::new(Operation::Create, Some(object.into()), None)
    }

    #[must_use]
    pub fn update(old: impl Into<Object>, new: impl Into<Object>) -> Self {
        Self::new(Operation::Update, Some(new.into()), Some(old.into()))
    }

    #[must_use]
    pub fn delete(old: impl Into<Object>) -> Self {
        Self::new(Operation::Delete, None, Some(old.into()))
    }

    /// Sets the object's kind. Without it, it is what the object says.
    #[must_use]
    pub fn kind(mut self, group: &str, version: &str, name: &str) -> Self {
        self.0.kind = Kind { group: group.to_owned(), version: version.to_owned(), name: name.to_owned() };
        self
    }

    fn new(operation: Operation, object: Option<Object>, old_object: Option<Object>) -> Self {
        let kind = object.as_ref().or(old_object.as_ref()).map(kind_of);
        let none = || Kind { group: String::new(), version: String::new(), name: String::new() };
        Self(Request { operation, kind: kind.unwrap_or_else(none), object, old_object })
    }
}

impl From<AdmissionRequest> for Request {
    fn from(AdmissionRequest(request): AdmissionRequest) -> Self {
        request
    }
}

/// Returns the kind as Grafana's API and its Go SDK name it.
fn kind_of(object: &Object) -> Kind {
    #[derive(Default, Deserialize)]
    #[serde(default, rename_all = "camelCase")]
    struct Described {
        api_version: String,
        kind: String,
    }

    let (group, version, name) = match object {
        Object::DataSource(source) => (SETTINGS, source.api_version(), "DataSourceInstanceSettings"),
        Object::App(app) => (SETTINGS, app.api_version(), "AppInstanceSettings"),
        Object::Serialized(_) => {
            let Described { api_version, kind } = object.json().unwrap_or_default();
            let (group, version) = api_version.split_once('/').unwrap_or(("", &api_version));
            return Kind { group: group.to_owned(), version: version.to_owned(), name: kind };
        }
    };
    Kind { group: group.to_owned(), version: version.to_owned(), name: name.to_owned() }
}

// === impl VerdictRecord ===

impl From<wit::Verdict> for VerdictRecord {
    fn from(wit::Verdict { outcome, warnings }: wit::Verdict) -> Self {
        Self { outcome: outcome.map_err(denial), warnings }
    }
}

// === impl MutationRecord ===

impl MutationRecord {
    /// Returns what becomes of the object that was sent. The words of a fault are the host's.
    pub(super) fn new(sent: Option<Object>, mutation: wit::Mutation) -> Result<Self> {
        let wit::Mutation { outcome, warnings } = mutation;
        let outcome = match outcome {
            Ok(None) => Ok(sent),
            Ok(Some(returned)) => Ok(Some(stored(sent, returned)?)),
            Err(refused) => Err(denial(refused)),
        };
        Ok(Self { outcome, warnings })
    }
}

/// Returns what the host stores if a plugin makes this of an object.
fn stored(sent: Option<Object>, returned: wit::Object) -> Result<Object> {
    let Some(sent) = sent.map(wit::Object::from) else {
        return Err(Fault::plugin("the plugin has changed an object that is to be deleted; return none"));
    };
    let stored = match (sent, returned) {
        (wit::Object::Serialized(_), wit::Object::Serialized(bytes)) => wit::Object::Serialized(bytes),
        (wit::Object::DataSource(sent), wit::Object::DataSource(returned)) => {
            let wit::DataSource { name, user, database, basic_auth, json, api_version, .. } = returned;
            let json = settings(json)?;
            wit::Object::DataSource(wit::DataSource {
                name,
                user,
                database,
                basic_auth,
                json,
                api_version,
                ..sent
            })
        }
        (wit::Object::App(sent), wit::Object::App(wit::App { json, api_version, .. })) => {
            wit::Object::App(wit::App { json: settings(json)?, api_version, ..sent })
        }
        (sent, returned) => {
            return Err(Fault::plugin(format_args!(
                "the plugin has made {} of {}; return an object of the same variant",
                named(&returned),
                named(&sent)
            )));
        }
    };
    Ok(stored.into())
}

fn settings(json: Vec<u8>) -> Result<Vec<u8>> {
    if json.is_empty() || serde_json::from_slice::<HashMap<String, IgnoredAny>>(&json).is_ok() {
        return Ok(json);
    }
    Err(Fault::plugin("the plugin has returned settings whose jsonData is not a JSON object; write one"))
}

fn named(object: &wit::Object) -> &'static str {
    match object {
        wit::Object::Serialized(_) => "a serialized object",
        wit::Object::DataSource(_) => "the settings of a data source",
        wit::Object::App(_) => "the settings of an app",
    }
}

fn denial(WitDenial { status, message, reason }: WitDenial) -> Denial {
    Denial { status, message, reason }
}
