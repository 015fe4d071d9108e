//! A host on a socket, and Grafana's side of the connection.

mod ends;
mod many;
mod replaced;

use std::pin::Pin;
use std::task::{Context, Poll};

use http::{Response as HttpResponse, Uri};
use hyper::body::Incoming;
use hyper::client::conn::http2::{self, SendRequest};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tempfile::TempDir;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tonic::body::Body;
use tonic::{Code, Request, Status};
use tower_service::Service;

use super::super::*;
use crate::config::Settings;
use crate::log::memory::Lines;
use crate::plugin::test::{Guest, PANIC_IN_CALL, PANIC_IN_OWNER, compiled};
use crate::proto::plugin::Empty;
use crate::proto::plugin::grpc_controller_client::GrpcControllerClient;
use crate::proto::pluginv2::data_client::DataClient;
use crate::proto::pluginv2::diagnostics_client::DiagnosticsClient;
use crate::proto::pluginv2::resource_client::ResourceClient;
use crate::proto::pluginv2::{
    CallResourceRequest, CheckHealthRequest, DataFrameFormat, DataQuery, DataSourceInstanceSettings,
    PluginContext, QueryDataRequest, QueryDataResponse,
};

const MINUTE: &str = "wait 60000";

/// A host that is served, and a connection to it.
struct Served {
    host: Host,
    connection: Connection,
    serving: JoinHandle<Result<(), Error>>,
    lines: Lines,
    directory: Option<(TempDir, PathBuf)>,
}

/// A connection that leaves deadlines to the host: tonic's own ends a call by itself.
#[derive(Clone)]
struct Connection(SendRequest<Body>);

/// How the calls of one method were counted.
#[derive(Debug, Default, PartialEq)]
struct Counted {
    started: u64,
    /// By gRPC's code.
    handled: Vec<(String, u64)>,
    /// By status and source.
    requests: Vec<(String, u64)>,
}

/// A data source of this uid and name.
fn context(uid: &str, name: &str) -> Option<PluginContext> {
    let (uid, name) = (uid.to_owned(), name.to_owned());
    let settings = DataSourceInstanceSettings { uid, name, ..Default::default() };
    Some(PluginContext { data_source_instance_settings: Some(settings), ..Default::default() })
}

fn queries(context: Option<PluginContext>, scripts: &[&str]) -> QueryDataRequest {
    let query = |(number, script): (usize, &&str)| DataQuery {
        ref_id: number.to_string(),
        json: (*script).to_owned().into(),
        ..Default::default()
    };
    QueryDataRequest {
        plugin_context: context,
        queries: scripts.iter().enumerate().map(query).collect(),
        format: DataFrameFormat::Json.into(),
        ..Default::default()
    }
}

fn answer(response: &QueryDataResponse) -> String {
    let answer = &response.responses["0"];
    assert_eq!(answer.error, "");
    let frame: serde_json::Value = serde_json::from_slice(&answer.frames[0]).unwrap();
    frame["schema"]["name"].as_str().unwrap_or_default().to_owned()
}

/// Lets everything else run until it is so.
async fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let wait = async {
        while !is_so() {
            tokio::task::yield_now().await;
        }
    };
    let waited = tokio::time::timeout(Duration::from_secs(60), wait).await;
    waited.unwrap_or_else(|_| panic!("it never came to this: {what}"));
}

// === impl Connection ===

impl Connection {
    async fn to(address: std::net::SocketAddr) -> Self {
        let stream = TokioIo::new(TcpStream::connect(address).await.unwrap());
        let (sender, connection) = http2::handshake(TokioExecutor::new(), stream).await.unwrap();
        tokio::spawn(connection);
        Self(sender)
    }

    fn data(&self) -> DataClient<Self> {
        DataClient::with_origin(self.clone(), Uri::from_static("http://plugin"))
    }

    fn diagnostics(&self) -> DiagnosticsClient<Self> {
        DiagnosticsClient::with_origin(self.clone(), Uri::from_static("http://plugin"))
    }

    fn resource(&self) -> ResourceClient<Self> {
        ResourceClient::with_origin(self.clone(), Uri::from_static("http://plugin"))
    }

