use prometheus::TextEncoder;

use super::*;
use crate::log::memory::Lines;
use crate::metrics::Metrics;

struct Setup {
    metrics: ComponentMetrics,
    log: Log,
    lines: Lines,
}

impl Setup {
    fn new() -> Self {
        let (log, lines) = Log::memory();
        Self { metrics: ComponentMetrics::default(), log, lines }
    }

    fn register(&self, name: &str, kind: Kind, labels: &[&str]) -> Result<u32, MetricRefusal> {
        self.metrics.register(definition(name, kind, labels), &self.log)
    }

    fn record(&self, metric: u32, labels: &[&str], change: Change) {
        self.metrics.record(metric, owned(labels), change, &self.log);
    }

    fn text(&self) -> String {
        TextEncoder::new().encode_to_string(&self.metrics.families()).unwrap()
    }

    /// Returns what the log says is the reason, of each line.
    fn reasons(&self) -> Vec<String> {
        self.lines.json().iter().map(|line| line["reason"].as_str().unwrap().to_owned()).collect()
    }
}

fn owned(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|text| (*text).to_owned()).collect()
}

fn definition(name: &str, kind: Kind, labels: &[&str]) -> Definition {
    Definition::new(name.to_owned(), "What it is".to_owned(), kind, owned(labels), Vec::new())
}

#[test]
fn values_of_all_instances_are_added_up() {
    let setup = Setup::new();
    for _ in 0..2 {
        let reads = setup.register("reads_total", Kind::Counter, &["symbol"]).unwrap();
        setup.record(reads, &["A \"1\""], Change::Add(1.5));
        let open = setup.register("open", Kind::Gauge, &[]).unwrap();
        setup.record(open, &[], Change::Add(-3.0));
        let sizes = Definition::new(
            "sizes".to_owned(),
            "\\ and\nmore".to_owned(),
            Kind::Histogram,
            owned(&["b", "a"]),
            vec![1.0, 2.5],
        );
        let sizes = setup.metrics.register(sizes, &setup.log).unwrap();
        for value in [1.0, 2.0, 9.0] {
            setup.record(sizes, &["bee", "ay"], Change::Observe(value));
        }
    }
    setup.record(setup.register("set", Kind::Gauge, &[]).unwrap(), &[], Change::Set(f64::NAN));
    let expected = r#"# HELP reads_total What it is
# TYPE reads_total counter
reads_total{symbol="A \"1\""} 3
# HELP open What it is
# TYPE open gauge
open -6
# HELP sizes \\ and\nmore
# TYPE sizes histogram
sizes_bucket{a="ay",b="bee",le="1"} 2
sizes_bucket{a="ay",b="bee",le="2.5"} 4
sizes_bucket{a="ay",b="bee",le="+Inf"} 6
sizes_sum{a="ay",b="bee"} 24
sizes_count{a="ay",b="bee"} 6
# HELP set What it is
# TYPE set gauge
set NaN
"#;
    assert_eq!(setup.text(), expected);
    assert_eq!((setup.metrics.dropped(), setup.reasons().len()), (0, 0));
}

#[test]
fn a_metric_without_labels_is_there_before_its_first_value() {
    let setup = Setup::new();
    setup.register("reads_total", Kind::Counter, &[]).unwrap();
    setup.register("sets_total", Kind::Counter, &["a"]).unwrap();
    assert!(setup.text().ends_with("reads_total 0\n"), "{}", setup.text());
}

