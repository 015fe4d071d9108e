//! The configurations that docs/tracing.md shows.

use gpx_tests::plugin::{Launch, Plugin};

const PAGE: &str = include_str!("../../../docs/tracing.md");

/// What concerns the spans themselves. The line says how they are recorded and sent; other tests look at the spans.
const OF_SPANS: [&str; 4] =
    ["gpx_trace_host", "gpx_http_semconv", "gpx_http_span_end", "gpx_trace_in_errors"];

/// One of the page's snippets of grafana.ini, with what the page says that it does.
struct Snippet {
    tracing: &'static str,
    text: &'static str,
}

fn snippets() -> Vec<Snippet> {
    let after_marks = PAGE.split("<!-- run by a test: ").skip(1);
    after_marks
        .map(|rest| {
            let (tracing, rest) = rest.split_once(" -->\n```ini\n").expect("a snippet follows the mark");
            Snippet { tracing, text: rest.split_once("\n```").expect("the snippet ends").0 }
        })
        .collect()
}

/// Sets what Grafana passes on of a configuration.
fn configured(mut launch: Launch, text: &str) -> Launch {
    let mut section = "";
    for line in text.lines().filter(|line| !line.is_empty()) {
        if let Some(name) = line.strip_prefix('[').and_then(|line| line.strip_suffix(']')) {
            section = name;
            continue;
        }
        let (key, value) = line.split_once(" = ").expect("a key and its value");
        let variable = match (section, key) {
            ("tracing.opentelemetry.otlp", "address") => "GF_INSTANCE_OTLP_ADDRESS".to_owned(),
            ("tracing.opentelemetry.otlp", "propagation") => "GF_INSTANCE_OTLP_PROPAGATION".to_owned(),
            ("tracing.opentelemetry", "sampler_type" | "sampler_param") => {
                format!("GF_INSTANCE_OTLP_{}", key.to_uppercase())
            }
            ("plugin.my-prices-datasource", _) => format!("GF_PLUGIN_{}", key.to_uppercase()),
            _ => panic!("Grafana does not pass on {key} of [{section}]"),
        };
        launch = launch.env(&variable, value);
    }
    launch
}

#[gpx_tests::test]
async fn each_configuration_of_the_page_does_what_it_says() {
    let all = snippets();
    assert_eq!(all.len(), PAGE.matches("```ini").count(), "each is run");
    for Snippet { tracing, text } in all {
        let plugin = configured(Plugin::guest("probe"), text).start().await;
        let line = plugin.logs.wait_for(|line| line.message.starts_with("Tracing is ")).await;
        assert_eq!(line.message, format!("Tracing is {tracing}"), "{text}");
        let complaints: Vec<_> = plugin.logs.all().into_iter().filter(|line| line.level == "error").collect();
        assert!(complaints.is_empty(), "{text}: {complaints:?}");
        // Why it is off is told elsewhere.
        let told = text.lines().filter(|_| tracing == "on");
        for key in told.filter_map(|line| line.split_once(" = ")).map(|(key, _)| key) {
            let named =
                line.fields.values().any(|value| value.as_str().is_some_and(|value| value.contains(key)));
            assert!(
                named || key == "tracing" || OF_SPANS.contains(&key),
                "the line does not name {key}: {line:?}"
            );
        }
    }
}
