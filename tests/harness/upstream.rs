//! An HTTP server on a free port, which speaks HTTP/1.1 unless a test wants TLS or HTTP/2: it stands in for the system that a data source queries. It records its requests,
//! and answers or fails as the test wants.

mod answer;
mod tls;

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;

use bytes::Bytes;
use http_body_util::BodyExt as _;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

pub use self::answer::{Answer, Gate, points};
use crate::seen::Seen;

pub struct Upstream {
    address: SocketAddr,
    is_secure: bool,
    seen: Seen<Vec<Request>>,
    server: tokio::task::JoinHandle<()>,
}

/// A request as it was received.
#[derive(Clone, Debug)]
pub struct Request {
    pub method: String,
    pub path: String,
    pub query: String,
    /// Names are in lower case. The values of repeated headers are joined by ", ".
    pub headers: HashMap<String, String>,
    pub body: Bytes,
    /// Counts connections from 0.
    pub connection: usize,
    /// The handler's answer was sent completely.
    pub answered: bool,
    /// The plugin closed the connection before that.
    pub aborted: bool,
}

type Handler = Arc<dyn Fn(&Request) -> Answer + Send + Sync>;

// === impl Upstream ===

impl Upstream {
    pub async fn start(handler: impl Fn(&Request) -> Answer + Send + Sync + 'static) -> Self {
        Self::start_with(None, handler).await
    }

    /// The same over TLS, with a certificate for localhost whose authority nobody trusts; with HTTP/2 if the client wants that, too.
    pub async fn start_secure(
        http2: bool,
        handler: impl Fn(&Request) -> Answer + Send + Sync + 'static,
    ) -> Self {
        Self::start_with(Some(tls::acceptor(http2)), handler).await
    }

    async fn start_with(
        tls: Option<TlsAcceptor>,
        handler: impl Fn(&Request) -> Answer + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("the bound address");
        let seen = Seen::<Vec<Request>>::new();
        let is_secure = tls.is_some();
        let server = tokio::spawn(accept(listener, tls, Arc::new(handler), seen.clone()));
        Self { address, is_secure, seen, server }
    }

    /// Answers every request with `count` points.
    pub async fn points(count: usize) -> Self {
        Self::start(move |_| Answer::json(points(count))).await
    }

    pub async fn always(answer: Answer) -> Self {
        Self::start(move |_| answer.clone()).await
    }

    pub fn url(&self) -> String {
        format!("{}://{}", if self.is_secure { "https" } else { "http" }, self.address)
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    pub fn requests(&self) -> Vec<Request> {
        self.seen.now(Clone::clone)
    }

    /// Forgets the requests so far, for measurements. Those that are not answered yet are not told apart from later ones.
    pub fn forget(&self) {
        self.seen.change(Vec::clear);
    }

    /// Waits for a request that fits, and returns the first one.
    pub async fn wait_for(&self, fits: impl Fn(&Request) -> bool) -> Request {
        self.seen.until(|requests| requests.iter().find(|request| fits(request)).cloned()).await
    }

    /// Waits until `count` requests have arrived, whether or not they were answered.
    pub async fn wait_for_requests(&self, count: usize) -> Vec<Request> {
        self.seen.until(|requests| (requests.len() >= count).then(|| requests.clone())).await
    }
}

impl Drop for Upstream {
    fn drop(&mut self) {
        self.server.abort();
    }
}

// === impl Request ===

impl Request {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(String::as_str)
    }
}

async fn accept(listener: TcpListener, tls: Option<TlsAcceptor>, handler: Handler, seen: Seen<Vec<Request>>) {
    let mut connections = tokio::task::JoinSet::new();
    for number in 0.. {
        match listener.accept().await {
            Ok((stream, _)) => {
                drop(connections.spawn(serve(stream, tls.clone(), number, handler.clone(), seen.clone())))
            }
            Err(_) => return,
        }
    }
}

async fn serve(
    stream: TcpStream,
    tls: Option<TlsAcceptor>,
    connection: usize,
    handler: Handler,
    seen: Seen<Vec<Request>>,
) {
    // A second handle to the socket, so that an answer can reset the connection.
    let Ok(stream) = stream.into_std() else { return };
    let Ok(handle) = stream.try_clone() else { return };
    let Ok(stream) = TcpStream::from_std(stream) else { return };
    let handle = Arc::new(handle);
    let service = service_fn(move |request: http::Request<hyper::body::Incoming>| {
        let (handler, seen, handle) = (handler.clone(), seen.clone(), handle.clone());
        async move {
            let Ok(request) = read(request, connection).await else { return Err(answer::Closed) };
            let watch = Watch::over(request.clone(), seen);
            handler(&request).respond(&request, &handle, watch).await
        }
    });
    let http1 = hyper::server::conn::http1::Builder::new();
    let Some(tls) = tls else {
        let _ = http1.serve_connection(TokioIo::new(stream), service).await;
        return;
    };
    let Ok(stream) = tls.accept(stream).await else { return };
    if stream.get_ref().1.alpn_protocol() == Some(tls::HTTP2) {
        let http2 = hyper::server::conn::http2::Builder::new(TokioExecutor::new());
        let _ = http2.serve_connection(TokioIo::new(stream), service).await;
    } else {
        let _ = http1.serve_connection(TokioIo::new(stream), service).await;
    }
}

async fn read(
    request: http::Request<hyper::body::Incoming>,
    connection: usize,
) -> Result<Request, hyper::Error> {
    let (head, body) = request.into_parts();
    let mut headers = HashMap::<String, String>::new();
    for (name, value) in &head.headers {
        let value = String::from_utf8_lossy(value.as_bytes()).into_owned();
        let entry = headers.entry(name.as_str().to_owned());
        entry.and_modify(|values| *values = format!("{values}, {value}")).or_insert(value);
    }
    Ok(Request {
        method: head.method.to_string(),
        path: head.uri.path().to_owned(),
        query: head.uri.query().unwrap_or_default().to_owned(),
        headers,
        body: body.collect().await?.to_bytes(),
        connection,
        answered: false,
        aborted: false,
    })
}

/// Records how a request ended. If it is dropped before the answer is complete, the request was aborted.
struct Watch {
    seen: Seen<Vec<Request>>,
    number: usize,
}

// === impl Watch ===

impl Watch {
    fn over(request: Request, seen: Seen<Vec<Request>>) -> Self {
        let mut number = 0;
        seen.change(|requests| {
            number = requests.len();
            requests.push(request);
        });
        Self { seen, number }
    }

    fn answered(&self) {
        self.note(|request| request.answered = true);
    }

    fn note(&self, note: impl FnOnce(&mut Request)) {
        self.seen.change(|requests| {
            if let Some(request) = requests.get_mut(self.number) {
                note(request);
            }
        });
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.note(|request| request.aborted = !request.answered);
    }
}
