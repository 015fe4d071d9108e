use super::*;
use crate::Unread;

fn query() -> Query<Unread> {
    let (start, end) = ("2026-01-01T00:00:00.25Z", "2026-01-01T01:00:00.75Z");
    let range = crate::test::query("A").range(Time::parse(start).unwrap(), Time::parse(end).unwrap());
    range.interval(std::time::Duration::from_millis(90_500)).build().unwrap()
}

#[test]
fn each_macro_has_its_value() {
    for (text, expected) in [
        ("$__interval", "1m"),
        ("$__interval_ms", "90500"),
        ("[${__interval}]", "[1m]"),
        ("$__from-$__to", "1767225600250-1767229200750"),
        ("${__from}", "1767225600250"),
        ("${__from:date}", "2026-01-01T00:00:00.250Z"),
        ("${__to:date:iso}", "2026-01-01T01:00:00.750Z"),
        ("${__to:date:seconds}", "1767229200"),
        ("$__range $__range_s $__range_ms", "3601s 3601 3600500"),
        ("$__timeFilter(t)", "t >= '2026-01-01T00:00:00Z' AND t <= '2026-01-01T01:00:00Z'"),
        ("$__timeFrom( cast(t, d) )", "cast(t, d) >= '2026-01-01T00:00:00Z'"),
        ("($__timeTo(t))", "(t <= '2026-01-01T01:00:00Z')"),
        ("x$__interval(y)", "x1m(y)"),
    ] {
        assert_eq!(query().interpolate(text).unwrap(), expected, "{text}");
    }
}

/// What the Go SDK makes of them, computed by a test of tests/peer. A line is both ends of the range and the interval, in
/// milliseconds, a text, and what becomes of it.
const OF_GO: &str = include_str!("../../../tests/peer/macros/cases.txt");

#[test]
fn macros_are_those_of_go() {
    for line in OF_GO.lines() {
        let fields: Vec<_> = line.split('\t').collect();
        let [from, to, interval, text, expected] = fields[..] else { panic!("{line}") };
        let [from, to, interval] = [from, to, interval].map(|number| number.parse::<i64>().unwrap());
        let range = crate::test::query("A").range(Time::from_unix_millis(from), Time::from_unix_millis(to));
        let query = Query { interval_ms: interval, ..range.build::<Unread>().unwrap() };
        match (query.interpolate(text), expected.strip_prefix("error: ")) {
            (Ok(replaced), None) => assert_eq!(replaced, expected, "{line}"),
            (Err(fault), Some(_)) => assert_eq!(fault.status, 400, "{line}"),
            (Ok(replaced), Some(_)) => panic!("{line}: {replaced}"),
            (Err(fault), None) => panic!("{line}: {fault}"),
        }
    }
}

#[test]
fn formats_are_those_of_the_frontend() {
    for (text, expected) in [
        ("${__from:date:H:mm a} ${__to:date:hh A}", "0:00 am 01 AM"),
        ("${__from:date:YYYY-MM-DDTHH:mm:ss.SSSZ}", "2026-01-01T00:00:00.250+00:00"),
        ("${__from:date:[Week] MMM D, YYYY}", "Week Jan 1, 2026"),
        ("${__from:date:[YYYY}", "[2026"),
    ] {
        assert_eq!(query().interpolate(text).unwrap(), expected, "{text}");
    }
    // In Go, `00:00:00.25Z`.
    assert_eq!(query().interpolate("${__from:date}").unwrap(), "2026-01-01T00:00:00.250Z");
}

#[test]
fn other_text_stays() {
    for text in [
        "",
        "$",
        "$$",
        "$__",
        "${",
        "${}",
        "${__}",
        "${__interval",
        "$host ${host:csv} $1",
        "$__rate_interval",
        "$__intervals",
        "$__interval_msx",
        "$_interval",
        "${__interval x}",
        "$__column ü",
        "$__timeGroup(t, month) $__table",
    ] {
        assert_eq!(query().interpolate(text).unwrap(), text);
    }
}

#[test]
fn a_macro_that_is_used_wrongly_is_status_400() {
    for (text, message) in [
        ("$__timeFilter", "write $__timeFilter(column), with one column"),
        ("$__timeFilter()", "write $__timeFilter(column), with one column"),
        ("$__timeTo(a, b)", "write $__timeTo(column), with one column"),
        (
            "${__from:YYYY}",
            "the macro `${__from:YYYY}` has a format that it does not know; it has `date`, `date:seconds`, and formats such as `date:YYYY-MM-DD`",
        ),
        (
            "${__to:date:YYYY Q}",
            "the macro `${__to:date:YYYY Q}` has a format that it does not know; it has `date`, `date:seconds`, and formats such as `date:YYYY-MM-DD`",
        ),
        ("${__range:date}", "the macro `${__range:date}` has a format that it does not know; it has none"),
    ] {
        let fault = query().interpolate(text).unwrap_err();
        assert_eq!((fault.status, fault.message.as_str()), (400, message));
    }
}

#[test]
fn macros_of_your_own_come_first_and_are_not_searched_again() {
    let shown = |arguments: &[&str]| Ok(format!("$__interval{arguments:?}"));
    let macros = query().macros().with("interval", shown).with("table", |_| Ok("prices".to_owned()));
    assert_eq!(macros.interpolate("$__interval").unwrap(), "$__interval[]");
    assert_eq!(macros.interpolate("${__interval}()$__table.a").unwrap(), "$__interval[]prices.a");
    assert_eq!(
        macros.interpolate("$__interval(a(b, c), , d").unwrap(),
        "$__interval[](a(b, c), , d",
        "without an end there are no arguments"
    );
    assert_eq!(
        macros.interpolate("$__interval(a(b, c), , ü) $__to").unwrap(),
        "$__interval[\"a(b, c)\", \"\", \"ü\"] 1767229200750"
    );
}

#[test]
fn an_interval_has_the_largest_unit_that_fits() {
    for (millis, expected) in [
        (-5, "1ms"),
        (0, "1ms"),
        (999, "999ms"),
        (1000, "1s"),
        (119_999, "1m"),
        (2 * HOUR, "2h"),
        (DAY, "1d"),
        (YEAR - 1, "364d"),
        (2 * YEAR + DAY, "2y"),
    ] {
        assert_eq!(interval(millis), expected);
    }
}
