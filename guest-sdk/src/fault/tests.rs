use std::error::Error;
use std::time::SystemTime;
use std::{fmt, io};

use ::http::StatusCode;

use super::*;
use crate::http::{Cause, Error as HttpError};

/// An error as authors write them.
#[derive(Debug)]
struct Reading(Box<dyn Error>);

impl fmt::Display for Reading {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("cannot read the prices")
    }
}

impl Error for Reading {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&*self.0)
    }
}

fn upstream(status: StatusCode) -> HttpError {
    HttpError::new("GET http://a.example/", Cause::Status(status, "text/plain: no".to_owned()))
}

#[test]
fn every_error_becomes_a_fault_of_the_plugin() {
    /// What `?` does.
    fn fault<T: fmt::Debug>(result: Result<T, impl Error + 'static>) -> Fault {
        result.map_err(Fault::from).unwrap_err()
    }

    let not_text = vec![0xFF];
    for fault in [
        fault("x".parse::<u64>()),
        fault("x".parse::<f64>()),
        fault(u8::try_from(300_i32)),
        fault("x".parse::<bool>()),
        fault("xy".parse::<char>()),
        fault(str::from_utf8(&not_text)),
        fault(String::from_utf8(not_text.clone())),
        fault(Err::<(), _>(fmt::Error)),
        fault(serde_json::from_str::<u8>("x")),
        fault(crate::Time::parse("now")),
        fault("x".parse::<std::net::IpAddr>()),
        fault("a b".parse::<::http::Uri>()),
        fault(::http::HeaderValue::from_str("\n")),
        fault(<[u8; 2]>::try_from(&[1_u8][..])),
        fault(SystemTime::UNIX_EPOCH.duration_since(SystemTime::now())),
        fault(Err::<(), _>(io::Error::other("no such thing"))),
    ] {
        assert_eq!((fault.status, fault.source), (500, Source::Plugin), "{fault}");
        assert!(!fault.message.is_empty());
    }
}

#[test]
fn what_is_deep_in_the_chain_decides() {
    let wrapped = Reading(Box::new(upstream(StatusCode::TOO_MANY_REQUESTS)));
    let fault = Fault::from(wrapped);
    assert_eq!((fault.status, fault.source), (429, Source::Downstream));
    let text =
        "cannot read the prices: GET http://a.example/: answered 429 Too Many Requests (text/plain: no)";
    assert_eq!(fault.message, text);

    // As a body does that is read through `Read`.
    let fault = Fault::from(io::Error::other(HttpError::new("GET http://a.example/", Cause::Timeout)));
    assert_eq!((fault.status, fault.source), (504, Source::Downstream));
    assert_eq!(fault.message, "GET http://a.example/: no response in time", "it is said once");

    let fault = Fault::from(Reading(Box::new(io::Error::from(io::ErrorKind::ConnectionRefused))));
    assert_eq!((fault.status, fault.source), (502, Source::Downstream));
    let fault = Fault::from(Reading(Box::new(SendError::Closed)));
    assert_eq!((fault.status, fault.source), (499, Source::Downstream));
}

#[test]
fn a_fault_survives_a_box() {
    fn inner() -> Result<(), Box<dyn Error>> {
        Err(Reading(Box::new(Fault::downstream(418, "tea").into_error())))?
    }
    let fault = Fault::from(inner().map_err(Reading).unwrap_err());
    assert_eq!(fault, Fault::downstream(418, "cannot read the prices: tea"));
    let alone = Fault::bad_request("choose a table");
    assert_eq!(Fault::from(alone.clone().into_error()), alone);
}
