//! Grafana's settings for tracing, interpreted. One that cannot be followed is reported and never stops the plugin.

use http::uri::Authority;
use opentelemetry_sdk::trace::Sampler;

use super::problem::TracingProblem;
use super::propagation::Propagation;
use super::sampler::Root;

/// The settings as Grafana passes them.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct TracingSettings<'a> {
    /// `GF_INSTANCE_OTLP_ADDRESS`: `host:port` of the collector. If empty, tracing is off whatever the rest says.
    pub address: &'a str,
    /// `GF_INSTANCE_OTLP_PROPAGATION`: a list of `w3c`, `jaeger`.
    pub propagation: &'a str,
    /// `GF_INSTANCE_OTLP_SAMPLER_TYPE`.
    pub sampler_type: &'a str,
    /// `GF_INSTANCE_OTLP_SAMPLER_PARAM`.
    pub sampler_param: &'a str,
}

/// How to trace. The default is not to trace.
#[derive(Clone, Debug, Default)]
pub(crate) struct TracingConfig {
    collector: Option<Authority>,
    propagation: Propagation,
    root: Root,
}

// === impl TracingConfig ===

impl TracingConfig {
    /// Never fails: what cannot be followed is returned as a problem, for the log.
    pub(crate) fn parse(settings: TracingSettings<'_>) -> (Self, Vec<TracingProblem>) {
        let mut problems = Vec::new();
        if settings.address.is_empty() {
            return (Self::default(), problems);
        }
        let Some(collector) = authority(settings.address) else {
            problems.push(TracingProblem::Address(settings.address.to_owned()));
            return (Self::default(), problems);
        };
        let propagation = Propagation::parse(settings.propagation, &mut problems);
        let root = Root::parse(settings.sampler_type, settings.sampler_param, &mut problems);
        (Self { collector: Some(collector), propagation, root }, problems)
    }

    /// Where the spans go. `None` if tracing is off.
    pub(crate) fn collector(&self) -> Option<&Authority> {
        self.collector.as_ref()
    }

    /// How contexts travel.
    pub(crate) fn propagation(&self) -> Propagation {
        self.propagation
    }

    pub(super) fn sampler(&self) -> Sampler {
        self.root.sampler()
    }
}

fn authority(address: &str) -> Option<Authority> {
    let authority: Authority = address.parse().ok()?;
    let complete = authority.port_u16().is_some() && !authority.host().is_empty() && !address.contains('@');
    complete.then_some(authority)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(address: &str) -> (TracingConfig, Vec<TracingProblem>) {
        TracingConfig::parse(TracingSettings {
            address,
            sampler_param: "1.000000",
            ..TracingSettings::default()
        })
    }

    #[test]
    fn an_empty_address_is_off_whatever_else_is_set() {
        let (config, problems) = TracingConfig::parse(TracingSettings {
            propagation: "b3",
            sampler_type: "odd",
            ..TracingSettings::default()
        });
        assert!(config.collector().is_none());
        assert!(problems.is_empty());
    }

    #[test]
    fn an_address_is_host_and_port() {
        for good in ["localhost:4317", "127.0.0.1:4317", "[::1]:4317", "tempo.monitoring.svc:4317"] {
            let (config, problems) = address(good);
            assert_eq!(config.collector().unwrap().as_str(), good);
            assert_eq!(problems, []);
        }
        for bad in ["localhost", "http://localhost:4317", ":4317", "user@host:4317", "host:99999", "a b:1"] {
            let (config, problems) = address(bad);
            assert!(config.collector().is_none(), "{bad}");
            assert_eq!(problems, [TracingProblem::Address(bad.into())]);
        }
    }
}
