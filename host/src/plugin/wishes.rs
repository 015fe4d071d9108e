//! What a component's manifest asks for and does not get: the operator learns of it when the component is loaded.

use crate::call::bears_credentials;
use crate::capability::bindings::exports::gpx::plugin::plugin::Manifest;
use crate::egress::{Egress, VainWishes};
use crate::log::{Log, Value};

/// Writes a line for each kind of wish that is not granted.
pub(super) fn report(manifest: &Manifest, egress: &Egress, log: &Log) {
    let VainWishes { ungranted, unreadable } = egress.vain_wishes();
    if !ungranted.is_empty() {
        let message = format!(
            "The component's manifest asks for origins that the operator has not granted; add gpx_allow_hosts = {} \
             under [plugin.{}] if data sources may reach them",
            ungranted.join(" "),
            egress.plugin_id()
        );
        log.warn(&message, &[("origins", Value::from(ungranted))]);
    }
    if !unreadable.is_empty() {
        let message = "The component's manifest asks for origins that cannot be read; write them there like \
                       https://login.example.com";
        log.warn(message, &[("origins", Value::from(unreadable))]);
    }
    let credentials: Vec<_> =
        manifest.headers.iter().filter(|name| bears_credentials(name)).cloned().collect();
    if !credentials.is_empty() {
        let message = "The component's manifest names headers that bear credentials, which no component gets; remove \
                       them from the manifest";
        log.warn(message, &[("headers", Value::from(credentials))]);
    }
}
