use std::collections::{BTreeMap, HashMap};

use http_body_util::{Empty, StreamBody};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

use super::*;
use crate::budget::MemoryAccount;
use crate::egress::{AllConnections, DataSourceFields, DataSourceHttp, Egress, OperatorPolicy, ProcessHttp};
use crate::log::Log;
use crate::metrics::Metrics;
use crate::telemetry::{Telemetry, Tracer};
use crate::text::Scrub;

/// The hooks of an instance whose data source has this URL.
fn hooks(url: &str) -> HttpHooks {
    let settings = DataSourceHttp::parse(DataSourceFields {
        url,
        user: "",
        basic_auth_enabled: false,
        basic_auth_user: "",
        json_data: b"",
        secrets: &HashMap::new(),
        grafana_config: &HashMap::new(),
        name: "",
        uid: "",
        plugin_type: "",
        secure_socks: &BTreeMap::new(),
        wanted: &crate::egress::WantedHeaders::default(),
    });
    let all = AllConnections::new(None, Log::memory().0);
    let requests = Metrics::unattached().upstream;
    let process = ProcessHttp { connections_max: 1000, ..ProcessHttp::default() };
    let egress =
        Egress::new(OperatorPolicy::default(), "my-plugin", Telemetry::default(), process, all, requests);
    HttpHooks::new(
        Some(egress.client(settings, Scrub::default(), &MemoryAccount::new(1 << 30).owner())),
        CallSpans::new(Tracer::Off, opentelemetry::Context::new()),
    )
}

/// Sends a request as the component's imports do: in a task of its own.
fn begin(hooks: &mut HttpHooks, request: Request<WasiBody>) -> JoinHandle<Result<Response, Code>> {
    let response = Box::into_pin(hooks.send_request(request, None, Box::new(async { Ok(()) })));
    tokio::spawn(async move { Ok(response.await?.0) })
}

fn get(url: &str) -> Request<WasiBody> {
    let body = Empty::new().map_err(|never| match never {}).boxed_unsync();
    Request::get(url).body(body).unwrap()
}

async fn send(url: &str, to: &str) -> Result<Response, Code> {
    begin(&mut hooks(url), get(to)).await.unwrap()
}

/// Accepts a connection, reads a request and answers it with `answer`.
async fn accept(listener: &TcpListener, answer: &str) -> TcpStream {
    let (mut stream, _) = listener.accept().await.unwrap();
    let mut request = Vec::new();
    while !request.ends_with(b"\r\n\r\n") {
        assert!(stream.read_buf(&mut request).await.unwrap() > 0);
    }
    stream.write_all(answer.as_bytes()).await.unwrap();
    stream
}

/// Returns once the client has closed the connection.
async fn closed(stream: &mut TcpStream) {
    while stream.read(&mut [0; 1024]).await.is_ok_and(|read| read > 0) {}
}

async fn listen() -> (TcpListener, String) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    (listener, url)
}

fn is_over(error: &Code) -> bool {
    matches!(error, Code::InternalError(Some(text)) if text.ends_with("is over"))
}

const HALF: &str = "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nha";

#[tokio::test]
async fn requests_that_have_no_response_end_with_their_call() {
    let (listener, url) = listen().await;
    let mut hooks = hooks(&url);
    let mut requests = Vec::new();
    for _ in 0..50 {
        let request = begin(&mut hooks, get(&url));
        requests.push((request, accept(&listener, "").await));
    }
    hooks.end();
    for (request, mut stream) in requests {
        closed(&mut stream).await;
        assert!(is_over(&request.await.unwrap().unwrap_err()));
    }
    let late = begin(&mut hooks, get(&url)).await.unwrap().unwrap_err();
    assert!(is_over(&late), "{late:?}");
}

