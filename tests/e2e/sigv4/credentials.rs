//! Where the credentials for signatures come from, if they are not those of the data source.

use gpx_tests::grafana::{DataSource, query};
use gpx_tests::plugin::{Launch, Plugin};
use gpx_tests::sigv4::verify;
use gpx_tests::upstream::{Answer, Gate, Request, Upstream};
use serde_json::{Value, json};

use super::{ACCESS, SECRET, SESSION, fetch, signed, source};

const ROLE: &str = "arn:aws:iam::123456789012:role/grafana reader";
const ROLE_ACCESS: &str = "ASIAROLE";
const ROLE_SECRET: &str = "secret-of-the-role/+";

fn granted(upstream: &Upstream) -> Launch {
    Plugin::guest("probe").setting("gpx_allow_hosts", &upstream.address().to_string())
}

/// Returns what the Security Token Service answers.
fn credentials(expiration: &str) -> Answer {
    Answer::text(
        "text/xml",
        &format!(
            "<AssumeRoleResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><AssumeRoleResult><Credentials>\
             <AccessKeyId>{ROLE_ACCESS}</AccessKeyId><SecretAccessKey>{ROLE_SECRET}</SecretAccessKey>\
             <SessionToken>{SESSION}</SessionToken><Expiration>{expiration}</Expiration></Credentials>\
             </AssumeRoleResult></AssumeRoleResponse>"
        ),
    )
}

/// Verifies a request with the credentials of the role.
fn signed_by_role(request: &Request) {
    let signed = verify(request, ROLE_SECRET).unwrap_or_else(|what| panic!("{what}"));
    assert_eq!(
        (signed.access_key.as_str(), request.header("x-amz-security-token")),
        (ROLE_ACCESS, Some(SESSION))
    );
}

