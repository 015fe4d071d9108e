use gpx_sdk::admission::{Denial, Mutation, Object, Operation, Request, Verdict};
use gpx_sdk::bindings::admission::exports::gpx::plugin::admission as wit;
use gpx_sdk::{Admission, Context, Fault, Result, log, span};
use serde_json::Value;

use crate::Objects;

impl Admission for Objects {
    fn validate(&self, context: &Context, request: &Request) -> Result<Verdict> {
        Ok(match request.kind.name.as_str() {
            "Echo" => Verdict::allow().warning(echo(request)),
            "Kind" => Verdict::allow().warning(format!("{:?}", self.kind)),
            "Denied" => Verdict::from(Denial::new(422, "the object has no title").reason("Invalid"))
                .warning("think twice"),
            "Status" => Denial::new(object(request)?.json::<u16>()?, "a status of any kind").into(),
            "Fault" => return Err(Fault::downstream(503, "nobody can be asked")),
            "Refused" => Denial::from(object(request)?.json::<Vec<u8>>().unwrap_err()).into(),
            "Panic" => panic!("validation panicked on purpose"),
            "Loop" => loop {
                std::hint::black_box(());
            },
            "Sleep" => {
                log::info!("asleep");
                std::thread::sleep(std::time::Duration::from_secs(3600));
                Verdict::allow()
            }
            "Warnings" => (0..100_000).fold(Verdict::allow(), |verdict, number| verdict.warning(number)),
            "Long" => Verdict::from(Denial::new(400, "x".repeat(1 << 20)).reason(&"y".repeat(1 << 20)))
                .warning("z".repeat(1 << 20)),
            "Span" => {
                drop(span!("look at the object"));
                Verdict::allow()
            }
            "User" => Verdict::allow().warning(context.user().map_or("nobody", |user| user.login.as_str())),
            "DataSourceInstanceSettings" | "AppInstanceSettings" => settings(request),
            _ => Verdict::allow(),
        })
    }

    fn mutate(&self, context: &Context, request: &Request) -> Result<Mutation> {
        let verdict = self.validate(context, request)?;
        Ok(match request.kind.name.as_str() {
            "Stamped" => {
                let mut value: Value = object(request)?.json()?;
                value["stamped"] = true.into();
                verdict.store(Object::of_json(&value)?)
            }
            "Large" => verdict.store(Object::Serialized(vec![b' '; object(request)?.json()?])),
            "Resurrected" => verdict.store(Object::Serialized(vec![b'{', b'}'])),
            "Other" => verdict.store(Object::from(wit::Object::App(wit::App {
                json: vec![],
                secrets: vec![],
                updated: 0,
                api_version: String::new(),
            }))),
            "DataSourceInstanceSettings" => match object(request)? {
                Object::DataSource(source) if unfit(source.database()).is_some() => {
                    verdict.store(spoiled(source.clone().into()))
                }
                Object::DataSource(source) => {
                    verdict.store(source.clone().with_name(&format!("{} (checked)", source.name())))
                }
                _ => verdict.into(),
            },
            "AppInstanceSettings" => match object(request)? {
                Object::App(app) => {
                    let mut value: Value = app.json()?;
                    value["stamped"] = true.into();
                    verdict.store(app.clone().with_json(&value)?)
                }
                _ => verdict.into(),
            },
            _ => verdict.into(),
        })
    }
}

fn object(request: &Request) -> Result<&Object> {
    request.object.as_ref().ok_or_else(|| Fault::bad_request("there is no object"))
}

/// Says what was asked.
fn echo(request: &Request) -> String {
    let operation = match request.operation {
        Operation::Create => "create",
        Operation::Update => "update",
        Operation::Delete => "delete",
    };
    let bytes = |object: &Option<Object>| match object {
        Some(Object::Serialized(bytes)) => bytes.len(),
        _ => 0,
    };
    let kind = &request.kind;
    let (group, version, name) = (&kind.group, &kind.version, &kind.name);
    format!("{operation} {group}/{version} {name} {} {}", bytes(&request.object), bytes(&request.old_object))
}

/// Says all that is seen of settings.
fn settings(request: &Request) -> Verdict {
    match &request.object {
        Some(Object::DataSource(source)) => {
            let (name, url, token) = (source.name(), source.url(), source.has_secret("token"));
            Verdict::allow().warning(format!("{name} at {url}, a token: {token}"))
        }
        Some(Object::App(app)) => Verdict::allow().warning(format!("a token: {}", app.has_secret("token"))),
        _ => Verdict::allow(),
    }
}

/// Returns settings that cannot be stored, and where they point to, by the name of a mistake.
fn unfit(mistake: &str) -> Option<(&'static str, Vec<u8>)> {
    let json = match mistake {
        "url" => return Some(("http://attacker.example/", b"{}".to_vec())),
        "list" => b"[1]".to_vec(),
        "nothing" => Vec::new(),
        "half" => b"{\"a\":".to_vec(),
        "bytes" => b"{\"a\":\"\xff\"}".to_vec(),
        "deep" => [b"{\"a\":".to_vec(), vec![b'['; 1 << 20], vec![b']'; 1 << 20], b"}".to_vec()].concat(),
        "large" => [b"{".to_vec(), vec![b' '; 16 << 20], b"}".to_vec()].concat(),
        _ => return None,
    };
    Some(("", json))
}

/// The SDK itself makes no such object.
fn spoiled(object: Object) -> Object {
    let wit::Object::DataSource(source) = object.into() else { panic!("the settings of a data source") };
    let (url, json) = unfit(&source.database).expect("the name of a mistake");
    let url = if url.is_empty() { source.url } else { url.to_owned() };
    wit::Object::DataSource(wit::DataSource { url, json, ..source }).into()
}
