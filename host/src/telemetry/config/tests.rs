use super::facts::Fact;
use super::*;
use crate::config::Settings;
use crate::log::Log;

fn read(pairs: &[(&str, &str)]) -> (TracingConfig, Vec<String>) {
    let settings: Settings = pairs.iter().copied().collect();
    let (config, problems) = TracingConfig::parse(&settings.tracing);
    (config, problems.iter().map(ToString::to_string).collect())
}

const ADDRESS: (&str, &str) = ("GF_INSTANCE_OTLP_ADDRESS", "localhost:4317");

fn shown(config: &TracingConfig) -> Vec<String> {
    let facts = config.facts().unwrap();
    facts.iter().map(|Fact { name, value, origin }| format!("{name}={value} ({origin})")).collect()
}

#[test]
fn without_an_address_tracing_is_off_whatever_else_is_set() {
    let (config, problems) =
        read(&[("GF_INSTANCE_OTLP_PROPAGATION", "b3"), ("GF_INSTANCE_OTLP_SAMPLER_TYPE", "odd")]);
    assert_eq!(config.facts(), Err(Off::NoEndpoint));
    assert_eq!(config.propagation(), Propagation::default());
    assert_eq!(problems, Vec::<String>::new());
}

#[test]
fn the_plugins_section_turns_tracing_off() {
    for off in ["false", "False", "off"] {
        let (config, problems) =
            read(&[ADDRESS, ("GF_PLUGIN_TRACING", off), ("GF_INSTANCE_OTLP_PROPAGATION", "jaeger")]);
        assert_eq!(config.facts(), Err(Off::Switch), "{off}");
        // Grafana still sends its contexts like this.
        assert_eq!(config.propagation().to_string(), "jaeger");
        assert_eq!(problems, Vec::<String>::new());
    }
    for on in ["true", "on", "TRUE", ""] {
        assert!(read(&[ADDRESS, ("GF_PLUGIN_TRACING", on)]).0.facts().is_ok(), "{on}");
    }
    // The component may have a key of that name, so this is no reason for a health check to fail.
    let settings: Settings = [ADDRESS, ("GF_PLUGIN_TRACING", "no")].into_iter().collect();
    let of_grafana = |problem: &TracingProblem| matches!(problem.origin(), Origin::Grafana(_));
    assert!(TracingConfig::parse(&settings.tracing).1.iter().all(of_grafana));
    let (config, problems) = read(&[ADDRESS, ("GF_PLUGIN_TRACING", "no")]);
    assert!(config.facts().is_ok());
    assert_eq!(
        problems,
        ["tracing in the plugin's section must be true or false; until it is corrected, it changes nothing"]
    );
}

/// What Grafana sets: to 10, without a sampler; to 12, as today without a server; today.
#[test]
fn the_variables_of_each_version_of_grafana_are_followed() {
    let version = ("GF_PLUGIN_VERSION", "1.0.0");
    let propagation = ("GF_INSTANCE_OTLP_PROPAGATION", "jaeger,w3c");
    let usual = "compression=none (default)";
    let (config, problems) = read(&[ADDRESS, propagation, version, ("GF_PLUGIN_TRACING", "true")]);
    assert_eq!(problems, Vec::<String>::new());
    let facts = shown(&config);
    assert!(facts.contains(&"sampler=const (default)".to_owned()), "{facts:?}");
    assert!(facts.contains(&usual.to_owned()), "{facts:?}");
    let (config, problems) = read(&[
        ADDRESS,
        ("GF_INSTANCE_OTLP_PROPAGATION", ""),
        ("GF_INSTANCE_OTLP_SAMPLER_TYPE", ""),
        ("GF_INSTANCE_OTLP_SAMPLER_PARAM", "1.000000"),
        ("GF_INSTANCE_OTLP_SAMPLER_REMOTE_URL", ""),
        version,
    ]);
    assert_eq!(problems, Vec::<String>::new());
    assert_eq!(
        shown(&config),
        [
            "endpoint=http://localhost:4317/ (address under [tracing.opentelemetry.otlp])",
            "protocol=grpc (default)",
            "tls=off (address under [tracing.opentelemetry.otlp])",
            usual,
            "timeout=10s (default)",
            "propagation=w3c,baggage (default)",
            "sampler=const (default)",
            "samplerParam=1 (sampler_param under [tracing.opentelemetry])",
        ]
    );
    let (config, problems) = read(&[
        ADDRESS,
        propagation,
        ("GF_INSTANCE_OTLP_SAMPLER_TYPE", "remote"),
        ("GF_INSTANCE_OTLP_SAMPLER_PARAM", "0.500000"),
        ("GF_INSTANCE_OTLP_SAMPLER_REMOTE_URL", "http://jaeger:5778/sampling?key=geheim"),
    ]);
    assert_eq!(problems, Vec::<String>::new());
    assert_eq!(
        shown(&config)[5..],
        [
            "propagation=jaeger,w3c,baggage (propagation under [tracing.opentelemetry.otlp])",
            "sampler=remote (sampler_type under [tracing.opentelemetry])",
            "samplerParam=0.5 (sampler_param under [tracing.opentelemetry])",
            "samplingServer=http://jaeger:5778/sampling (sampling_server_url under [tracing.opentelemetry])",
        ]
    );
}

