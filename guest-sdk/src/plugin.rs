//! What a plugin implements, and the macro that turns it into a component.

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::chunks::ChunkSender;
use crate::conversion::Conversion as Converted;
use crate::resource::Router;
use crate::stream::{PacketSender, Reply, Request};
use crate::{Answer, Answers, Context, Frame, Health, Model, Query, Result, Settings, Unread};
use crate::{admission, conversion};

#[doc(hidden)]
pub mod export;
mod parts;

/// A plugin, which is created from the settings of a data source (or app).
///
/// The host creates as many instances of a data source as calls run at once, and drops them when the settings change,
/// when they are idle, and after a panic, a timeout or a cancelled call. What an instance keeps is therefore a cache
/// that may vanish: no call may rely on what another left behind.
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not implement `Plugin`",
    note = "write `impl Plugin for {Self}` with `fn open(settings: Settings) -> Result<Self>`"
)]
pub trait Plugin: Sized + 'static {
    /// Called once per instance. A fault is the answer to the call for which the instance was created.
    fn open(settings: Settings) -> Result<Self>;
}

/// The service `data`: panels, Explore and alert rules.
///
/// `impl Data<Prices>` names the type of the query model, which a query then brings along. A query whose model does not fit
/// is answered with status 400 and the name of the field, and [`Data::query`] is not called.
///
/// ```
/// # use gpx_sdk::*;
/// # struct Plugged;
/// # impl Plugin for Plugged { fn open(_: Settings) -> Result<Self> { Ok(Self) } }
/// #[derive(serde::Deserialize)]
/// struct Prices {
///     symbol: String,
/// }
///
/// impl Data<Prices> for Plugged {
///     fn query(&self, _: &Context, query: &Query<Prices>) -> Result<Vec<Frame>> {
///         Ok(vec![Frame::new(&query.model.symbol)])
///     }
/// }
/// # plugin!(Plugged: data);
/// ```
///
/// ```compile_fail,E0277
/// # use gpx_sdk::*;
/// # struct Plugged;
/// # impl Plugin for Plugged { fn open(_: Settings) -> Result<Self> { Ok(Self) } }
/// plugin!(Plugged: data); // without `impl Data for Plugged`
/// ```
///
/// `impl Data` leaves the model unread; [`Query::json`] reads it, for example by query type.
///
/// `query` returns frames. `impl Data<Prices, Frame>` lets it return a single one, and `impl Data<Prices, Answer>` an
/// [`Answer`]: frames together with an error, another status than 200, or answers under further refIds.
#[diagnostic::on_unimplemented(
    message = "`plugin!` names the service `data`, which `{Self}` does not implement",
    note = "write `impl Data for {Self}`, or leave `data` out of `plugin!`"
)]
pub trait Data<M: Model = Unread, A: Into<Answer> = Vec<Frame>>: Plugin {
    /// Answers one query. The host runs the queries of a request side by side, each in an instance of its own.
    fn query(&self, context: &Context, query: &Query<M>) -> Result<A>;
}

/// The service `data_batch`: the queries of a request together, where `data` gets one at a time. A plugin has one of the two.
///
/// ```
/// # use gpx_sdk::*;
/// # struct Prices;
/// # impl Plugin for Prices { fn open(_: Settings) -> Result<Self> { Ok(Self) } }
/// # impl Prices { fn read(&self, _: &[&str]) -> Result<Vec<Frame>> { Ok(vec![]) } }
/// #[derive(serde::Deserialize)]
/// struct Model {
///     symbol: String,
/// }
///
/// impl DataBatch<Model> for Prices {
///     fn query_batch(&self, _: &Context, queries: &[Query<Model>]) -> Result<Answers> {
///         let symbols: Vec<_> = queries.iter().map(|query| query.model.symbol.as_str()).collect();
///         let frames = self.read(&symbols)?; // one request for all
///         Ok(queries.iter().map(|query| &query.ref_id).zip(frames).collect())
///     }
/// }
///
/// plugin!(Prices: data_batch);
/// ```
#[diagnostic::on_unimplemented(
    message = "`plugin!` names the service `data_batch`, which `{Self}` does not implement",
    note = "write `impl DataBatch for {Self}`, or leave `data_batch` out of `plugin!`"
)]
pub trait DataBatch<M: Model = Unread>: Plugin {
    /// Answers the queries of a request. A query whose model does not fit is answered with status 400, and is not among
    /// them. A query that gets no answer has no data. A fault fails the whole request, and Grafana shows only that the plugin
    /// failed: to fail one query with a message for its panel, add the fault as its answer.
    fn query_batch(&self, context: &Context, queries: &[Query<M>]) -> Result<Answers>;
}

