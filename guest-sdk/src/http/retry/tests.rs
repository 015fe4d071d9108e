use super::*;
use crate::http::{delete, get, post};
use crate::test::{Host, any, failure, status, text};

const URL: &str = "http://a.example/";

fn millis(host: &Host) -> i64 {
    host.now().unix_millis() - 1000 * crate::test::START
}

#[test]
fn pauses_double_up_to_the_longest() {
    let host = Host::new();
    host.given(any()).respond(status(503));
    let retry = Retry::times(6).pause(Duration::from_secs(1), Duration::from_secs(8));
    let response = get(URL).retry(retry).send().unwrap();
    assert_eq!((response.status().as_u16(), host.requests().len()), (503, 7));
    let waited =
        host.logs().iter().map(|line| line.attributes["pause_ms"].as_u64().unwrap()).collect::<Vec<_>>();
    for (waited, whole) in waited.iter().zip([1000, 2000, 4000, 8000, 8000, 8000]) {
        assert!((whole / 2..=whole).contains(waited), "{waited} of {whole}");
    }
    assert_eq!(waited.iter().sum::<u64>() as i64 / 10, millis(&host) / 10);
    assert!(waited.windows(2).any(|two| two[1] != 2 * two[0]), "there is no random part: {waited:?}");
}

#[test]
fn only_what_may_pass_is_repeated() {
    let attempts = |answer: fn() -> crate::test::ResponseTemplate| {
        let host = Host::new();
        host.given(any()).once().respond(answer());
        host.given(any()).respond(text("fine"));
        let _ = get(URL).retry(Retry::times(2)).send();
        host.requests().len()
    };
    for answer in [
        || status(429),
        || status(502),
        || status(503),
        || status(504),
        || failure(Cause::Timeout),
        || failure(Cause::Refused),
        || failure(Cause::Reset),
        || failure(Cause::Unreachable),
    ] {
        assert_eq!(attempts(answer), 2, "{:?}", answer());
    }
    for answer in [
        || status(500),
        || status(404),
        || status(200),
        || failure(Cause::Dns),
        || failure(Cause::Certificate(String::new())),
        || failure(Cause::Denied("origin")),
    ] {
        assert_eq!(attempts(answer), 1, "{:?}", answer());
    }
}

#[test]
fn a_method_that_may_do_something_twice_is_repeated_only_if_it_is_said() {
    let host = Host::new();
    host.given(any()).respond(status(503));
    post(URL).retry(Retry::times(1)).send().unwrap();
    assert_eq!(host.requests().len(), 1);
    post(URL).body("x").retry(Retry::times(1).all_methods()).send().unwrap();
    delete(URL).retry(Retry::times(1)).send().unwrap();
    assert_eq!(host.requests().len(), 5);
    assert_eq!(host.requests()[2].body, b"x");
}

#[test]
fn the_upstream_names_the_pause() {
    for (value, expected) in [("3", 3000), ("Thu, 01 Jan 2026 00:00:07 GMT", 7000), ("0", 0)] {
        let host = Host::new();
        host.given(any()).once().respond(status(429).header("Retry-After", value));
        host.given(any()).respond(status(200));
        assert_eq!(get(URL).retry(Retry::times(1)).send().unwrap().status().as_u16(), 200);
        assert_eq!(millis(&host), expected, "{value}");
    }
}

#[test]
fn nobody_waits_in_vain() {
    let attempts = |request: fn() -> crate::http::Request, limit: Option<u64>| {
        let host = Host::new();
        limit.into_iter().for_each(|seconds| host.time_limit(Duration::from_secs(seconds)));
        host.given(any()).respond(status(429).header("Retry-After", "5"));
        assert_eq!(request().retry(Retry::times(1)).send().unwrap().status().as_u16(), 429);
        (host.requests().len(), millis(&host))
    };
    assert_eq!(attempts(|| get(URL), None), (2, 5000));
    assert_eq!(attempts(|| get(URL), Some(6)), (2, 5000));
    assert_eq!(attempts(|| get(URL), Some(5)), (1, 0), "the call would be over");
    assert_eq!(attempts(|| get(URL).timeout(Duration::from_secs(4)), None), (1, 0));
    let host = Host::new();
    host.given(any()).respond(status(429).header("Retry-After", "11"));
    get(URL).retry(Retry::times(1)).send().unwrap();
    assert_eq!((host.requests().len(), millis(&host)), (1, 0), "longer than the longest pause");
}

#[test]
fn a_further_attempt_begins_before_the_redirects() {
    let host = Host::new();
    host.given(crate::test::get("/")).respond(status(307).header("Location", "/b"));
    host.given(crate::test::get("/b")).once().respond(status(503));
    host.given(crate::test::get("/b")).respond(text("fine"));
    assert_eq!(get(URL).retry(Retry::times(1)).send().unwrap().text().unwrap(), "fine");
    let paths: Vec<_> = host.requests().iter().map(|request| request.url.path().to_owned()).collect();
    assert_eq!(paths, ["/", "/b", "/", "/b"]);
}

#[test]
fn a_pause_is_seconds_or_a_date() {
    let now = Time::parse("1994-11-06T08:49:00Z").unwrap();
    for (value, expected) in [
        ("120", Some(120)),
        ("Sun, 06 Nov 1994 08:49:37 GMT", Some(37)),
        ("Sun, 06 Nov 1994 08:48:37 GMT", Some(0)),
        ("99999999999999999999", Some(u64::MAX)),
        ("", None),
        ("-1", None),
        ("1.5", None),
        ("soon", None),
        ("Sunday, 06-Nov-94 08:49:37 GMT", None),
        ("Sun Nov  6 08:49:37 1994", None),
        ("Sun, 06 Nov 1994 08:49:37 CET", None),
        ("Sun, 06 Foo 1994 08:49:37 GMT", None),
    ] {
        assert_eq!(pause(value, now).map(|pause| pause.as_secs()), expected, "{value}");
    }
}
