//! Objects under admission: what a component sees of them, and what it may make of them.
//!
//! Settings come with their secrets. A component sees only the names of these: an operator decides which secrets it gets, and
//! the values here are not those that `open` has received. Nor does it decide where they are sent: it cannot change the URL.

use std::collections::HashMap;

use bytes::Bytes;

use crate::budget::Charge;
use crate::call::{AppSettings, DataSourceSettings};
use crate::capability::bindings::exports::gpx::plugin::admission as wit;
use crate::frame;
use crate::plugin::CallError;
use crate::plugin::owner::without_userinfo;

/// An object as Grafana sends it.
#[derive(Clone, Debug)]
pub(crate) enum AdmissionObject {
    Serialized(Bytes),
    DataSource(DataSourceSettings),
    App(AppSettings),
}

/// The names of the variants.
const SERIALIZED: &str = "a serialized object";
const DATA_SOURCE: &str = "the settings of a data source";
const APP: &str = "the settings of an app";

/// How many bytes an object may have: no more than Grafana can send.
const MAX_OBJECT: usize = crate::budget::MAX_REQUEST;

/// Returns what is to be stored if the component makes this of an object. What of it is passed on stays charged to `memory`.
pub(super) async fn mutated(
    sent: Option<AdmissionObject>,
    returned: wit::Object,
    memory: Charge,
) -> Result<AdmissionObject, CallError> {
    let bytes = weight(&returned);
    if bytes > MAX_OBJECT {
        return Err(CallError::TooLong { what: "the bytes of the object", bytes, limit: MAX_OBJECT });
    }
    match (sent, returned) {
        (None, _) => Err(mistake("the plugin has changed an object that is to be deleted; return none")),
        (Some(AdmissionObject::Serialized(_)), wit::Object::Serialized(object)) => {
            Ok(AdmissionObject::Serialized(memory.keep(object)))
        }
        (Some(AdmissionObject::DataSource(sent)), wit::Object::DataSource(returned)) => {
            Ok(AdmissionObject::DataSource(data_source(sent, returned, memory).await?))
        }
        (Some(AdmissionObject::App(sent)), wit::Object::App(returned)) => {
            let json_data = settings(returned.json, memory).await?;
            Ok(AdmissionObject::App(AppSettings { json_data, api_version: returned.api_version, ..sent }))
        }
        (Some(sent), returned) => {
            let (sent, returned) = (sent.name(), name(&returned));
            let text =
                format!("the plugin has made {returned} of {sent}; return an object of the same variant");
            Err(mistake(&text))
        }
    }
}

/// Returns the memory of an object, in bytes, or a little less.
pub(super) fn weight(object: &wit::Object) -> usize {
    let secrets = |names: &[String]| size_of_val(names) + names.iter().map(String::len).sum::<usize>();
    match object {
        wit::Object::Serialized(bytes) => bytes.len(),
        wit::Object::DataSource(source) => {
            let texts = [&source.uid, &source.name, &source.url, &source.user, &source.database];
            let texts = texts.into_iter().chain(&source.basic_auth).chain([&source.api_version]);
            texts.map(String::len).sum::<usize>() + source.json.len() + secrets(&source.secrets)
        }
        wit::Object::App(app) => app.json.len() + app.api_version.len() + secrets(&app.secrets),
    }
}

async fn data_source(
    sent: DataSourceSettings,
    returned: wit::DataSource,
    memory: Charge,
) -> Result<DataSourceSettings, CallError> {
    // Requests go where the URL says, with the secrets: a user decides that.
    if without_userinfo(&returned.url) != without_userinfo(&sent.url) {
        return Err(mistake(
            "the plugin has changed the URL of a data source, which only users may do; return a denial that says which URL \
             to enter",
        ));
    }
    Ok(DataSourceSettings {
        name: returned.name,
        user: returned.user,
        database: returned.database,
        basic_auth_enabled: returned.basic_auth.is_some(),
        basic_auth_user: returned.basic_auth.unwrap_or(sent.basic_auth_user),
        json_data: settings(returned.json, memory).await?,
        api_version: returned.api_version,
        ..sent
    })
}

/// Checks jsonData: Grafana could not read anything else.
async fn settings(json: Vec<u8>, memory: Charge) -> Result<Bytes, CallError> {
    if json.is_empty() {
        return Ok(Bytes::new());
    }
    let unfit = |why: &str| mistake(&format!("the plugin has returned settings whose jsonData {why}"));
    let json = String::from_utf8(json).map_err(|_| unfit("is not UTF-8; encode it"))?;
    let is_object = json.trim_ascii_start().starts_with('{');
    match frame::check_json(json, memory).await {
        Ok(json) if is_object => Ok(json),
        Ok(_) => Err(unfit("is not a JSON object; write one")),
        Err(mistake) => Err(unfit(&mistake.to_string())),
    }
}

fn name(object: &wit::Object) -> &'static str {
    match object {
        wit::Object::Serialized(_) => SERIALIZED,
        wit::Object::DataSource(_) => DATA_SOURCE,
        wit::Object::App(_) => APP,
    }
}

fn mistake(text: &str) -> CallError {
    CallError::Object(text.to_owned())
}

// === impl AdmissionObject ===