/// The service `data_chunked`: queries whose answers are sent while they are made, so that a result of any size needs little
/// memory. Name it beside `data` or `data_batch`: Grafana calls it for API requests that ask for a stream, and the others for
/// panels and alert rules.
///
/// ```
/// # use gpx_sdk::*;
/// # use gpx_sdk::chunks::ChunkSender;
/// # struct Prices;
/// # impl Plugin for Prices { fn open(_: Settings) -> Result<Self> { Ok(Self) } }
/// # impl Prices { fn pages(&self, _: &str) -> Vec<Result<Frame>> { vec![] } }
/// #[derive(serde::Deserialize)]
/// struct Model {
///     symbol: String,
/// }
///
/// impl DataChunked<Model> for Prices {
///     fn query_chunked(&self, _: &Context, queries: &[Query<Model>], chunks: &mut ChunkSender) -> Result<()> {
///         for query in queries {
///             for page in self.pages(&query.model.symbol) {
///                 match page {
///                     // All pages are rows of one frame.
///                     Ok(page) => chunks.frame(&query.ref_id, "prices", page)?,
///                     Err(fault) => chunks.fault(&query.ref_id, fault)?,
///                 }
///             }
///         }
///         Ok(())
///     }
/// }
///
/// plugin!(Prices: data_chunked);
/// ```
#[diagnostic::on_unimplemented(
    message = "`plugin!` names the service `data_chunked`, which `{Self}` does not implement",
    note = "write `impl DataChunked for {Self}`, or leave `data_chunked` out of `plugin!`"
)]
pub trait DataChunked<M: Model = Unread>: Plugin {
    /// Answers the queries of a request through `chunks`. A query whose model does not fit is answered with status 400, and is
    /// not among them. A fault ends the answer with an error: to fail one query, send the fault.
    fn query_chunked(&self, context: &Context, queries: &[Query<M>], chunks: &mut ChunkSender) -> Result<()>;
}

/// The service `diagnostics`: the button "Save & test".
#[diagnostic::on_unimplemented(
    message = "`plugin!` names the service `diagnostics`, which `{Self}` does not implement",
    note = "write `impl Diagnostics for {Self}`, or leave `diagnostics` out of `plugin!`"
)]
pub trait Diagnostics: Plugin {
    /// A fault is shown like [`Health::error`] with the fault's message.
    fn check_health(&self, context: &Context) -> Result<Health>;
}

/// The service `resource`: requests that the plugin's frontend makes to its backend.
///
/// ```
/// # use gpx_sdk::*;
/// use gpx_sdk::resource::{Request, ResponseSender, Router};
///
/// # struct Prices;
/// # impl Plugin for Prices { fn open(_: Settings) -> Result<Self> { Ok(Self) } }
/// impl Resource for Prices {
///     fn routes() -> Router<Self> {
///         Router::new()
///             .get("/tables", |_, _, _, response| response.json(&["prices"]))
///             .get("/tables/{table}/columns", Self::columns)
///     }
/// }
///
/// impl Prices {
///     fn columns(&self, _: &Context, request: &Request, response: &mut ResponseSender) -> Result<()> {
///         let table: String = request.parameter("table")?;
///         if table != "prices" {
///             return Err(Fault::new(404, format_args!("there is no table `{table}`")));
///         }
///         response.json(&["time", "price"])
///     }
/// }
/// # plugin!(Prices: resource);
/// ```
#[diagnostic::on_unimplemented(
    message = "`plugin!` names the service `resource`, which `{Self}` does not implement",
    note = "write `impl Resource for {Self}`, or leave `resource` out of `plugin!`"
)]
pub trait Resource: Plugin {
    /// Returns which function answers which requests. Called once per instance.
    fn routes() -> Router<Self>;
}

