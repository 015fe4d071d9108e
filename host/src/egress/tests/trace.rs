//! The span of a request and its events, as Go's client makes them.

use opentelemetry::Value;
use opentelemetry::trace::{SpanKind, Status};

use super::*;

const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

fn event_names(span: &SpanData) -> Vec<String> {
    span.events.iter().map(|event| event.name.to_string()).collect()
}

fn event_attributes(span: &SpanData, name: &str) -> Vec<(String, Value)> {
    let event = span.events.iter().find(|event| event.name == name).unwrap();
    event.attributes.iter().map(|pair| (pair.key.to_string(), pair.value.clone())).collect()
}

fn attribute(span: &SpanData, key: &str) -> Option<Value> {
    span.attributes.iter().find(|pair| pair.key.as_str() == key).map(|pair| pair.value.clone())
}

#[tokio::test]
async fn a_new_and_a_warm_connection_have_gos_events() {
    let server = Server::always(OK).await;
    let fixture = Fixture::new("");
    let client = fixture.client(&server.url());
    let address = server.address.to_string();
    for _ in 0..2 {
        let response = send(&client, get(format!("{}/p?key=secret", server.url()))).await.unwrap();
        assert_eq!(text(response).await.unwrap(), "ok");
    }
    let [new, warm]: [SpanData; 2] = fixture.spans.spans().try_into().unwrap();

    let (start, done) = (format!("http.connect.{address}.start"), format!("http.connect.{address}.done"));
    assert_eq!(
        event_names(&new),
        [
            "http.getconn.start",
            &start,
            &done,
            "http.getconn.done",
            "http.send.start",
            "http.send.done",
            "http.receive.start",
        ]
    );
    let pair = |key: &str, value: &str| (key.to_owned(), Value::from(value.to_owned()));
    assert_eq!(event_attributes(&new, "http.getconn.start"), [pair("server.address", &address)]);
    assert_eq!(
        event_attributes(&new, &start),
        [pair("http.remote", &address), pair("http.conn.start.network", "tcp"),]
    );
    assert_eq!(
        event_attributes(&new, &done),
        [pair("http.conn.done.addr", &address), pair("http.conn.done.network", "tcp"),]
    );
    let ready = event_attributes(&new, "http.getconn.done");
    let keys: Vec<&str> = ready.iter().map(|(key, _)| key.as_str()).collect();
    assert_eq!(keys, ["http.remote", "http.local", "http.conn.reused", "http.conn.wasidle"]);
    assert_eq!((&ready[2].1, &ready[3].1), (&Value::Bool(false), &Value::Bool(false)));

    assert_eq!(
        event_names(&warm),
        [
            "http.getconn.start",
            "http.getconn.done",
            "http.send.start",
            "http.send.done",
            "http.receive.start",
        ]
    );
    let ready = event_attributes(&warm, "http.getconn.done");
    assert_eq!((&ready[2].1, &ready[3].1), (&Value::Bool(true), &Value::Bool(true)));
    assert_eq!(ready[4].0, "http.conn.idletime");
    assert!(ready[4].1.as_str().ends_with('s'));
}

#[tokio::test]
async fn a_name_is_resolved_first() {
    let server = Server::always(OK).await;
    let fixture = Fixture::new("");
    let url = format!("http://localhost:{}", server.address.port());
    send(&fixture.client(&url), get(&url)).await.unwrap();
    let [span]: [SpanData; 1] = fixture.spans.spans().try_into().unwrap();
    assert_eq!(event_names(&span)[..3], ["http.getconn.start", "http.dns.start", "http.dns.done"]);
    let addresses = event_attributes(&span, "http.dns.done");
    let [(key, Value::String(addresses))] = &addresses[..] else { panic!("{addresses:?}") };
    assert_eq!((&**key, addresses.as_str().contains("127.0.0.1")), ("http.dns.addrs", true));
}

