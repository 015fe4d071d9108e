//! Admission and conversion.

use serde_json::{Value, json};

use crate::admission::{Denial, Mutation, Object, Operation, Request, Verdict};
use crate::conversion::{self, StoredObject};
use crate::test::{AdmissionRequest, Host, Opened, app, data_source, no_settings};
use crate::*;

/// Stores what a test says.
struct Objects;

plugin!(Objects: admission, conversion, query_conversion);

impl Plugin for Objects {
    fn open(_: Settings) -> Result<Self> {
        Ok(Self)
    }
}

impl Admission for Objects {
    fn validate(&self, context: &Context, request: &Request) -> Result<Verdict> {
        let object = request.object.as_ref().or(request.old_object.as_ref());
        let told = format!("{:?} {:?}", request.operation, request.kind.name);
        match object {
            Some(Object::App(_)) if context.user().is_none() => Err(Fault::plugin("nobody asks")),
            Some(Object::DataSource(source)) if !source.has_secret("apiToken") => {
                Ok(Denial::new(400, "Set a token").reason("Invalid").into())
            }
            _ => Ok(Verdict::allow().warning(told)),
        }
    }

    fn mutate(&self, context: &Context, request: &Request) -> Result<Mutation> {
        let verdict = self.validate(context, request)?;
        Ok(match context.header("store") {
            Some("name") => {
                let Some(Object::DataSource(source)) = request.object.clone() else {
                    return Ok(verdict.into());
                };
                verdict.store(source.with_name("new").with_json(&json!({ "a": 1 }))?)
            }
            // Its URL and its secrets differ.
            Some("other") => verdict.store(data_source("http://other.example").name("other")),
            Some("list") => {
                let Object::DataSource(source) = Object::from(data_source("")) else {
                    return Ok(verdict.into());
                };
                verdict.store(source.with_json(&json!([]))?)
            }
            Some("json") => verdict.store(Object::of_json(&json!({ "b": 2 }))?),
            _ => verdict.into(),
        })
    }
}

impl Conversion for Objects {
    fn convert(&self, _: &Context, request: &conversion::Request) -> Result<conversion::Conversion> {
        let target = format!("{}/{}", request.target.group, request.target.version);
        match request.objects.as_slice() {
            [] => Ok(Err(Denial::new(404, "there is nothing"))),
            objects => objects.iter().map(|_| StoredObject::of_json(&target)).collect::<Result<_>>().map(Ok),
        }
    }
}

impl QueryConversion<Vec<Value>, Value> for Objects {
    fn convert_query(&self, context: &Context, old: Vec<Value>) -> Result<Value> {
        context.time_left();
        old.into_iter().next().ok_or_else(|| Fault::bad_request("it is empty"))
    }
}

fn objects(host: &Host) -> Opened<'_, Objects> {
    host.open(no_settings()).unwrap()
}

/// What is stored of a data source with a token if the plugin stores `what`.
fn stored(what: &str) -> Result<Object> {
    let host = Host::new();
    host.header("store", what);
    let source =
        data_source("http://prices.example").json(&json!({ "table": "gold" })).secret("apiToken", "x");
    let mutation = objects(&host).mutate(AdmissionRequest::create(source))?;
    assert_eq!(mutation.warnings, ["Operation::Create \"DataSourceInstanceSettings\""]);
    Ok(mutation.outcome.unwrap().unwrap())
}

#[test]
fn an_object_is_admitted_refused_or_the_plugin_fails() {
    let host = Host::new();
    let plugin = objects(&host);
    let source = data_source("http://prices.example");
    let denied = plugin.validate(AdmissionRequest::create(source.clone())).unwrap();
    assert_eq!(denied.outcome, Err(Denial::new(400, "Set a token").reason("Invalid")));
    assert!(denied.warnings.is_empty());
    let denied = plugin.mutate(AdmissionRequest::create(source.clone())).unwrap();
    assert_eq!(denied.outcome.unwrap_err().message, "Set a token");
    let complete = source.clone().secret("apiToken", "x");
    let allowed = plugin.validate(AdmissionRequest::update(source, complete)).unwrap();
    assert_eq!(allowed.outcome, Ok(()));
    assert_eq!(allowed.warnings, ["Operation::Update \"DataSourceInstanceSettings\""]);
    assert_eq!(plugin.validate(AdmissionRequest::create(app())).unwrap_err().message, "nobody asks");
}

