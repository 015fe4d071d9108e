//! Proxies beside the twin: Squid, SOCKS proxies, and Grafana's secure SOCKS proxy as stunnel in front of one.

use gpx_tests::both::Both;
use gpx_tests::grafana::DataSource;
use gpx_tests::servers::certificates::{chain, key};
use gpx_tests::servers::dante::{DENIED_PORT, Dante};
use gpx_tests::servers::microsocks::{self, Microsocks};
use gpx_tests::servers::nginx::{Nginx, Site};
use gpx_tests::servers::squid::{self, Squid};
use gpx_tests::servers::stunnel::Stunnel;
use serde_json::{Value, json};

/// What nginx says about who asks, and how.
const SAYS: &str = "$host $server_protocol $http_proxy_authorization";

fn sites() -> [Site; 2] {
    [Site::plain().says(SAYS), Site::secure(&["self"]).says(SAYS).http2()]
}

/// The URL of a site by a name that only Squid knows.
fn known(nginx: &Nginx, site: usize) -> String {
    nginx.url(site).replace("localhost", squid::KNOWN)
}

fn careless(url: &str) -> DataSource {
    DataSource::new(url).json(json!({ "tlsSkipVerify": true }))
}

#[gpx_tests::test]
async fn squid_leads_plain_requests_and_tunnels_on() {
    let Some(nginx) = Nginx::start(&sites()).await else { return };
    let Some(squid) = Squid::start().await else { return };
    let value = squid.url(&format!("{}:{}@", squid::USER, squid::PASSWORD));
    let environment =
        json!({ "HTTP_PROXY": value, "HTTPS_PROXY": value, "NO_PROXY": "10.0.0.0/8,other.example" });
    let Some(mut both) = Both::start(environment).await else { return };
    let url = known(&nginx, 0);
    for _ in 0..2 {
        let outcome = both.fetch_alike("plain", &careless(&url), json!({ "url": url })).await;
        assert_eq!(outcome.of_first("body"), format!("{} HTTP/1.1 ", squid::KNOWN));
    }
    let url = known(&nginx, 1);
    let [ours, theirs] = both.fetch(&careless(&url), json!({ "url": url, "count": 8 })).await;
    assert_eq!((ours.answers.len(), theirs.answers.len()), (8, 8), "{}\n{}", ours.error, theirs.error);
    assert_eq!(ours.of_first("body"), format!("{} HTTP/2.0 ", squid::KNOWN));
    assert_eq!(theirs.of_first("body"), format!("{} HTTP/1.1 ", squid::KNOWN));
    // This machine is reached without it.
    let direct = both.fetch_alike("direct", &careless(&nginx.url(0)), json!({ "url": nginx.url(0) })).await;
    assert_eq!(direct.of_first("body"), "localhost HTTP/1.1 ");
    both.end().await;

    let mut asked = squid.asked(4 + 2).await;
    asked.sort_unstable();
    let tunnel = format!("200 CONNECT {}:{} {}", squid::KNOWN, nginx.port(1), squid::USER);
    let tunnels = asked.iter().filter(|line| **line == tunnel).count();
    let plain = format!("200 GET {}/ {}", known(&nginx, 0), squid::USER);
    assert_eq!(asked.iter().filter(|line| **line == plain).count(), 4, "{asked:?}");
    assert_eq!(4 + tunnels, asked.len(), "{asked:?}");
    // Ours needs one tunnel, and the twin one for each request that runs.
    assert!((2..=9).contains(&tunnels), "{asked:?}");
}

#[gpx_tests::test]
async fn what_squid_refuses_goes_no_other_way() {
    let Some(nginx) = Nginx::start(&sites()).await else { return };
    let Some(squid) = Squid::start().await else { return };
    for userinfo in ["", "ada:wrong99@", "eve@"] {
        let value = squid.url(userinfo);
        let Some(mut both) = Both::start(json!({ "HTTP_PROXY": value, "HTTPS_PROXY": value })).await else {
            return;
        };
        for site in 0..2 {
            let url = known(&nginx, site);
            let [ours, theirs] = both.fetch(&careless(&url), json!({ "url": url })).await;
            let words = "407 Proxy Authentication Required";
            assert!(ours.error.contains(words) && !ours.error.contains("wrong99"), "{}", ours.error);
            // Go has the proxy's answer for the upstream's, or an error of its own.
            assert!(
                theirs.error.contains("Proxy Authentication Required") || theirs.of_first("status") == "407"
            );
        }
        both.end().await;
    }
    let value = squid.url(&format!("{}:{}@", squid::USER, squid::PASSWORD));
    let Some(mut both) = Both::start(json!({ "HTTP_PROXY": value, "HTTPS_PROXY": value })).await else {
        return;
    };
    let denied = |site| nginx.url(site).replace("localhost", squid::DENIED);
    let url = denied(0);
    let [ours, theirs] = both.fetch(&careless(&url), json!({ "url": url })).await;
    assert_eq!(
        (ours.of_first("status"), theirs.of_first("status")),
        ("403", "403"),
        "an answer as any other"
    );
    let url = denied(1);
    let [ours, theirs] = both.fetch(&careless(&url), json!({ "url": url })).await;
    assert!(ours.error.contains("it answered CONNECT with status 403"), "{}", ours.error);
    assert!(theirs.error.contains("Forbidden"), "{}", theirs.error);
    both.end().await;
    assert_eq!(nginx.served(0).await.len(), 0);
}

