//! Requests through proxies: those of the environment, and Grafana's secure SOCKS proxy.

mod hostile;
mod twin;

use gpx_tests::grafana::{DataSource, query};
use gpx_tests::plugin::Plugin;
use gpx_tests::proxy::Proxy;
use gpx_tests::upstream::Upstream;
use serde_json::json;

const OWN: &str = "http://upstream.example:8080";

/// Asks for a URL. Returns the body, or why there is none.
async fn fetch(plugin: &Plugin, source: &DataSource, url: &str) -> Result<String, String> {
    let model = json!({ "url": url });
    let reply = plugin.query(source, [query("A").kind("fetch").json(model)]).await.unwrap();
    let answer = reply.answer("A");
    match answer.frames.first() {
        Some(frame) => Ok(frame.pairs()["body"].to_owned()),
        None => Err(answer.error.clone()),
    }
}

fn secure(source: DataSource, proxy: &Proxy) -> DataSource {
    let prefix = "GF_SECURE_SOCKS_DATASOURCE_PROXY_";
    let source = source.grafana(&format!("{prefix}SERVER_ENABLED"), "true");
    let source = source.grafana(&format!("{prefix}ALLOW_INSECURE"), "true");
    source.grafana(&format!("{prefix}PROXY_ADDRESS"), &proxy.address().to_string())
}

#[gpx_tests::test]
async fn a_plain_request_goes_to_the_proxy_in_absolute_form_and_its_connection_is_used_again() {
    let upstream = Upstream::points(1).await;
    let proxy = Proxy::http(upstream.address()).await;
    let value = format!("http://ada:geh%40im99@{}", proxy.address());
    let plugin = Plugin::guest("probe").env("HTTP_PROXY", &value).start().await;
    for _ in 0..2 {
        let body = fetch(&plugin, &DataSource::new(OWN), &format!("{OWN}/a?b=c")).await;
        assert!(body.as_ref().is_ok_and(|body| body.contains("datapoints")), "{body:?}");
    }
    let source = DataSource::new(OWN);
    for _ in 0..2 {
        fetch(&plugin, &source, &format!("{OWN}/a?b=c")).await.unwrap();
    }
    let asked = proxy.asked();
    assert_eq!(asked.len(), 3, "a connection for each data source, which is used again: {asked:?}");
    assert!(asked[0].starts_with("GET http://upstream.example:8080/a?b=c HTTP/1.1\r\n"), "{}", asked[0]);
    assert!(
        asked[0].to_lowercase().contains("\r\nproxy-authorization: basic ywrhomdlaebpbtk5\r\n"),
        "{}",
        asked[0]
    );
    assert!(asked[0].contains("\r\nhost: upstream.example:8080\r\n"), "{}", asked[0]);
}

#[gpx_tests::test]
async fn what_no_proxy_names_and_what_is_on_this_machine_goes_directly() {
    let upstream = Upstream::points(1).await;
    let proxy = Proxy::http(upstream.address()).await;
    let launch = Plugin::guest("probe").env("http_proxy", &proxy.address().to_string());
    let plugin = launch.env("NO_PROXY", ".example").start().await;
    let source = DataSource::new(&upstream.url());
    assert!(fetch(&plugin, &source, &upstream.url()).await.is_ok());
    let error = fetch(&plugin, &DataSource::new(OWN), OWN).await.unwrap_err();
    assert!(error.contains("the name cannot be resolved"), "{error}");
    assert_eq!(proxy.asked(), [""; 0]);
}

#[gpx_tests::test]
async fn a_proxy_that_cannot_be_used_is_never_gone_around() {
    let upstream = Upstream::points(1).await;
    let plugin = Plugin::guest("probe").env("HTTP_PROXY", "ftp://ada:geheim99@proxy").start().await;
    let error = fetch(&plugin, &DataSource::new(OWN), OWN).await.unwrap_err();
    assert!(error.contains("HTTP_PROXY cannot be used: its scheme is not http, https"), "{error}");
    let health = plugin.health(&DataSource::new(OWN)).await.unwrap();
    assert!(health.message.contains("HTTP_PROXY cannot be used"), "{}", health.message);
    assert!(!error.contains("geheim99") && !health.message.contains("geheim99"));

    let asks = |json| DataSource::new(&upstream.url()).json(json);
    let plugin = Plugin::guest("probe").start().await;
    for (source, words) in [
        (asks(json!({ "enableSecureSocksProxy": true })), "Grafana has none"),
        (asks(json!({ "enableSecureSocksProxy": "yes" })), "not a boolean"),
        (
            asks(json!({ "enableSecureSocksProxy": true }))
                .grafana("GF_SECURE_SOCKS_DATASOURCE_PROXY_SERVER_ENABLED", "true")
                .grafana("GF_SECURE_SOCKS_DATASOURCE_PROXY_PROXY_ADDRESS", "127.0.0.1:1"),
            "no root_ca_cert",
        ),
    ] {
        let error = fetch(&plugin, &source, &upstream.url()).await.unwrap_err();
        assert!(error.contains("the secure SOCKS proxy cannot be used") && error.contains(words), "{error}");
    }
    assert!(upstream.requests().is_empty());
}

