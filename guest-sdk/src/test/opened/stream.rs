//! Subscriptions, publications, and streams that run.

use std::time::Duration;

use super::Opened;
use crate::bindings::stream::exports::gpx::plugin::stream::Reply as WitReply;
use crate::host::native::fake::Running;
use crate::host::native::packets::{self, PacketSender};
use crate::stream::Request;
use crate::test::{PacketRecord, ReplyRecord};
use crate::{Context, Result, Stream};

/// How long a stream runs that sends too little.
const STREAMED: Duration = Duration::from_secs(60 * 60);

impl<P> Opened<'_, P> {
    /// Asks to subscribe to a stream: `subscribe("gold")`. [`Opened::run`] has an example.
    ///
    /// # Errors
    ///
    /// If the plugin returns a fault.
    pub fn subscribe(&self, request: impl Into<Request>) -> Result<ReplyRecord>
    where
        P: Stream,
    {
        let reply = self.call(|| self.plugin.subscribe(&Context::default(), &request.into()))?;
        Ok(WitReply::from(reply).into())
    }

    /// Asks to publish to a stream.
    ///
    /// # Errors
    ///
    /// If the plugin returns a fault.
    pub fn publish(&self, request: impl Into<Request>) -> Result<ReplyRecord>
    where
        P: Stream,
    {
        let reply = self.call(|| self.plugin.publish(&Context::default(), &request.into()))?;
        Ok(WitReply::from(reply).into())
    }

    /// Runs a stream until it has sent so many packets, or for an hour of the fake clock, or for
    /// [`Host::time_limit`](super::Host::time_limit). Then the last subscriber leaves: sending one more fails, and
    /// [`Context::cancelled`] is true. 50 ms later the stream is ended, as by the host. Returns the packets, and how the stream
    /// ended: with a fault of status 499, unless it has returned before.
    ///
    /// ```
    /// # use gpx_sdk::*;
    /// # use gpx_sdk::test::{Host, PacketRecord, ReplyRecord, app};
    /// # use gpx_sdk::stream::{Include, PacketSender, Reply, Request};
    /// # use std::time::Duration;
    /// # struct Prices;
    /// # impl Plugin for Prices { fn open(_: Settings) -> Result<Self> { Ok(Self) } }
    /// impl Stream for Prices {
    ///     fn subscribe(&self, _: &Context, request: &Request) -> Result<Reply> {
    ///         Ok(if request.path == "gold" { Reply::ok() } else { Reply::not_found() })
    ///     }
    ///
    ///     fn run(&self, _: &Context, _: &Request, packets: &mut PacketSender) -> Result<()> {
    ///         loop {
    ///             packets.frame(Frame::new("price").time("time", [Time::now()]), Include::All)?;
    ///             time::sleep(Duration::from_secs(1));
    ///         }
    ///     }
    /// }
    /// # plugin!(Prices: stream);
    ///
    /// let host = Host::new();
    /// let prices = host.open::<Prices>(app())?;
    /// assert_eq!(prices.subscribe("lead")?, ReplyRecord::NotFound);
    /// let (packets, outcome) = prices.run("gold", 2);
    /// let second = Frame::new("price").time("time", [Time::parse("2026-01-01T00:00:01Z")?]);
    /// assert_eq!(packets[1], PacketRecord::Frame(second, Include::All));
    /// assert_eq!(outcome.unwrap_err().status, 499);
    /// # Ok::<_, Fault>(())
    /// ```
    pub fn run(&self, request: impl Into<Request>, packets: usize) -> (Vec<PacketRecord>, Result<()>)
    where
        P: Stream,
    {
        let fake = &self.host.0;
        let lasting = if packets == 0 { Duration::ZERO } else { fake.limit.get().unwrap_or(STREAMED) };
        let running = Running { until: Some(fake.later(lasting)), is_stream: true };
        let sent = packets::Sent::default();
        let mut sender = PacketSender::new(&sent, packets).into();
        let outcome =
            self.run_as(running, || self.plugin.run(&Context::default(), &request.into(), &mut sender));
        (sent.take().into_iter().map(Into::into).collect(), outcome)
    }
}
