//! A program that embeds a plugin: the example `embed` of the host.

use std::path::Path;
use std::process::Stdio;

use gpx_tests::artifacts;
use gpx_tests::grafana::{DataSource, query};
use gpx_tests::plugin::Channel;
use gpx_tests::proto::pluginv2::data_client::DataClient;
use gpx_tests::proto::pluginv2::{QueryDataRequest, QueryDataResponse};
use gpx_tests::upstream::{Answer, Gate, Upstream, points};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, Lines};
use tokio::net::TcpStream;
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tonic::{Code, Status};

struct Embedder {
    channel: Channel,
    child: Child,
    input: ChildStdin,
    output: Lines<BufReader<ChildStdout>>,
}

// === impl Embedder ===

impl Embedder {
    async fn start(component: &str) -> Self {
        Self::with_compiler(component, &[]).await
    }

    async fn with_compiler(component: &str, compiler: &[&Path]) -> Self {
        let mut child = Command::new(artifacts::example("embed"))
            .arg(artifacts::component(component))
            .args(compiler)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let input = child.stdin.take().unwrap();
        let mut output = BufReader::new(child.stdout.take().unwrap()).lines();
        let line = output.next_line().await.unwrap().unwrap();
        let address = line.strip_prefix("listening on ").unwrap();
        let channel = Channel::over(TcpStream::connect(address).await.unwrap()).await.unwrap();
        Self { channel, child, input, output }
    }

    async fn replace(&mut self, component: &str) -> String {
        let path = artifacts::guests().join(component);
        self.input.write_all(format!("{}\n", path.display()).as_bytes()).await.unwrap();
        let line = self.output.next_line().await.unwrap().unwrap();
        line.replace(&path.display().to_string(), component)
    }

    fn query(&self, source: &DataSource) -> impl Future<Output = Result<QueryDataResponse, Status>> + use<> {
        let request = QueryDataRequest {
            plugin_context: Some(source.into()),
            queries: vec![query("A").0],
            ..Default::default()
        };
        let mut client = DataClient::new(self.channel.clone());
        async move { client.query_data(request).await.map(tonic::Response::into_inner) }
    }
}

#[gpx_tests::test]
async fn another_program_serves_replaces_and_drains_a_component() {
    let gate = Gate::closed();
    let upstream = Upstream::always(Answer::json(points(3)).after(&gate)).await;
    let source = DataSource::new(&upstream.url());
    let mut embedder = Embedder::start("gpx_http_backend").await;
    let running = tokio::spawn(embedder.query(&source));
    upstream.wait_for_requests(1).await;

    // The new component exports no service, so the running call must be answered by the old one.
    assert_eq!(embedder.replace("minimal.wasm").await, "replaced with minimal.wasm");
    assert_eq!(embedder.query(&source).await.unwrap_err().code(), Code::Unimplemented);
    gate.open();
    let response = running.await.unwrap().unwrap();
    assert_eq!((response.responses["A"].error.as_str(), response.responses["A"].frames.len()), ("", 1));

    // A file that is not a component replaces nothing.
    let refused = embedder.replace("toolchain.env").await;
    assert!(refused.starts_with("not replaced: cannot run the component: "), "{refused}");
    assert_eq!(embedder.query(&source).await.unwrap_err().code(), Code::Unimplemented);
    assert_eq!(embedder.replace("gpx_http_backend.wasm").await, "replaced with gpx_http_backend.wasm");
    assert_eq!(embedder.query(&source).await.unwrap().responses["A"].frames.len(), 1);

    drop(embedder.input);
    assert_eq!(embedder.output.next_line().await.unwrap().as_deref(), Some("drained"));
    assert!(embedder.child.wait().await.unwrap().success());
}

#[gpx_tests::test]
async fn another_program_may_have_components_compiled_in_a_process_of_the_executable() {
    let mut embedder = Embedder::with_compiler("minimal", &[&artifacts::host()]).await;
    assert_eq!(embedder.replace("gpx_http_backend.wasm").await, "replaced with gpx_http_backend.wasm");
    drop(embedder.input);
    assert!(embedder.child.wait().await.unwrap().success());
    // It is really that executable that compiles.
    let mut command = Command::new(artifacts::example("embed"));
    command.arg(artifacts::component("minimal")).arg("/bin/false").stdin(Stdio::null()).kill_on_drop(true);
    let output = command.output().await.unwrap();
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(told.contains("the process that compiles it has ended (exit status: 1)"), "{told}");
}
