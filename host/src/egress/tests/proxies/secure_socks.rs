//! Grafana's secure SOCKS proxy.

use rustls::version::TLS12;

use super::*;

/// How often the metric of the secure SOCKS proxy counts each code.
fn codes(fixture: &Fixture) -> Vec<String> {
    let text = fixture.metrics.text().unwrap();
    let of = |line: &str| {
        let labels = line.strip_prefix(r#"grafana_secure_socks_requests_duration_count{code=""#)?;
        let (code, labels) = labels.split_once('"')?;
        assert!(labels.contains(r#"datasource="My source",datasource_type="my-plugin""#), "{line}");
        Some(format!("{code} {}", line.rsplit(' ').next()?))
    };
    text.lines().filter_map(of).collect()
}

#[tokio::test]
async fn the_secure_socks_proxy_sees_a_client_certificate_and_shows_one_of_its_own_authorities() {
    let upstream = Server::always(OK).await;
    let proxy = Proxy::start(Speaks::Socks, Some(acceptor(true)), upstream.address).await;
    let fixture = Fixture::new("");
    let (json, url) = (r#"{"enableSecureSocksProxy":true}"#, "http://upstream.example:8080/");
    let client = |config| {
        let secrets = [("secureSocksProxyPassword", "geheim99")];
        fixture.client_in(&AwsEnvironment::default(), config, url, json, &secrets)
    };
    assert_eq!(read(&client(proxy.secure_socks([])), url).await.unwrap(), "ok");
    assert_eq!(proxy.asked(), ["abc:geheim99@upstream.example:8080"], "the user is the data source's uid");

    let other = pem("CERTIFICATE", include_bytes!("../../../net/test/root.der"));
    for (more, words) in [
        (("ROOT_CA_CERT_VALS", &*other), "is not from an authority of root_ca_cert"),
        (("SERVER_NAME", "socks.example"), "put one of its names into server_name under [secure_socks_datas"),
        (("CLIENT_KEY_VAL", ""), "its client_key is not PEM"),
        (("CLIENT_CERT_VAL", &other), "its client_cert and client_key do not belong together"),
        (("ROOT_CA_CERT_VALS", "x"), "its root_ca_cert is not PEM"),
        (("PROXY_ADDRESS", "127.0.0.1"), "its proxy_address is not host:port"),
        (("ALLOW_INSECURE", "perhaps"), "its allow_insecure is not a boolean"),
    ] {
        let error = read(&client(proxy.secure_socks([more])), url).await.unwrap_err().chain();
        assert!(error.contains(words) && !error.contains("geheim99"), "{words}: {error}");
    }
    assert_eq!(proxy.asked().len(), 1);
    // By the name that the certificate has, whatever the address is called.
    assert_eq!(read(&client(proxy.secure_socks([("SERVER_NAME", "localhost")])), url).await.unwrap(), "ok");
    assert_eq!(codes(&fixture), ["0 2", "socks_unknown_error 2"]);
}

#[tokio::test]
async fn the_secure_socks_proxy_must_speak_tls_1_3() {
    let upstream = Server::always(OK).await;
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = rustls::ServerConfig::builder_with_provider(provider).with_protocol_versions(&[&TLS12]);
    let resolver = tls_server(false).cert_resolver;
    let config = builder.unwrap().with_no_client_auth().with_cert_resolver(resolver);
    let proxy = Proxy::start(Speaks::Socks, Some(Arc::new(config).into()), upstream.address).await;
    let fixture = Fixture::new("");
    let (json, url) = (r#"{"enableSecureSocksProxy":true}"#, "http://upstream.example/");
    let config = proxy.secure_socks([]);
    let client = fixture.client_in(&AwsEnvironment::default(), config, url, json, &[]);
    let error = read(&client, url).await.unwrap_err();
    assert!(error.chain().contains("the TLS handshake with 127.0.0.1:"), "{}", error.chain());
    assert_eq!((error.kind(), proxy.asked()), (RequestErrorKind::Proxy, Vec::new()));
}

#[tokio::test]
async fn each_failure_of_the_secure_socks_proxy_has_its_code_and_none_goes_around_it() {
    let mut upstream = Server::always(OK).await;
    let closed = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let fixture = Fixture::new("");
    let (json, url) = (r#"{"enableSecureSocksProxy":true}"#, upstream.url());
    let insecure = [("ALLOW_INSECURE", "true")];
    let client = |config| fixture.client_in(&AwsEnvironment::default(), config, &url, json, &[]);
    for (code, words) in
        [(2, "not allowed by ruleset"), (5, "refused by the upstream"), (99, "unknown code: 99")]
    {
        let proxy = Proxy::start(Speaks::Refuses(code), None, upstream.address).await;
        let error = read(&client(proxy.secure_socks(insecure)), &url).await.unwrap_err();
        assert!(error.chain().contains(words), "{}", error.chain());
    }
    let down = closed.local_addr().unwrap().to_string();
    drop(closed);
    let proxy = Proxy::start(Speaks::Http, None, upstream.address).await;
    let config = proxy.secure_socks([("ALLOW_INSECURE", "true"), ("PROXY_ADDRESS", &down)]);
    let error = read(&client(config), &url).await.unwrap_err();
    assert!(error.chain().contains("through the proxy"), "{}", error.chain());
    assert_eq!(error.kind(), RequestErrorKind::Proxy);
    // One that says nothing, when its call is given up.
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = silent.local_addr().unwrap().to_string();
    let config = proxy.secure_socks([("ALLOW_INSECURE", "true"), ("PROXY_ADDRESS", &address)]);
    let client = client(config);
    let waiting = tokio::spawn({
        let (client, url) = (client.clone(), url.clone());
        async move { read(&client, &url).await }
    });
    let (mut stream, _) = silent.accept().await.unwrap();
    stream.read_u8().await.unwrap();
    waiting.abort();
    assert!(waiting.await.is_err_and(|error| error.is_cancelled()));
    assert_eq!(codes(&fixture), ["2 1", "5 2", "99 1", "context_canceled_error 1"]);
    // Nothing has come to the upstream.
    assert!(upstream.seen.try_recv().is_err());
    let labels = r#"outcome="proxy""#;
    assert!(fixture.metrics.text().unwrap().contains(labels));
}

#[tokio::test]
async fn both_proxies_are_passed_the_secure_socks_proxy_first() {
    let upstream = Server::always(OK).await;
    let http = Proxy::start(Speaks::Http, None, upstream.address).await;
    let socks = Proxy::start(Speaks::Socks, Some(acceptor(true)), http.address).await;
    let fixture = fixture(&[("HTTP_PROXY", "http://proxy.example:3128")], None);
    let (json, url) = (r#"{"enableSecureSocksProxy":true}"#, "http://upstream.example/");
    let client = fixture.client_in(&AwsEnvironment::default(), socks.secure_socks([]), url, json, &[]);
    assert_eq!(read(&client, url).await.unwrap(), "ok");
    assert_eq!(socks.asked(), ["abc:@proxy.example:3128"]);
    assert!(http.asked()[0].starts_with("GET http://upstream.example/ HTTP/1.1\r\n"), "{:?}", http.asked());
}
