//! How an upstream answers a request.

use std::io::Write as _;
use std::net::TcpStream;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::{Response, StatusCode};
use http_body::{Body, Frame};
use tokio::sync::watch;

use super::{Request, Watch};

#[derive(Clone, Debug)]
pub enum Answer {
    Full {
        status: u16,
        headers: Vec<(String, String)>,
        body: Bytes,
    },
    /// The answer is sent once the gate is opened.
    After(Gate, Box<Answer>),
    /// The head and half of the body, then the connection is closed.
    CloseMidBody(Bytes),
    /// The head and half of the body; the rest is never sent.
    StallMidBody(Bytes),
    /// The head and these bytes over and over again, for as long as the plugin reads.
    Endless(Bytes),
    /// The connection is closed without an answer.
    Close,
    /// The connection is reset without an answer.
    Reset,
}

/// Starts closed; a test opens it.
#[derive(Clone, Debug)]
pub struct Gate(Arc<watch::Sender<bool>>);

/// The error that closes a connection without an answer.
#[derive(Debug)]
pub(super) struct Closed;

/// A body that may end before its announced length.
pub(super) struct Pieces {
    rest: Bytes,
    end: End,
    watch: Watch,
}

enum End {
    Complete,
    Broken,
    Never,
    /// The same bytes again.
    Again(Bytes),
}

/// Returns what the example's upstream is documented to return: points a second apart, each with its number as value.
pub fn points(count: usize) -> serde_json::Value {
    let point = |number: usize| {
        let (hour, minute, second) = (number / 3600 % 24, number / 60 % 60, number % 60);
        serde_json::json!({ "time": format!("2026-01-01T{hour:02}:{minute:02}:{second:02}Z"), "value": number })
    };
    serde_json::json!({ "datapoints": (0..count).map(point).collect::<Vec<_>>() })
}

// === impl Answer ===

impl Answer {
    pub fn json(json: serde_json::Value) -> Self {
        Self::text("application/json", &json.to_string())
    }

    pub fn text(content_type: &str, text: &str) -> Self {
        let body = Bytes::copy_from_slice(text.as_bytes());
        Self::Full { status: 200, headers: vec![("content-type".to_owned(), content_type.to_owned())], body }
    }

    pub fn status(status: u16) -> Self {
        Self::Full { status, headers: Vec::new(), body: Bytes::new() }
    }

    pub fn redirect(location: &str) -> Self {
        let headers = vec![("location".to_owned(), location.to_owned())];
        Self::Full { status: 302, headers, body: Bytes::new() }
    }

    pub fn gzip(body: &[u8]) -> Self {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(body).expect("writes to memory");
        let headers = [("content-encoding", "gzip"), ("content-type", "application/json")];
        Self::Full {
            status: 200,
            headers: headers.map(|(name, value)| (name.to_owned(), value.to_owned())).into(),
            body: encoder.finish().expect("writes to memory").into(),
        }
    }

    /// Returns the same answer, sent once `gate` is opened.
    pub fn after(self, gate: &Gate) -> Self {
        Self::After(gate.clone(), Box::new(self))
    }

    pub(super) async fn respond(
        mut self,
        request: &Request,
        socket: &TcpStream,
        watch: Watch,
    ) -> Result<Response<Pieces>, Closed> {
        while let Self::After(gate, answer) = self {
            gate.passed().await;
            self = *answer;
        }
        let (status, headers, body, end) = match self {
            Self::Full { status, headers, body } => (status, headers, body, End::Complete),
            Self::CloseMidBody(body) => (200, Vec::new(), body, End::Broken),
            Self::StallMidBody(body) => (200, Vec::new(), body, End::Never),
            Self::Endless(body) => (200, Vec::new(), Bytes::new(), End::Again(body)),
            Self::After(..) => unreachable!("unwrapped above"),
            Self::Close => {
                watch.answered();
                return Err(Closed);
            }
            Self::Reset => {
                watch.answered();
                // Closing a socket with a linger time of zero sends a reset.
                rustix::net::sockopt::set_socket_linger(socket, Some(Duration::ZERO)).expect("SO_LINGER");
                return Err(Closed);
            }
        };
        let mut response = Response::builder().status(StatusCode::from_u16(status).expect("a status"));
        for (name, value) in headers {
            response = response.header(name, value);
        }
        let endless = matches!(end, End::Again(_));
        if !endless {
            response = response.header("content-length", body.len());
        }
        let shown = if matches!(end, End::Complete) { body } else { body.slice(..body.len() / 2) };
        // hyper never polls the body of a response that has none.
        if shown.is_empty() && !endless || request.method == "HEAD" {
            watch.answered();
        }
        Ok(response.body(Pieces { rest: shown, end, watch }).expect("a response"))
    }
}

// === impl Gate ===

impl Gate {
    pub fn closed() -> Self {
        Self(Arc::new(watch::Sender::new(false)))
    }

    pub fn open(&self) {
        self.0.send_replace(true);
    }

    async fn passed(&self) {
        let mut receiver = self.0.subscribe();
        receiver.wait_for(|open| *open).await.expect("self holds the sender");
    }
}

// === impl Closed ===

impl std::fmt::Display for Closed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("closed on purpose")
    }
}

impl std::error::Error for Closed {}

// === impl Pieces ===

impl Body for Pieces {
    type Data = Bytes;
    type Error = Closed;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Closed>>> {
        if !self.rest.is_empty() {
            if !matches!(self.end, End::Never) {
                self.watch.answered();
            }
            return Poll::Ready(Some(Ok(Frame::data(std::mem::take(&mut self.rest)))));
        }
        match &self.end {
            End::Again(bytes) => Poll::Ready(Some(Ok(Frame::data(bytes.clone())))),
            End::Complete => Poll::Ready(None),
            End::Broken => Poll::Ready(Some(Err(Closed))),
            // Nothing wakes this: the body is dropped when the connection ends.
            End::Never => Poll::Pending,
        }
    }
}
