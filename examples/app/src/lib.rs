//! An app: a page that shows and greets a team, and a data source of the app with the team's members. One executable and one
//! component serve both. Grafana starts a process for the app and another for the data source.

use gpx_sdk::resource::{Request, ResponseSender, Router};
use gpx_sdk::{
    Context, Data, Diagnostics, Fault, Frame, Health, Plugin, Query, Resource, Result, Settings, SettingsKind,
};
use serde::{Deserialize, Serialize};

/// What was saved on the app's configuration page, or on that of the data source.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Config {
    team: String,
    members: Vec<String>,
}

struct App {
    kind: SettingsKind,
    config: Config,
    /// Whether a key for the team's directory was saved. It stays in the backend.
    has_key: bool,
}

#[derive(Serialize)]
struct Team<'a> {
    team: &'a str,
    members: &'a [String],
    has_key: bool,
}

#[derive(Deserialize)]
struct Greeting {
    word: String,
}

gpx_sdk::plugin!(App: data, diagnostics, resource; secrets: ["directoryKey"]);

impl Plugin for App {
    fn open(settings: Settings) -> Result<Self> {
        let has_key = settings.secret("directoryKey").is_some();
        // What nobody has configured yet is empty.
        Ok(Self { kind: settings.kind(), config: settings.json()?, has_key })
    }
}

impl Resource for App {
    fn routes() -> Router<Self> {
        Router::<Self>::new()
            .get("/team", |app, _, _, response| response.json(&app.team()))
            .post("/team/{member}/greeting", Self::greet)
    }
}

impl App {
    fn team(&self) -> Team<'_> {
        Team { team: &self.config.team, members: &self.config.members, has_key: self.has_key }
    }

    fn greet(&self, context: &Context, request: &Request, response: &mut ResponseSender) -> Result<()> {
        let member: String = request.parameter("member")?;
        if !self.config.members.contains(&member) {
            return Err(Fault::new(404, format_args!("`{member}` is not in team `{}`", self.config.team)));
        }
        let Greeting { word } = request.json()?;
        let from = context.user().map_or("Grafana", |user| user.name.as_str());
        response.json(&format!("{word}, {member}! From {from}"))
    }
}

impl Data for App {
    /// Only the data source has queries. Its own settings are those of a data source.
    fn query(&self, _: &Context, _: &Query) -> Result<Vec<Frame>> {
        // The data source's editor keeps the blanks between names, which would otherwise vanish while somebody types.
        let members: Vec<_> = self.config.members.iter().map(|name| name.trim().to_owned()).collect();
        Ok(vec![Frame::new(&self.config.team).field("member", members)])
    }
}

impl Diagnostics for App {
    fn check_health(&self, _: &Context) -> Result<Health> {
        let what = if self.kind == SettingsKind::App { "app" } else { "data source" };
        Ok(match self.config.team.as_str() {
            "" => Health::error(format!("The {what} has no team: choose one on its configuration page")),
            team => Health::ok(format!("The {what} is for team {team}")),
        })
    }
}

#[cfg(test)]
mod tests {
    use gpx_sdk::test::{Host, ResourceRequest, SettingsBuilder, app, data_source, query};
    use gpx_sdk::{HealthStatus, User};
    use serde_json::json;

    use super::*;

    fn team(settings: SettingsBuilder) -> SettingsBuilder {
        settings.json(&json!({ "team": "Blue", "members": ["Ada", " Grace"] }))
    }

    #[test]
    fn the_page_shows_the_team_and_not_the_key() {
        let host = Host::new();
        let app = host.open::<App>(team(app()).secret("directoryKey", "geheim")).unwrap();
        let response = app.call_resource(ResourceRequest::get("team")).unwrap();
        assert_eq!(response.text(), r#"{"team":"Blue","members":["Ada"," Grace"],"has_key":true}"#);
    }

    #[test]
    fn a_member_is_greeted_by_the_user() {
        let host = Host::new();
        let app = host.open::<App>(team(app())).unwrap();
        let greet = |name: &str| {
            let request =
                ResourceRequest::post(&format!("team/{name}/greeting")).json(&json!({ "word": "Hello" }));
            app.call_resource(request).unwrap()
        };
        assert_eq!(greet("Ada").text(), r#""Hello, Ada! From Grafana""#);
        assert_eq!(greet("Eve").status, 404);

        let name = "Linus".to_owned();
        host.user(User { login: "linus".into(), name, email: String::new(), role: "Viewer".into() });
        assert_eq!(greet("Ada").text(), r#""Hello, Ada! From Linus""#);
    }

    #[test]
    fn the_data_source_has_the_members_without_blanks() {
        let host = Host::new();
        let app = host.open::<App>(team(data_source(""))).unwrap();
        assert_eq!(app.query(query("A")).unwrap(), [Frame::new("Blue").field("member", ["Ada", "Grace"])]);
        assert_eq!(app.check_health().unwrap().message, "The data source is for team Blue");
    }

    #[test]
    fn what_nobody_has_configured_is_not_healthy() {
        let host = Host::new();
        let health = host.open::<App>(app()).unwrap().check_health().unwrap();
        assert_eq!(health.status, HealthStatus::Error);
        assert!(health.message.starts_with("The app has no team"), "{}", health.message);
    }
}
