//! A plugin that has the host put a secret and the identity of users into its requests. It shows all that it knows of them.

use gpx_sdk::{Context, Data, Frame, Plugin, Query, Result, Settings, http};

struct Placing(Settings);

gpx_sdk::plugin!(
    Placing: data;
    secrets: ["apiToken" as header "X-Key: Token {}"];
    forwarding: over_basic_auth;
);

impl Plugin for Placing {
    fn open(settings: Settings) -> Result<Self> {
        Ok(Self(settings))
    }
}

impl Data for Placing {
    fn query(&self, context: &Context, _: &Query) -> Result<Vec<Frame>> {
        http::get(self.0.url()).send()?;
        Ok(vec![Frame::new("known").field("known", [format!("{:?} {:?}", self.0, context.headers())])])
    }
}
