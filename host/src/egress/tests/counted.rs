//! What the metrics say of requests.

use super::*;

fn lines(fixture: &Fixture, name: &str) -> Vec<String> {
    let text = fixture.metrics.text().unwrap();
    let named = |line: &&str| line.split(['{', ' ']).next() == Some(name);
    text.lines().filter(named).map(|line| line[name.len()..].to_owned()).collect()
}

fn ended(fixture: &Fixture) -> Vec<String> {
    lines(fixture, "gpx_http_requests_total")
}

#[tokio::test]
async fn a_response_is_counted_with_the_bytes_that_were_read() {
    let server = Server::always("HTTP/1.1 200 OK\r\nContent-Length: 300\r\n\r\n").await;
    let fixture = Fixture::new("");
    let client = fixture.client(&server.url());
    let response = send(&client, get(server.url())).await.unwrap();
    let target = r#"{datasource_type="myplugin",endpoint="queryData",secure_socks_ds_proxy_enabled="false"}"#;
    assert_eq!(lines(&fixture, "plugins_datasource_request_in_flight"), [format!("{target} 0")]);
    // Neither is known before the body ends.
    assert_eq!(lines(&fixture, "plugins_datasource_response_size").len() + ended(&fixture).len(), 0);
    drop(response);
    let request = r#"{code="200",datasource_type="myplugin",endpoint="queryData",method="get",secure_socks_ds_proxy_enabled="false"}"#;
    assert_eq!(lines(&fixture, "plugins_datasource_request_total"), [format!("{request} 1")]);
    assert_eq!(lines(&fixture, "plugins_datasource_response_size"), [format!("{target} 0")]);
    assert_eq!(ended(&fixture), [r#"{outcome="response"} 1"#]);

    let server = Server::always("HTTP/1.1 404 No\r\nContent-Length: 2\r\n\r\nno").await;
    let client = fixture.client(&server.url());
    text(send(&client, get(server.url())).await.unwrap()).await.unwrap();
    assert_eq!(lines(&fixture, "plugins_datasource_response_size"), [format!("{target} 2")]);
    assert_eq!(lines(&fixture, "plugins_datasource_response_size_bytes_count"), [format!("{target} 2")]);
    assert_eq!(lines(&fixture, "plugins_datasource_request_total").len(), 2);
}

#[tokio::test]
async fn each_end_has_a_name() {
    let half =
        Server::start(|_| Scripted::Last("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf".to_owned()))
            .await;
    let silent = Server::start(|_| Scripted::Part(String::new())).await;
    let fixture = Fixture::new("");
    let client = fixture.client(&half.url());
    text(send(&client, get(half.url())).await.unwrap()).await.unwrap_err();
    send(&client, get("http://elsewhere.example/")).await.unwrap_err();
    let client = fixture.client(&silent.url());
    let mut waiting = Box::pin(send(&client, get(silent.url())));
    assert!(futures_util::poll!(&mut waiting).is_pending());
    drop(waiting);
    let ends = ["cancelled", "connection_lost", "denied"].map(|end| format!("{{outcome=\"{end}\"}} 1"));
    assert_eq!(ended(&fixture), ends);
    // As in Go, only requests with a response are counted there.
    assert_eq!(lines(&fixture, "plugins_datasource_request_total").len(), 1);
}
