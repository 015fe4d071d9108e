//! How long things may take, and how many connections there may be, by the data source's `jsonData`.

use std::num::NonZeroUsize;
use std::time::Duration;

use serde_json::{Map, Value};

use super::numbers::{integer, nanoseconds};

/// As in the Go SDK: long enough for a slow network, short enough for a person who waits.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// As in the Go SDK. For connecting, the response's head and its body together, and for all redirects.
const TOTAL_TIMEOUT: Duration = Duration::from_secs(30);
/// As in the Go SDK.
const EXPECT_CONTINUE_TIMEOUT: Duration = Duration::from_secs(1);
/// As in the Go SDK.
const KEEP_ALIVE: Duration = Duration::from_secs(30);
/// As in the Go SDK: servers and load balancers commonly keep an idle connection open for one to several minutes.
const IDLE_TIMEOUT: Duration = Duration::from_secs(90);
/// As in the Go SDK: how many connections a burst of queries may leave behind.
const MAX_IDLE: usize = 100;
/// What Go's client takes if the setting is 0.
const MAX_IDLE_PER_HOST_IF_ZERO: usize = 2;

/// None means that only the call's own deadline applies. As in Go, a limit below zero for connecting has passed at once;
/// any other is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::egress) struct Timeouts {
    /// Name resolution and TCP.
    pub(in crate::egress) connect: Option<Duration>,
    /// The TLS handshake.
    pub(in crate::egress) handshake: Option<Duration>,
    /// How long a request that asks for `100 Continue` waits for it before it sends its body.
    pub(in crate::egress) expect_continue: Option<Duration>,
    /// The whole exchange, with redirects and the response's body.
    pub(in crate::egress) total: Option<Duration>,
}

/// When the system asks a silent peer whether it is still there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::egress) enum KeepAlive {
    Off,
    /// After this time; as in Go, after 15 s if it is zero.
    After(Duration),
}

/// How many connections there may be, and how many of them may be idle.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::egress) struct Pooling {
    /// How many there may be to one host; with HTTP/1.1, how many requests at a time.
    pub(in crate::egress) per_host: Option<NonZeroUsize>,
    pub(in crate::egress) idle: usize,
    pub(in crate::egress) idle_per_host: usize,
    /// None keeps them open.
    pub(in crate::egress) idle_time: Option<Duration>,
}

// === impl Timeouts ===

impl Timeouts {
    pub(super) fn parse(json: &Map<String, Value>) -> Self {
        let connecting = |key| match nanoseconds(json, key, CONNECT_TIMEOUT) {
            0 => None,
            limit => Some(positive(limit).unwrap_or(Duration::ZERO)),
        };
        Self {
            connect: connecting("dialTimeout"),
            handshake: connecting("httpTLSHandshakeTimeout"),
            expect_continue: positive(nanoseconds(
                json,
                "httpExpectContinueTimeout",
                EXPECT_CONTINUE_TIMEOUT,
            )),
            total: positive(nanoseconds(json, "timeout", TOTAL_TIMEOUT)),
        }
    }
}

// === impl KeepAlive ===

impl KeepAlive {
    pub(super) fn parse(json: &Map<String, Value>) -> Self {
        let after = u64::try_from(nanoseconds(json, "httpKeepAlive", KEEP_ALIVE));
        after.map_or(Self::Off, |after| Self::After(Duration::from_nanos(after)))
    }
}

// === impl Pooling ===

impl Pooling {
    pub(super) fn parse(json: &Map<String, Value>) -> Self {
        let default = i64::try_from(MAX_IDLE).unwrap_or_default();
        let per_host = usize::try_from(integer(json, "httpMaxConnsPerHost", 0)).unwrap_or_default();
        Self {
            per_host: NonZeroUsize::new(per_host),
            // In Go 0 is no limit, and one below zero allows none.
            idle: match integer(json, "httpMaxIdleConns", default) {
                0 => MAX_IDLE,
                max => usize::try_from(max).unwrap_or_default().min(MAX_IDLE),
            },
            idle_per_host: match integer(json, "httpMaxIdleConnsPerHost", default) {
                0 => MAX_IDLE_PER_HOST_IF_ZERO,
                max => usize::try_from(max).unwrap_or_default(),
            },
            idle_time: positive(nanoseconds(json, "httpIdleConnTimeout", IDLE_TIMEOUT)),
        }
    }
}

