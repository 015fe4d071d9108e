//! Links of a field's values.

use serde::Serialize;
use serde_json::Value;

use super::super::json::{as_json, is_default};
use crate::{Result, Time};

/// A link of a field's values. Texts can contain variables, such as `${__value.raw}`.
///
/// ```
/// use gpx_sdk::frame::{InternalLink, Link};
///
/// # fn links() -> gpx_sdk::Result<()> {
/// let page = Link::url("Host", "https://example.com/hosts/${__value.raw}").in_new_tab();
/// let trace = InternalLink::new("uid1", "Traces").query(&serde_json::json!({ "query": "${__value.raw}" }))?;
/// let trace = Link::internal("Trace", trace);
/// # Ok(())
/// # }
/// # assert!(links().is_ok());
/// ```
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Link {
    title: String,
    #[serde(skip_serializing_if = "is_default")]
    target_blank: bool,
    #[serde(skip_serializing_if = "is_default")]
    url: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    internal: Option<InternalLink>,
}

/// A query of a data source, to which a link leads in Explore.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct InternalLink {
    #[serde(skip_serializing_if = "Value::is_null")]
    query: Value,
    datasource_uid: String,
    datasource_name: String,
    #[serde(skip_serializing_if = "Value::is_null")]
    panels_state: Value,
    #[serde(skip_serializing_if = "is_default")]
    transformations: Vec<LinkTransformation>,
    #[serde(skip_serializing_if = "Option::is_none")]
    time_range: Option<Range>,
}

/// How variables of a link are taken from a field.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct LinkTransformation {
    r#type: How,
    field: String,
    #[serde(skip_serializing_if = "is_default")]
    expression: String,
    #[serde(skip_serializing_if = "is_default")]
    map_value: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum How {
    Regex,
    Logfmt,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
struct Range {
    from: String,
    to: String,
}

// === impl Link ===

impl Link {
    /// A link to a page.
    pub fn url(title: impl Into<String>, url: impl Into<String>) -> Self {
        Self { title: title.into(), target_blank: false, url: url.into(), internal: None }
    }

    /// A link to a query in Explore.
    pub fn internal(title: impl Into<String>, link: InternalLink) -> Self {
        Self { internal: Some(link), ..Self::url(title, "") }
    }

    /// Opens it in a new tab.
    pub fn in_new_tab(mut self) -> Self {
        self.target_blank = true;
        self
    }
}

// === impl InternalLink ===

impl InternalLink {
    pub fn new(datasource_uid: impl Into<String>, datasource_name: impl Into<String>) -> Self {
        Self {
            query: Value::Null,
            datasource_uid: datasource_uid.into(),
            datasource_name: datasource_name.into(),
            panels_state: Value::Null,
            transformations: Vec::new(),
            time_range: None,
        }
    }

    /// Sets the query, as the data source's query editor saves it.
    pub fn query(mut self, query: &impl Serialize) -> Result<Self> {
        self.query = as_json(query)?;
        Ok(self)
    }

    /// Sets the state of Explore's panels, by visualization: `{"trace": {"spanId": "…"}}`.
    pub fn panels_state(mut self, state: &impl Serialize) -> Result<Self> {
        self.panels_state = as_json(state)?;
        Ok(self)
    }

    /// Adds variables that are taken from a field.
    pub fn transformation(mut self, transformation: LinkTransformation) -> Self {
        self.transformations.push(transformation);
        self
    }

    /// Sets the time range. By default, it is the panel's.
    pub fn time_range(mut self, from: impl Into<Time>, to: impl Into<Time>) -> Self {
        self.time_range = Some(Range { from: from.into().to_string(), to: to.into().to_string() });
        self
    }
}

// === impl LinkTransformation ===

impl LinkTransformation {
    /// Takes what the expression captures in the field, as the variable `name`.
    pub fn regex(field: impl Into<String>, expression: impl Into<String>, name: impl Into<String>) -> Self {
        let (field, expression, map_value) = (field.into(), expression.into(), name.into());
        Self { r#type: How::Regex, field, expression, map_value }
    }

    /// Takes each `key=value` of the field as a variable.
    pub fn logfmt(field: impl Into<String>) -> Self {
        let field = field.into();
        Self { r#type: How::Logfmt, field, expression: String::new(), map_value: String::new() }
    }
}
