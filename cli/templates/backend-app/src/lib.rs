//! An app whose page shows notes from its back end.

#[cfg(test)]
mod tests;

use gpx_sdk::resource::{Request, ResponseSender, Router};
use gpx_sdk::{Context, Diagnostics, Fault, Health, Plugin, Resource, Result, Settings};
use serde::{Deserialize, Serialize};

/// What the configuration page saves as jsonData.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Config {
    topics: Vec<String>,
}

/// An instance is made from the app's settings.
struct App {
    config: Config,
    /// Whether a token was saved. It stays in the back end.
    has_token: bool,
}

#[derive(Serialize)]
struct Note<'a> {
    topic: &'a str,
    text: String,
}

gpx_sdk::plugin!(App: diagnostics, resource; secrets: ["apiToken"]);

impl Plugin for App {
    fn open(settings: Settings) -> Result<Self> {
        let has_token = settings.secret("apiToken").is_some();
        Ok(Self { config: settings.json()?, has_token })
    }
}

impl Diagnostics for App {
    fn check_health(&self, _: &Context) -> Result<Health> {
        Ok(match (self.config.topics.len(), self.has_token) {
            (0, _) => Health::error("no topics yet: enter some on the configuration page"),
            (topics, false) => Health::ok(format!("{topics} topics, and no token")),
            (topics, true) => Health::ok(format!("{topics} topics, and a token")),
        })
    }
}

impl Resource for App {
    fn routes() -> Router<Self> {
        Router::<Self>::new()
            .get("/topics", |app, _, _, response| response.json(&app.config.topics))
            .get("/topics/{topic}/note", Self::note)
    }
}

impl App {
    fn note(&self, context: &Context, request: &Request, response: &mut ResponseSender) -> Result<()> {
        let topic: String = request.parameter("topic")?;
        if !self.config.topics.contains(&topic) {
            return Err(Fault::new(404, format_args!("there is no topic `{topic}`")));
        }
        let reader = context.user().map_or("Grafana", |user| user.name.as_str());
        response.json(&Note { topic: &topic, text: format!("{reader} reads about {topic}") })
    }
}