fn fields(request: &Request) -> Vec<(String, String)> {
    let body = String::from_utf8(request.body.to_vec()).unwrap();
    let pairs = body.split('&').filter_map(|pair| pair.split_once('='));
    pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

#[gpx_tests::test]
async fn a_role_is_assumed_once_for_all_requests_that_need_it() {
    let gate = Gate::closed();
    let (opened, expiration) = (gate.clone(), "2126-01-01T00:00:00Z");
    let sts = Upstream::always(Answer::After(gate, Box::new(credentials(expiration)))).await;
    let upstream = Upstream::always(Answer::text("text/plain", "ok")).await;
    let plugin = granted(&sts).env("AWS_ENDPOINT_URL_STS", &sts.url()).start().await;
    let role = json!({ "sigV4AssumeRoleArn": ROLE, "sigV4ExternalId": "x&y" });
    let source = source(&upstream.url(), role).grafana("AWS_AUTH_SESSION_DURATION", "30m");
    let queries = (0..32).map(|_| plugin.query(&source, [fetch(&upstream.url(), json!({}))]));
    let queries: Vec<_> = queries.map(|query| tokio::spawn(async move { query.await })).collect();
    let [request] = sts.wait_for_requests(1).await.try_into().unwrap();
    opened.open();
    for query in queries {
        let reply = query.await.unwrap().unwrap();
        assert_eq!(reply.answer("A").error, "");
    }
    assert_eq!(sts.requests().len(), 1, "one fetch for all");
    assert_eq!(signed(&request, "eu-west-1/sts").headers[0], "content-type");
    let arn = "arn%3Aaws%3Aiam%3A%3A123456789012%3Arole%2Fgrafana+reader";
    let expected = [
        ("Action", "AssumeRole"),
        ("Version", "2011-06-15"),
        ("RoleArn", arn),
        ("RoleSessionName", "gpx-host"),
        ("DurationSeconds", "1800"),
        ("ExternalId", "x%26y"),
    ];
    assert_eq!(fields(&request), expected.map(|(name, value)| (name.to_owned(), value.to_owned())));
    let requests = upstream.requests();
    assert_eq!(requests.len(), 32);
    requests.iter().for_each(signed_by_role);
    // What the role gave is no business of other data sources, nor of another version of this one.
    let reply = plugin.query(&source.clone().updated(), [fetch(&upstream.url(), json!({}))]).await.unwrap();
    assert_eq!((reply.answer("A").error.as_str(), sts.requests().len()), ("", 2));
}

#[gpx_tests::test]
async fn credentials_that_have_expired_are_fetched_again() {
    let sts = Upstream::always(credentials("2020-01-01T00:00:00Z")).await;
    let upstream = Upstream::always(Answer::text("text/plain", "ok")).await;
    let plugin = granted(&sts).env("AWS_ENDPOINT_URL_STS", &sts.url()).start().await;
    let source = source(&upstream.url(), json!({ "sigV4AssumeRoleArn": ROLE }));
    for fetches in 1..3 {
        let reply = plugin.query(&source, [fetch(&upstream.url(), json!({}))]).await.unwrap();
        assert_eq!((reply.answer("A").error.as_str(), sts.requests().len()), ("", fetches));
    }
}

#[gpx_tests::test]
async fn a_role_that_is_not_given_is_told_in_words_without_secrets() {
    let denied = format!(
        "<ErrorResponse><Error><Type>Sender</Type><Code>AccessDenied</Code><Message>User is not authorized, {SECRET}\
         </Message></Error></ErrorResponse>"
    );
    let denied = Answer::Full { status: 403, headers: Vec::new(), body: denied.into() };
    let (refusing, odd) = (Upstream::always(denied).await, Upstream::always(credentials("soon")).await);
    let endless = Upstream::always(Answer::Endless("<".repeat(1 << 16).into())).await;
    let upstream = Upstream::always(Answer::text("text/plain", "ok")).await;
    for (sts, is_granted, words) in [
        (&refusing, true, "gives no AWS credentials: AccessDenied User is not authorized, [secret]"),
        (&odd, true, "the answer of AWS's Security Token Service cannot be read as AWS credentials"),
        (&endless, true, "AWS's Security Token Service cannot be asked for AWS credentials"),
        (&refusing, false, "add gpx_allow_hosts = 127.0.0.1"),
    ] {
        let launch = if is_granted { granted(sts) } else { Plugin::guest("probe") };
        let plugin = launch.env("AWS_ENDPOINT_URL_STS", &sts.url()).start().await;
        let before = sts.requests().len();
        let source = source(&upstream.url(), json!({ "sigV4AssumeRoleArn": ROLE }));
        let reply = plugin.query(&source, [fetch(&upstream.url(), json!({}))]).await.unwrap();
        let error = &reply.answer("A").error;
        assert!(error.contains(words) && !error.contains(SECRET), "{error}");
        assert_eq!(sts.requests().len() - before, usize::from(is_granted));
        let logs = plugin.logs.clone();
        assert!(plugin.stop().await.success() && !logs.mention(SECRET), "{logs}");
    }
    assert_eq!(upstream.requests().len(), 0, "nothing leaves unsigned");
    let plugin = granted(&refusing).start().await;
    let forbidden = source(&upstream.url(), json!({ "sigV4AssumeRoleArn": ROLE }));
    let forbidden = forbidden.grafana("AWS_AUTH_AssumeRoleEnabled", "false");
    let reply = plugin.query(&forbidden, [fetch(&upstream.url(), json!({}))]).await.unwrap();
    let words = "set assume_role_enabled = true under [aws]";
    assert!(reply.answer("A").error.contains(words), "{}", reply.answer("A").error);
}

/// A data source that takes credentials from its environment.
fn by_default(url: &str) -> DataSource {
    source(url, json!({ "sigV4AuthType": "default" }))
}

async fn error(launch: Launch, source: &DataSource, url: &str) -> String {
    let plugin = launch.start().await;
    let reply = plugin.query(source, [fetch(url, json!({}))]).await.unwrap();
    reply.answer("A").error.clone()
}

#[gpx_tests::test]
async fn the_environment_is_asked_in_the_order_of_awss_clients() {
    let upstream = Upstream::always(Answer::text("text/plain", "ok")).await;
    let machine = Upstream::start(|request| {
        let given: Value = json!({
            "Code": "Success", "AccessKeyId": ROLE_ACCESS, "SecretAccessKey": ROLE_SECRET, "Token": SESSION,
            "Expiration": "2126-01-01T00:00:00Z",
        });
        let is_allowed = request.header("x-aws-ec2-metadata-token") == Some("t");
        match (request.method.as_str(), request.path.as_str()) {
            ("PUT", "/latest/api/token") => Answer::text("text/plain", "t"),
            ("GET", "/latest/meta-data/iam/security-credentials/") if is_allowed => {
                Answer::text("text/plain", "role\n")
            }
            ("GET", "/latest/meta-data/iam/security-credentials/role") if is_allowed => Answer::json(given),
            ("GET", "/container") if request.header("authorization") == Some("pod") => Answer::json(given),
            ("POST", "/") => credentials("2126-01-01T00:00:00Z"),
            _ => Answer::status(401),
        }
    })
    .await;
    let source = by_default(&upstream.url());

    // Everything is there, and each step removes what was found.
    let launch = || {
        let launch = granted(&machine);
        let file = launch.directory().join("credentials");
        let text = format!("[default]\naws_access_key_id = {ACCESS}\naws_secret_access_key = {SECRET}\n");
        std::fs::write(&file, text).unwrap();
        let token = launch.directory().join("token");
        std::fs::write(&token, "a.b.c\n").unwrap();
        launch
            .env("AWS_ACCESS_KEY_ID", ACCESS)
            .env("AWS_SECRET_ACCESS_KEY", SECRET)
            .env("AWS_ENDPOINT_URL_STS", &machine.url())
            .env("AWS_ROLE_ARN", ROLE)
            .env("AWS_WEB_IDENTITY_TOKEN_FILE", &token.display().to_string())
            .env("AWS_SHARED_CREDENTIALS_FILE", &file.display().to_string())
            .env("AWS_CONTAINER_CREDENTIALS_FULL_URI", &format!("{}/container", machine.url()))
            .env("AWS_CONTAINER_AUTHORIZATION_TOKEN", "pod")
            .env("AWS_EC2_METADATA_SERVICE_ENDPOINT", &machine.url())
    };
    let steps = [
        "AWS_ACCESS_KEY_ID",
        "AWS_ROLE_ARN",
        "AWS_SHARED_CREDENTIALS_FILE",
        "AWS_CONTAINER_CREDENTIALS_FULL_URI",
        "",
    ];
    let mut gone = Vec::<&str>::new();
    for (step, asked) in steps.into_iter().zip([0, 1, 0, 1, 3]) {
        upstream.forget();
        machine.forget();
        let launch = gone.iter().fold(launch(), |launch, name| launch.without_env(name));
        let told = error(launch, &source, &upstream.url()).await;
        assert_eq!(told, "", "before {step} is gone");
        let [request] = upstream.wait_for_requests(1).await.try_into().unwrap();
        if asked == 0 {
            drop(signed(&request, "eu-west-1/aps"))
        } else {
            signed_by_role(&request)
        }
        let seen = machine.requests();
        assert_eq!(seen.len(), asked, "before {step} is gone: {seen:?}");
        if step == "AWS_ROLE_ARN" {
            let token = ("WebIdentityToken".to_owned(), "a.b.c".to_owned());
            assert!(
                fields(&seen[0]).contains(&token) && seen[0].header("authorization").is_none(),
                "{seen:?}"
            );
        }
        gone.push(step);
    }
}

#[gpx_tests::test]
async fn the_endpoints_of_containers_and_machines_are_refused_unless_they_are_granted() {
    let upstream = Upstream::always(Answer::text("text/plain", "ok")).await;
    let source = by_default(&upstream.url());
    let told = error(Plugin::guest("probe"), &source, &upstream.url()).await;
    assert!(
        told.contains(
            "no grant for 169.254.169.254:80; add gpx_allow_hosts = 169.254.169.254 under [plugin."
        ),
        "{told}"
    );
    assert!(told.contains("set sigV4AuthType to keys, or let Grafana pass AWS_ variables on"), "{told}");
    let container = Plugin::guest("probe").env("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "/v2/credentials/1");
    let told = error(container, &source, &upstream.url()).await;
    assert!(
        told.contains("no grant for 169.254.170.2:80; add gpx_allow_hosts = 169.254.170.2 under [plugin."),
        "{told}"
    );
    let machine = super::source(&upstream.url(), json!({ "sigV4AuthType": "ec2_iam_role" }));
    let machine = machine.grafana("AWS_AUTH_AllowedAuthProviders", "ec2_iam_role");
    let told = error(Plugin::guest("probe"), &machine, &upstream.url()).await;
    assert!(
        told.contains(
            "no grant for 169.254.169.254:80; add gpx_allow_hosts = 169.254.169.254 under [plugin."
        ),
        "{told}"
    );
    assert_eq!(upstream.requests().len(), 0);
}

#[gpx_tests::test]
async fn keys_of_the_environment_are_secrets_of_the_data_source() {
    let upstream = Upstream::always(Answer::status(500)).await;
    let launch =
        Plugin::guest("probe").env("AWS_ACCESS_KEY_ID", ACCESS).env("AWS_SECRET_ACCESS_KEY", "tell-nobody");
    let plugin = launch.start().await;
    let source = by_default(&upstream.url());
    let fault = query("A").kind("fault").json(json!({ "status": 500, "message": "it is tell-nobody" }));
    let reply = plugin.query(&source, [fault]).await.unwrap();
    assert!(!reply.answer("A").error.contains("tell-nobody"), "{}", reply.answer("A").error);
}