impl AdmissionObject {
    fn name(&self) -> &'static str {
        match self {
            Self::Serialized(_) => SERIALIZED,
            Self::DataSource(_) => DATA_SOURCE,
            Self::App(_) => APP,
        }
    }

    /// Returns what a component sees.
    pub(super) fn shown(&self) -> wit::Object {
        match self {
            Self::Serialized(bytes) => wit::Object::Serialized(bytes.to_vec()),
            Self::DataSource(source) => wit::Object::DataSource(wit::DataSource {
                id: source.id,
                uid: source.uid.clone(),
                name: source.name.clone(),
                url: without_userinfo(&source.url),
                user: source.user.clone(),
                database: source.database.clone(),
                basic_auth: source.basic_auth_enabled.then(|| source.basic_auth_user.clone()),
                json: source.json_data.to_vec(),
                secrets: names(&source.secrets),
                updated: source.updated,
                api_version: source.api_version.clone(),
            }),
            Self::App(app) => wit::Object::App(wit::App {
                json: app.json_data.to_vec(),
                secrets: names(&app.secrets),
                updated: app.updated,
                api_version: app.api_version.clone(),
            }),
        }
    }
}

fn names(secrets: &HashMap<String, String>) -> Vec<String> {
    let mut names: Vec<_> = secrets.keys().cloned().collect();
    names.sort_unstable();
    names
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::budget::{MemoryAccount, MemoryKind};

    fn source() -> DataSourceSettings {
        DataSourceSettings {
            id: 7,
            uid: "prices".to_owned(),
            url: "https://ada:geheim@example.com/api".to_owned(),
            basic_auth_user: "ada".to_owned(),
            json_data: r#"{"table":"old"}"#.into(),
            secrets: HashMap::from([("token".to_owned(), "geheim".to_owned())]),
            updated: 3,
            ..DataSourceSettings::default()
        }
    }

    fn shown() -> wit::DataSource {
        match AdmissionObject::DataSource(source()).shown() {
            wit::Object::DataSource(shown) => shown,
            other => panic!("{other:?}"),
        }
    }

    async fn returned(sent: AdmissionObject, returned: wit::Object) -> Result<AdmissionObject, String> {
        let memory = MemoryAccount::new(64 << 20).owner().nothing(MemoryKind::Answers);
        mutated(Some(sent), returned, memory).await.map_err(|error| error.to_string())
    }

    async fn stored(change: impl FnOnce(&mut wit::DataSource)) -> Result<DataSourceSettings, String> {
        let mut changed = shown();
        change(&mut changed);
        match returned(AdmissionObject::DataSource(source()), wit::Object::DataSource(changed)).await? {
            AdmissionObject::DataSource(stored) => Ok(stored),
            other => panic!("{other:?}"),
        }
    }

    #[tokio::test]
    async fn no_component_sees_a_secret_or_changes_one() {
        let shown = shown();
        assert!(!format!("{shown:?}").contains("geheim"), "{shown:?}");
        assert_eq!(
            (shown.url.as_str(), shown.secrets),
            ("https://example.com/api", vec!["token".to_owned()])
        );
        let stored = stored(|source| {
            (source.secrets, source.id, source.uid) = (vec!["other".to_owned()], 8, "stolen".to_owned());
            (source.name, source.json) = ("new".to_owned(), br#"{"table":"new"}"#.to_vec());
            (source.basic_auth, source.updated) = (Some("grace".to_owned()), 9);
        });
        let stored = stored.await.unwrap();
        assert_eq!((stored.id, stored.uid.as_str(), stored.updated), (7, "prices", 3));
        assert_eq!((stored.secrets, stored.url), (source().secrets, source().url));
        assert_eq!((stored.name.as_str(), stored.basic_auth_user.as_str()), ("new", "grace"));
        assert_eq!(stored.json_data.as_ref(), br#"{"table":"new"}"#);
    }

    #[tokio::test]
    async fn no_component_decides_where_secrets_are_sent() {
        for url in ["https://example.org/api", "http://example.com/api", "https://example.com/", ""] {
            let error = stored(|source| source.url = url.to_owned()).await.unwrap_err();
            assert!(error.starts_with("the plugin has changed the URL of a data source"), "{url}: {error}");
        }
        let kept = stored(|source| source.url = "https://eve:other@example.com/api".to_owned());
        let kept = kept.await.unwrap();
        assert_eq!(kept.url, source().url);
    }

    #[tokio::test]
    async fn what_is_not_the_same_object_is_refused() {
        let deep = format!("{{\"a\":{}{}}}", "[".repeat(9_900), "]".repeat(9_900));
        for (json, why) in [
            (&b"[]"[..], "is not a JSON object; write one"),
            (b" 7", "is not a JSON object; write one"),
            (
                b"{",
                "is not JSON (expected a key in quotes or the end of the object at byte 1); make it one JSON value",
            ),
            (b"{\"a\":\"\xff\"}", "is not UTF-8; encode it"),
            (deep.as_bytes(), "is nested more than 9900 levels deep; make it flatter"),
        ] {
            let error = stored(|source| source.json = json.to_vec()).await.unwrap_err();
            assert_eq!(error, format!("the plugin has returned settings whose jsonData {why}"));
        }
        assert_eq!(stored(|source| source.json.clear()).await.unwrap().json_data.len(), 0);
        let other = returned(AdmissionObject::DataSource(source()), wit::Object::Serialized(vec![1]));
        let text = "the plugin has made a serialized object of the settings of a data source; return an object of the same \
                    variant";
        assert_eq!(other.await.unwrap_err(), text);
        let large = wit::Object::Serialized(vec![0; MAX_OBJECT + 1]);
        let large = returned(AdmissionObject::Serialized(Bytes::new()), large).await.unwrap_err();
        assert!(large.starts_with("the bytes of the object of the plugin's answer take 16777217"), "{large}");
    }
}
