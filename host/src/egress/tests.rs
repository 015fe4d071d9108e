//! The client against a server that follows a script.

mod certificates;
mod connections;
mod counted;
mod exchange;
mod expect;
mod frames;
mod hostile;
mod http2;
mod limits;
mod names;
mod proxies;
mod secure;
mod settings;
mod sigv4;
mod trace;

use std::collections::{BTreeMap, HashMap};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use http_body_util::{BodyExt as _, Empty, Full};
use opentelemetry_sdk::trace::SpanData;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio_rustls::TlsAcceptor;
use wasmtime_wasi_http::{RequestOptions, WasiBody};

use super::*;
use crate::budget::{MemoryAccount, Priority};
use crate::config::AwsEnvironment;
use crate::log::Log;
use crate::log::memory::Lines;
use crate::metrics::Metrics;
use crate::telemetry::test::{Ended, recording};
use crate::text::Scrub;

type Response = http::Response<super::exchange::ResponseBody>;
type Request = http::Request<WasiBody>;

/// What the server does once it has read a request.
enum Scripted {
    Text(String),
    Bytes(Vec<u8>),
    /// Sends this and closes.
    Last(String),
    /// Sends this and no more.
    Part(String),
}

/// What the server saw, with the number of the connection.
#[derive(Debug, PartialEq, Eq)]
enum Seen {
    Request(usize, String),
    Closed(usize),
}

struct Server {
    address: SocketAddr,
    seen: mpsc::UnboundedReceiver<Seen>,
    task: tokio::task::JoinHandle<()>,
}

struct Fixture {
    egress: Egress,
    spans: Ended,
    lines: Lines,
    metrics: Metrics,
    memory: Arc<MemoryAccount>,
}

// === impl Server ===

impl Server {
    /// `script` returns the answer to a request by its number, counted over all connections.
    async fn start(script: impl Fn(usize) -> Scripted + Send + Sync + 'static) -> Self {
        Self::start_with(None, script).await
    }

    async fn start_with(
        tls: Option<TlsAcceptor>,
        script: impl Fn(usize) -> Scripted + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (sender, seen) = mpsc::unbounded_channel();
        let task = tokio::spawn(async move {
            let (script, requests) = (Arc::new(script), Arc::new(Mutex::new(0..)));
            for connection in 0.. {
                let (stream, _) = listener.accept().await.unwrap();
                let (sender, script, requests) = (sender.clone(), script.clone(), requests.clone());
                let tls = tls.clone();
                tokio::spawn(async move {
                    let next = move || script(requests.lock().unwrap().next().unwrap());
                    match tls {
                        None => converse(stream, connection, &sender, next).await,
                        Some(tls) => {
                            if let Ok(stream) = tls.accept(stream).await {
                                converse(stream, connection, &sender, next).await;
                            }
                        }
                    }
                    let _ = sender.send(Seen::Closed(connection));
                });
            }
        });
        Self { address, seen, task }
    }

    async fn always(answer: &'static str) -> Self {
        Self::start(move |_| Scripted::Text(answer.to_owned())).await
    }

    fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    async fn request(&mut self) -> (usize, String) {
        match self.seen.recv().await.unwrap() {
            Seen::Request(connection, head) => (connection, head),
            Seen::Closed(connection) => panic!("connection {connection} was closed"),
        }
    }

