//! go-plugin's handshake: checks that Grafana started this process and which protocol version it offers, and writes
//! the line on standard output that says where we listen. Nothing else in the process writes to standard output.

use std::io::{self, Write};

use crate::config::Process;
use crate::serve::Address;

/// The required value of the variable `grafana_plugin_type`, for apps too.
pub(super) const COOKIE: &str = "datasource";

/// The version of go-plugin's handshake itself.
const CORE_VERSION: u32 = 1;

/// The version of Grafana's plugin protocol that we speak; there is no other yet.
const VERSION: u32 = 2;

/// Why the process must not serve.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub(super) enum Refusal {
    #[error(
        "This is gpx-host, the backend of a Grafana plugin. Do not run it yourself: Grafana starts it.\n\
         Put it into the plugin's directory, beside plugin.json. Its file name is the \"executable\" in plugin.json\n\
         followed by the platform (gpx_example_linux_amd64). Put the plugin's component next to it\n\
         (gpx_example.wasm), then restart Grafana. `gpx-host help` lists the commands that you can run yourself."
    )]
    NotStartedByGrafana,
    #[error(
        "the program that started this plugin asks for mutual TLS (PLUGIN_CLIENT_CERT is set), which gpx-host does \
         not support; start it without AutoMTLS, as Grafana does"
    )]
    MutualTls,
}

/// Checks that the process was started by a go-plugin client that we can serve.
pub(super) fn accept(process: &Process) -> Result<(), Refusal> {
    if process.cookie.as_deref() != Some(COOKIE) {
        return Err(Refusal::NotStartedByGrafana);
    }
    if process.client_cert {
        return Err(Refusal::MutualTls);
    }
    Ok(())
}

/// Returns whether one of the versions that the client offers (`2`, or `2,3`) is ours. If not, ours is announced
/// anyway: the client's error then names the versions of both sides.
pub(super) fn is_version_offered(versions: &str) -> bool {
    versions.split(',').any(|version| version.trim().parse() == Ok(VERSION))
}

/// Writes the one line on standard output that says where to connect.
#[expect(clippy::disallowed_methods, reason = "this is the handshake")]
pub(super) fn announce(address: &Address, process: &Process) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    stdout.write_all(line(address, process.multiplex).as_bytes())?;
    stdout.flush()
}

/// Returns the handshake's line. The sixth field, a certificate, stays empty. The seventh is sent only to a client that
/// asked for multiplexing, since older clients split the line into six parts.
fn line(address: &Address, multiplex_asked: bool) -> String {
    let Address { network, address } = address;
    let multiplex = if multiplex_asked { "|false" } else { "" };
    format!("{CORE_VERSION}|{VERSION}|{network}|{address}|grpc|{multiplex}\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address() -> Address {
        Address { network: "unix", address: "/tmp/plugin1".into() }
    }

    #[test]
    fn the_line_has_six_fields_and_the_last_is_empty() {
        assert_eq!(line(&address(), false), "1|2|unix|/tmp/plugin1|grpc|\n");
    }

    #[test]
    fn a_client_that_asks_for_multiplexing_is_refused_it() {
        assert_eq!(line(&address(), true), "1|2|unix|/tmp/plugin1|grpc||false\n");
    }

    #[test]
    fn finds_our_version_among_those_offered() {
        for offered in ["2", "1,2", "3, 2", "x,2"] {
            assert!(is_version_offered(offered), "{offered}");
        }
        for offered in ["", "1", "22", "x"] {
            assert!(!is_version_offered(offered), "{offered}");
        }
    }

    #[test]
    fn only_the_exact_cookie_is_accepted() {
        let process = |cookie: Option<&str>| Process { cookie: cookie.map(Into::into), ..Process::default() };
        assert_eq!(accept(&process(Some(COOKIE))), Ok(()));
        for cookie in [None, Some(""), Some("app"), Some("Datasource")] {
            assert_eq!(accept(&process(cookie)), Err(Refusal::NotStartedByGrafana), "{cookie:?}");
        }
    }

    #[test]
    fn mutual_tls_is_refused() {
        let process = Process { cookie: Some(COOKIE.into()), client_cert: true, ..Process::default() };
        assert_eq!(accept(&process), Err(Refusal::MutualTls));
    }
}
