use std::fmt::Write as _;
use std::time::Duration;

use opentelemetry_sdk::trace::SamplingDecision;
use sha2::{Digest as _, Sha256};
use tokio::time::advance;

use super::decision::Admission;
use super::strategy::Strategy;
use super::*;

/// What the Go SDK decides, computed by a test of tests/peer: a line for each case, with the digest of its decisions.
const EXPECTED: &str = include_str!("../../../../tests/peer/sampling/decisions.txt");

/// The same numbers as in tests/peer/sampling.
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn trace_id(&mut self) -> TraceId {
        let (high, low) = (self.next(), self.next());
        TraceId::from(u128::from(high) << 64 | u128::from(low))
    }
}

/// Compares decisions with those of the case of that name.
fn compare(name: &str, decisions: &[bool]) {
    let bytes: Vec<u8> = decisions.iter().map(|sampled| if *sampled { b'1' } else { b'0' }).collect();
    let mut digest = String::new();
    for byte in Sha256::digest(&bytes) {
        write!(digest, "{byte:02x}").unwrap();
    }
    let admitted = decisions.iter().filter(|sampled| **sampled).count();
    let line = format!("{name} {} of {} {digest}", admitted, decisions.len());
    let expected: Vec<_> = EXPECTED.lines().filter(|line| line.starts_with(&format!("{name} "))).collect();
    assert_eq!(expected, [line.as_str()]);
}

fn parse(pairs: &[(&str, &str)]) -> (Sampling, usize) {
    let settings: crate::config::Settings = pairs.iter().copied().collect();
    let mut problems = Vec::new();
    (Sampling::parse(&settings.tracing, &mut problems), problems.len())
}

fn of(kind: &str, param: &str) -> (SamplerKind, f64, usize) {
    let (sampling, problems) =
        parse(&[("GF_PLUGIN_GPX_SAMPLER_TYPE", kind), ("GF_PLUGIN_GPX_SAMPLER_PARAM", param)]);
    (*sampling.kind, *sampling.param, problems)
}

fn decide(sampler: &impl ShouldSample, name: &str, trace_id: TraceId) -> SamplingResult {
    sampler.should_sample(None, trace_id, name, &SpanKind::Server, &[], &[])
}

#[test]
fn the_kind_and_its_parameter_are_read() {
    use SamplerKind::*;
    assert_eq!(of("", ""), (Const, 1.0, 0));
    assert_eq!(of("const", "2"), (Const, 2.0, 0));
    assert_eq!(of("const", "-1"), (Const, -1.0, 0));
    assert_eq!(of("probabilistic", "0.250000"), (Probabilistic, 0.25, 0));
    assert_eq!(of("rateLimiting", "5"), (RateLimiting, 5.0, 0));
    assert_eq!(of("ratelimiting", "1e2"), (RateLimiting, 100.0, 0));
    // What cannot be followed.
    assert_eq!(of("const", "0.5"), (Const, 1.0, 1));
    assert_eq!(of("const", "half"), (Const, 1.0, 1));
    assert_eq!(of("probabilistic", "NaN"), (Probabilistic, 1.0, 1));
    assert_eq!(of("odd", "0"), (Const, 0.0, 1));
    assert_eq!(of("remote", "0.5"), (Remote, 0.5, 1), "no server");
    for bad in ["jaeger:5778", "ftp://jaeger", "http://ada:geheim@jaeger"] {
        let (sampling, problems) =
            parse(&[("GF_PLUGIN_GPX_SAMPLER_TYPE", "remote"), ("GF_PLUGIN_GPX_SAMPLER_URL", bad)]);
        assert_eq!((sampling.url, problems), (None, 1), "{bad}");
    }
}

#[test]
fn a_part_of_traces_is_the_one_that_go_records() {
    for part in ["0", "0.000001", "0.01", "0.1", "0.3333333333333333", "0.5", "0.999999", "1", "-1", "2"] {
        let ratio = Ratio::new(part.parse().unwrap());
        let mut numbers = Numbers(42);
        let decisions: Vec<_> = (0..10_000).map(|_| ratio.admits(numbers.trace_id())).collect();
        compare(&format!("probabilistic {part}"), &decisions);
    }
}