#[tokio::test]
async fn responses_that_are_kept_end_with_their_call() {
    let (listener, url) = listen().await;
    let mut hooks = hooks(&url);
    for end in [
        |hooks: &mut HttpHooks| hooks.end(),
        |hooks: &mut HttpHooks| {
            let spans = CallSpans::new(Tracer::Off, opentelemetry::Context::new());
            hooks.begin(spans, Upstream::default(), Caller::default());
        },
    ] {
        hooks.begin(
            CallSpans::new(Tracer::Off, opentelemetry::Context::new()),
            Upstream::default(),
            Caller::default(),
        );
        let mut kept = Vec::new();
        for _ in 0..100 {
            let (request, stream) = (begin(&mut hooks, get(&url)), accept(&listener, HALF));
            let (response, stream) = tokio::join!(request, stream);
            kept.push((response.unwrap().unwrap(), stream));
        }
        // One is waited for, one is never taken.
        let (waited_for, mut stream) = kept.pop().unwrap();
        let (sender, reading) = tokio::sync::oneshot::channel();
        let waiting = tokio::spawn(async move {
            let mut body = waited_for.into_body();
            assert_eq!(body.frame().await.unwrap().unwrap().into_data().unwrap(), "ha");
            sender.send(()).unwrap();
            body.frame().await.unwrap().unwrap_err()
        });
        reading.await.unwrap();
        let untaken = begin(&mut hooks, get(&url));
        let mut stream_of_untaken = accept(&listener, HALF).await;
        while !untaken.is_finished() {
            tokio::task::yield_now().await;
        }
        end(&mut hooks);
        closed(&mut stream).await;
        closed(&mut stream_of_untaken).await;
        assert!(is_over(&waiting.await.unwrap()));
        for (response, mut stream) in kept {
            closed(&mut stream).await;
            let mut body = response.into_body();
            assert!(!body.is_end_stream() && is_over(&body.frame().await.unwrap().unwrap_err()));
        }
    }
}

#[tokio::test]
async fn a_body_that_is_being_sent_ends_with_its_call() {
    let (listener, url) = listen().await;
    let mut hooks = hooks(&url);
    let (sender, receiver) = tokio::sync::mpsc::channel::<Result<Frame<_>, Code>>(1);
    let body = StreamBody::new(futures_util::stream::unfold(receiver, |mut receiver| async {
        Some((receiver.recv().await?, receiver))
    }));
    let request = begin(&mut hooks, Request::post(&url).body(body.boxed_unsync()).unwrap());
    let mut stream = accept(&listener, HALF).await;
    let response = request.await.unwrap().unwrap();
    hooks.end();
    closed(&mut stream).await;
    sender.closed().await;
    drop(response);
}

#[tokio::test]
async fn what_a_dropped_instance_had_under_way_ends() {
    let (listener, url) = listen().await;
    let mut hooks = hooks(&url);
    let request = begin(&mut hooks, get(&url));
    let mut stream = accept(&listener, "").await;
    drop(hooks);
    closed(&mut stream).await;
    assert!(is_over(&request.await.unwrap().unwrap_err()));
}

#[tokio::test]
async fn a_response_that_is_read_leaves_its_connection_to_the_next_call() {
    let (listener, url) = listen().await;
    let mut hooks = hooks(&url);
    let request = begin(&mut hooks, get(&url));
    let mut stream = accept(&listener, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok").await;
    let body = request.await.unwrap().unwrap().into_body();
    assert_eq!(body.collect().await.unwrap().to_bytes(), "ok");
    hooks.begin(
        CallSpans::new(Tracer::Off, opentelemetry::Context::new()),
        Upstream::default(),
        Caller::default(),
    );
    let _request = begin(&mut hooks, get(&url));
    assert!(stream.read(&mut [0; 1024]).await.unwrap() > 0, "the next request comes on the same connection");
}

#[tokio::test]
async fn a_guest_can_tell_what_went_wrong() {
    let closed = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let url = format!("http://{closed}");
    assert!(matches!(send(&url, &url).await, Err(Code::ConnectionRefused)));

    let Err(Code::InternalError(Some(text))) = send(&url, "http://other/").await else { panic!() };
    assert_eq!(text, "no grant for other:80; add gpx_allow_hosts = other under [plugin.my-plugin]");
}

#[test]
fn a_failure_keeps_what_its_code_can_carry() {
    let of = |kind| code_of(kind, || "text".to_owned());
    let Code::TlsAlertReceived { alert_id: Some(40), alert_message: Some(text) } =
        of(RequestErrorKind::TlsAlert(40))
    else {
        panic!()
    };
    assert_eq!(text, "text");
    assert!(matches!(of(RequestErrorKind::TooLarge(7)), Code::HttpResponseBodySize(Some(7))));
}
