//! Microsocks, a SOCKS proxy that asks for a user and a password.

use super::Server;

/// Who may use it.
pub const USER: &str = "ada";
pub const PASSWORD: &str = "geheim99";

pub struct Microsocks(Server);

// === impl Microsocks ===

impl Microsocks {
    /// Starts it. None if it is missing, which it says.
    pub async fn start() -> Option<Self> {
        let command = super::find("microsocks")?;
        let server = Server::start(&command, 1, |_, ports| {
            let port = ports[0].to_string();
            ["-i", "127.0.0.1", "-p", &port, "-u", USER, "-P", PASSWORD].map(str::to_owned).into()
        });
        Some(Self(server.await))
    }

    pub fn port(&self) -> u16 {
        self.0.port(0)
    }

    /// Returns how often it has led somebody to a port.
    pub fn led_to(&self, port: u16) -> usize {
        self.0.log().lines().filter(|line| line.ends_with(&format!(":{port}"))).count()
    }
}
