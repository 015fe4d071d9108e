//! stunnel: TLS in front of a server that has none. It demands a certificate of its clients.

use super::{Server, certificates};
use crate::directory::Directory;

pub struct Stunnel(Server);

// === impl Stunnel ===

impl Stunnel {
    /// Starts it in front of a port of this machine. Its certificate is for localhost and 127.0.0.1, by the tests' authority, and
    /// so must be those of its clients. `options` are added to its configuration. None if it is missing, which it says.
    pub async fn start(to: u16, options: &str) -> Option<Self> {
        let command = super::find("stunnel4")?;
        let server =
            Server::start(&command, 1, |directory, ports| configure(directory, ports[0], to, options));
        Some(Self(server.await))
    }

    pub fn port(&self) -> u16 {
        self.0.port(0)
    }

    /// Returns what it has said.
    pub fn log(&self) -> String {
        self.0.log()
    }
}

fn configure(directory: &Directory, port: u16, to: u16, options: &str) -> Vec<String> {
    let write = |name: &str, text: &str| {
        std::fs::write(directory.join(name), text).expect("a file of the server's can be written");
    };
    write("cert.pem", &certificates::chain(&["localhost"]));
    write("key.pem", &certificates::key());
    write("clients.pem", &certificates::chain(&["authority"]));
    let config = format!(
        "foreground = yes\npid =\nsyslog = no\ndebug = info\n\
         [socks]\naccept = 127.0.0.1:{port}\nconnect = 127.0.0.1:{to}\n\
         cert = cert.pem\nkey = key.pem\nCAfile = clients.pem\nrequireCert = yes\nverifyChain = yes\n{options}\n"
    );
    write("stunnel.conf", &config);
    vec![directory.join("stunnel.conf").display().to_string()]
}