/// The steps between two traces: mostly a few milliseconds, and now and then a pause.
fn step(numbers: &mut Numbers) -> Duration {
    let number = numbers.next();
    Duration::from_micros(if number.is_multiple_of(64) { number % 3_000_000 } else { number % 20_000 })
}

#[tokio::test(start_paused = true)]
async fn so_many_a_second_are_those_that_go_records() {
    for per_second in ["0", "0.1", "0.5", "1", "2.5", "10", "100", "-1"] {
        let sampler = RateLimiting::new(per_second.parse().unwrap());
        let mut numbers = Numbers(7);
        let mut decisions = Vec::new();
        for _ in 0..10_000 {
            advance(step(&mut numbers)).await;
            let result = decide(&sampler, "query", TraceId::INVALID);
            decisions.push(result.decision == SamplingDecision::RecordAndSample);
        }
        compare(&format!("rateLimiting {per_second}"), &decisions);
    }
}

/// Answers of a server, one after the other; each is followed by decisions about several operations.
const ANSWERS: &str = include_str!("../../../../tests/peer/sampling/answers.txt");

#[tokio::test(start_paused = true)]
async fn a_servers_strategies_are_followed_as_go_follows_them() {
    let mut strategy = Strategy::Initial(Ratio::new(0.25));
    let mut numbers = Numbers(11);
    for (index, answer) in ANSWERS.lines().enumerate() {
        let _ = strategy.follow(answer.as_bytes());
        let mut decisions = Vec::new();
        for _ in 0..2_000 {
            advance(step(&mut numbers)).await;
            let name = format!("operation {}", numbers.next() % 300);
            decisions.push(strategy.admit(&name, numbers.trace_id()).is_some());
        }
        compare(&format!("remote {index}"), &decisions);
    }
}

#[test]
fn what_a_server_admits_says_why() {
    let id = TraceId::from(1);
    let mut strategy = Strategy::Initial(Ratio::new(1.0));
    let why = |strategy: &mut Strategy, name: &str| {
        strategy.admit(name, id).map(|admission| {
            let attributes = admission.attributes();
            attributes.iter().map(|attribute| attribute.value.to_string()).collect::<Vec<_>>()
        })
    };
    assert_eq!(why(&mut strategy, "a"), Some(vec![]));
    strategy.follow(br#"{"strategyType":0,"probabilisticSampling":{"samplingRate":1.5}}"#).unwrap();
    assert_eq!(why(&mut strategy, "a"), Some(vec!["probabilistic".into(), "1".into()]));
    strategy
        .follow(br#"{"strategyType":"RATE_LIMITING","rateLimitingSampling":{"maxTracesPerSecond":2}}"#)
        .unwrap();
    assert_eq!(why(&mut strategy, "a"), Some(vec!["ratelimiting".into(), "2".into()]));
    let operations =
        br#"{"operationSampling":{"defaultSamplingProbability":0,"defaultLowerBoundTracesPerSecond":0.5,
        "perOperationStrategies":[{"operation":"a","probabilisticSampling":{"samplingRate":1}}]}}"#;
    strategy.follow(operations).unwrap();
    assert_eq!(why(&mut strategy, "a"), Some(vec!["probabilistic".into(), "1".into()]));
    assert_eq!(why(&mut strategy, "b"), Some(vec!["ratelimiting".into(), "0.5".into()]));
    assert_eq!(why(&mut strategy, "b"), None);
}

#[test]
fn an_answer_that_cannot_be_followed_changes_nothing() {
    for bad in [
        &b""[..],
        b"<html>",
        b"[]",
        b"{}",
        b"{\"probabilisticSampling\":{\"samplingRate\":\"much\"}}",
        b"{\"probabilisticSampling\":{\"samplingRate\":-0.1}}",
        b"{\"rateLimitingSampling\":{\"maxTracesPerSecond\":0.5}}",
        b"{\"operationSampling\":{\"perOperationStrategies\":[{\"operation\":\"a\"}]}}",
    ] {
        let mut strategy = Strategy::Probabilistic(Ratio::new(1.0));
        assert!(strategy.follow(bad).is_err(), "{}", String::from_utf8_lossy(bad));
        assert_eq!(strategy.admit("a", TraceId::from(1)), Some(Admission::Probabilistic(1.0)));
    }
}
