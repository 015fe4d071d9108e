//! Requests that are signed, and those that get credentials for them.

use super::*;
use crate::budget::MemoryKind;

const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

const SETTINGS: &str =
    r#"{"sigV4Auth":true,"sigV4AuthType":"keys","sigV4Region":"eu-west-1","sigV4Service":"aps"}"#;
pub(super) const SETTINGS_WITH_ROLE: &str = r#"{"sigV4Auth":true,"sigV4AuthType":"keys","sigV4Region":"eu-west-1","sigV4Service":"aps",
    "sigV4AssumeRoleArn":"arn:aws:iam::1:role/r"}"#;
pub(super) const KEYS: [(&str, &str); 2] = [("sigV4AccessKey", "AKID"), ("sigV4SecretKey", "hunter2")];

/// Of a data source that assumes a role at this server.
fn client(fixture: &Fixture, url: &str, sts: &Server) -> Client {
    let environment = AwsEnvironment::of([("AWS_ENDPOINT_URL_STS".to_owned(), sts.url())]);
    fixture.client_in(&environment, HashMap::new(), url, SETTINGS_WITH_ROLE, &KEYS)
}

pub(super) fn credentials() -> String {
    let text = "<AccessKeyId>ASIAROLE</AccessKeyId><SecretAccessKey>s</SecretAccessKey>\
                <SessionToken>t</SessionToken><Expiration>2126-01-01T00:00:00Z</Expiration>";
    format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{text}", text.len())
}

async fn health_check(client: &Client, request: Request) -> Result<Response, RequestError> {
    let caller = Caller { priority: Priority::Ahead, endpoint: "checkHealth", ..caller() };
    client.send(request, None, RequestParent::default(), caller).await
}

#[tokio::test]
async fn a_health_check_does_not_wait_for_queries_if_it_waits_for_credentials_with_one() {
    let mut other = Server::start(|number| match number {
        0 => Scripted::Part(String::new()),
        _ => Scripted::Text(credentials()),
    })
    .await;
    let upstream = Server::always(OK).await;
    let fixture = Fixture::with_limits(&other.address.to_string(), 1, None);
    let client = client(&fixture, &upstream.url(), &other);
    // The only connection hangs, so a query that needs credentials waits for one.
    let (hanging, url) = (client.clone(), other.url());
    let hanging = tokio::spawn(async move { send(&hanging, get(url)).await });
    other.request().await;
    let query = client.send(get(upstream.url()), None, RequestParent::default(), caller());
    let mut query = Box::pin(query);
    assert!(futures_util::poll!(&mut query).is_pending());
    let query = tokio::spawn(query);

    let response = health_check(&client, get(upstream.url())).await.unwrap();
    assert_eq!(text(response).await.unwrap(), "ok");
    hanging.abort();
    query.abort();
}

#[tokio::test]
async fn the_body_of_a_health_check_is_charged_as_such() {
    let server = Server::always(OK).await;
    let fixture = Fixture::new("");
    let client = fixture.client_with(&server.url(), SETTINGS, &KEYS);
    fixture.memory.set_total(1 << 20);
    let _all = fixture.memory.owner().charge_anyway(MemoryKind::Handles, 1 << 20);
    // More than others may have beyond the total, and less than health checks may.
    let body = "b".repeat(48 << 10).leak();
    let error = send(&client, post(server.url(), body)).await.unwrap_err();
    assert!(matches!(error, RequestError::Memory(_)), "{error:?}");
    let response = health_check(&client, post(server.url(), body)).await.unwrap();
    assert_eq!(text(response).await.unwrap(), "ok");
}

#[tokio::test]
async fn the_error_names_the_service_that_gives_no_credentials_in_time() {
    let mut sts = Server::always("").await;
    let fixture = Fixture::new(&sts.address.to_string());
    let client = client(&fixture, "http://upstream.invalid", &sts);
    let sent = tokio::spawn(async move { send(&client, get("http://upstream.invalid/")).await });
    sts.request().await;
    tokio::time::pause();
    let error = sent.await.unwrap().unwrap_err();
    tokio::time::resume();
    let late = format!("no response from {} within 30s", sts.address);
    assert!(error.chain().ends_with(&late), "{}", error.chain());
    assert_eq!(error.kind(), RequestErrorKind::Credentials);
    let [errand, _] = fixture.spans.spans().try_into().unwrap();
    let told = errand.events.iter().flat_map(|event| &event.attributes);
    assert!(told.into_iter().any(|pair| pair.value.as_str().ends_with(&late)), "{errand:?}");
}