/// The service `stream`: data that panels show as it comes, by Grafana Live. Set `"streaming": true` in plugin.json.
///
/// A frontend subscribes to a channel `ds/<uid of the data source>/<path>`, for example because a query has answered with a
/// frame whose [`Meta::channel`](crate::frame::Meta::channel) names it. Grafana then calls [`Stream::subscribe`] for each
/// subscriber, and [`Stream::run`] once for all subscribers of a channel.
///
/// ```
/// # use gpx_sdk::*;
/// use std::time::Duration;
///
/// use gpx_sdk::stream::{Include, PacketSender, Reply, Request};
///
/// # struct Prices;
/// # impl Plugin for Prices { fn open(_: Settings) -> Result<Self> { Ok(Self) } }
/// # impl Prices { fn price(&self, _: &str) -> Result<f64> { Ok(1.0) } }
/// impl Stream for Prices {
///     fn subscribe(&self, _: &Context, request: &Request) -> Result<Reply> {
///         Ok(if request.path == "gold" { Reply::ok() } else { Reply::not_found() })
///     }
///
///     fn run(&self, _: &Context, request: &Request, packets: &mut PacketSender) -> Result<()> {
///         loop {
///             let price = self.price(&request.path)?;
///             let frame = Frame::new("price").time("time", [Time::now()]).field("value", [price]);
///             packets.frame(frame, Include::All)?; // ends once nobody is subscribed
///             time::sleep(Duration::from_millis(100));
///         }
///     }
/// }
/// # plugin!(Prices: stream);
/// ```
#[diagnostic::on_unimplemented(
    message = "`plugin!` names the service `stream`, which `{Self}` does not implement",
    note = "write `impl Stream for {Self}`, or leave `stream` out of `plugin!`"
)]
pub trait Stream: Plugin {
    /// Decides whether a user may subscribe.
    fn subscribe(&self, context: &Context, request: &Request) -> Result<Reply>;

    /// Decides whether a user may publish, and what. By default, nobody may.
    fn publish(&self, _context: &Context, _request: &Request) -> Result<Reply> {
        Ok(Reply::permission_denied())
    }

    /// Sends packets until nobody is subscribed any more: then sending fails, and [`Context::cancelled`] is true. 50 ms later
    /// the instance is dropped.
    ///
    /// It may run for any time, and wait by [`time::sleep`](crate::time::sleep) or std's. It may compute for half of the time.
    ///
    /// Return `Ok` only if there will never be more: the subscribers then wait in vain. After a fault, Grafana runs the stream
    /// again, and after repeated faults with a pause of up to 5 s. So `?` is right for an upstream that has failed.
    ///
    /// A span that is started while no other is open begins a trace of its own, with a link to the call's span. So give each
    /// round a span.
    fn run(&self, context: &Context, request: &Request, packets: &mut PacketSender) -> Result<()>;
}

/// The service `admission`: whether an object may be stored, and in which form. Grafana asks before it saves the settings of a
/// data source whose plugin.json has an `apiVersion`, for example.
///
/// ```
/// # use gpx_sdk::*;
/// use gpx_sdk::admission::{Denial, Mutation, Object, Request, Verdict};
///
/// # struct Prices;
/// # impl Plugin for Prices { fn open(_: Settings) -> Result<Self> { Ok(Self) } }
/// #[derive(serde::Deserialize, serde::Serialize)]
/// struct Config {
///     table: String,
/// }
///
/// impl Admission for Prices {
///     fn validate(&self, _: &Context, request: &Request) -> Result<Verdict> {
///         let Some(Object::DataSource(source)) = &request.object else { return Ok(Verdict::allow()) };
///         let config: Config = source.json()?;
///         if config.table.is_empty() {
///             return Ok(Denial::new(400, "Choose a table").reason("Invalid").into());
///         }
///         Ok(Verdict::allow().warning("Prices older than a year are not kept"))
///     }
///
///     fn mutate(&self, context: &Context, request: &Request) -> Result<Mutation> {
///         let verdict = self.validate(context, request)?;
///         let Some(Object::DataSource(source)) = &request.object else { return Ok(verdict.into()) };
///         let mut config: Config = source.json()?;
///         config.table.make_ascii_lowercase();
///         Ok(verdict.store(source.clone().with_json(&config)?))
///     }
/// }
/// # plugin!(Prices: admission);
/// ```
///
/// A secret is neither shown nor changed, and nor is the URL, since the host sends secrets there.
#[diagnostic::on_unimplemented(
    message = "`plugin!` names the service `admission`, which `{Self}` does not implement",
    note = "write `impl Admission for {Self}`, or leave `admission` out of `plugin!`"
)]
pub trait Admission: Plugin {
    /// Decides whether the object may be stored. To refuse it, return a [`Denial`](admission::Denial): after a fault, Grafana
    /// shows only that the plugin failed.
    fn validate(&self, context: &Context, request: &admission::Request) -> Result<admission::Verdict>;

