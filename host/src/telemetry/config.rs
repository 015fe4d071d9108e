//! Grafana's tracing settings, made sense of. A setting that cannot be followed is a [`Problem`], never a stopped plugin.

use http::uri::Authority;
use opentelemetry_sdk::trace::Sampler;

use super::propagation::Propagation;
use super::sampler::Root;

/// What Grafana says, word for word.
#[derive(Clone, Copy, Debug, Default)]
pub struct Settings<'a> {
    /// `GF_INSTANCE_OTLP_ADDRESS`: `host:port` of the collector; empty is off, and then the rest says nothing.
    pub address: &'a str,
    /// `GF_INSTANCE_OTLP_PROPAGATION`: a list of `w3c`, `jaeger`.
    pub propagation: &'a str,
    /// `GF_INSTANCE_OTLP_SAMPLER_TYPE`.
    pub sampler_type: &'a str,
    /// `GF_INSTANCE_OTLP_SAMPLER_PARAM`.
    pub sampler_param: &'a str,
}

/// How to trace. The default is not at all.
#[derive(Clone, Debug, Default)]
pub struct Config {
    collector: Option<Authority>,
    propagation: Propagation,
    root: Root,
}

/// A setting that could not be followed, what happens instead, and the remedy.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum Problem {
    #[error(
        "tracing is off: the collector's address {0:?} is not host:port; set `address` under \
         [tracing.opentelemetry.otlp], without a scheme"
    )]
    Address(String),
    #[error(
        "trace propagation {0:?} is not known here, W3C is used; set `propagation` under \
         [tracing.opentelemetry.otlp] to w3c"
    )]
    Propagation(String),
    #[error(
        "trace sampler {0:?} is not known here, every trace is recorded; set `sampler_type` under \
         [tracing.opentelemetry] to const"
    )]
    SamplerType(String),
    #[error(
        "trace sampler parameter {0:?} is not a number, 1.0 is used; set `sampler_param` under [tracing.opentelemetry]"
    )]
    SamplerParam(String),
    #[error(
        "a const trace sampler is 0 or 1, not {0}, every trace is recorded; set `sampler_param` under \
         [tracing.opentelemetry]"
    )]
    SamplerRange(f64),
}

// === impl Config ===

impl Config {
    /// Never fails: what cannot be followed is among the problems, for the log.
    pub fn parse(settings: Settings<'_>) -> (Self, Vec<Problem>) {
        let mut problems = Vec::new();
        if settings.address.is_empty() {
            return (Self::default(), problems);
        }
        let Some(collector) = authority(settings.address) else {
            problems.push(Problem::Address(settings.address.to_owned()));
            return (Self::default(), problems);
        };
        let propagation = Propagation::parse(settings.propagation, &mut problems);
        let root = Root::parse(settings.sampler_type, settings.sampler_param, &mut problems);
        (Self { collector: Some(collector), propagation, root }, problems)
    }

    /// Where the spans go, if they are recorded.
    pub fn collector(&self) -> Option<&Authority> {
        self.collector.as_ref()
    }

    /// How contexts travel.
    pub fn propagation(&self) -> Propagation {
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

    fn address(address: &str) -> (Config, Vec<Problem>) {
        Config::parse(Settings { address, sampler_param: "1.000000", ..Settings::default() })
    }

    #[test]
    fn an_empty_address_is_off_whatever_else_is_set() {
        let (config, problems) =
            Config::parse(Settings { propagation: "b3", sampler_type: "odd", ..Settings::default() });
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
            assert_eq!(problems, [Problem::Address(bad.into())]);
        }
    }
}
