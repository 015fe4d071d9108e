//! SOCKS 5 (RFC 1928), with user and password (RFC 1929). The proxy resolves names.

use std::net::IpAddr;

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};

use crate::egress::origin::Origin;
use crate::egress::proxy::{Credentials, Proxy, ProxyFailure};

const VERSION: u8 = 5;
const OF_PASSWORDS: u8 = 1;
const NO_CREDENTIALS: u8 = 0;
const PASSWORD: u8 = 2;
const CONNECT: u8 = 1;
const IPV4: u8 = 1;
const NAME: u8 = 3;
const IPV6: u8 = 4;

const GARBAGE: ProxyFailure = ProxyFailure::Garbage("SOCKS 5");

/// Asks for a connection, and returns the stream once it leads to `next`. It reads only as much as an answer has, which is at
/// most 262 bytes.
pub(super) async fn open<S: AsyncRead + AsyncWrite + Unpin>(
    proxy: &Proxy,
    mut stream: S,
    next: &Origin,
) -> Result<S, ProxyFailure> {
    let request = request(next)?;
    let methods: &[u8] = match &proxy.credentials {
        None => &[VERSION, 1, NO_CREDENTIALS],
        Some(_) => &[VERSION, 2, NO_CREDENTIALS, PASSWORD],
    };
    send(&mut stream, methods).await?;
    match (read(&mut stream).await?, &proxy.credentials) {
        ([VERSION, NO_CREDENTIALS], _) => {}
        ([VERSION, PASSWORD], Some(credentials)) => authenticate(&mut stream, credentials).await?,
        ([VERSION, PASSWORD | 0xff], _) => return Err(refused_credentials()),
        _ => return Err(GARBAGE),
    }
    send(&mut stream, &request).await?;
    let [version, reply, reserved, kind] = read(&mut stream).await?;
    if version != VERSION || reserved != 0 {
        return Err(GARBAGE);
    }
    if reply != 0 {
        return Err(ProxyFailure::Reply(reply));
    }
    // The address that the proxy connects from, which nobody needs.
    match kind {
        IPV4 => drop(read::<6>(&mut stream).await?),
        IPV6 => drop(read::<18>(&mut stream).await?),
        NAME => {
            let [length] = read(&mut stream).await?;
            stream.read_exact(&mut vec![0; usize::from(length) + 2]).await.map_err(ProxyFailure::of_io)?;
        }
        _ => return Err(GARBAGE),
    }
    Ok(stream)
}

async fn authenticate<S: AsyncRead + AsyncWrite + Unpin>(
    stream: &mut S,
    credentials: &Credentials,
) -> Result<(), ProxyFailure> {
    let Credentials { user, password } = credentials;
    // They were checked when the setting was read.
    let length = |text: &str| u8::try_from(text.len()).map_err(|_| refused_credentials());
    let mut message = vec![OF_PASSWORDS, length(user)?];
    message.extend_from_slice(user.as_bytes());
    message.push(length(password)?);
    message.extend_from_slice(password.as_bytes());
    send(stream, &message).await?;
    match read(stream).await? {
        [OF_PASSWORDS, 0] => Ok(()),
        [OF_PASSWORDS, _] => Err(refused_credentials()),
        _ => Err(GARBAGE),
    }
}

fn request(next: &Origin) -> Result<Vec<u8>, ProxyFailure> {
    let mut message = vec![VERSION, CONNECT, 0];
    match next.literal() {
        Some(IpAddr::V4(address)) => {
            message.push(IPV4);
            message.extend_from_slice(&address.octets());
        }
        Some(IpAddr::V6(address)) => {
            message.push(IPV6);
            message.extend_from_slice(&address.octets());
        }
        None => {
            let length = u8::try_from(next.host.len()).map_err(|_| ProxyFailure::Name)?;
            message.extend_from_slice(&[NAME, length]);
            message.extend_from_slice(next.host.as_bytes());
        }
    }
    message.extend_from_slice(&next.port.to_be_bytes());
    Ok(message)
}

async fn send<S: AsyncWrite + Unpin>(stream: &mut S, message: &[u8]) -> Result<(), ProxyFailure> {
    stream.write_all(message).await.map_err(ProxyFailure::of_io)?;
    stream.flush().await.map_err(ProxyFailure::of_io)
}

async fn read<const N: usize>(stream: &mut (impl AsyncRead + Unpin)) -> Result<[u8; N], ProxyFailure> {
    let mut bytes = [0; N];
    stream.read_exact(&mut bytes).await.map_err(ProxyFailure::of_io)?;
    Ok(bytes)
}