    /// Decides the same, and in which form it is stored. By default, it is stored as it was sent if it is valid.
    fn mutate(&self, context: &Context, request: &admission::Request) -> Result<admission::Mutation> {
        Ok(self.validate(context, request)?.into())
    }
}

/// The service `conversion`: stored objects in another version of their kind.
///
/// ```
/// # use gpx_sdk::*;
/// use gpx_sdk::conversion::{Denial, Request, StoredObject};
///
/// # struct Prices;
/// # impl Plugin for Prices { fn open(_: Settings) -> Result<Self> { Ok(Self) } }
/// impl Conversion for Prices {
///     fn convert(&self, _: &Context, request: &Request) -> Result<conversion::Conversion> {
///         if request.target.version != "v2" {
///             return Ok(Err(Denial::new(400, "only v2 is known")));
///         }
///         let mut converted = Vec::new();
///         for object in &request.objects {
///             let mut object: serde_json::Value = object.json()?;
///             object["apiVersion"] = "prices.example/v2".into();
///             converted.push(StoredObject::of_json(&object)?);
///         }
///         Ok(Ok(converted))
///     }
/// }
/// # plugin!(Prices: conversion);
/// ```
#[diagnostic::on_unimplemented(
    message = "`plugin!` names the service `conversion`, which `{Self}` does not implement",
    note = "write `impl Conversion for {Self}`, or leave `conversion` out of `plugin!`"
)]
pub trait Conversion: Plugin {
    /// Returns the objects in the version that is asked for, in the same order, or why that cannot be done.
    fn convert(&self, context: &Context, request: &conversion::Request) -> Result<Converted>;
}

/// The service `query_conversion`: saved queries in the form that the plugin's current version understands.
///
/// `Old` is whatever may have been saved, and `New` is what is saved from now on. Both are the whole JSON object of a query,
/// with `refId` and all that Grafana keeps in it; what neither names is lost, so keep it with `flatten`.
///
/// ```
/// # use gpx_sdk::*;
/// # struct Prices;
/// # impl Plugin for Prices { fn open(_: Settings) -> Result<Self> { Ok(Self) } }
/// #[derive(serde::Deserialize)]
/// struct Saved {
///     /// The name before version 2.
///     ticker: Option<String>,
///     symbol: Option<String>,
///     #[serde(flatten)]
///     rest: serde_json::Map<String, serde_json::Value>,
/// }
///
/// #[derive(serde::Serialize)]
/// struct Current {
///     symbol: String,
///     #[serde(flatten)]
///     rest: serde_json::Map<String, serde_json::Value>,
/// }
///
/// impl QueryConversion<Saved, Current> for Prices {
///     fn convert_query(&self, _: &Context, Saved { ticker, symbol, rest }: Saved) -> Result<Current> {
///         let symbol = symbol.or(ticker).ok_or_else(|| Fault::bad_request("the query has no symbol"))?;
///         Ok(Current { symbol, rest })
///     }
/// }
/// # plugin!(Prices: query_conversion);
/// ```
#[diagnostic::on_unimplemented(
    message = "`plugin!` names the service `query_conversion`, which `{Self}` does not implement",
    note = "write `impl QueryConversion<Old, New> for {Self}`, or leave `query_conversion` out of `plugin!`"
)]
pub trait QueryConversion<Old: DeserializeOwned, New: Serialize>: Plugin {
    /// Converts one query. A query that does not fit `Old` fails the request with status 400, and so does a fault.
    fn convert_query(&self, context: &Context, query: Old) -> Result<New>;
}