#[test]
fn a_plugin_changes_only_what_the_host_lets_it_change() {
    let Object::DataSource(sent) = stored("").unwrap() else { panic!("not a data source") };
    assert_eq!((sent.name(), sent.json::<Value>().unwrap()), ("test", json!({ "table": "gold" })));
    let Object::DataSource(named) = stored("name").unwrap() else { panic!("not a data source") };
    assert_eq!((named.name(), named.json::<Value>().unwrap()), ("new", json!({ "a": 1 })));
    let Object::DataSource(other) = stored("other").unwrap() else { panic!("not a data source") };
    assert_eq!((other.name(), other.url()), ("other", "http://prices.example"));
    assert!(other.has_secret("apiToken"));
    let told = |what| stored(what).unwrap_err().message;
    assert_eq!(
        told("list"),
        "the plugin has returned settings whose jsonData is not a JSON object; write one"
    );
    assert_eq!(
        told("json"),
        "the plugin has made a serialized object of the settings of a data source; return an object of the same variant"
    );
    let host = Host::new();
    host.header("store", "json");
    let fault = objects(&host).mutate(AdmissionRequest::delete(Object::of_json(&1).unwrap())).unwrap_err();
    assert_eq!(fault.message, "the plugin has changed an object that is to be deleted; return none");
    let mutation = objects(&host).mutate(AdmissionRequest::create(Object::of_json(&1).unwrap())).unwrap();
    assert_eq!(mutation.outcome.unwrap().unwrap().json::<Value>().unwrap(), json!({ "b": 2 }));
}

#[test]
fn a_request_says_what_the_object_says() {
    let read = |request: AdmissionRequest| {
        let Request { operation, kind, object, old_object } = request.into();
        (operation, kind.group, kind.version, kind.name, object.is_some(), old_object.is_some())
    };
    let table = Object::of_json(&json!({ "apiVersion": "a.example/v1", "kind": "Table" })).unwrap();
    let expected = (Operation::Delete, "a.example".into(), "v1".into(), "Table".into(), false, true);
    assert_eq!(read(AdmissionRequest::delete(table.clone())), expected);
    let expected = (Operation::Update, "g".into(), "v2".into(), "K".into(), true, true);
    assert_eq!(read(AdmissionRequest::update(table.clone(), table).kind("g", "v2", "K")), expected);
    let expected = (
        Operation::Create,
        "grafana-plugin-sdk-go".into(),
        "v3".into(),
        "AppInstanceSettings".into(),
        true,
        false,
    );
    assert_eq!(read(AdmissionRequest::create(app().api_version("v3"))), expected);
    let expected = (Operation::Create, String::new(), String::new(), String::new(), true, false);
    assert_eq!(read(AdmissionRequest::create(Object::Serialized(b"x".to_vec()))), expected);
    let secrets: Object = app().secret("b", "geheim").secret("a", "geheim").into();
    assert!(!format!("{secrets:?}").contains("geheim"), "{secrets:?}");
}

#[test]
fn objects_and_queries_are_converted() {
    let host = Host::new();
    let plugin = objects(&host);
    let object = StoredObject::of_json(&1).unwrap();
    let converted = plugin.convert("a.example", "v2", [object.clone(), object]).unwrap().unwrap();
    assert_eq!(converted[1].json::<String>().unwrap(), "a.example/v2");
    assert_eq!(plugin.convert("", "", []).unwrap().unwrap_err().status, 404);

    let told = |queries: Vec<Value>| plugin.convert_queries(queries).map_err(|fault| fault.message);
    assert_eq!(told(vec![json!([{ "a": 1 }]), json!([{}])]), Ok(vec![json!({ "a": 1 }), json!({})]));
    assert_eq!(told(vec![json!([])]), Err("it is empty".to_owned()));
    assert_eq!(
        told(vec![json!([{}]), json!([1])]),
        Err("converted query 2: it is not a JSON object; return one for each query".to_owned())
    );
    assert!(told(vec![json!({ "refId": "B" })]).unwrap_err().starts_with("query B is not valid: "));
}
