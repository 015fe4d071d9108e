//! What an operator wants to know about tracing: each value, and where it comes from.

use super::{Destination, Off, TracingConfig};
use crate::config::Origin;
use crate::log::{Log, Value, duration};
use crate::telemetry::sampler::SamplerKind;

/// One value of the configuration, for people and for whatever reads health details.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Fact {
    /// As a field of the log is named, such as `endpoint`.
    pub name: &'static str,
    pub value: String,
    pub origin: Origin,
}

// === impl TracingConfig ===

impl TracingConfig {
    /// Returns how spans are recorded and sent, without anything secret, or why they are not.
    pub(crate) fn facts(&self) -> Result<Vec<Fact>, Off> {
        let destination = self.destination()?;
        let mut facts = of_destination(destination);
        let mut add = |name, value: String, origin| facts.push(Fact { name, value, origin });
        add("propagation", self.propagation.to_string(), self.propagation.origin);
        let sampling = &self.sampling;
        add("sampler", sampling.kind.to_string(), sampling.kind.origin);
        add("samplerParam", sampling.param.to_string(), sampling.param.origin);
        if let Some(url) = &sampling.url {
            let shown = format!(
                "{}://{}{}",
                url.scheme_str().unwrap_or_default(),
                url.authority().map_or("", |authority| authority.as_str()),
                url.path()
            );
            add("samplingServer", shown, url.origin);
        } else if *sampling.kind == SamplerKind::Remote {
            add("samplingServer", "none".to_owned(), Origin::Default);
        }
        if !self.attributes.is_empty() {
            let keys: Vec<_> = self.attributes.iter().map(|attribute| attribute.key.as_str()).collect();
            add("resourceAttributes", keys.join(","), self.attributes.origin);
        }
        Ok(facts)
    }

    /// Writes the one line that says whether spans are recorded, how, and why.
    pub(crate) fn announce(&self, log: &Log) {
        match self.facts() {
            Ok(facts) => {
                let fields: Vec<_> = facts
                    .into_iter()
                    .flat_map(|Fact { name, value, origin }| {
                        let from = (format!("{name}From"), Value::from(origin.to_string()));
                        [(name.to_owned(), Value::from(value)), from]
                    })
                    .collect();
                log.log(crate::log::Level::Info, "Tracing is on", &fields);
            }
            Err(off) => log.info("Tracing is off", &[("reason", Value::from(off.to_string()))]),
        }
    }
}

fn of_destination(destination: &Destination) -> Vec<Fact> {
    let Destination { endpoint, protocol, tls, headers, compression, timeout } = destination;
    let mut facts = Vec::new();
    let mut add = |name, value: String, origin| facts.push(Fact { name, value, origin });
    add("endpoint", endpoint.to_string(), endpoint.origin);
    add("protocol", protocol.to_string(), protocol.origin);
    let files = [("caFile", &tls.ca_file), ("clientCert", &tls.client_cert), ("clientKey", &tls.client_key)];
    let (shown, origin) = match (destination.is_tls(), endpoint.origin) {
        (true, Origin::Grafana(_)) => ("on", tls.wanted_by().unwrap_or(endpoint.origin)),
        (true, origin) => ("on", origin),
        (false, origin) => ("off", origin),
    };
    add("tls", shown.to_owned(), origin);
    for (name, file) in files {
        if let Some(file) = file.as_ref().filter(|_| destination.is_tls()) {
            add(name, file.display().to_string(), file.origin);
        }
    }
    if !headers.is_empty() {
        let names: Vec<_> = headers.iter().map(|(name, _)| name.as_str()).collect();
        add("headers", names.join(","), headers.origin);
    }
    let shown = if compression.is_some() { "gzip" } else { "none" };
    add("compression", shown.to_owned(), compression.origin);
    add("timeout", duration(timeout.value), timeout.origin);
    facts
}
