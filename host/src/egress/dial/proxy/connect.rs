//! CONNECT (RFC 9110, section 9.3.6).

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};

use crate::egress::origin::Origin;
use crate::egress::proxy::{Proxy, ProxyFailure};
use crate::egress::settings::basic;

/// How long the head of the answer may be. It says next to nothing.
const MAX_ANSWER: usize = 16 * 1024;

/// How many headers it may have.
const MAX_HEADERS: usize = 100;

const AGENT: &str = concat!("gpx-host/", env!("CARGO_PKG_VERSION"));

/// Asks for a tunnel, and returns the stream once it leads to `next`.
pub(super) async fn open<S: AsyncRead + AsyncWrite + Unpin>(
    proxy: &Proxy,
    mut stream: S,
    next: &Origin,
) -> Result<S, ProxyFailure> {
    stream.write_all(&request(proxy, next)).await.map_err(ProxyFailure::of_io)?;
    stream.flush().await.map_err(ProxyFailure::of_io)?;
    let mut answer = Vec::new();
    loop {
        if stream.read_buf(&mut answer).await.map_err(ProxyFailure::of_io)? == 0 {
            return Err(ProxyFailure::Closed);
        }
        match head(&answer)? {
            // The other side of the tunnel speaks only once it is spoken to: what comes before that is the proxy's own.
            Some(length) if length < answer.len() => return Err(ProxyFailure::Early),
            Some(_) => return Ok(stream),
            None if answer.len() >= MAX_ANSWER => return Err(ProxyFailure::TooLong(MAX_ANSWER)),
            None => {}
        }
    }
}

fn request(proxy: &Proxy, next: &Origin) -> Vec<u8> {
    let target = next.authority();
    let mut text =
        format!("CONNECT {target} HTTP/1.1\r\nHost: {target}\r\nUser-Agent: {AGENT}\r\n").into_bytes();
    if let Some(value) = proxy.credentials.as_ref().and_then(|own| basic(&own.user, &own.password)) {
        text.extend_from_slice(b"Proxy-Authorization: ");
        text.extend_from_slice(value.as_bytes());
        text.extend_from_slice(b"\r\n");
    }
    text.extend_from_slice(b"\r\n");
    text
}

/// Returns the length of the head once all of it is there, if it opens the tunnel.
fn head(answer: &[u8]) -> Result<Option<usize>, ProxyFailure> {
    let mut headers = [httparse::EMPTY_HEADER; MAX_HEADERS];
    let mut response = httparse::Response::new(&mut headers);
    let parsed = response.parse(answer).map_err(|_| ProxyFailure::Garbage("HTTP"))?;
    let httparse::Status::Complete(length) = parsed else { return Ok(None) };
    match response.code {
        Some(200..=299) => Ok(Some(length)),
        Some(407) => Err(ProxyFailure::WANTS_CREDENTIALS),
        code => Err(ProxyFailure::Refused(format!(
            "it answered CONNECT with status {}; allow the upstream's host and port in the proxy, or list the host in NO_PROXY",
            code.unwrap_or_default()
        ))),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use tokio::io::duplex;

    use super::*;
    use crate::egress::origin::Scheme;
    use crate::egress::proxy::{Credentials, ProxyKind};

    fn origin(host: &str, port: u16) -> Origin {
        Origin { scheme: Scheme::Https, host: host.into(), port }
    }

    fn proxy(credentials: Option<(&str, &str)>) -> Proxy {
        let credentials = credentials
            .map(|(user, password)| Credentials { user: user.to_owned(), password: password.to_owned() });
        let address = Origin { scheme: Scheme::Http, host: Arc::from("proxy"), port: 3128 };
        Proxy { setting: "HTTPS_PROXY", kind: ProxyKind::Http, address, tls: None, credentials }
    }

    /// Returns what the proxy was asked, and why there is no tunnel if it answers so.
    async fn asked(answer: &[u8], credentials: Option<(&str, &str)>) -> (String, Option<String>) {
        let (ours, mut theirs) = duplex(64 * 1024);
        let proxy = proxy(credentials);
        theirs.write_all(answer).await.unwrap();
        theirs.shutdown().await.unwrap();
        let opened = open(&proxy, ours, &origin("db.example", 8443)).await.map(drop);
        let mut request = String::new();
        theirs.read_to_string(&mut request).await.unwrap();
        (request, opened.err().map(|failure| failure.to_string()))
    }

    #[tokio::test]
    async fn a_tunnel_is_asked_for_as_go_does() {
        let (request, failure) = asked(b"HTTP/1.0 200 OK\r\nVia: x\r\n\r\n", Some(("al", "a:b"))).await;
        assert_eq!(failure, None);
        let wanted = format!(
            "CONNECT db.example:8443 HTTP/1.1\r\nHost: db.example:8443\r\nUser-Agent: {AGENT}\r\n\
             Proxy-Authorization: Basic YWw6YTpi\r\n\r\n"
        );
        assert_eq!(request, wanted);
    }

    #[tokio::test]
    async fn whatever_else_a_proxy_answers_is_an_error_in_words() {
        let endless = [
            b"HTTP/1.1 200 OK\r\n".to_vec(),
            b"X: y\r\n".repeat(90),
            b"X: ".to_vec(),
            vec![b'y'; MAX_ANSWER],
        ]
        .concat();
        let many = [b"HTTP/1.1 200 OK\r\n".to_vec(), b"X: y\r\n".repeat(200)].concat();
        let refused = "it answered CONNECT with status";
        for (answer, words) in [
            (&b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n"[..], "wants a user and a password"),
            (b"HTTP/1.1 403 Forbidden\r\nContent-Length: 6\r\n\r\nsecret", refused),
            (b"HTTP/1.1 302 Found\r\nLocation: https://elsewhere.example/\r\n\r\n", refused),
            (b"HTTP/1.1 100 Continue\r\n\r\n", refused),
            (b"HTTP/1.1 200 OK\r\n\r\n<html>", "sent data before"),
            (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi", "sent data before"),
            (b"SSH-2.0-OpenSSH\r\n", "not valid HTTP"),
            (b"HTTP/1.1 200 OK\r\nX", "closed the connection"),
            (b"", "closed the connection"),
            (&endless, "longer than 16384 bytes"),
            (&many, "not valid HTTP"),
        ] {
            let (_, failure) = asked(answer, None).await;
            let failure = failure.unwrap_or_default();
            assert!(
                failure.contains(words),
                "{failure}: {}",
                String::from_utf8_lossy(&answer[..20.min(answer.len())])
            );
            assert!(!failure.contains("secret") && !failure.contains("elsewhere"), "{failure}");
        }
    }
}
