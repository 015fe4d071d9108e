//! The executable as a process that somebody holds: it answers Grafana's calls like the one that Grafana starts, but a person, a
//! debugger or a container starts and ends it.

use std::io::ErrorKind;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::process::ExitCode;

use anyhow::Context as _;
use tokio::net::TcpListener;

use super::files::Files;
use super::{executable, signal, standalone};
use crate::budget::Priority;
use crate::config::Settings;
use crate::log::{Log, Value};
use crate::net::Resolver;
use crate::serve::Listener;
use crate::shutdown::Shutdown;

/// Runs the process in Grafana's stand-alone mode: it serves the plugin whose files are beside the executable on TCP until it is
/// interrupted, and Grafana connects to it instead of to a process of its own.
///
/// It listens where the variable `GF_PLUGIN_GRPC_ADDRESS_<ID>` says, and otherwise on a free port of the loopback interface. It
/// says so to Grafana's own processes of the plugin in the files `standalone.txt` and `pid.txt` beside the executable, ends those
/// that run, so that Grafana starts new ones, and removes the files at the end. With the variable, it can do without the files:
/// Grafana has the variable, too. All other settings come from the environment, as [`plugin`](super::plugin) takes them.
///
/// Call it from `main`, before anything else. Returns failure if the plugin cannot be served, or if another process is held
/// already; the reason is then on standard error.
///
/// gpx-host's `main` calls it for the option `-standalone`, which has the name that the Go SDK gives it.
pub fn hold() -> ExitCode {
    super::start(Settings::take_env(), |settings, log| super::block_on(run(settings, log.clone())))
}

async fn run(settings: Settings, log: Log) -> anyhow::Result<()> {
    let shutdown = Shutdown::new();
    signal::end_by_any(&shutdown).context("cannot handle signals")?;
    // As the system names it, to tell other processes of it from this one.
    let executable = executable()?.canonicalize().context("cannot find the executable")?;
    let directory = executable.parent().context("the executable is in no directory")?;
    let files = Files::beside(&executable);
    let identity = files.identity()?;
    let wanted = settings.process.held_at(&identity.id);
    let (is_named, (listener, address)) = (wanted.is_some(), listen(wanted).await?);
    let announced = match standalone::Announced::write(directory, &address) {
        // A container's files may be read-only. Grafana then finds this process by a variable of its own.
        Err(error) if is_named && error.kind() != ErrorKind::AlreadyExists => {
            let text = Value::from(error.to_string());
            log.warn(
                "Only a Grafana that has the variable, too, finds the process that is held",
                &[("error", text)],
            );
            None
        }
        announced => Some(announced?),
    };
    standalone::restart_others(&executable);
    let place = Value::from(directory.display().to_string());
    let fields = [("address", Value::from(address)), ("directory", place)];
    log.info("The plugin is held: Grafana connects to it until it is interrupted", &fields);
    let host = super::host(settings, files, identity, log, shutdown, executable.clone())?;
    let served = host.serve_held(Listener::from(listener)).await;
    drop(announced);
    standalone::restart_others(&executable);
    Ok(served?)
}

/// Returns a listener, and the address that Grafana connects to.
async fn listen(wanted: Option<&str>) -> anyhow::Result<(TcpListener, String)> {
    let wanted = wanted.unwrap_or("localhost:0");
    let cannot = || format!("cannot listen on {wanted}");
    let (host, port) = wanted.rsplit_once(':').context("an address is like localhost:3005")?;
    let port: u16 = port.parse().with_context(cannot)?;
    let mut last = None;
    for address in addresses(host.trim_start_matches('[').trim_end_matches(']')).await? {
        match TcpListener::bind(SocketAddr::new(address, port)).await {
            Ok(listener) => {
                let bound = listener.local_addr()?.to_string();
                return Ok((listener, if port == 0 { bound } else { wanted.to_owned() }));
            }
            Err(error) => last = Some(error),
        }
    }
    Err(last.map_or_else(|| anyhow::anyhow!("the name has no address"), anyhow::Error::from))
        .with_context(cannot)
}

/// As Go does, takes no name for all addresses of the machine.
async fn addresses(host: &str) -> anyhow::Result<Vec<IpAddr>> {
    if host.is_empty() {
        return Ok(vec![Ipv6Addr::UNSPECIFIED.into(), Ipv4Addr::UNSPECIFIED.into()]);
    }
    match host.parse() {
        Ok(address) => Ok(vec![address]),
        Err(_) => Ok(Resolver::default().resolve(host, Priority::Usual).await?),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn it_listens_where_it_is_told_to() {
        for (wanted, begins) in
            [(None, "127.0.0.1:"), (Some("127.0.0.1:0"), "127.0.0.1:"), (Some("localhost:0"), "127.0.0.1:")]
        {
            let (listener, address) = listen(wanted).await.unwrap();
            assert!(address.starts_with(begins) && !address.ends_with(":0"), "{wanted:?}: {address}");
            let again = listen(Some(&address)).await.unwrap_err();
            assert!(format!("{again:#}").starts_with(&format!("cannot listen on {address}: ")), "{again:#}");
            drop(listener);
            assert_eq!(listen(Some(&address)).await.unwrap().1, address);
        }
        let (listener, _) = listen(Some(":0")).await.unwrap();
        assert!(listener.local_addr().unwrap().ip().is_unspecified());
        for wanted in ["localhost", "localhost:x", ":70000"] {
            assert!(listen(Some(wanted)).await.is_err(), "{wanted}");
        }
    }
}
