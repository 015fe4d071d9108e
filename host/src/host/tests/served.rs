//! A host on a socket, and Grafana's side of the connection.

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
            tokio::time::sleep(Duration::from_millis(1)).await;
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
        let settings: Settings = settings.iter().copied().collect();
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

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_a_thousand_calls_that_are_cancelled_at_once_nothing_is_left() {
    let served = Served::new(&[("GF_PLUGIN_GPX_MEMORY_TOTAL", "2048")]).await;
    let calls: Vec<_> = (0..1000)
        .map(|number| {
            let scripts = if number % 2 == 0 { &[MINUTE][..] } else { &[MINUTE, MINUTE] };
            served.start(Request::new(queries(context(&(number % 10).to_string(), ""), scripts)))
        })
        .collect();
    until("all have begun", || served.began() == 1000).await;
    calls.iter().for_each(JoinHandle::abort);
    until("all are handled", || served.queries_counted().is_over()).await;
    let expected = Counted::of(1000, &[("Canceled", 1000)], &[("cancelled/downstream", 1000)]);
    assert_eq!(served.queries_counted(), expected);
    until("no memory is used", || served.host.0.platform.memory.used() == 0).await;
    for uid in 0..10 {
        assert_eq!(served.count(&uid.to_string()).await, "1");
    }
    served.drained().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_a_thousand_calls_with_one_deadline_nothing_is_left() {
    let served = Served::new(&[("GF_PLUGIN_GPX_MEMORY_TOTAL", "2048")]).await;
    let calls: Vec<_> = (0..1000)
        .map(|number| {
            let scripts = if number % 2 == 0 { &[MINUTE][..] } else { &[MINUTE, MINUTE] };
            let request = queries(context(&(number % 10).to_string(), ""), scripts);
            let mut request = Request::new(request);
            request.metadata_mut().insert("grpc-timeout", "3S".parse().unwrap());
            served.start(request)
        })
        .collect();
    for call in calls {
        assert_eq!(call.await.unwrap().unwrap_err().code(), Code::DeadlineExceeded);
    }
    until("all are handled", || served.queries_counted().is_over()).await;
    let began = served.began() as u64;
    let expected = Counted::of(1000, &[("DeadlineExceeded", 1000)], &[("error/plugin", began)]);
    assert_eq!(served.queries_counted(), expected);
    until("no memory is used", || served.host.0.platform.memory.used() == 0).await;
    for uid in 0..10 {
        assert_eq!(served.count(&uid.to_string()).await, "1");
    }
    assert!(!served.lines.text().contains("gpx_call_timeout"));
    served.drained().await;
}

#[tokio::test]
async fn the_shortest_and_the_longest_deadlines() {
    let served = Served::new(&[]).await;
    for (timeout, code) in [
        ("0n", Some(Code::DeadlineExceeded)),
        ("1n", Some(Code::DeadlineExceeded)),
        ("0H", Some(Code::DeadlineExceeded)),
        ("1m", Some(Code::DeadlineExceeded)),
        ("4m", Some(Code::DeadlineExceeded)),
        ("99999999H", None),
        ("99999999S", None),
    ] {
        for scripts in [&[""][..], &["", ""]] {
            let mut request = Request::new(queries(context("a", ""), scripts));
            request.metadata_mut().insert("grpc-timeout", timeout.parse().unwrap());
            let answer = served.start(request).await.unwrap();
            assert_eq!(answer.err().map(|status| status.code()), code, "{timeout}");
        }
    }
    until("all are handled", || served.queries_counted().is_over()).await;
    // A call whose time is over before it is read is none of the plugin's.
    let (counted, late) = (served.queries_counted(), served.began() as u64 - 4);
    assert_eq!(counted.handled, [("DeadlineExceeded".to_owned(), 10), ("OK".to_owned(), 4)]);
    let mut expected = vec![("error/plugin".to_owned(), late), ("ok/plugin".to_owned(), 4)];
    expected.retain(|(_, count)| *count > 0);
    assert_eq!(counted.requests, expected);
    assert!(!served.lines.text().contains("gpx_call_timeout"));
    served.drained().await;
}

#[tokio::test]
async fn a_call_that_waits_for_the_component_is_answered_when_the_process_ends() {
    let component = Component::from_bytes(Guest::describing("(loop (br 0))").bytes());
    let served = Served::of(component, &[("GF_PLUGIN_GPX_CPU_TIMEOUT", "1h")]).await;
    let call = served.start(Request::new(queries(context("a", ""), &[""])));
    until("it has arrived", || served.queries_counted().started == 1).await;
    served.host.drain().await;
    let status = tokio::time::timeout(Duration::from_secs(30), call).await.expect("an answer").unwrap();
    let status = status.unwrap_err();
    assert_eq!((status.code(), status.message()), (Code::Cancelled, "the plugin is being stopped"));
    assert_eq!(served.queries_counted(), Counted::of(1, &[("Canceled", 1)], &[]));
}

#[tokio::test]
async fn calls_are_answered_when_the_process_ends_whatever_they_wait_for() {
    let busy = [("GF_PLUGIN_GPX_INSTANCES_MAX", "1")];
    let served = Served::new(&busy).await;
    let mut opening = context("opening", "");
    let settings = opening.as_mut().unwrap().data_source_instance_settings.as_mut().unwrap();
    settings.json_data = MINUTE.into();
    let waiting = served.start(Request::new(queries(context("a", ""), &[MINUTE])));
    until("it has the instance", || served.began() == 1).await;
    let calls = [
        waiting,
        // They wait for the instance.
        served.start(Request::new(queries(context("a", ""), &[""]))),
        served.start(Request::new(queries(context("a", ""), &["", ""]))),
        served.start(Request::new(queries(opening, &[""]))),
        served.start(Request::new(queries(context("b", ""), &["loop"]))),
    ];
    let mut resource = served.connection.resource();
    let request = CallResourceRequest {
        plugin_context: context("c", ""),
        body: "send-on x".into(),
        ..Default::default()
    };
    // Nobody reads it.
    let stream = resource.call_resource(request).await.unwrap();
    until("all have begun", || served.began() == 6).await;
    let mut controller = served.connection.controller();
    controller.shutdown(Empty {}).await.unwrap();
    for call in calls {
        let status = call.await.unwrap().unwrap_err();
        assert_eq!((status.code(), status.message()), (Code::Cancelled, "the plugin is being stopped"));
    }
    let expected = Counted::of(5, &[("Canceled", 5)], &[("cancelled/downstream", 5)]);
    assert_eq!(served.queries_counted(), expected);
    let resources = served.counted("CallResource", "callResource");
    assert_eq!(resources.requests, [("cancelled/downstream".to_owned(), 1)]);
    drop(stream);
    served.serving.await.unwrap().unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_component_may_be_replaced_a_hundred_times_while_calls_run() {
    let served = Served::new(&[]).await;
    let calls: Vec<_> = (0..100)
        .map(|number| {
            let (client, uid) = (served.connection.data(), (number % 5).to_string());
            tokio::spawn(async move {
                for _ in 0..20 {
                    let request = queries(context(&uid, ""), &["wait 5\nsay done"]);
                    let response = client.clone().query_data(request).await.unwrap();
                    assert_eq!(answer(response.get_ref()), "done");
                }
            })
        })
        .collect();
    let replacing: Vec<_> = (0..4)
        .map(|_| {
            let (host, component) = (served.host.clone(), served.component());
            tokio::spawn(async move {
                for _ in 0..25 {
                    host.replace(component.clone()).await.unwrap();
                }
            })
        })
        .collect();
    for task in calls.into_iter().chain(replacing) {
        task.await.unwrap();
    }
    let counted = served.queries_counted();
    assert_eq!(counted, Counted::of(2000, &[("OK", 2000)], &[("ok/plugin", 2000)]));
    served.drained().await;
}

#[tokio::test]
async fn one_host_serves_on_two_listeners_and_both_end() {
    let served = Served::new(&[]).await;
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    let other = tokio::spawn({
        let host = served.host.clone();
        async move { host.serve(listener).await }
    });
    let connection = Connection::to(address).await;
    let call = connection.data().query_data(queries(context("a", ""), &[""])).await.unwrap();
    assert_eq!(answer(call.get_ref()), "1");
    assert_eq!(served.count("a").await, "2");
    let waiting = served.start(Request::new(queries(context("a", ""), &[MINUTE])));
    until("it has begun", || served.began() == 3).await;
    connection.controller().shutdown(Empty {}).await.unwrap();
    assert_eq!(waiting.await.unwrap().unwrap_err().code(), Code::Cancelled);
    other.await.unwrap().unwrap();
    served.serving.await.unwrap().unwrap();
}

#[tokio::test]
async fn a_panic_in_the_host_is_an_error_of_its_call_and_of_no_other() {
    for name in [PANIC_IN_OWNER, PANIC_IN_CALL] {
        let served = Served::new(&[]).await;
        let is_panic = |status: &Status| {
            assert_eq!(status.code(), Code::Unknown);
            assert!(status.message().starts_with("panic triggered: "), "{status}");
        };
        let one = served.start(Request::new(queries(context("a", name), &[""]))).await.unwrap();
        is_panic(&one.unwrap_err());
        let two = served.start(Request::new(queries(context("a", name), &["", ""]))).await.unwrap();
        match two {
            Ok(response) => {
                for answer in response.responses.values() {
                    assert_eq!(answer.error, "the host failed: a query's task ended early");
                    assert_eq!((answer.status, answer.error_source.as_str()), (500, "plugin"));
                }
            }
            Err(status) => is_panic(&status),
        }
        assert_eq!(served.queries_counted().requests, [("error/plugin".to_owned(), 2)]);

        let request = CheckHealthRequest { plugin_context: context("a", name), ..Default::default() };
        let health = served.connection.diagnostics().check_health(request).await;
        is_panic(&health.unwrap_err());
        let expected = Counted::of(1, &[("Unknown", 1)], &[("error/plugin", 1)]);
        assert_eq!(served.counted("CheckHealth", "checkHealth"), expected);

        let request = CallResourceRequest { plugin_context: context("a", name), ..Default::default() };
        let resource = served.connection.resource().call_resource(request).await;
        match resource {
            Ok(stream) => is_panic(&stream.into_inner().message().await.unwrap_err()),
            Err(status) => is_panic(&status),
        }
        assert_eq!(served.counted("CallResource", "callResource"), expected);
        assert_eq!(served.count("b").await, "1");
        served.drained().await;
    }
}

#[tokio::test]
async fn while_large_answers_are_encoded_and_given_up_others_are_answered() {
    let served = Served::new(&[("GF_PLUGIN_GPX_INSTANCES_MAX", "1")]).await;
    // Fifty megabytes of JSON each.
    let large = "need 20\nrows 8388608";
    for round in 1..=2 {
        let calls: Vec<_> = (0..10)
            .map(|number| served.start(Request::new(queries(context(&number.to_string(), ""), &[large]))))
            .collect();
        until("all have begun", || served.began() as u64 >= served.queries_counted().started).await;
        let mut answered = 0;
        while answered < 20 && calls.iter().all(|call| !call.is_finished()) {
            served.count("other").await;
            answered += 1;
        }
        assert_eq!(answered, 20, "large answers went first");
        calls.iter().for_each(JoinHandle::abort);
        until("all are handled", || served.queries_counted().is_over()).await;
        let requests = served.queries_counted().requests;
        assert_eq!(requests[0], ("cancelled/downstream".to_owned(), 10 * round));
    }
    served.drained().await;
}

#[tokio::test]
async fn a_component_that_replaces_another_has_no_instances_yet() {
    let served = Served::new(&[]).await;
    let active = || {
        let text = served.host.0.platform.metrics.text().unwrap();
        text.lines().find_map(|line| line.strip_prefix("plugins_active_instances ")).unwrap().to_owned()
    };
    served.count("a").await;
    served.count("b").await;
    assert_eq!(active(), "2");
    assert!(served.host.replace(Component::from_bytes("")).await.is_err());
    assert_eq!(active(), "2");
    served.host.replace(served.component()).await.unwrap();
    assert_eq!(active(), "0");
    assert_eq!(served.count("a").await, "1");
    assert_eq!(active(), "1");
}
