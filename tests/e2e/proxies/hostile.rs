//! Proxies that mean harm, and components and settings that would use one to do so.

use std::time::Duration;

use gpx_tests::grafana::{DataSource, query};
use gpx_tests::plugin::Plugin;
use gpx_tests::proxy::Proxy;
use gpx_tests::upstream::Upstream;
use serde_json::json;

use super::{OWN, fetch, secure};

const SECURE: &str = "https://upstream.example/";

const CLOSED: &str = "the proxy closed the connection before it answered";

#[gpx_tests::test]
async fn a_proxy_that_says_what_it_must_not_gets_no_further() {
    for (says, words) in [
        (&b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"[..], "sent data before"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n", "sent data before"),
        (b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1/\r\n\r\n", "status 302"),
        (b"HTTP/1.1 101 Switching Protocols\r\n\r\n", "status 101"),
        // Then there is no TLS.
        (b"HTTP/1.1 200 OK\r\n\r\n", ""),
        (b"HTTP/2 200\r\n\r\n", "not valid HTTP"),
        (b"\x15\x03\x01\x00\x02\x02\x28", "not valid HTTP"),
        (b"HTTP/1.1 200 OK\r\nA: b", CLOSED),
        (b"", CLOSED),
    ] {
        let proxy = Proxy::saying(says).await;
        let plugin = Plugin::guest("probe").env("https_proxy", &proxy.address().to_string()).start().await;
        let error = fetch(&plugin, &DataSource::new(SECURE), SECURE).await.unwrap_err();
        assert!(error.contains(words), "{words}: {error}");
        assert!(!error.contains("hello") && !error.contains("127.0.0.1/"), "{error}");
    }
}

#[gpx_tests::test]
async fn a_proxy_that_never_comes_to_an_end_costs_little_memory_and_the_requests_own_time() {
    for (first, more, words) in [
        (&b"HTTP/1.1 200 OK\r\n"[..], &b"X-More: and more\r\n"[..], "not valid HTTP"),
        (b"HTTP/1.1 200 OK\r\nX-Long: ", &[b'x'; 1024], "longer than 16384 bytes"),
        (b"HTTP/1.1 200 ", &[b'x'; 1024], "longer than 16384 bytes"),
    ] {
        let endless = Proxy::repeating(first, more, Duration::ZERO).await;
        let launch = Plugin::guest("probe").env("HTTPS_PROXY", &endless.address().to_string());
        let plugin = launch.start().await;
        let error = fetch(&plugin, &DataSource::new(SECURE), SECURE).await.unwrap_err();
        assert!(error.contains(words), "{words}: {error}");
    }

    for socks in [false, true] {
        let drip = Proxy::repeating(b"", b"\x05", Duration::from_millis(100)).await;
        let value = drip.address().to_string();
        let value = if socks { format!("socks5://{value}") } else { value };
        let plugin = Plugin::guest("probe").env("HTTPS_PROXY", &value).start().await;
        let source = DataSource::new(SECURE).json(json!({ "timeout": 1 }));
        assert!(fetch(&plugin, &source, SECURE).await.is_err());
    }
    let drip = Proxy::repeating(b"HTTP/1.1 200 OK\r\n", b"X", Duration::from_millis(100)).await;
    let plugin = Plugin::guest("probe").env("HTTPS_PROXY", &drip.address().to_string()).start().await;
    let source = DataSource::new(SECURE).json(json!({ "timeout": 1 }));
    let error = fetch(&plugin, &source, SECURE).await.unwrap_err();
    assert!(error.contains("no response in time"), "{error}");
}

#[gpx_tests::test]
async fn a_socks_proxy_that_answers_with_other_lengths_gets_no_further() {
    for (says, words) in [
        (&[5][..], CLOSED),
        (&[5, 0, 5, 0, 0], CLOSED),
        (&[5, 0, 5, 0, 0, 1, 127, 0, 0], CLOSED),
        (&[5, 0, 5, 0, 0, 3, 255, b'x'], CLOSED),
        (&[5, 0, 5, 0, 0, 4, 0, 0, 0, 0], CLOSED),
        (&[5, 0, 5, 0, 0, 2], "not valid SOCKS 5"),
        (&[4, 90, 0, 0, 0, 0, 0, 0], "not valid SOCKS 5"),
        (&[5, 2], "wants a user and a password"),
    ] {
        let proxy = Proxy::replying(says).await;
        let value = format!("socks5://{}", proxy.address());
        let plugin = Plugin::guest("probe").env("HTTP_PROXY", &value).start().await;
        let error = fetch(&plugin, &DataSource::new(OWN), OWN).await.unwrap_err();
        assert!(error.contains(words), "{says:?}: {error}");
    }
    // What comes after the reply is the upstream's first word, and no part of HTTP.
    let proxy = Proxy::replying(&[5, 0, 5, 0, 0, 1, 0, 0, 0, 0, 0, 0, b'e', b'v', b'i', b'l']).await;
    let value = format!("socks5://{}", proxy.address());
    let plugin = Plugin::guest("probe").env("HTTP_PROXY", &value).start().await;
    let error = fetch(&plugin, &DataSource::new(OWN), OWN).await.unwrap_err();
    assert!(!error.contains("evil") && !error.contains("proxy"), "{error}");
}

#[gpx_tests::test]
async fn a_component_reaches_no_proxy_by_headers_of_its_own() {
    let upstream = Upstream::points(1).await;
    let proxy = Proxy::http(upstream.address()).await;
    let value = format!("http://ada:geheim99@{}", proxy.address());
    let plugin = Plugin::guest("probe").env("HTTP_PROXY", &value).start().await;
    for name in ["Proxy-Authorization", "proxy_authorization", "Proxy-Connection", "Connection"] {
        let model = json!({ "url": OWN, "headers": { name: "Basic ZXZpbA==" } });
        let _ = plugin.query(&DataSource::new(OWN), [query("A").kind("fetch").json(model)]).await.unwrap();
    }
    assert!(fetch(&plugin, &DataSource::new(OWN), OWN).await.is_ok());
    for head in proxy.asked() {
        let head = head.to_lowercase();
        assert!(head.contains("proxy-authorization: basic ywrhomdlagvpbtk5\r\n"), "{head}");
        assert!(!head.contains("zxzpba==") && head.matches("authorization").count() == 1, "{head}");
    }
    // Nor is the host's word for the proxy sent past it.
    assert!(upstream.requests().iter().all(|request| request.path.starts_with('/')), "an upstream behind it");
}

#[gpx_tests::test]
async fn users_and_passwords_of_proxies_become_no_part_of_a_message() {
    let upstream = Upstream::points(1).await;
    let proxy = Proxy::http(upstream.address()).await;
    let value = format!("http://a%0D%0AX-Evil%3A1:b%0D%0A%0D%0AGET%20%2F@{}", proxy.address());
    let plugin = Plugin::guest("probe").env("HTTP_PROXY", &value).env("HTTPS_PROXY", &value).start().await;
    assert!(fetch(&plugin, &DataSource::new(OWN), OWN).await.is_ok());
    assert!(fetch(&plugin, &DataSource::new(SECURE), SECURE).await.is_err());
    for head in proxy.asked() {
        assert!(!head.to_lowercase().contains("evil"), "{head}");
    }
    // SOCKS says how long each is.
    let proxy = Proxy::socks(upstream.address()).await;
    let plugin = Plugin::guest("probe").start().await;
    let json = json!({ "enableSecureSocksProxy": true, "secureSocksProxyUsername": "a\r\n\u{0}b" });
    let source =
        secure(DataSource::new(OWN).json(json), &proxy).secret("secureSocksProxyPassword", "\u{5}\u{1}");
    assert!(fetch(&plugin, &source, OWN).await.is_ok());
    assert_eq!(proxy.asked(), ["a\r\n\u{0}b:\u{5}\u{1}@upstream.example:8080"]);
    for json in [json!({ "enableSecureSocksProxy": true, "secureSocksProxyUsername": "x".repeat(256) })] {
        let source = secure(DataSource::new(OWN).json(json), &proxy);
        let error = fetch(&plugin, &source, OWN).await.unwrap_err();
        assert!(error.contains("has not 1 to 255 bytes"), "{error}");
    }
}

#[gpx_tests::test]
async fn nothing_goes_around_a_proxy_that_is_down_or_refuses() {
    let upstream = Upstream::points(1).await;
    let url = format!("http://localhost.example:{}/", upstream.address().port());
    let refusing = Proxy::saying(b"HTTP/1.1 407 No\r\nContent-Length: 0\r\n\r\n").await;
    let gone = Proxy::http(upstream.address()).await;
    let address = gone.address();
    drop(gone);
    let socks = Proxy::replying(&[5, 2, 1, 1]).await;
    for (value, words) in [
        (format!("http://{address}"), "no way to"),
        (format!("http://ada:wrong@{}", refusing.address()), "407 Proxy Authentication Required"),
        (format!("socks5://ada:wrong@{}", socks.address()), "wants a user and a password"),
        (format!("https://{}", refusing.address()), "no way to"),
    ] {
        let plugin = Plugin::guest("probe").env("HTTP_PROXY", &value).start().await;
        let error = fetch(&plugin, &DataSource::new(&url), &url).await.unwrap_err();
        assert!(error.contains(words) && error.contains("HTTP_PROXY"), "{value}: {error}");
        assert!(!error.contains("wrong"), "{error}");
    }
    let plugin = Plugin::guest("probe").start().await;
    let no_socks = Proxy::replying(b"HTTP/1.1 407 No\r\n\r\n").await;
    for proxy in [&no_socks, &socks] {
        let source = DataSource::new(&upstream.url()).json(json!({ "enableSecureSocksProxy": true }));
        let error = fetch(&plugin, &secure(source, proxy), &upstream.url()).await.unwrap_err();
        assert!(error.contains("the secure SOCKS proxy"), "{error}");
    }
    assert!(upstream.requests().is_empty());
}
