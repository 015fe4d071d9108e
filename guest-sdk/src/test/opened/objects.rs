//! Admission and conversion.

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::Opened;
use crate::admission::Request;
use crate::bindings::admission::exports::gpx::plugin::admission as wit;
use crate::conversion::{self, GroupVersion, StoredObject};
use crate::test::{AdmissionRequest, MutationRecord, VerdictRecord};
use crate::{Admission, Context, Conversion, Fault, QueryConversion, Result};

impl<P> Opened<'_, P> {
    /// Asks whether an object may be stored. [`Opened::mutate`] has an example.
    ///
    /// # Errors
    ///
    /// If the plugin returns a fault: Grafana then shows only that the plugin failed.
    pub fn validate(&self, request: AdmissionRequest) -> Result<VerdictRecord>
    where
        P: Admission,
    {
        let verdict = self.call(|| self.plugin.validate(&Context::default(), &request.into()))?;
        Ok(wit::Verdict::from(verdict).into())
    }

    /// Asks whether an object may be stored, and in which form.
    ///
    /// ```
    /// # use gpx_sdk::*;
    /// use gpx_sdk::admission::{Denial, Mutation, Object, Request, Verdict};
    /// use gpx_sdk::test::{AdmissionRequest, Host, data_source};
    /// # use serde_json::{Value, json};
    ///
    /// # struct Prices;
    /// # impl Plugin for Prices { fn open(_: Settings) -> Result<Self> { Ok(Self) } }
    /// impl Admission for Prices {
    ///     fn validate(&self, _: &Context, request: &Request) -> Result<Verdict> {
    ///         match &request.object {
    ///             Some(Object::DataSource(source)) if !source.has_secret("apiToken") => {
    ///                 Ok(Denial::new(400, "Set a token").into())
    ///             }
    ///             _ => Ok(Verdict::allow()),
    ///         }
    ///     }
    ///
    ///     fn mutate(&self, context: &Context, request: &Request) -> Result<Mutation> {
    ///         let verdict = self.validate(context, request)?;
    ///         let Some(Object::DataSource(source)) = &request.object else { return Ok(verdict.into()) };
    ///         Ok(verdict.store(source.clone().with_json(&json!({ "table": "gold" }))?))
    ///     }
    /// }
    /// # plugin!(Prices: admission);
    ///
    /// let host = Host::new();
    /// let source = data_source("http://prices.example");
    /// let prices = host.open::<Prices>(source.clone())?;
    /// let refused = prices.validate(AdmissionRequest::create(source.clone()))?.outcome.unwrap_err();
    /// assert_eq!(refused, Denial::new(400, "Set a token"));
    ///
    /// let complete = source.clone().secret("apiToken", "abc");
    /// let stored = prices.mutate(AdmissionRequest::update(source, complete))?.outcome.unwrap();
    /// assert_eq!(stored.unwrap().json::<Value>()?, json!({ "table": "gold" }));
    /// # Ok::<_, Fault>(())
    /// ```
    ///
    /// # Errors
    ///
    /// If the plugin returns a fault, or an object that the host does not store: of another variant, with jsonData that is no
    /// object, or where one is deleted. What a plugin cannot change, such as the URL, stays as it was sent.
    pub fn mutate(&self, request: AdmissionRequest) -> Result<MutationRecord>
    where
        P: Admission,
    {
        let request = Request::from(request);
        let mutation = self.call(|| self.plugin.mutate(&Context::default(), &request))?;
        MutationRecord::new(request.object, mutation.into())
    }

    /// Converts stored objects to a version, `convert("prices.example", "v2", [object])`. Returns what the plugin does: the
    /// objects, or why they cannot be converted.
    ///
    /// ```
    /// # use gpx_sdk::*;
    /// use gpx_sdk::conversion::{Denial, Request, StoredObject};
    /// # use gpx_sdk::test::{Host, app};
    /// # use serde_json::{Value, json};
    ///
    /// # struct Prices;
    /// # impl Plugin for Prices { fn open(_: Settings) -> Result<Self> { Ok(Self) } }
    /// impl Conversion for Prices {
    ///     fn convert(&self, _: &Context, request: &Request) -> Result<conversion::Conversion> {
    ///         if request.target.version != "v2" {
    ///             return Ok(Err(Denial::new(400, "only v2 is known")));
    ///         }
    ///         Ok(Ok(vec![StoredObject::of_json(&json!({ "apiVersion": "prices.example/v2" }))?]))
    ///     }
    /// }
    /// # plugin!(Prices: conversion);
    ///
    /// let host = Host::new();
    /// let prices = host.open::<Prices>(app())?;
    /// let old = StoredObject::of_json(&json!({ "apiVersion": "prices.example/v1" }))?;
    /// let converted = prices.convert("prices.example", "v2", [old.clone()])?.unwrap();
    /// assert_eq!(converted[0].json::<Value>()?["apiVersion"], "prices.example/v2");
    /// assert_eq!(prices.convert("prices.example", "v3", [old])?.unwrap_err().message, "only v2 is known");
    /// # Ok::<_, Fault>(())
    /// ```
    ///
    /// # Errors
    ///
    /// If the plugin returns a fault.
    pub fn convert(
        &self,
        group: &str,
        version: &str,
        objects: impl IntoIterator<Item = StoredObject>,
    ) -> Result<conversion::Conversion>
    where
        P: Conversion,
    {
        let target = GroupVersion { group: group.to_owned(), version: version.to_owned() };
        let request = conversion::Request { target, objects: objects.into_iter().collect() };
        self.call(|| self.plugin.convert(&Context::default(), &request))
    }

    /// Converts saved queries.
    ///
    /// ```
    /// # use gpx_sdk::*;
    /// # use gpx_sdk::test::{Host, app};
    /// # use serde_json::json;
    /// # struct Prices;
    /// # impl Plugin for Prices { fn open(_: Settings) -> Result<Self> { Ok(Self) } }
    /// #[derive(serde::Deserialize)]
    /// struct Saved {
    ///     ticker: String,
    /// }
    ///
    /// #[derive(serde::Serialize)]
    /// struct Current {
    ///     symbol: String,
    /// }
    ///
    /// impl QueryConversion<Saved, Current> for Prices {
    ///     fn convert_query(&self, _: &Context, Saved { ticker }: Saved) -> Result<Current> {
    ///         Ok(Current { symbol: ticker })
    ///     }
    /// }
    /// # plugin!(Prices: query_conversion);
    ///
    /// let host = Host::new();
    /// let prices = host.open::<Prices>(app())?;
    /// assert_eq!(prices.convert_queries([json!({ "ticker": "gold" })])?, [json!({ "symbol": "gold" })]);
    /// # Ok::<_, Fault>(())
    /// ```
    ///
    /// # Errors
    ///
    /// If a query does not fit, the plugin returns a fault, or a query becomes anything but a JSON object.
    pub fn convert_queries<Old: DeserializeOwned, New: Serialize>(
        &self,
        queries: impl IntoIterator<Item = impl Serialize>,
    ) -> Result<Vec<Value>>
    where
        P: QueryConversion<Old, New>,
    {
        let texts: Vec<_> =
            queries.into_iter().map(|query| serde_json::to_string(&query)).collect::<Result<_, _>>()?;
        let converted: Vec<String> = self.call(|| {
            let context = Context::default();
            let convert = |text: &String| {
                let old = conversion::read_query(text)?;
                conversion::write_query(text, &self.plugin.convert_query(&context, old)?)
            };
            texts.iter().map(convert).collect()
        })?;
        let read = |(number, text): (usize, &String)| match serde_json::from_str(text)? {
            query @ Value::Object(_) => Ok(query),
            // The words of the host.
            _ => Err(Fault::plugin(format_args!(
                "converted query {number}: it is not a JSON object; return one for each query"
            ))),
        };
        converted.iter().enumerate().map(|(index, text)| read((index + 1, text))).collect()
    }
}
