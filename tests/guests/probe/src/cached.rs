//! What instances share.

use std::time::Duration;

use gpx_sdk::http::{self, ClientCredentials};
use gpx_sdk::{Frame, Query, Result, cache};
use serde::Deserialize;

use crate::misbehave;

/// `{"token_url", "url"}`
#[derive(Deserialize)]
struct Protected {
    token_url: String,
    url: String,
}

/// Reads from an upstream that wants an OAuth token, which it gets with its client's credentials.
pub fn token(query: &Query) -> Result<Vec<Frame>> {
    let Protected { token_url, url } = query.json()?;
    let login = ClientCredentials::new(token_url, "grafana", "hunter2");
    let text = http::get(&url).bearer(login.token()?).send()?.text()?;
    Ok(vec![Frame::new("protected").field("text", [text])])
}

/// `{"steps": […]}`
#[derive(Deserialize)]
struct Steps {
    steps: Vec<Step>,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Step {
    Get(String),
    Set {
        key: String,
        value: String,
        nanos: u64,
    },
    /// So many keys, each with so many bytes.
    Fill {
        keys: usize,
        bytes: usize,
    },
    Remove(String),
    /// Loads a value by a request to this URL, after the steps within.
    Load {
        key: String,
        url: String,
        #[serde(default)]
        within: Vec<Step>,
    },
    /// Loads a value and ends in this way.
    Break {
        key: String,
        how: String,
    },
}

/// Takes the steps, and returns what each has come to.
pub fn cache(query: &Query) -> Result<Vec<Frame>> {
    let Steps { steps } = query.json()?;
    let mut said = Vec::new();
    take(&steps, &mut said)?;
    Ok(vec![Frame::new("cache").field("said", said)])
}

fn take(steps: &[Step], said: &mut Vec<String>) -> Result<()> {
    for step in steps {
        let text = match step {
            Step::Get(key) => cache::get(key).unwrap_or_else(|| "nothing".to_owned()),
            Step::Set { key, value, nanos } => said_of(cache::set(key, value, Duration::from_nanos(*nanos))),
            Step::Fill { keys, bytes } => {
                let value = "v".repeat(*bytes);
                let hour = Duration::from_secs(3600);
                said_of((0..*keys).try_for_each(|key| cache::set(&key.to_string(), &value, hour)))
            }
            Step::Remove(key) => {
                cache::remove(key);
                "removed".to_owned()
            }
            Step::Load { key, url, within } => {
                let loaded = cache::get_or_load(key, || {
                    take(within, said)?;
                    Ok((http::get(url).send()?.text()?, Duration::from_secs(3600)))
                });
                loaded.unwrap_or_else(|fault| fault.message)
            }
            Step::Break { key, how } => cache::get_or_load(key, || match how.as_str() {
                "loop" => misbehave::forever().map(|_| unreachable!()),
                "trap" => misbehave::trap().map(|_| unreachable!()),
                _ => misbehave::panic().map(|_| unreachable!()),
            })
            .unwrap_or_else(|fault| fault.message),
        };
        said.push(text);
    }
    Ok(())
}

fn said_of(result: Result<()>) -> String {
    result.map_or_else(|fault| fault.message, |()| "kept".to_owned())
}