    async fn closed(&mut self) -> usize {
        match self.seen.recv().await.unwrap() {
            Seen::Closed(connection) => connection,
            Seen::Request(_, head) => panic!("a request came: {head}"),
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn converse(
    mut stream: impl AsyncRead + AsyncWrite + Unpin,
    connection: usize,
    seen: &mpsc::UnboundedSender<Seen>,
    answer: impl Fn() -> Scripted,
) {
    let mut received = Vec::new();
    loop {
        let Some(end) = received.windows(4).position(|bytes| bytes == b"\r\n\r\n") else {
            match stream.read_buf(&mut received).await {
                Ok(0) | Err(_) => return,
                Ok(_) => continue,
            }
        };
        let head = String::from_utf8(received.drain(..end + 4).collect()).unwrap();
        let _ = seen.send(Seen::Request(connection, head));
        let (bytes, goes_on) = match answer() {
            Scripted::Text(text) => (text.into_bytes(), true),
            Scripted::Bytes(bytes) => (bytes, true),
            Scripted::Last(text) => (text.into_bytes(), false),
            Scripted::Part(text) => {
                stream.write_all(text.as_bytes()).await.unwrap();
                let _ = stream.read_buf(&mut received).await;
                return;
            }
        };
        if stream.write_all(&bytes).await.is_err() || !goes_on {
            return;
        }
    }
}

// === impl Fixture ===

impl Fixture {
    fn new(allow_hosts: &str) -> Self {
        Self::with_limits(allow_hosts, 1000, None)
    }

    /// With so many connections for each client, and so many files for the process.
    fn with_limits(allow_hosts: &str, max: usize, files: Option<usize>) -> Self {
        let ((telemetry, spans), (log, lines)) = (recording(), Log::memory());
        let hosts = Patterns::parse([allow_hosts]).0;
        let operator = OperatorPolicy { hosts, ..OperatorPolicy::default() };
        let all = AllConnections::new(files, log);
        let metrics = Metrics::unattached();
        let process = ProcessHttp { connections_max: max, ..ProcessHttp::default() };
        let egress = Egress::new(operator, "my-plugin", telemetry, process, all, metrics.upstream.clone());
        Self { egress, spans, lines, metrics, memory: MemoryAccount::new(1 << 30) }
    }

    fn client(&self, url: &str) -> Client {
        self.client_with(url, "{}", &[])
    }

    fn client_with(&self, url: &str, json: &str, secrets: &[(&str, &str)]) -> Client {
        self.client_in(&AwsEnvironment::default(), HashMap::new(), url, json, secrets)
    }

    /// With the process's environment and Grafana's own configuration.
    fn client_in(
        &self,
        environment: &AwsEnvironment,
        grafana: HashMap<String, String>,
        url: &str,
        json: &str,
        secrets: &[(&str, &str)],
    ) -> Client {
        let secrets: HashMap<_, _> =
            secrets.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
        let http = DataSourceHttp::parse(DataSourceFields {
            url,
            user: "",
            basic_auth_enabled: false,
            basic_auth_user: "",
            json_data: json.as_bytes(),
            secrets: &secrets,
            grafana_config: &grafana,
            name: "My source",
            uid: "abc",
            plugin_type: "my-plugin",
            secure_socks: &BTreeMap::new(),
            wanted: &crate::egress::WantedHeaders::default(),
        });
        let http = http.signed(SigV4Fields {
            json_data: json.as_bytes(),
            secrets: &secrets,
            grafana: &grafana,
            environment,
        });
        self.egress.client(http, Scrub::new(secrets.into_values()), &self.memory.owner())
    }
}

fn get(url: impl Into<String>) -> Request {
    let body = Empty::new().map_err(|never| match never {}).boxed_unsync();
    http::Request::get(url.into()).body(body).unwrap()
}

fn post(url: impl Into<String>, body: &'static str) -> Request {
    let body = Full::from(body).map_err(|never| match never {}).boxed_unsync();
    http::Request::post(url.into()).body(body).unwrap()
}

async fn send(client: &Client, request: Request) -> Result<Response, RequestError> {
    send_with(client, request, RequestOptions::default()).await
}

async fn send_with(
    client: &Client,
    request: Request,
    options: RequestOptions,
) -> Result<Response, RequestError> {
    client.send(request, Some(options), RequestParent::default(), caller()).await
}

/// The call that requests belong to.
fn caller() -> Caller {
    let user_agent = "Grafana/13.2.0 (linux; amd64) my-plugin/1.0.0".into();
    Caller { endpoint: "queryData", user_agent, ..Caller::default() }
}

async fn text(response: Response) -> Result<String, RequestError> {
    let bytes = response.into_body().collect().await?.to_bytes();
    Ok(String::from_utf8(bytes.to_vec()).unwrap())
}
