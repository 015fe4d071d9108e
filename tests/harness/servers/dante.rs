//! Dante, a SOCKS proxy. It asks nobody for a password, since it would look that up in the system.

use rustix::process::geteuid;

use super::Server;
use crate::directory::Directory;

/// A port of this machine to which it leads nobody.
pub const DENIED_PORT: u16 = 9;

pub struct Dante(Server);

// === impl Dante ===

impl Dante {
    /// Starts it. None if it is missing, which it says.
    pub async fn start() -> Option<Self> {
        let command = super::find("danted")?;
        Some(Self(Server::start(&command, 1, |directory, ports| configure(directory, ports[0])).await))
    }

    pub fn port(&self) -> u16 {
        self.0.port(0)
    }
}

fn configure(directory: &Directory, port: u16) -> Vec<String> {
    let mut config = format!(
        "logoutput: stderr\n\
         internal: 127.0.0.1 port = {port}\n\
         external: 127.0.0.1\n\
         clientmethod: none\n\
         socksmethod: none\n"
    );
    if geteuid().is_root() {
        config.push_str("user.privileged: root\nuser.unprivileged: nobody\n");
    }
    config.push_str(&format!(
        "client pass {{ from: 127.0.0.0/8 to: 127.0.0.0/8 }}\n\
         socks block {{ from: 127.0.0.0/8 to: 127.0.0.0/8 port = {DENIED_PORT} }}\n\
         socks pass {{ from: 127.0.0.0/8 to: 127.0.0.0/8 }}\n"
    ));
    let file = |name: &str| directory.join(name).display().to_string();
    std::fs::write(file("danted.conf"), config).expect("a file of the server's can be written");
    vec!["-f".to_owned(), file("danted.conf"), "-p".to_owned(), file("pid")]
}
