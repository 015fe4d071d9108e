//! A proxy that follows a script.

use tokio::net::TcpStream;

use super::super::*;
use crate::net::test::{AUTHORITY, CERTIFICATE, KEY, pem};

const PREFIX: &str = "GF_SECURE_SOCKS_DATASOURCE_PROXY_";

/// Leads everything to one upstream, whatever it is asked for, and notes what that was.
pub(super) struct Proxy {
    pub(super) address: SocketAddr,
    asked: Arc<Mutex<Vec<String>>>,
    task: tokio::task::JoinHandle<()>,
}

#[derive(Clone, Copy)]
pub(super) enum Speaks {
    Http,
    Socks,
    /// Replies to a SOCKS request with this code.
    Refuses(u8),
}

// === impl Proxy ===

impl Proxy {
    pub(super) async fn start(speaks: Speaks, tls: Option<TlsAcceptor>, upstream: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let asked = Arc::<Mutex<Vec<String>>>::default();
        let seen = asked.clone();
        let task = tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let (tls, seen) = (tls.clone(), seen.clone());
                tokio::spawn(async move {
                    match tls {
                        None => lead(stream, speaks, upstream, &seen).await,
                        Some(tls) => lead(tls.accept(stream).await?, speaks, upstream, &seen).await,
                    }
                });
            }
        });
        Self { address, asked, task }
    }

    pub(super) fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }

    /// Returns what Grafana says of it as its secure SOCKS proxy. More of the same goes before.
    pub(super) fn secure_socks<const N: usize>(&self, more: [(&str, &str); N]) -> HashMap<String, String> {
        let of = |(key, value): (&str, &str)| (format!("{PREFIX}{key}"), value.to_owned());
        let mut all = HashMap::from([
            of(("SERVER_ENABLED", "true")),
            of(("PROXY_ADDRESS", &self.address.to_string())),
            of(("ROOT_CA_CERT_VALS", &pem("CERTIFICATE", AUTHORITY))),
            of(("CLIENT_CERT_VAL", &pem("CERTIFICATE", CERTIFICATE))),
            of(("CLIENT_KEY_VAL", &pem("PRIVATE KEY", KEY))),
        ]);
        all.extend(more.map(of));
        all
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn lead(
    mut stream: impl AsyncRead + AsyncWrite + Unpin,
    speaks: Speaks,
    upstream: SocketAddr,
    seen: &Mutex<Vec<String>>,
) -> std::io::Result<()> {
    let mut sent = Vec::new();
    let asked = match speaks {
        Speaks::Http => {
            while !sent.ends_with(b"\r\n\r\n") {
                sent.push(stream.read_u8().await?);
            }
            let head = String::from_utf8_lossy(&sent).into_owned();
            if head.starts_with("CONNECT ") {
                sent.clear();
                stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await?;
            }
            head
        }
        Speaks::Socks => socks(&mut stream, 0).await?,
        Speaks::Refuses(code) => socks(&mut stream, code).await?,
    };
    seen.lock().unwrap().push(asked);
    if matches!(speaks, Speaks::Refuses(_)) {
        return stream.shutdown().await;
    }
    let mut server = TcpStream::connect(upstream).await?;
    server.write_all(&sent).await?;
    tokio::io::copy_bidirectional(&mut stream, &mut server).await?;
    Ok(())
}

/// Lets any user in, and returns the user, the password and the target.
async fn socks(stream: &mut (impl AsyncRead + AsyncWrite + Unpin), reply: u8) -> std::io::Result<String> {
    stream.read_exact(&mut [0; 4]).await?;
    stream.write_all(&[5, 2]).await?;
    stream.read_u8().await?;
    let (user, password) = (text_of(stream).await?, text_of(stream).await?);
    stream.write_all(&[1, 0]).await?;
    let mut request = [0; 4];
    stream.read_exact(&mut request).await?;
    let host = match request {
        [.., 1] => std::net::Ipv4Addr::from_bits(stream.read_u32().await?).to_string(),
        _ => text_of(stream).await?,
    };
    let port = stream.read_u16().await?;
    stream.write_all(&[5, reply, 0, 1, 0, 0, 0, 0, 0, 0]).await?;
    Ok(format!("{user}:{password}@{host}:{port}"))
}

async fn text_of(stream: &mut (impl AsyncRead + Unpin)) -> std::io::Result<String> {
    let mut bytes = vec![0; stream.read_u8().await?.into()];
    stream.read_exact(&mut bytes).await?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}
