//! TCP connections, and how the time to connect is shared among the addresses of one name.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::net::TcpStream;
use tokio::time::{Instant, timeout_at};

/// The least of the time to connect that one of several addresses gets, as in Go: less would fail on slow networks.
const MIN_TIME_PER_ADDRESS: Duration = Duration::from_secs(2);

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
    pub(super) async fn open(address: SocketAddr, deadline: Option<Instant>) -> io::Result<Self> {
        let connect = TcpStream::connect(address);
        let stream = match deadline {
            None => connect.await?,
            Some(deadline) => timeout_at(deadline, connect).await.map_err(|_| io::ErrorKind::TimedOut)??,
        };
        // As in Go: a request is written at once, so waiting for more to send would only delay it.
        stream.set_nodelay(true)?;
        Ok(Self { remote: stream.peer_addr()?, local: stream.local_addr()?, stream })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