    fn controller(&self) -> GrpcControllerClient<Self> {
        GrpcControllerClient::with_origin(self.clone(), Uri::from_static("http://plugin"))
    }
}

impl Service<http::Request<Body>> for Connection {
    type Response = HttpResponse<Incoming>;
    type Error = hyper::Error;
    type Future = Pin<Box<dyn Future<Output = hyper::Result<HttpResponse<Incoming>>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<hyper::Result<()>> {
        self.0.poll_ready(context)
    }

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        Box::pin(self.0.send_request(request))
    }
}

// === impl Served ===

impl Served {
    /// Of the usual guest.
    async fn new(settings: &[(&str, &str)]) -> Self {
        let (directory, file) = compiled();
        let served = Self::of(Component::from_file(&file), settings).await;
        served.host.loaded().await.unwrap();
        Self { directory: Some((directory, file)), ..served }
    }

    async fn of(component: Component, settings: &[(&str, &str)]) -> Self {
        let (log, lines) = Log::memory();
        // Many hosts in one process reserve less for the pools of their instances.
        let small = [("GF_PLUGIN_GPX_MEMORY_TOTAL", "256")];
        let settings: Settings = small.iter().chain(settings).copied().collect();
        let host = Host::builder(component).settings(settings).log(log).build().unwrap();
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let serving = tokio::spawn({
            let host = host.clone();
            async move { host.serve(listener).await }
        });
        let connection = Connection::to(address).await;
        Self { host, connection, serving, lines, directory: None }
    }

    fn component(&self) -> Component {
        Component::from_file(&self.directory.as_ref().unwrap().1)
    }

    fn start(&self, request: Request<QueryDataRequest>) -> JoinHandle<Result<QueryDataResponse, Status>> {
        let mut client = self.connection.data();
        tokio::spawn(async move { client.query_data(request).await.map(tonic::Response::into_inner) })
    }

    /// How many calls the data source's one instance has answered with this one.
    async fn count(&self, uid: &str) -> String {
        answer(&self.start(Request::new(queries(context(uid, ""), &[""]))).await.unwrap().unwrap())
    }

    fn counted(&self, method: &str, endpoint: &str) -> Counted {
        let text = self.host.0.platform.metrics.text().unwrap();
        let label = |line: &str, name: &str| {
            let rest = line.split(&format!("{name}=\"")).nth(1)?;
            Some(rest.split('"').next()?.to_owned())
        };
        let mut counted = Counted::default();
        for line in text.lines().filter(|line| !line.starts_with('#')) {
            let Some((name, count)) = line.rsplit_once(' ') else { continue };
            let count = || count.parse::<u64>().unwrap();
            if label(name, "grpc_method").as_deref() == Some(method) {
                if name.starts_with("grpc_server_started_total") {
                    counted.started = count();
                } else if name.starts_with("grpc_server_handled_total") {
                    counted.handled.push((label(name, "grpc_code").unwrap(), count()));
                }
            } else if name.starts_with("grafana_plugin_request_total")
                && label(name, "endpoint").as_deref() == Some(endpoint)
            {
                let status = label(name, "status").unwrap();
                counted
                    .requests
                    .push((format!("{status}/{}", label(name, "status_source").unwrap()), count()));
            }
        }
        counted
    }

    fn queries_counted(&self) -> Counted {
        self.counted("QueryData", "queryData")
    }

    fn began(&self) -> usize {
        self.lines.text().matches("Plugin Request Started").count()
    }

    async fn drained(self) {
        self.host.drain().await;
        self.serving.await.unwrap().unwrap();
    }
}

// === impl Counted ===

impl Counted {
    fn of(started: u64, handled: &[(&str, u64)], requests: &[(&str, u64)]) -> Self {
        let owned = |pairs: &[(&str, u64)]| pairs.iter().map(|(name, n)| ((*name).to_owned(), *n)).collect();
        Self { started, handled: owned(handled), requests: owned(requests) }
    }

    fn is_over(&self) -> bool {
        self.started == self.handled.iter().map(|(_, count)| count).sum::<u64>()
    }
}
