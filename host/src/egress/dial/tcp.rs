//! TCP connections, and how the time to connect is shared among the addresses of one name.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use rustix::net::sockopt;
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout_at};

use crate::egress::settings::KeepAlive;

/// The least of the time to connect that one of several addresses gets, as in Go: less would fail on slow networks.
const MIN_TIME_PER_ADDRESS: Duration = Duration::from_secs(2);

/// How long a peer is silent before it is asked, if the settings do not say; also the time between two questions, and how
/// often it is asked. As in Go.
const KEEP_ALIVE: Duration = Duration::from_secs(15);
const KEEP_ALIVE_PROBES: u32 = 9;

pub(super) struct TcpConnection {
    pub(super) stream: TcpStream,
    pub(super) remote: SocketAddr,
    pub(super) local: SocketAddr,
}

/// Returns the deadline for the next address, if so many are left to try.
pub(super) fn share(deadline: Instant, addresses_left: usize) -> Instant {
    let now = Instant::now();
    let left = deadline.saturating_duration_since(now);
    let addresses_left = u32::try_from(addresses_left).unwrap_or(u32::MAX).max(1);
    now + left.min((left / addresses_left).max(MIN_TIME_PER_ADDRESS))
}

// === impl TcpConnection ===

impl TcpConnection {
    pub(super) async fn open(
        address: SocketAddr,
        deadline: Option<Instant>,
        keep_alive: KeepAlive,
    ) -> io::Result<Self> {
        let connect = TcpStream::connect(address);
        let stream = match deadline {
            None => connect.await?,
            Some(deadline) => timeout_at(deadline, connect).await.map_err(|_| io::ErrorKind::TimedOut)??,
        };
        // As in Go: a request is written at once, so waiting for more to send would only delay it.
        stream.set_nodelay(true)?;
        if let KeepAlive::After(time) = keep_alive {
            // As in Go, a system that refuses it is no reason to fail.
            let _ = ask_silent_peer(&stream, time);
        }
        Ok(Self { remote: stream.peer_addr()?, local: stream.local_addr()?, stream })
    }
}

fn ask_silent_peer(stream: &TcpStream, time: Duration) -> io::Result<()> {
    let time = if time.is_zero() { KEEP_ALIVE } else { time };
    sockopt::set_socket_keepalive(stream, true)?;
    sockopt::set_tcp_keepidle(stream, time)?;
    sockopt::set_tcp_keepintvl(stream, KEEP_ALIVE)?;
    sockopt::set_tcp_keepcnt(stream, KEEP_ALIVE_PROBES)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_silent_peer_is_asked_as_the_settings_say() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let seconds = Duration::from_secs;
        for (keep_alive, idle) in [
            (KeepAlive::After(seconds(42)), Some(seconds(42))),
            (KeepAlive::After(Duration::ZERO), Some(seconds(15))),
            (KeepAlive::Off, None),
        ] {
            let TcpConnection { stream, .. } = TcpConnection::open(address, None, keep_alive).await.unwrap();
            let is_on = sockopt::socket_keepalive(&stream).unwrap();
            assert_eq!(is_on, idle.is_some(), "{keep_alive:?}");
            if let Some(idle) = idle {
                assert_eq!(sockopt::tcp_keepidle(&stream).unwrap(), idle);
                assert_eq!(sockopt::tcp_keepintvl(&stream).unwrap(), seconds(15));
                assert_eq!(sockopt::tcp_keepcnt(&stream).unwrap(), 9);
            }
        }
    }

    #[tokio::test(start_paused = true)]
    async fn each_address_gets_its_share_of_the_time_but_not_too_little() {
        let now = Instant::now();
        let of = |limit, left| share(now + Duration::from_secs(limit), left) - now;
        assert_eq!(of(10, 2), Duration::from_secs(5));
        assert_eq!(of(10, 1), Duration::from_secs(10));
        assert_eq!(of(10, 100), MIN_TIME_PER_ADDRESS);
        assert_eq!(of(1, 3), Duration::from_secs(1));
        assert_eq!(of(10, 0), Duration::from_secs(10));
    }
}
