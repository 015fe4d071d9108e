//! What was said about tracing, and who said it. `telemetry` interprets it.
//!
//! What stands nearest to the plugin counts: the plugin's section, then Grafana's own tracing configuration, then
//! OpenTelemetry's variables, which are for any program and reach a plugin only by accident or if they are forwarded.

use super::given::{Given, Origin, Secret};
use super::problem::Strings;
use super::setting::Setting;
use super::setting::tracing::{
    OTLP_CA_FILE, OTLP_CLIENT_CERT, OTLP_CLIENT_KEY, OTLP_COMPRESSION, OTLP_ENDPOINT, OTLP_HEADERS,
    OTLP_PROTOCOL, OTLP_TIMEOUT, RESOURCE_ATTRIBUTES, SAMPLER_PARAM, SAMPLER_TYPE, SAMPLER_URL,
};

/// The settings for tracing as texts. An empty one counts as absent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tracing {
    /// The key `tracing` of the plugin's section, which Grafana itself needed before version 11.
    pub switch: Option<Given<String>>,
    /// Grafana's is `host:port`, the others are URLs.
    pub endpoint: Option<Given<String>>,
    pub protocol: Option<Given<String>>,
    pub headers: Option<Given<Secret>>,
    pub ca_file: Option<Given<String>>,
    pub client_cert: Option<Given<String>>,
    pub client_key: Option<Given<String>>,
    pub compression: Option<Given<String>>,
    pub timeout: Option<Given<String>>,
    /// Any of `w3c` and `jaeger`, separated by commas.
    pub propagation: Option<Given<String>>,
    pub sampler_type: Option<Given<String>>,
    pub sampler_param: Option<Given<String>>,
    /// Where the sampler `remote` asks.
    pub sampler_url: Option<Given<String>>,
    /// `key=value` pairs, separated by commas.
    pub resource_attributes: Option<Given<String>>,
}

/// The endpoint for traces only, which is used as it is. The general one is the base of one for each signal.
pub(crate) const OTEL_TRACES_ENDPOINT: &str = "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT";

/// A variable of Grafana's, and the key in grafana.ini that its value comes from.
struct Grafanas {
    variable: &'static str,
    key: &'static str,
}

const ADDRESS: Grafanas =
    Grafanas { variable: "GF_INSTANCE_OTLP_ADDRESS", key: "address under [tracing.opentelemetry.otlp]" };
const PROPAGATION: Grafanas = Grafanas {
    variable: "GF_INSTANCE_OTLP_PROPAGATION",
    key: "propagation under [tracing.opentelemetry.otlp]",
};
const GRAFANAS_SAMPLER_TYPE: Grafanas =
    Grafanas { variable: "GF_INSTANCE_OTLP_SAMPLER_TYPE", key: "sampler_type under [tracing.opentelemetry]" };
const GRAFANAS_SAMPLER_PARAM: Grafanas = Grafanas {
    variable: "GF_INSTANCE_OTLP_SAMPLER_PARAM",
    key: "sampler_param under [tracing.opentelemetry]",
};
const GRAFANAS_SAMPLER_URL: Grafanas = Grafanas {
    variable: "GF_INSTANCE_OTLP_SAMPLER_REMOTE_URL",
    key: "sampling_server_url under [tracing.opentelemetry]",
};

struct Sources<'a> {
    environment: &'a Strings,
    /// The keys of the plugin's section, in lower case.
    section: &'a Strings,
}

// === impl Tracing ===

impl Tracing {
    /// `section` has the keys of the plugin's section that are ours, and `operator` the others, in lower case.
    pub(super) fn read(environment: &Strings, section: &Strings, operator: &Strings) -> Self {
        let from = Sources { environment, section };
        // The parameter and the URL belong to the type that stands beside them.
        let sampler_type = from.plugin(&SAMPLER_TYPE);
        let grafanas_sampler = sampler_type.is_none();
        let grafanas = |key| from.grafana(key).filter(|_| grafanas_sampler);
        Self {
            switch: given(operator, "tracing", Origin::Grafana("tracing in the plugin's section")),
            endpoint: from
                .plugin(&OTLP_ENDPOINT)
                .or_else(|| from.grafana(ADDRESS))
                .or_else(|| from.otel([OTEL_TRACES_ENDPOINT, "OTEL_EXPORTER_OTLP_ENDPOINT"])),
            protocol: from
                .plugin(&OTLP_PROTOCOL)
                .or_else(|| from.otel(["OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL"])),
            headers: from
                .plugin(&OTLP_HEADERS)
                .or_else(|| from.otel(["OTEL_EXPORTER_OTLP_TRACES_HEADERS", "OTEL_EXPORTER_OTLP_HEADERS"]))
                .map(|headers| Given { value: Secret(headers.value), origin: headers.origin }),
            ca_file: from.plugin(&OTLP_CA_FILE).or_else(|| {
                from.otel(["OTEL_EXPORTER_OTLP_TRACES_CERTIFICATE", "OTEL_EXPORTER_OTLP_CERTIFICATE"])
            }),
            client_cert: from.plugin(&OTLP_CLIENT_CERT).or_else(|| {
                from.otel([
                    "OTEL_EXPORTER_OTLP_TRACES_CLIENT_CERTIFICATE",
                    "OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE",
                ])
            }),
            client_key: from.plugin(&OTLP_CLIENT_KEY).or_else(|| {
                from.otel(["OTEL_EXPORTER_OTLP_TRACES_CLIENT_KEY", "OTEL_EXPORTER_OTLP_CLIENT_KEY"])
            }),
            compression: from.plugin(&OTLP_COMPRESSION).or_else(|| {
                from.otel(["OTEL_EXPORTER_OTLP_TRACES_COMPRESSION", "OTEL_EXPORTER_OTLP_COMPRESSION"])
            }),
            timeout: from
                .plugin(&OTLP_TIMEOUT)
                .or_else(|| from.otel(["OTEL_EXPORTER_OTLP_TRACES_TIMEOUT", "OTEL_EXPORTER_OTLP_TIMEOUT"])),
            propagation: from.grafana(PROPAGATION),
            sampler_param: from.plugin(&SAMPLER_PARAM).or_else(|| grafanas(GRAFANAS_SAMPLER_PARAM)),
            sampler_url: from.plugin(&SAMPLER_URL).or_else(|| grafanas(GRAFANAS_SAMPLER_URL)),
            sampler_type: sampler_type.or_else(|| from.grafana(GRAFANAS_SAMPLER_TYPE)),
            resource_attributes: from
                .plugin(&RESOURCE_ATTRIBUTES)
                .or_else(|| from.otel(["OTEL_RESOURCE_ATTRIBUTES"])),
        }
    }
}

