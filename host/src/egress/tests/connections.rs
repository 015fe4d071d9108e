//! How many connections there are, and who gets the next one.

use std::collections::VecDeque;
use std::time::Duration;

use tokio::task::JoinHandle;

use super::*;
use crate::budget::HEALTH_CHECKS;

const HALF: &str = "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nha";
const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

/// A server that sends half of a response, and keeps the connection busy with that.
async fn slow() -> Server {
    Server::start(|_| Scripted::Part(HALF.to_owned())).await
}

fn spawn(client: &Client, url: String) -> JoinHandle<Result<Response, RequestError>> {
    let client = client.clone();
    tokio::spawn(async move { send(&client, get(url)).await })
}

/// Returns once so many requests wait.
async fn waiting(fixture: &Fixture, number: usize) {
    while fixture.egress.all.waiting() != number {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_client_has_only_so_many_and_the_rest_wait() {
    let mut server = slow().await;
    let fixture = Fixture::with_limits("", 3, None);
    let client = fixture.client(&server.url());
    let mut busy = VecDeque::new();
    for _ in 0..3 {
        busy.push_back(send(&client, get(server.url())).await.unwrap());
        server.request().await;
    }
    let others = [spawn(&client, server.url()), spawn(&client, server.url())];
    waiting(&fixture, 2).await;
    assert_eq!(fixture.egress.all.open(), 3);
    let lines = fixture.lines.json();
    let [line] = lines.as_slice() else { panic!("{lines:?}") };
    let words = "Requests wait for a connection: the data source has 3, which is what gpx_connections_max = 3 under \
                 [plugin.my-plugin] allows; raise it";
    assert_eq!((line["@message"].as_str(), line["@level"].as_str()), (Some(words), Some("warn")));
    assert_eq!((line["dsUid"].as_str(), line["dsName"].as_str()), (Some("abc"), Some("My source")));

    for (other, left) in others.into_iter().zip([1, 0]) {
        // The connection is closed, since its response is not read to its end, and another is opened.
        drop(busy.pop_front());
        busy.push_back(other.await.unwrap().unwrap());
        waiting(&fixture, left).await;
        assert_eq!(fixture.egress.all.open(), 3);
    }
    drop(busy);
    while fixture.egress.all.open() > 0 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn whoever_waits_for_its_client_gets_the_connection_that_becomes_idle() {
    let mut server = Server::always(OK).await;
    let fixture = Fixture::with_limits("", 1, None);
    let client = fixture.client(&server.url());
    let first = send(&client, get(server.url())).await.unwrap();
    let second = spawn(&client, server.url());
    waiting(&fixture, 1).await;
    text(first).await.unwrap();
    text(second.await.unwrap().unwrap()).await.unwrap();
    assert_eq!((server.request().await.0, server.request().await.0), (0, 0));
}

#[tokio::test]
async fn an_idle_connection_to_another_origin_makes_room() {
    let (mut one, mut other) = (Server::always(OK).await, Server::always(OK).await);
    let fixture = Fixture::with_limits(&other.address.to_string(), 1, None);
    let client = fixture.client(&one.url());
    text(send(&client, get(one.url())).await.unwrap()).await.unwrap();
    one.request().await;
    text(send(&client, get(other.url())).await.unwrap()).await.unwrap();
    other.request().await;
    assert_eq!((one.closed().await, fixture.egress.all.open()), (0, 1));
    assert_eq!(fixture.lines.json(), [] as [serde_json::Value; 0]);
}

#[tokio::test]
async fn waiting_ends_in_the_requests_own_time_and_names_the_limit() {
    let mut server = slow().await;
    for (max, files) in [(1, None), (1000, Some(2))] {
        let fixture = Fixture::with_limits("", max, files);
        let client = fixture.client_with(&server.url(), r#"{"timeout":60}"#, &[]);
        let busy = send(&client, get(server.url())).await.unwrap();
        server.request().await;
        let late = spawn(&client, server.url());
        waiting(&fixture, 1).await;
        tokio::time::pause();
        let error = late.await.unwrap().unwrap_err();
        tokio::time::resume();
        assert!(matches!(error, RequestError::NoConnectionFree { .. }), "{error:?}");
        let text = error.to_string();
        let limit = if files.is_some() { "2 open files" } else { "gpx_connections_max = 1" };
        assert!(text.contains("within 60s: ") && text.contains(limit), "{text}");
        assert_eq!(error.kind(), RequestErrorKind::Limit);
        let lines = fixture.lines.text();
        assert!(lines.lines().count() == 1 && lines.contains(limit), "{lines}");
        drop(busy);
        assert_eq!(server.closed().await, if files.is_some() { 1 } else { 0 });
    }
}

#[tokio::test]
async fn idle_connections_of_others_make_room_in_the_process() {
    let mut server = Server::always(OK).await;
    // Two of four files are for connections.
    let fixture = Fixture::with_limits("", 1000, Some(4));
    let clients = [0; 3].map(|_| fixture.client(&server.url()));
    for (number, client) in clients.iter().enumerate() {
        text(send(client, get(server.url())).await.unwrap()).await.unwrap();
        if number == 2 {
            assert_eq!(server.closed().await, 0, "the oldest");
        }
        assert_eq!(server.request().await.0, number);
    }
    assert_eq!((fixture.egress.all.open(), fixture.egress.all.waiting()), (2, 0));
}

#[tokio::test]
async fn a_connection_that_is_free_goes_to_whoever_has_fewest() {
    let mut server = slow().await;
    // Four of eight files are for connections.
    let fixture = Fixture::with_limits("", 1000, Some(8));
    let (greedy, other) = (fixture.client(&server.url()), fixture.client(&server.url()));
    let mut busy = VecDeque::new();
    for _ in 0..4 {
        busy.push_back(send(&greedy, get(server.url())).await.unwrap());
        server.request().await;
    }
    let flood: Vec<_> = (0..10).map(|_| spawn(&greedy, server.url())).collect();
    waiting(&fixture, 10).await;
    let late = [spawn(&other, server.url()), spawn(&other, server.url())];
    waiting(&fixture, 12).await;
    let mut kept = Vec::new();
    for late in late {
        drop(busy.pop_front());
        kept.push(late.await.unwrap().unwrap());
    }
    assert_eq!((fixture.egress.all.open(), fixture.egress.all.waiting()), (4, 10));
    assert!(flood.iter().all(|request| !request.is_finished()));
    // Those that are cancelled leave the line.
    flood.iter().for_each(JoinHandle::abort);
    waiting(&fixture, 0).await;
}

#[tokio::test]
async fn an_exchange_that_ends_while_another_client_waits_leaves_its_connection_to_it() {
    let mut server = Server::always(OK).await;
    // One of two files is for connections.
    let fixture = Fixture::with_limits("", 1000, Some(2));
    let (one, other) = (fixture.client(&server.url()), fixture.client(&server.url()));
    let response = send(&one, get(server.url())).await.unwrap();
    let late = spawn(&other, server.url());
    waiting(&fixture, 1).await;
    text(response).await.unwrap();
    text(late.await.unwrap().unwrap()).await.unwrap();
    // Now the connection is idle, and its time is not up.
    let late = spawn(&one, server.url());
    text(late.await.unwrap().unwrap()).await.unwrap();
    let connections: Vec<_> = std::iter::from_fn(|| server.seen.try_recv().ok())
        .filter_map(|seen| if let Seen::Request(connection, _) = seen { Some(connection) } else { None })
        .collect();
    assert_eq!(connections, [0, 1, 2]);
}

#[tokio::test]
async fn the_log_repeats_itself_only_after_a_while() {
    let mut server = slow().await;
    let fixture = Fixture::with_limits("", 1, None);
    let client = fixture.client_with(&server.url(), r#"{"timeout":0}"#, &[]);
    let _busy = send(&client, get(server.url())).await.unwrap();
    server.request().await;
    tokio::time::pause();
    for (number, lines) in [(1, 1), (2, 1), (3, 2)] {
        if number == 3 {
            tokio::time::advance(Duration::from_secs(60)).await;
        }
        spawn(&client, server.url());
        waiting(&fixture, number).await;
        assert_eq!(fixture.lines.json().len(), lines, "{number}");
    }
}

#[tokio::test]
async fn a_health_check_goes_ahead_of_those_that_wait_and_leaves_no_connection_behind() {
    // Eight connections: one for each of the client's, or what some of sixteen files are for.
    for (max, files, reserve) in [(8, None, HEALTH_CHECKS), (1000, Some(16), 1)] {
        let mut server = Server::start(|number| match number {
            8 => Scripted::Text(OK.to_owned()),
            _ => Scripted::Part(HALF.to_owned()),
        })
        .await;
        let fixture = Fixture::with_limits("", max, files);
        let client = fixture.client(&server.url());
        let url = server.url();
        let ahead = || {
            let (client, url) = (client.clone(), url.clone());
            async move {
                client
                    .send(
                        get(url),
                        None,
                        RequestParent::default(),
                        Caller { priority: Priority::Ahead, ..caller() },
                    )
                    .await
            }
        };
        let mut busy = Vec::new();
        for _ in 0..8 {
            busy.push(send(&client, get(server.url())).await.unwrap());
            server.request().await;
        }
        let query = spawn(&client, server.url());
        waiting(&fixture, 1).await;
        text(ahead().await.unwrap()).await.unwrap();
        assert_eq!((server.request().await.0, server.closed().await), (8, 8));
        while fixture.egress.all.open() > 8 {
            tokio::task::yield_now().await;
        }
        assert!(!query.is_finished() && fixture.egress.all.waiting() == 1);

        let mut checks = Vec::new();
        for _ in 0..reserve {
            checks.push(ahead().await.unwrap());
            server.request().await;
        }
        let flood = tokio::spawn(ahead());
        waiting(&fixture, 2).await;
        assert!(!flood.is_finished() && fixture.egress.all.open() == 8 + reserve);
    }
}