/// The data source with what Grafana says of its secure SOCKS proxy. What is given goes before.
fn secure(url: &str, port: u16, more: &[(&str, &str)]) -> DataSource {
    let prefix = "GF_SECURE_SOCKS_DATASOURCE_PROXY_";
    let (authority, client, key) = (chain(&["authority"]), chain(&["localhost"]), key());
    let address = format!("127.0.0.1:{port}");
    let usual = [
        ("SERVER_ENABLED", "true"),
        ("PROXY_ADDRESS", &address),
        ("ROOT_CA_CERT_VALS", &authority),
        ("CLIENT_CERT_VAL", &client),
        ("CLIENT_KEY_VAL", &key),
    ];
    let source = DataSource::new(url).json(json!({ "enableSecureSocksProxy": true, "tlsSkipVerify": true }));
    let all = usual.iter().chain(more);
    all.fold(source, |source, (key, value)| source.grafana(&format!("{prefix}{key}"), value))
}

/// Returns how often each plugin has counted each code of the proxy.
async fn codes(both: &mut Both) -> [Vec<Value>; 2] {
    let mut all = Vec::new();
    for peer in [&mut both.ours, &mut both.theirs] {
        let metrics = peer.get("metrics", json!({})).await;
        let families = metrics["families"].as_array().unwrap().iter();
        let family = families.filter(|family| family["name"] == "grafana_secure_socks_requests_duration");
        let series = family.flat_map(|family| family["series"].as_array().unwrap());
        let mut codes: Vec<_> =
            series.map(|series| json!([series["labels"], series["value"], series["bounds"]])).collect();
        codes.sort_by_key(ToString::to_string);
        all.push(codes);
    }
    all.try_into().unwrap()
}

#[gpx_tests::test]
async fn the_secure_socks_proxy_is_used_as_by_the_twin() {
    let Some(nginx) = Nginx::start(&sites()).await else { return };
    let Some(dante) = Dante::start().await else { return };
    let Some(stunnel) = Stunnel::start(dante.port(), "sslVersionMin = TLSv1.3").await else { return };
    let Some(mut both) = Both::start(json!({})).await else { return };
    for url in [nginx.url(0), nginx.url(0).replace("localhost", "127.0.0.1")] {
        let outcome = both.fetch_alike(&url, &secure(&url, stunnel.port(), &[]), json!({ "url": url })).await;
        assert_eq!(outcome.of_first("status"), "200", "{}", outcome.error);
    }
    let url = nginx.url(1);
    let [ours, theirs] = both.fetch(&secure(&url, stunnel.port(), &[]), json!({ "url": url })).await;
    assert_eq!((ours.of_first("status"), theirs.of_first("status")), ("200", "200"), "{}", ours.error);
    assert!(stunnel.log().contains("Certificate accepted at depth=0: CN=localhost"), "{}", stunnel.log());

    let served = nginx.served(0).await.len();
    let other = chain(&["root"]);
    let denied = format!("http://localhost:{DENIED_PORT}/");
    for (what, url, more, words) in [
        (
            "another authority",
            nginx.url(0),
            ("ROOT_CA_CERT_VALS", &*other),
            "is not from an authority of root_ca_cert",
        ),
        ("another name", nginx.url(0), ("SERVER_NAME", "socks.example"), "server_name under"),
        (
            "a client that stunnel does not know",
            nginx.url(0),
            ("CLIENT_CERT_VAL", &chain(&["self"])),
            "no way to",
        ),
        ("a port that Dante denies", denied.clone(), ("SERVER_NAME", "localhost"), "not allowed by ruleset"),
    ] {
        let [ours, theirs] = both.fetch(&secure(&url, stunnel.port(), &[more]), json!({ "url": url })).await;
        assert!(
            ours.error.contains(words) && ours.error.contains("the secure SOCKS proxy"),
            "{what}: {}",
            ours.error
        );
        assert!(!theirs.error.is_empty(), "{what}");
    }
    let [our_codes, their_codes] = codes(&mut both).await;
    assert_eq!(our_codes, their_codes);
    assert!(our_codes.len() >= 3, "{our_codes:?}");
    // Whether that ends or breaks the connection is a matter of time.
    let url = nginx.url(0);
    let source = secure(&url, dante.port(), &[]);
    let [ours, theirs] = both.fetch(&source, json!({ "url": url })).await;
    assert!(ours.error.contains("the TLS handshake") && !theirs.error.is_empty(), "no TLS: {}", ours.error);
    both.end().await;
    assert_eq!(nginx.served(0).await.len(), served, "nothing has gone another way");
}