fn positive(nanoseconds: i64) -> Option<Duration> {
    u64::try_from(nanoseconds).ok().filter(|nanoseconds| *nanoseconds > 0).map(Duration::from_nanos)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map(key: &str, value: &str) -> Map<String, Value> {
        serde_json::from_str(&format!(r#"{{"{key}":{value}}}"#)).unwrap()
    }

    #[test]
    fn without_settings_the_limits_are_those_of_the_go_sdk() {
        let second = Duration::from_secs(1);
        let timeouts = Timeouts {
            connect: Some(10 * second),
            handshake: Some(10 * second),
            expect_continue: Some(second),
            total: Some(30 * second),
        };
        assert_eq!(Timeouts::parse(&Map::new()), timeouts);
        assert_eq!(KeepAlive::parse(&Map::new()), KeepAlive::After(30 * second));
        let pooling = Pooling { per_host: None, idle: 100, idle_per_host: 100, idle_time: Some(90 * second) };
        assert_eq!(Pooling::parse(&Map::new()), pooling);
    }

    #[test]
    fn a_time_below_zero_is_up_at_once_only_for_connecting() {
        // 18446744074 seconds wrap around to 290 ms, and 9.3e9 to less than nothing.
        let wrapped = Duration::from_nanos(290_448_384);
        for (value, connecting, other) in [
            ("2", Some(Duration::from_secs(2)), Some(Duration::from_secs(2))),
            ("0.9", None, None),
            (r#""5""#, None, None),
            ("[5]", None, None),
            ("-1", Some(Duration::ZERO), None),
            ("9.3e9", Some(Duration::ZERO), None),
            ("18446744074", Some(wrapped), Some(wrapped)),
            ("1e19", None, None),
            ("1e300", None, None),
        ] {
            let of = |key| Timeouts::parse(&map(key, value));
            assert_eq!(of("dialTimeout").connect, connecting, "{value}");
            assert_eq!(of("httpTLSHandshakeTimeout").handshake, connecting, "{value}");
            assert_eq!(of("timeout").total, other, "{value}");
            assert_eq!(of("httpExpectContinueTimeout").expect_continue, other, "{value}");
            let pooling = Pooling::parse(&map("httpIdleConnTimeout", value));
            assert_eq!(pooling.idle_time, other, "{value}");
        }
    }

    #[test]
    fn numbers_of_connections_are_those_of_go() {
        for (value, per_host, idle, idle_per_host) in [
            ("3", NonZeroUsize::new(3), 3, 3),
            ("0", None, MAX_IDLE, 2),
            (r#""3""#, None, MAX_IDLE, 2),
            ("-1", None, 0, 0),
            ("1e300", None, 0, 0),
            ("500", NonZeroUsize::new(500), MAX_IDLE, 500),
        ] {
            assert_eq!(Pooling::parse(&map("httpMaxConnsPerHost", value)).per_host, per_host, "{value}");
            assert_eq!(Pooling::parse(&map("httpMaxIdleConns", value)).idle, idle, "{value}");
            let pooling = Pooling::parse(&map("httpMaxIdleConnsPerHost", value));
            assert_eq!(pooling.idle_per_host, idle_per_host, "{value}");
        }
    }

    #[test]
    fn a_peer_is_asked_unless_the_time_is_below_zero() {
        assert_eq!(KeepAlive::parse(&map("httpKeepAlive", "5")), KeepAlive::After(Duration::from_secs(5)));
        assert_eq!(KeepAlive::parse(&map("httpKeepAlive", "0")), KeepAlive::After(Duration::ZERO));
        assert_eq!(KeepAlive::parse(&map("httpKeepAlive", "-1")), KeepAlive::Off);
    }
}
