//! go-plugin's handshake: is it really Grafana that starts us, which protocol version do we speak, and the one line
//! on standard output that says where we listen. Nothing else of the process writes there.

use std::io::{self, Write};

use crate::config::Process;
use crate::serve::Address;

/// What the variable `grafana_plugin_type` must be, for apps too.
pub const COOKIE: &str = "datasource";

/// go-plugin's own version of this exchange.
const CORE_VERSION: u32 = 1;

/// The version of Grafana's plugin protocol that we speak; there is no other yet.
const VERSION: u32 = 2;

/// Why the process must not serve.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum Refusal {
    #[error(
        "This is gpx-host, the back end of a Grafana plugin. It is not meant to be run by hand: Grafana starts it.\n\
         It belongs into the plugin's directory, beside plugin.json, under the name that plugin.json gives as\n\
         \"executable\" followed by the platform (gpx_example_linux_amd64), with the plugin's component next to it\n\
         (gpx_example.wasm). Restart Grafana then. `gpx-host help` lists what can be run by hand."
    )]
    NotStartedByGrafana,
    #[error(
        "the program that started this plugin asks for mutual TLS (PLUGIN_CLIENT_CERT is set), which gpx-host does \
         not speak; start it without AutoMTLS, as Grafana does"
    )]
    MutualTls,
}

/// Whether whoever started the process is a go-plugin client that we can serve.
pub fn accept(process: &Process) -> Result<(), Refusal> {
    if process.cookie.as_deref() != Some(COOKIE) {
        return Err(Refusal::NotStartedByGrafana);
    }
    if process.client_cert {
        return Err(Refusal::MutualTls);
    }
    Ok(())
}

/// Whether a version that the client offers (`2`, or `2,3`) is ours. If not, ours is announced all the same: the
/// client's own error then names both sides' versions.
pub fn is_version_offered(versions: &str) -> bool {
    versions.split(',').any(|version| version.trim().parse() == Ok(VERSION))
}

/// Tells the client where to connect: the one line on standard output.
#[expect(clippy::disallowed_methods, reason = "this is the handshake")]
pub fn announce(address: &Address, process: &Process) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    stdout.write_all(line(address, process.multiplex).as_bytes())?;
    stdout.flush()
}

/// The sixth field, a certificate, stays empty. The seventh is given only to a client that asked for multiplexing:
/// older ones split the line into six parts.
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
    fn the_line_has_six_fields_of_which_the_last_is_empty() {
        assert_eq!(line(&address(), false), "1|2|unix|/tmp/plugin1|grpc|\n");
    }

    #[test]
    fn a_client_that_asks_for_multiplexing_is_told_no() {
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
    fn mutual_tls_is_refused_in_words() {
        let process = Process { cookie: Some(COOKIE.into()), client_cert: true, ..Process::default() };
        assert_eq!(accept(&process), Err(Refusal::MutualTls));
    }
}