#[tokio::test]
async fn the_span_says_what_was_asked_and_answered() {
    let server = Server::always("HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\n\r\nno").await;
    let fixture = Fixture::new("");
    let client = fixture.client(&server.url());
    let url = format!("http://me:password@{}/a?key=secret", server.address);
    send(&client, get(url)).await.unwrap();
    let [span]: [SpanData; 1] = fixture.spans.spans().try_into().unwrap();
    assert_eq!((&*span.name, &span.span_kind), ("HTTP Outgoing Request", &SpanKind::Client));
    assert_eq!(span.status, Status::error("error with HTTP status code 404"));
    let keys: Vec<_> = span.attributes.iter().map(|pair| pair.key.as_str()).collect();
    assert_eq!(
        keys,
        [
            "datasource_name",
            "datasource_uid",
            "datasource_type",
            "http.url",
            "http.method",
            "http.content_length",
            "http.status_code",
        ]
    );
    let url = format!("{}/a?key=REDACTED", server.url());
    assert_eq!(attribute(&span, "http.url"), Some(url.into()));
    assert_eq!(attribute(&span, "http.method"), Some("GET".into()));
    assert_eq!(attribute(&span, "http.content_length"), Some(Value::I64(2)));
    assert_eq!(attribute(&span, "http.status_code"), Some(Value::I64(404)));
    assert_eq!(attribute(&span, "datasource_name"), Some("My source".into()));
}

#[tokio::test]
async fn without_a_body_the_connection_is_back_before_the_span_ends() {
    let server = Server::always("HTTP/1.1 204 No Content\r\n\r\n").await;
    let fixture = Fixture::new("");
    send(&fixture.client(&server.url()), get(server.url())).await.unwrap();
    let [span]: [SpanData; 1] = fixture.spans.spans().try_into().unwrap();
    assert_eq!(event_names(&span).last().unwrap(), "http.receive.done");
    assert_eq!(attribute(&span, "http.content_length"), None);
}

#[tokio::test]
async fn a_failed_request_is_an_error_with_an_exception() {
    let fixture = Fixture::new("");
    let error = send(&fixture.client(""), get("http://api.example.com/?key=secret")).await.unwrap_err();
    let [span]: [SpanData; 1] = fixture.spans.spans().try_into().unwrap();
    assert_eq!(span.status, Status::error("request failed"));
    assert_eq!(event_names(&span), ["exception"]);
    let message = event_attributes(&span, "exception")[1].1.to_string();
    assert_eq!(message, error.to_string());
    assert!(!message.contains("secret"));
}

#[tokio::test]
async fn a_cancelled_request_ends_its_span() {
    let mut server = Server::start(|_| Scripted::Part(String::new())).await;
    let fixture = Fixture::new("");
    let client = fixture.client(&server.url());
    let url = server.url();
    let request = tokio::spawn(async move { send(&client, get(url)).await.map(|_| ()) });
    server.request().await;
    assert_eq!(fixture.spans.spans().len(), 0);
    request.abort();
    assert_eq!(server.closed().await, 0);
    assert!(request.await.unwrap_err().is_cancelled());
    let [span]: [SpanData; 1] = fixture.spans.spans().try_into().unwrap();
    assert_eq!(span.status, Status::error("request failed"));
}

#[tokio::test]
async fn a_body_is_part_of_what_is_sent() {
    let server = Server::always(OK).await;
    let fixture = Fixture::new("");
    let client = fixture.client(&server.url());
    assert_eq!(text(send(&client, post(server.url(), "body")).await.unwrap()).await.unwrap(), "ok");
    let [span]: [SpanData; 1] = fixture.spans.spans().try_into().unwrap();
    assert_eq!(event_names(&span)[4..], ["http.send.start", "http.send.done", "http.receive.start"]);
}

#[tokio::test]
async fn no_place_in_the_span_of_a_request_shows_a_secret() {
    let server = Server::always(OK).await;
    let fixture = Fixture::new("");
    let client = fixture.client_with(&server.url(), "{}", &[("apiToken", "Hunter2-and-more")]);
    let at_server = |rest: &str| format!("{}{rest}", server.url());
    let long = format!("/{}Hunter2-and-more", "x".repeat(4096 - server.url().len() - 10));
    for url in [
        at_server("/api/Hunter2-and-more/%48unter2%2Dand%2Dmore?Hunter2-and-more=1&a=b"),
        at_server(&long),
        "http://Hunter2-and-more.example.com/".to_owned(),
    ] {
        let _ = send(&client, get(url)).await;
    }
    let mut with_method = get(server.url());
    *with_method.method_mut() = "Hunter2-and-more".parse().unwrap();
    send(&client, with_method).await.unwrap();
    let spans = fixture.spans.spans();
    let url = attribute(&spans[0], "http.url").unwrap();
    assert_eq!(url.as_str(), at_server("/api/[secret]/[secret]?[secret]=REDACTED&a=REDACTED"));
    let refused = event_attributes(&spans[2], "exception")[1].1.to_string();
    assert!(refused.contains("no grant for [secret].example.com"), "{refused}");
    for span in spans {
        let everything = format!("{span:?}");
        assert!(!everything.to_lowercase().contains("hunter2"), "{everything}");
    }
}
