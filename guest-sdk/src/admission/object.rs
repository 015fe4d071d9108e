//! Objects as a plugin sees them.

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::bindings::admission::exports::gpx::plugin::admission as wit;
use crate::{Fault, Result, json};

/// An object of Grafana's API.
#[derive(Clone, Debug)]
pub enum Object {
    /// As Grafana has sent it: JSON with the metadata of its API, as a rule. [`Object::json`] reads it.
    Serialized(Vec<u8>),
    DataSource(DataSource),
    App(App),
}

/// The settings of a data source. Only `name`, `user`, `database`, the user of basic auth, the JSON and the API's version can be
/// changed.
#[derive(Clone, Debug)]
pub struct DataSource(wit::DataSource);

/// The settings of an app. Only the JSON and the API's version can be changed.
#[derive(Clone, Debug)]
pub struct App(wit::App);

// === impl Object ===

impl Object {
    /// Makes an object from what serializes to JSON.
    pub fn of_json(value: &impl Serialize) -> Result<Self> {
        written(value).map(Self::Serialized)
    }

    /// Reads a serialized object, or the jsonData of settings, as a type of your own. What does not fit is a fault with status
    /// 400.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T> {
        match self {
            Self::Serialized(bytes) => read(bytes, "the object"),
            Self::DataSource(source) => source.json(),
            Self::App(app) => app.json(),
        }
    }
}

impl From<wit::Object> for Object {
    fn from(object: wit::Object) -> Self {
        match object {
            wit::Object::Serialized(bytes) => Self::Serialized(bytes),
            wit::Object::DataSource(source) => Self::DataSource(DataSource(source)),
            wit::Object::App(app) => Self::App(App(app)),
        }
    }
}

impl From<Object> for wit::Object {
    fn from(object: Object) -> Self {
        match object {
            Object::Serialized(bytes) => Self::Serialized(bytes),
            Object::DataSource(DataSource(source)) => Self::DataSource(source),
            Object::App(App(app)) => Self::App(app),
        }
    }
}

impl From<DataSource> for Object {
    fn from(source: DataSource) -> Self {
        Self::DataSource(source)
    }
}

impl From<App> for Object {
    fn from(app: App) -> Self {
        Self::App(app)
    }
}

// === impl DataSource ===

impl DataSource {
    /// Returns the uid, which is empty if the data source is new and has none yet.
    pub fn uid(&self) -> &str {
        &self.0.uid
    }

    pub fn name(&self) -> &str {
        &self.0.name
    }

    /// Returns the URL without user and password.
    pub fn url(&self) -> &str {
        &self.0.url
    }

    pub fn user(&self) -> &str {
        &self.0.user
    }

    pub fn database(&self) -> &str {
        &self.0.database
    }

    /// Returns the user of basic auth, if that is on.
    pub fn basic_auth(&self) -> Option<&str> {
        self.0.basic_auth.as_deref()
    }

    /// Returns whether there is a secret of this name. Its value is not shown.
    pub fn has_secret(&self, name: &str) -> bool {
        self.0.secrets.iter().any(|secret| secret == name)
    }

    pub fn api_version(&self) -> &str {
        &self.0.api_version
    }

    /// Reads the jsonData as a type of your own. If there is none, that is an empty object. What does not fit is a fault with
    /// status 400.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T> {
        read_settings(&self.0.json)
    }

    pub fn with_name(mut self, name: &str) -> Self {
        name.clone_into(&mut self.0.name);
        self
    }

    pub fn with_user(mut self, user: &str) -> Self {
        user.clone_into(&mut self.0.user);
        self
    }

    pub fn with_database(mut self, database: &str) -> Self {
        database.clone_into(&mut self.0.database);
        self
    }

    /// Sets the user of basic auth, or turns it off.
    pub fn with_basic_auth(mut self, user: Option<&str>) -> Self {
        self.0.basic_auth = user.map(str::to_owned);
        self
    }

    pub fn with_api_version(mut self, version: &str) -> Self {
        version.clone_into(&mut self.0.api_version);
        self
    }

    /// Sets the jsonData, which must be an object.
    pub fn with_json(mut self, value: &impl Serialize) -> Result<Self> {
        self.0.json = written(value)?;
        Ok(self)
    }
}

// === impl App ===

impl App {
    /// Returns whether there is a secret of this name. Its value is not shown.
    pub fn has_secret(&self, name: &str) -> bool {
        self.0.secrets.iter().any(|secret| secret == name)
    }

    pub fn api_version(&self) -> &str {
        &self.0.api_version
    }

    /// As [`DataSource::json`].
    pub fn json<T: DeserializeOwned>(&self) -> Result<T> {
        read_settings(&self.0.json)
    }

    pub fn with_api_version(mut self, version: &str) -> Self {
        version.clone_into(&mut self.0.api_version);
        self
    }

    /// Sets the jsonData, which must be an object.
    pub fn with_json(mut self, value: &impl Serialize) -> Result<Self> {
        self.0.json = written(value)?;
        Ok(self)
    }
}

fn read_settings<T: DeserializeOwned>(bytes: &[u8]) -> Result<T> {
    read(if bytes.is_empty() { b"{}" } else { bytes }, "the jsonData")
}

pub(crate) fn read<T: DeserializeOwned>(bytes: &[u8], what: &str) -> Result<T> {
    json::from_slice(bytes).map_err(|error| Fault::bad_request(format_args!("{what} is not valid: {error}")))
}

pub(crate) fn written(value: &impl Serialize) -> Result<Vec<u8>> {
    serde_json::to_vec(value)
        .map_err(|error| Fault::plugin(format_args!("the object cannot be written as JSON: {error}")))
}