#[gpx_tests::test]
async fn the_proxys_refusal_is_told_in_words() {
    let proxy =
        Proxy::saying(b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n").await;
    let value = format!("http://ada:geheim99@{}", proxy.address());
    let launch = Plugin::guest("probe").env("HTTPS_PROXY", &value).env("HTTP_PROXY", &value);
    let plugin = launch.start().await;
    for url in ["https://upstream.example/", "http://upstream.example/"] {
        let error = fetch(&plugin, &DataSource::new(url), url).await.unwrap_err();
        assert!(error.contains("407 Proxy Authentication Required") && error.contains("_PROXY)"), "{error}");
        assert!(!error.contains("geheim99"), "{error}");
    }
    let asked = proxy.asked();
    assert!(asked[0].starts_with("CONNECT upstream.example:443 HTTP/1.1\r\n"), "{}", asked[0]);
}

#[gpx_tests::test]
async fn behind_a_proxy_names_and_literals_are_checked_though_the_proxy_resolves() {
    let upstream = Upstream::points(1).await;
    let proxy = Proxy::http(upstream.address()).await;
    let plugin = Plugin::guest("probe").env("HTTP_PROXY", &proxy.address().to_string()).start().await;
    for url in [
        "http://169.254.169.254/",
        "http://[::ffff:169.254.169.254]/",
        "http://metadata.google.internal/computeMetadata/v1/",
    ] {
        let error = fetch(&plugin, &DataSource::new(url), url).await.unwrap_err();
        assert!(error.contains("is prohibited") && error.contains("gpx_allow_hosts"), "{url}: {error}");
    }
    let error = fetch(&plugin, &DataSource::new(OWN), "http://other.example/").await.unwrap_err();
    assert!(error.contains("no grant for other.example:80"), "{error}");

    let launch = Plugin::guest("probe").env("HTTP_PROXY", &proxy.address().to_string());
    let plugin =
        launch.setting("gpx_deny_private", "on").setting("gpx_allow_hosts", "named.example").start().await;
    let error = fetch(&plugin, &DataSource::new(OWN), OWN).await.unwrap_err();
    assert!(error.contains("only the proxy knows its address, gpx_deny_private = on"), "{error}");
    assert_eq!(proxy.asked(), [""; 0]);
    let url = "http://named.example/";
    assert!(fetch(&plugin, &DataSource::new(url), url).await.is_ok());
}

#[gpx_tests::test]
async fn socks_proxies_resolve_names_and_get_credentials() {
    let upstream = Upstream::points(1).await;
    let proxy = Proxy::socks(upstream.address()).await;
    let value = format!("socks5://ada:secret99@{}", proxy.address());
    let plugin = Plugin::guest("probe").env("HTTP_PROXY", &value).start().await;
    fetch(&plugin, &DataSource::new(OWN), OWN).await.unwrap();
    assert_eq!(proxy.asked(), ["ada:secret99@upstream.example:8080"]);
}

#[gpx_tests::test]
async fn the_secure_socks_proxy_takes_everything_of_a_data_source_that_asks_for_it() {
    let upstream = Upstream::points(1).await;
    let proxy = Proxy::socks(upstream.address()).await;
    let plugin = Plugin::guest("probe").start().await;
    let named = json!({ "enableSecureSocksProxy": true, "secureSocksProxyUsername": "team" });
    let source =
        secure(DataSource::new(OWN).json(named), &proxy).secret("secureSocksProxyPassword", "secret99");
    fetch(&plugin, &source, OWN).await.unwrap();
    // Of this machine, too, and with the data source's uid as user.
    let source =
        secure(DataSource::new(&upstream.url()).json(json!({ "enableSecureSocksProxy": true })), &proxy);
    fetch(&plugin, &source, &upstream.url()).await.unwrap();
    // Another one goes directly, whatever Grafana has.
    let direct = secure(DataSource::new(&upstream.url()), &proxy);
    fetch(&plugin, &direct, &upstream.url()).await.unwrap();
    let uid = &source.settings.uid;
    let port = upstream.address().port();
    let wanted = ["team:secret99@upstream.example:8080".to_owned(), format!("{uid}:@127.0.0.1:{port}")];
    assert_eq!(proxy.asked(), wanted);
}