#[test]
fn the_operator_can_override_everything_for_one_plugin() {
    let (config, problems) = read(&[
        ADDRESS,
        ("GF_INSTANCE_OTLP_SAMPLER_TYPE", "const"),
        ("GF_INSTANCE_OTLP_SAMPLER_PARAM", "1.000000"),
        ("GF_PLUGIN_GPX_OTLP_ENDPOINT", "https://tempo.example/otlp"),
        ("GF_PLUGIN_GPX_OTLP_PROTOCOL", "http/protobuf"),
        ("GF_PLUGIN_GPX_OTLP_HEADERS", "authorization=Basic%20geheim"),
        ("GF_PLUGIN_GPX_OTLP_CA_FILE", "/etc/ca.pem"),
        ("GF_PLUGIN_GPX_OTLP_COMPRESSION", "gzip"),
        ("GF_PLUGIN_GPX_SAMPLER_TYPE", "probabilistic"),
        ("GF_PLUGIN_GPX_SAMPLER_PARAM", "0.01"),
        ("GF_PLUGIN_GPX_RESOURCE_ATTRIBUTES", "team=a,deployment.environment=prod%2C1"),
    ]);
    assert_eq!(problems, Vec::<String>::new());
    assert_eq!(
        shown(&config),
        [
            "endpoint=https://tempo.example/otlp/v1/traces (gpx_otlp_endpoint)",
            "protocol=http/protobuf (gpx_otlp_protocol)",
            "tls=on (gpx_otlp_endpoint)",
            "caFile=/etc/ca.pem (gpx_otlp_ca_file)",
            "headers=authorization (gpx_otlp_headers)",
            "compression=gzip (gpx_otlp_compression)",
            "timeout=10s (default)",
            "propagation=w3c,baggage (default)",
            "sampler=probabilistic (gpx_sampler_type)",
            "samplerParam=0.01 (gpx_sampler_param)",
            "resourceAttributes=team,deployment.environment (gpx_resource_attributes)",
        ]
    );
    let values: Vec<_> = config.attributes().iter().map(|attribute| attribute.value.to_string()).collect();
    assert_eq!(values, ["a", "prod,1"]);
}

#[test]
fn only_the_plugins_own_files_are_a_reason_for_tls() {
    let (config, problems) = read(&[
        ADDRESS,
        ("OTEL_EXPORTER_OTLP_CERTIFICATE", "/etc/ca.pem"),
        ("GF_PLUGIN_GPX_OTLP_CLIENT_CERT", "/etc/client.pem"),
        ("GF_PLUGIN_GPX_OTLP_CLIENT_KEY", "/etc/client.key"),
    ]);
    assert_eq!(problems, Vec::<String>::new());
    let facts = shown(&config);
    assert!(facts.contains(&"tls=on (gpx_otlp_client_cert)".to_owned()), "{facts:?}");
    assert!(facts.contains(&"caFile=/etc/ca.pem (OTEL_EXPORTER_OTLP_CERTIFICATE)".to_owned()), "{facts:?}");
}

#[test]
fn what_is_invalid_is_told_and_has_its_default() {
    let (config, problems) = read(&[
        ADDRESS,
        ("GF_INSTANCE_OTLP_SAMPLER_TYPE", "odd"),
        ("GF_PLUGIN_GPX_SAMPLER_PARAM", "half"),
        ("GF_PLUGIN_GPX_RESOURCE_ATTRIBUTES", "a=1,b"),
    ]);
    assert_eq!(
        problems,
        [
            "sampler_type under [tracing.opentelemetry] must be const, probabilistic, rateLimiting or remote; until it is \
             corrected, const is used",
            "gpx_sampler_param must be a number; until it is corrected, 1 is used",
            "gpx_resource_attributes must be key=value pairs, separated by commas and percent-encoded; until it is \
             corrected, no attribute is added",
        ]
    );
    assert!(config.attributes().is_empty());
    let (config, problems) = read(&[("GF_INSTANCE_OTLP_ADDRESS", "localhost")]);
    assert_eq!(problems.len(), 1);
    let off = config.facts().unwrap_err();
    assert_eq!(off, Off::Invalid(Origin::Grafana("address under [tracing.opentelemetry.otlp]")));
}

#[test]
fn one_line_says_all_of_it() {
    let (log, lines) = Log::memory();
    read(&[ADDRESS]).0.announce(&log);
    read(&[]).0.announce(&log);
    let lines = lines.json();
    assert_eq!(lines.len(), 2);
    assert_eq!((&lines[0]["@message"], &lines[0]["@level"]), (&"Tracing is on".into(), &"info".into()));
    assert_eq!(lines[0]["endpoint"], "http://localhost:4317/");
    assert_eq!(lines[0]["endpointFrom"], "address under [tracing.opentelemetry.otlp]");
    assert_eq!(lines[1]["@message"], "Tracing is off");
    assert!(lines[1]["reason"].as_str().unwrap().starts_with("no OTLP address was passed"));
}