/// Turns a plugin into a component that exports only the services that are named.
///
/// ```
/// # use gpx_sdk::*;
/// # struct Prices;
/// # impl Plugin for Prices { fn open(_: Settings) -> Result<Self> { Ok(Self) } }
/// # impl Data for Prices { fn query(&self, _: &Context, _: &Query) -> Result<Vec<Frame>> { Ok(vec![]) } }
/// # impl Diagnostics for Prices { fn check_health(&self, _: &Context) -> Result<Health> { Ok(Health::ok("fine")) } }
/// gpx_sdk::plugin!(Prices: data, diagnostics;
///     attributes: { "prices.team": "markets" };  // of the resource of every span
///     secrets: [
///         "apiToken",                            // a key of secureJsonData that `open` receives
///         "password" as header "X-Key: {}",      // one that the host sends to the data source, unseen by the plugin
///     ];
///     origins: ["https://login.example.com"];    // wanted besides the data source's own; the operator grants them
///     headers: ["X-Tenant"];                     // of a call, besides those that every component sees
///     forwarding: on;                            // the host passes the user's tokens and the like on to the data source
/// );
/// ```
///
/// Every part after the plugin's name may be left out: `plugin!(Prices)` exports no service. The parts come in any order,
/// each once:
///
/// ```compile_fail
/// # use gpx_sdk::*;
/// # struct Prices;
/// # impl Plugin for Prices { fn open(_: Settings) -> Result<Self> { Ok(Self) } }
/// gpx_sdk::plugin!(Prices; secrets: ["apiToken"]; secrets: ["password"]);
/// ```
///
/// The value of a header with a secret has one `{}`, for the secret:
///
/// ```compile_fail
/// # use gpx_sdk::*;
/// # struct Prices;
/// # impl Plugin for Prices { fn open(_: Settings) -> Result<Self> { Ok(Self) } }
/// gpx_sdk::plugin!(Prices; secrets: ["apiToken" as header "Authorization: Bearer"]);
/// ```
///
/// `forwarding` is `on`, `off`, or `over_basic_auth`, which lets a user's `Authorization` go before the data source's basic
/// authentication. Left out, the data source's settings decide: cookies with `keepCookies`, all others with `oauthPassThru`.
#[macro_export]
macro_rules! plugin {
    ($plugin:ident $(: $($service:ident),+ $(,)?)? $(; $($parts:tt)*)?) => {
        $crate::__parts!($plugin [] [] [] [] [] $($($parts)*)?);

        // Natively there is no host to export to: the plugin is only checked, so that its tests can run.
        const _: fn() = $crate::plugin::export::plugin::<$plugin>;
        #[cfg(target_family = "wasm")]
        const _: () = {
            $crate::bindings::base::export_base!($plugin with_types_in $crate::bindings::base);
            $crate::bindings::outgoing::export_outgoing!($plugin with_types_in $crate::bindings::outgoing);
        };

        $($($crate::__export!($service $plugin);)+)?
    };
    ($($other:tt)*) => {
        ::std::compile_error!(
            "write `plugin!(Prices: data, diagnostics; secrets: [\"apiToken\"]);`: the name of a type, its services, and a `;` before each other part"
        );
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __export {
    (data $plugin:ident) => {
        const _: fn() = $crate::plugin::export::data::<$plugin, _, _>;
        impl $crate::plugin::export::DataGuest for $plugin {
            fn query_data(
                query: $crate::plugin::export::DataQuery,
            ) -> ::std::result::Result<
                ::std::vec::Vec<$crate::plugin::export::DataAnswer>,
                $crate::plugin::export::DataFault,
            > {
                $crate::plugin::export::query_data::<$plugin, _, _>(query)
            }
        }
        #[cfg(target_family = "wasm")]
        const _: () = {
            $crate::bindings::data::export_data!($plugin with_types_in $crate::bindings::data);
        };
    };
    (data_batch $plugin:ident) => {
        const _: fn() = $crate::plugin::export::data_batch::<$plugin, _>;
        impl $crate::plugin::export::DataBatchGuest for $plugin {
            fn query_data(
                queries: ::std::vec::Vec<$crate::plugin::export::DataQuery>,
            ) -> ::std::result::Result<
                ::std::vec::Vec<$crate::plugin::export::DataAnswer>,
                $crate::plugin::export::DataFault,
            > {
                $crate::plugin::export::query_batch::<$plugin, _>(queries)
            }
        }
        #[cfg(target_family = "wasm")]
        const _: () = {
            $crate::bindings::data_batch::export_data_batch!($plugin with_types_in $crate::bindings::data_batch);
        };
    };
    (data_chunked $plugin:ident) => {
        const _: fn() = $crate::plugin::export::data_chunked::<$plugin, _>;
        #[cfg(target_family = "wasm")]
        impl $crate::plugin::export::DataChunkedGuest for $plugin {
            fn query_data(
                queries: ::std::vec::Vec<$crate::plugin::export::DataQuery>,
                chunks: $crate::plugin::export::WitChunkSender,
            ) -> ::std::result::Result<(), $crate::plugin::export::DataFault> {
                $crate::plugin::export::query_chunked::<$plugin, _>(queries, chunks)
            }
        }
        #[cfg(target_family = "wasm")]
        const _: () = {
            $crate::bindings::data_chunked::export_data_chunked!($plugin with_types_in $crate::bindings::data_chunked);
        };
    };
    (diagnostics $plugin:ident) => {
        const _: fn() = $crate::plugin::export::diagnostics::<$plugin>;
        #[cfg(target_family = "wasm")]
        const _: () = {
            $crate::bindings::diagnostics::export_diagnostics!($plugin with_types_in $crate::bindings::diagnostics);
        };
    };
    (resource $plugin:ident) => {
        const _: fn() = $crate::plugin::export::resource::<$plugin>;
        #[cfg(target_family = "wasm")]
        const _: () = {
            $crate::bindings::resource::export_resource!($plugin with_types_in $crate::bindings::resource);
        };
    };
    (stream $plugin:ident) => {
        const _: fn() = $crate::plugin::export::stream::<$plugin>;
        #[cfg(target_family = "wasm")]
        const _: () = {
            $crate::bindings::stream::export_stream!($plugin with_types_in $crate::bindings::stream);
        };
    };
    (admission $plugin:ident) => {
        const _: fn() = $crate::plugin::export::admission::<$plugin>;
        #[cfg(target_family = "wasm")]
        const _: () = {
            $crate::bindings::admission::export_admission!($plugin with_types_in $crate::bindings::admission);
        };
    };
    (conversion $plugin:ident) => {
        const _: fn() = $crate::plugin::export::conversion::<$plugin>;
        #[cfg(target_family = "wasm")]
        const _: () = {
            $crate::bindings::conversion::export_conversion!($plugin with_types_in $crate::bindings::conversion);
        };
    };
    (query_conversion $plugin:ident) => {
        const _: fn() = $crate::plugin::export::query_conversion::<$plugin, _, _>;
        impl $crate::plugin::export::QueryConversionGuest for $plugin {
            fn convert(
                queries: ::std::vec::Vec<::std::string::String>,
            ) -> ::std::result::Result<::std::vec::Vec<::std::string::String>, $crate::plugin::export::DataFault>
            {
                $crate::plugin::export::convert_queries::<$plugin, _, _>(queries)
            }
        }
        #[cfg(target_family = "wasm")]
        const _: () = {
            $crate::bindings::query_conversion::export_query_conversion!(
                $plugin with_types_in $crate::bindings::query_conversion
            );
        };
    };
    ($other:ident $plugin:ident) => {
        ::std::compile_error!(::std::concat!(
            "there is no service `",
            ::std::stringify!($other),
            "`: services are admission, conversion, data, data_batch, data_chunked, diagnostics, query_conversion, resource \
             and stream"
        ));
    };
}

#[cfg(test)]
mod tests;