#[test]
fn what_is_no_metric_is_refused_in_words() {
    let setup = Setup::new();
    let counter = |name: &str, labels: &[&str]| definition(name, Kind::Counter, labels);
    let histogram = |buckets: Vec<f64>| {
        Definition::new("h".to_owned(), String::new(), Kind::Histogram, Vec::new(), buckets)
    };
    let many: Vec<_> = (0..=MAX_LABELS).map(|number| format!("l{number}")).collect();
    let many: Vec<_> = many.iter().map(String::as_str).collect();
    for (definition, part) in [
        (counter("", &[]), "a metric's name"),
        (counter("2x", &[]), "a metric's name"),
        (counter("a-b", &[]), "a metric's name"),
        (counter("a:b", &[]), "a metric's name"),
        (counter(&"x".repeat(MAX_NAME + 1), &[]), "a metric's name"),
        (counter("grpc_server_started_total", &[]), "names that begin with grpc_ are for the host's"),
        (counter("a", &["b c"]), "the label b c"),
        (counter("a", &["__b"]), "the label __b"),
        (counter("a", &["b", "b"]), "the label b occurs twice"),
        (definition("a", Kind::Histogram, &["le"]), "the label le"),
        (counter("a", &many), "at most 16 labels"),
        (histogram(vec![1.0, 1.0]), "upper bounds that increase"),
        (histogram(vec![f64::INFINITY]), "without infinity"),
        (histogram(vec![f64::NAN]), "without infinity"),
        (histogram((0..51).map(f64::from).collect()), "at most 50 upper bounds"),
    ] {
        let refused = setup.metrics.register(definition.clone(), &setup.log).unwrap_err().to_string();
        assert!(refused.contains(part), "{definition:?}: {refused}");
    }
    assert_eq!(setup.text(), "");
}

#[test]
fn the_hosts_own_metrics_have_reserved_names() {
    for line in Metrics::unattached().text().unwrap().lines().filter_map(|line| line.strip_prefix("# TYPE "))
    {
        let name = line.split(' ').next().unwrap();
        let refused = definition(name, Kind::Counter, &[]).check();
        assert!(matches!(refused, Err(MetricRefusal::Reserved { .. })), "{name}");
    }
}

#[test]
fn a_name_means_one_thing_and_the_contrary_is_said_once() {
    let setup = Setup::new();
    let number = setup.register("h", Kind::Histogram, &["a"]).unwrap();
    assert_eq!(setup.register("h", Kind::Histogram, &["a"]), Ok(number));
    let differs = |what| Err(MetricRefusal::Differs { what });
    for _ in 0..2 {
        assert_eq!(setup.register("h", Kind::Gauge, &["a"]), differs("type"));
        assert_eq!(setup.register("h", Kind::Histogram, &["b"]), differs("labels"));
    }
    let other = Definition { buckets: vec![1.0], ..definition("h", Kind::Histogram, &["a"]) };
    assert_eq!(setup.metrics.register(other, &setup.log), differs("buckets"));
    let other = Definition { help: String::new(), ..definition("h", Kind::Histogram, &["a"]) };
    assert_eq!(setup.metrics.register(other, &setup.log), differs("description"));
    assert_eq!(
        setup.reasons(),
        ["it is registered already with another type; register it everywhere with the same"]
    );

    let clash = Err(MetricRefusal::Series { histogram: "h".to_owned() });
    assert_eq!(setup.register("h_count", Kind::Counter, &[]), clash);
    setup.register("later_sum", Kind::Counter, &[]).unwrap();
    let clash = Err(MetricRefusal::Series { histogram: "later".to_owned() });
    assert_eq!(setup.register("later", Kind::Histogram, &[]), clash);
    setup.register("later_sum_count", Kind::Counter, &[]).unwrap();
}