fn refused_credentials() -> ProxyFailure {
    ProxyFailure::Credentials("the proxy wants a user and a password, or others than it got; correct them")
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use tokio::io::duplex;

    use super::*;
    use crate::egress::origin::Scheme;
    use crate::egress::proxy::ProxyKind;

    fn proxy(credentials: Option<(&str, &str)>) -> Proxy {
        let credentials = credentials
            .map(|(user, password)| Credentials { user: user.to_owned(), password: password.to_owned() });
        let address = Origin { scheme: Scheme::Http, host: Arc::from("proxy"), port: 1080 };
        Proxy { setting: "HTTPS_PROXY", kind: ProxyKind::Socks, address, tls: None, credentials }
    }

    /// Returns what the proxy was sent, and why there is no connection if it answers so.
    async fn asked(
        host: &str,
        answer: &[u8],
        credentials: Option<(&str, &str)>,
    ) -> (Vec<u8>, Option<String>) {
        let (ours, mut theirs) = duplex(1024);
        let next = Origin { scheme: Scheme::Https, host: host.into(), port: 258 };
        theirs.write_all(answer).await.unwrap();
        theirs.shutdown().await.unwrap();
        let opened = open(&proxy(credentials), ours, &next).await.map(drop);
        let mut sent = Vec::new();
        theirs.read_to_end(&mut sent).await.unwrap();
        (sent, opened.err().map(|failure| failure.to_string()))
    }

    #[tokio::test]
    async fn a_name_goes_to_the_proxy_unresolved() {
        let answer = [&[5, 2, 1, 0, 5, 0, 0, 3, 2][..], b"me", &[0, 0]].concat();
        let (sent, failure) = asked("db", &answer, Some(("al", ""))).await;
        assert_eq!(failure, None);
        assert_eq!(sent, [&[5, 2, 0, 2, 1, 2][..], b"al", &[0, 5, 1, 0, 3, 2], b"db", &[1, 2]].concat());
    }

    #[tokio::test]
    async fn an_address_goes_as_bytes() {
        let (sent, failure) = asked("1.2.3.4", &[5, 0, 5, 0, 0, 1, 0, 0, 0, 0, 0, 0], None).await;
        assert_eq!((failure, sent), (None, vec![5, 1, 0, 5, 1, 0, 1, 1, 2, 3, 4, 1, 2]));
        let (sent, failure) =
            asked("::1", &[&[5, 0, 5, 0, 0, 4][..], &[0; 18]].concat(), Some(("u", "p"))).await;
        assert_eq!(failure, None);
        assert_eq!(sent, [&[5, 2, 0, 2, 5, 1, 0, 4][..], &[0; 15], &[1, 1, 2]].concat());
    }

    #[tokio::test]
    async fn whatever_else_a_proxy_answers_is_an_error_in_words() {
        let long = "x".repeat(256);
        for (host, answer, words) in [
            ("db", &[5, 0xff][..], "wants a user"),
            ("db", &[5, 2], "wants a user"),
            ("db", &[4, 0], "not valid SOCKS 5"),
            ("db", b"HTTP/1.1 400 Bad Request", "not valid SOCKS 5"),
            ("db", &[5, 1], "not valid SOCKS 5"),
            ("db", &[5], "closed the connection"),
            ("db", &[5, 0, 5, 2, 0, 1], "not allowed by ruleset"),
            ("db", &[5, 0, 5, 99, 0, 1], "unknown code: 99"),
            ("db", &[5, 0, 5, 0, 1, 1], "not valid SOCKS 5"),
            ("db", &[5, 0, 5, 0, 0, 9], "not valid SOCKS 5"),
            ("db", &[5, 0, 5, 0, 0, 1, 0], "closed the connection"),
            (&long, &[], "longer than 255 bytes"),
        ] {
            let (_, failure) = asked(host, answer, None).await;
            assert!(failure.as_deref().unwrap_or_default().contains(words), "{answer:?}: {failure:?}");
        }
        for (answer, words) in [(&[5, 2, 1, 1][..], "wants a user"), (&[5, 2, 5, 0], "not valid SOCKS 5")] {
            let (_, failure) = asked("db", answer, Some(("u", "p"))).await;
            assert!(failure.as_deref().unwrap_or_default().contains(words), "{answer:?}: {failure:?}");
        }
    }
}
