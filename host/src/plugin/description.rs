//! What a component says of itself, as JSON: for whoever looks at its file, before it is installed.

use serde_json::{Value, json};

use super::component::LoadedComponent;
use crate::capability::bindings::exports::gpx::plugin::outgoing::{Forwarding, SecretHeader};

pub(super) fn of(component: &LoadedComponent) -> Value {
    let (manifest, additions) = (&component.manifest, &component.additions);
    let attributes: Vec<_> = manifest.attributes.iter().map(|attribute| &attribute.key).collect();
    let header = |SecretHeader { secret, header, value }: &SecretHeader| json!({ "secret": secret, "header": header, "value": value });
    let secret_headers: Vec<_> = additions.secret_headers.iter().map(header).collect();
    let forwarding = additions.forwarding.map(|forwarding| match forwarding {
        Forwarding::On => "on",
        Forwarding::Off => "off",
        Forwarding::OverBasicAuth => "over-basic-auth",
    });
    json!({
        "contract": component.contract,
        "sdk": manifest.sdk,
        "attributes": attributes,
        "secrets": manifest.secrets,
        "secretHeaders": secret_headers,
        "origins": manifest.origins,
        "headers": manifest.headers,
        "forwarding": forwarding,
    })
}