// === impl Sources ===

impl Sources<'_> {
    fn plugin(&self, setting: &'static Setting) -> Option<Given<String>> {
        given(self.section, setting.name, Origin::Plugin(setting.name))
    }

    fn grafana(&self, Grafanas { variable, key }: Grafanas) -> Option<Given<String>> {
        given(self.environment, variable, Origin::Grafana(key))
    }

    /// The first that is there.
    fn otel<const COUNT: usize>(&self, names: [&'static str; COUNT]) -> Option<Given<String>> {
        names.into_iter().find_map(|name| given(self.environment, name, Origin::Otel(name)))
    }
}

fn given(strings: &Strings, key: &str, origin: Origin) -> Option<Given<String>> {
    let value = strings.get(key)?.trim();
    (!value.is_empty()).then(|| Given { value: value.to_owned(), origin })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(pairs: &[(&str, &str)]) -> Tracing {
        let settings: crate::config::Settings = pairs.iter().copied().collect();
        settings.tracing
    }

    fn text(given: &Option<Given<String>>) -> Option<(&str, Origin)> {
        given.as_ref().map(|given| (given.value.as_str(), given.origin))
    }

    #[test]
    fn the_plugins_own_settings_count_before_grafanas_and_those_before_opentelemetrys() {
        let plugin = ("GF_PLUGIN_GPX_OTLP_ENDPOINT", "https://plugin:1");
        let grafana = ("GF_INSTANCE_OTLP_ADDRESS", "grafana:1");
        let traces = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "http://traces:1");
        let any = ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://any:1");
        for (given, expected, origin) in [
            (&[plugin, grafana, traces, any][..], "https://plugin:1", Origin::Plugin("gpx_otlp_endpoint")),
            (
                &[grafana, traces, any],
                "grafana:1",
                Origin::Grafana("address under [tracing.opentelemetry.otlp]"),
            ),
            (&[any, traces], "http://traces:1", Origin::Otel("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")),
            (&[any], "http://any:1", Origin::Otel("OTEL_EXPORTER_OTLP_ENDPOINT")),
        ] {
            assert_eq!(text(&read(given).endpoint), Some((expected, origin)));
        }
    }

    #[test]
    fn what_is_empty_is_absent() {
        let tracing = read(&[
            ("GF_PLUGIN_GPX_OTLP_ENDPOINT", " "),
            ("GF_INSTANCE_OTLP_ADDRESS", ""),
            ("OTEL_EXPORTER_OTLP_ENDPOINT", " http://any:1 "),
        ]);
        assert_eq!(text(&tracing.endpoint).unwrap().0, "http://any:1");
    }

    #[test]
    fn a_samplers_parameter_belongs_to_its_type() {
        let grafana = [
            ("GF_INSTANCE_OTLP_SAMPLER_TYPE", "rateLimiting"),
            ("GF_INSTANCE_OTLP_SAMPLER_PARAM", "7.000000"),
        ];
        let tracing = read(&grafana);
        assert_eq!(text(&tracing.sampler_type).unwrap().0, "rateLimiting");
        assert_eq!(text(&tracing.sampler_param).unwrap().0, "7.000000");
        let tracing = read(&[grafana[0], grafana[1], ("GF_PLUGIN_GPX_SAMPLER_TYPE", "const")]);
        assert_eq!(text(&tracing.sampler_type).unwrap().0, "const");
        assert_eq!(tracing.sampler_param, None);
        let tracing = read(&[grafana[0], grafana[1], ("GF_PLUGIN_GPX_SAMPLER_PARAM", "3")]);
        assert_eq!(text(&tracing.sampler_type).unwrap().0, "rateLimiting");
        assert_eq!(text(&tracing.sampler_param).unwrap().0, "3");
    }

    #[test]
    fn headers_are_never_printed() {
        let settings: crate::config::Settings =
            [("GF_PLUGIN_GPX_OTLP_HEADERS", "authorization=geheim")].into_iter().collect();
        assert_eq!(settings.tracing.headers.as_ref().unwrap().value.0, "authorization=geheim");
        assert!(!format!("{settings:?}").contains("geheim"));
    }
}
