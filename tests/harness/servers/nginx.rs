//! nginx, with a port for each site.

use std::path::Path;

use rustix::process::{Signal, geteuid};
use serde::Deserialize;

use super::{Server, certificates, until};
use crate::directory::Directory;

/// A port and what is served on it.
#[derive(Clone, Debug, Default)]
pub struct Site {
    /// The names of the certificates that it shows, its own first. Without any, it speaks no TLS.
    chain: Vec<String>,
    http2: bool,
    /// Directives of a block `server`.
    directives: String,
}

pub struct Nginx {
    server: Server,
    sites: Vec<Site>,
}

/// A request as nginx has logged it.
#[derive(Clone, Debug, Deserialize)]
pub struct Served {
    pub port: u16,
    /// Connections are counted over all ports.
    pub connection: u64,
    /// The number of the request on its connection, from 1.
    pub number: u64,
    pub protocol: String,
    /// Empty without TLS.
    pub tls: String,
    /// The subject of the client's certificate.
    pub client: String,
    pub request: String,
    pub status: u16,
}

// === impl Site ===

impl Site {
    /// Speaks no TLS.
    pub fn plain() -> Self {
        Self::default()
    }

    /// Shows the certificates with these names.
    pub fn secure(chain: &[&str]) -> Self {
        Self { chain: chain.iter().map(|name| (*name).to_owned()).collect(), ..Self::default() }
    }

    pub fn http2(self) -> Self {
        Self { http2: true, ..self }
    }

    /// Adds directives.
    pub fn with(mut self, directives: &str) -> Self {
        self.directives.push_str(directives);
        self.directives.push('\n');
        self
    }

    /// Answers each request with this text.
    pub fn says(self, text: &str) -> Self {
        self.with(&format!("location / {{ return 200 '{text}'; }}"))
    }

    /// Passes each request on, with its headers.
    pub fn passes_to(self, url: &str) -> Self {
        self.with(&format!("location / {{ proxy_pass {url}; proxy_set_header Host $http_host; }}"))
    }

    fn block(&self, number: usize, port: u16) -> String {
        let (ssl, http2) =
            (if self.chain.is_empty() { "" } else { " ssl" }, if self.http2 { " http2" } else { "" });
        let mut block = format!("server {{\nlisten 127.0.0.1:{port}{ssl}{http2};\n");
        if !self.chain.is_empty() {
            block.push_str(&format!("ssl_certificate {number}.pem;\nssl_certificate_key key.pem;\n"));
        }
        block + &self.directives + "}\n"
    }
}

// === impl Nginx ===

impl Nginx {
    /// Starts it with these sites. None if nginx is missing, which it says.
    pub async fn start(sites: &[Site]) -> Option<Self> {
        let command = super::find("nginx")?;
        let server = Server::start(&command, sites.len(), |directory, ports| {
            configure(directory, sites, ports);
            let directory = directory.path();
            let file = |name: &str| directory.join(name).display().to_string();
            // Until it has read its configuration, it complains into a file of the system's.
            vec![
                "-p".to_owned(),
                file(""),
                "-c".to_owned(),
                file("nginx.conf"),
                "-e".to_owned(),
                "stderr".to_owned(),
            ]
        });
        Some(Self { server: server.await, sites: sites.to_vec() })
    }

    /// Returns the URL of a site, by its number.
    pub fn url(&self, site: usize) -> String {
        let scheme = if self.sites[site].chain.is_empty() { "http" } else { "https" };
        format!("{scheme}://localhost:{}", self.port(site))
    }

    pub fn port(&self, site: usize) -> u16 {
        self.server.port(site)
    }

    /// Writes a file that directives can name.
    pub fn write(&self, name: &str, text: &str) {
        write(&self.server.file(name), text);
    }

    /// Waits until so many requests are logged, which is after they have been answered, and returns all.
    pub async fn served(&self, count: usize) -> Vec<Served> {
        let parse = |line: &str| serde_json::from_str(line).expect(line);
        let read = || {
            let text = std::fs::read_to_string(self.server.file("served")).unwrap_or_default();
            let whole = text.rfind('\n').map_or("", |end| &text[..end]).lines().map(parse);
            let whole: Vec<Served> = whole.collect();
            (whole.len() >= count).then_some(whole)
        };
        until(read).await
    }

    /// Has new workers take over; the old ones answer what they have accepted. Waits until the old ones have begun to end.
    pub async fn reload(&self) {
        let begun = || self.server.log().matches("gracefully shutting down").count();
        let before = begun();
        self.server.signal(Signal::HUP);
        until(|| (begun() >= before + WORKERS).then_some(())).await;
    }

    /// Ends it once it has answered what it has accepted, and starts it again on the same ports.
    pub async fn restart(&mut self) {
        self.server.signal(Signal::QUIT);
        self.server.start_again().await;
    }

    /// Returns what nginx has complained about.
    pub fn log(&self) -> String {
        self.server.log()
    }
}

fn configure(directory: &Directory, sites: &[Site], ports: &[u16]) {
    let write = |name: &str, text: &str| write(&directory.join(name), text);
    write("key.pem", &certificates::key());
    write("clients.pem", &certificates::chain(&["authority"]));
    let mut config = String::from(HEAD);
    if geteuid().is_root() {
        // Otherwise its workers would be somebody who cannot read the directory.
        config.insert_str(0, "user root root;\n");
    }
    for (number, (site, port)) in sites.iter().zip(ports).enumerate() {
        if !site.chain.is_empty() {
            let names: Vec<_> = site.chain.iter().map(String::as_str).collect();
            write(&format!("{number}.pem"), &certificates::chain(&names));
        }
        config.push_str(&site.block(number, *port));
    }
    config.push_str("}\n");
    write("nginx.conf", &config);
}

fn write(path: &Path, text: &str) {
    std::fs::write(path, text).expect("a file of the server's can be written");
}

/// Connections are shared among them.
const WORKERS: usize = 2;

/// Paths are relative to its directory.
const HEAD: &str = r#"
daemon off;
worker_processes 2;
pid pid;
error_log stderr notice;
events { worker_connections 1024; }
http {
log_format as_json escape=json '{"port":$server_port,"connection":$connection,"number":$connection_requests,'
    '"protocol":"$server_protocol","tls":"$ssl_protocol","client":"$ssl_client_s_dn","request":"$request",'
    '"status":$status}';
access_log served as_json;
client_body_temp_path bodies;
proxy_temp_path proxied;
fastcgi_temp_path fastcgi;
uwsgi_temp_path uwsgi;
scgi_temp_path scgi;
default_type text/plain;
proxy_http_version 1.1;
"#;