#[test]
fn values_that_a_metric_cannot_have_are_dropped_and_counted() {
    let setup = Setup::new();
    let counter = setup.register("c_total", Kind::Counter, &["a"]).unwrap();
    let gauge = setup.register("g", Kind::Gauge, &[]).unwrap();
    let histogram = setup.register("h", Kind::Histogram, &[]).unwrap();
    let wrong = [
        (
            counter,
            &["x"][..],
            Change::Add(-1.0),
            "a counter only increases, by finite numbers, and not by -1",
        ),
        (counter, &["x"], Change::Set(1.0), "it is a counter, of which nothing can be set"),
        (counter, &[], Change::Add(1.0), "number of its labels: 1; number of values given: 0"),
        (gauge, &[], Change::Observe(1.0), "it is a gauge, of which nothing can be observed"),
        (histogram, &[], Change::Observe(f64::NAN), "a histogram counts finite numbers, and not NaN"),
        (histogram, &[], Change::Add(1.0), "it is a histogram, of which nothing can be added"),
    ];
    for _ in 0..2 {
        for (metric, labels, change, _) in wrong {
            setup.record(metric, labels, change);
        }
    }
    // These are the same mistakes once more, and a metric that there is not.
    setup.record(counter, &["x"], Change::Add(f64::NAN));
    setup.record(counter, &["x"], Change::Add(f64::INFINITY));
    setup.record(u32::MAX, &[], Change::Add(1.0));
    assert_eq!(setup.metrics.dropped(), 15);
    assert_eq!(setup.reasons(), wrong.map(|(.., reason)| reason));
    assert!(!setup.text().contains("c_total"), "{}", setup.text());
}

#[test]
fn sets_of_labels_and_their_text_are_bounded_and_each_bound_is_named_once() {
    let setup = Setup::new();
    let counter = setup.register("c_total", Kind::Counter, &["a"]).unwrap();
    for number in 0..MAX_SETS + 10 {
        setup.record(counter, &[&number.to_string()], Change::Add(1.0));
    }
    // A set that there is goes on.
    setup.record(counter, &["0"], Change::Add(1.0));
    assert!(setup.text().contains("c_total{a=\"0\"} 2\n"));
    assert_eq!(setup.text().lines().count(), 2 + MAX_SETS);
    setup.record(counter, &[&"x".repeat(MAX_SET + 1)], Change::Add(1.0));
    assert_eq!(setup.metrics.dropped(), 11);

    let mut refused = None;
    for number in 0..MAX_METRICS {
        match setup.register(&format!("h{number}"), Kind::Histogram, &["quotes"]) {
            Ok(histogram) => {
                for number in 0..MAX_SETS {
                    let label = format!("{number}{}", "\"".repeat(MAX_SET - 10));
                    setup.record(histogram, &[&label], Change::Observe(f64::MAX));
                }
            }
            Err(refusal) => refused = Some(refusal),
        }
    }
    let text = setup.text();
    assert!((MAX_TEXT / 2..=MAX_TEXT + (MAX_METRICS << 10)).contains(&text.len()), "{}", text.len());
    assert_eq!(refused, Some(MetricRefusal::Metrics));
    let reasons = setup.reasons();
    for part in
        ["at most 1000 sets of labels", "at most 1024 bytes", "at most 4 MiB of text", "at most 100 metrics"]
    {
        assert!(reasons.iter().any(|reason| reason.contains(part)), "{part}");
    }
    assert_eq!(reasons.len(), 4, "{reasons:?}");
}

#[test]
fn no_set_of_labels_is_more_text_than_was_reserved() {
    for kind in [Kind::Counter, Kind::Gauge, Kind::Histogram] {
        for value in [0.0, -1.5, f64::MAX, f64::MIN_POSITIVE / 7.0] {
            let buckets =
                if kind == Kind::Histogram { vec![-f64::MAX, f64::MIN_POSITIVE / 3.0] } else { Vec::new() };
            let definition =
                Definition::new("name".to_owned(), String::new(), kind, owned(&["one", "two"]), buckets);
            let values = owned(&["\\\"\n", "plain"]);
            let mut series = MetricSeries::default();
            series.begin(values.clone(), &definition);
            for change in [Change::Set(value), Change::Observe(value)] {
                if change.check(kind).is_ok() {
                    series.change(&values, change);
                }
            }
            let family = series.family(&definition).unwrap();
            let text = TextEncoder::new().encode_to_string(&[family]).unwrap();
            let shown = text.lines().skip(1).map(|line| line.len() + 1).sum::<usize>();
            let reserved = series::text(&definition, &values);
            assert!(shown <= reserved && reserved < shown + 3 * 330, "{shown} of {reserved}:\n{text}");
        }
    }
}