#[gpx_tests::test]
async fn a_socks_proxy_of_the_environment_is_used_as_by_the_twin() {
    let Some(dante) = Dante::start().await else { return };
    let value = format!("socks5://127.0.0.1:{}", dante.port());
    let Some(mut both) = Both::start(json!({ "HTTP_PROXY": value, "HTTPS_PROXY": value })).await else {
        return;
    };
    // Nobody knows the name, which only Dante looks up.
    for url in ["http://upstream.invalid/", "https://upstream.invalid/"] {
        let [ours, theirs] = both.fetch(&DataSource::new(url), json!({ "url": url })).await;
        assert!(ours.error.contains("HTTP_PROXY") || ours.error.contains("HTTPS_PROXY"), "{}", ours.error);
        assert!(theirs.error.contains("socks connect"), "{}", theirs.error);
    }
    both.end().await;
}

/// Calls of both through a SOCKS proxy, which has a port of its own and may be behind stunnel.
async fn assert_user_counts(
    environment: impl Fn(&str) -> Value,
    source: impl Fn(&str, &str) -> DataSource,
    url: &str,
    nginx: &Nginx,
) {
    let served = nginx.served(0).await.len();
    let Some(mut both) = Both::start(environment(microsocks::PASSWORD)).await else { return };
    let outcome = both.fetch_alike("known", &source(url, microsocks::PASSWORD), json!({ "url": url })).await;
    assert_eq!(outcome.of_first("status"), "200", "{}", outcome.error);
    both.end().await;
    let Some(mut both) = Both::start(environment("wrong99")).await else { return };
    let [ours, theirs] = both.fetch(&source(url, "wrong99"), json!({ "url": url })).await;
    let words = "wants a user and a password, or others than it got";
    assert!(ours.error.contains(words) && !ours.error.contains("wrong99"), "{}", ours.error);
    assert!(!theirs.error.is_empty(), "{theirs:?}");
    both.end().await;
    assert_eq!(nginx.served(served + 2).await.len(), served + 2, "nothing has gone another way");
}

#[gpx_tests::test]
async fn a_socks_proxy_wants_the_user_and_the_password_that_the_twin_has() {
    let Some(nginx) = Nginx::start(&sites()).await else { return };
    let Some(microsocks) = Microsocks::start().await else { return };
    let Some(stunnel) = Stunnel::start(microsocks.port(), "sslVersionMin = TLSv1.3").await else { return };
    // By the environment. This machine is reached without a proxy, except by the name that all machines have for themselves.
    let url = format!("http://0.0.0.0:{}", nginx.port(0));
    let of_environment = |password: &str| {
        let value = format!("socks5://{}:{password}@127.0.0.1:{}", microsocks::USER, microsocks.port());
        json!({ "HTTP_PROXY": value, "GF_PLUGIN_GPX_ALLOW_HOSTS": format!("0.0.0.0:{}", nginx.port(0)) })
    };
    assert_user_counts(of_environment, |url, _| careless(url), &url, &nginx).await;
    // By the data source, with and without TLS.
    let insecure = [("ALLOW_INSECURE", "true")];
    for (port, more) in [(microsocks.port(), &insecure[..]), (stunnel.port(), &[][..])] {
        let named = |url: &str, password: &str| {
            let json =
                json!({ "enableSecureSocksProxy": true, "secureSocksProxyUsername": microsocks::USER });
            secure(url, port, more).json(json).secret("secureSocksProxyPassword", password)
        };
        assert_user_counts(|_| json!({}), named, &nginx.url(0), &nginx).await;
    }
    assert_eq!(microsocks.led_to(nginx.port(0)), 6);
}
