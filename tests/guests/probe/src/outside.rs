//! Tries to reach what is outside of the sandbox, with the standard library, as a dependency of a component would.

use std::io::Read as _;
use std::net::{TcpListener, TcpStream, ToSocketAddrs as _, UdpSocket};
use std::process::Command;

use gpx_sdk::{Frame, Query, Result};
use serde::Deserialize;

#[derive(Deserialize)]
struct Parameters {
    /// Where somebody listens, whom the data source's URL grants.
    address: String,
}

/// Returns what could be reached, in words, after what can be: the clock.
pub fn outside(query: &Query) -> Result<Vec<Frame>> {
    let Parameters { address } = query.json()?;
    let mut reached = vec![format!("time {}", std::time::SystemTime::now() > std::time::UNIX_EPOCH)];
    let mut tried = |what: &str, done: bool| reached.extend(done.then(|| what.to_owned()));
    tried("the environment", std::env::vars().next().is_some());
    tried("arguments", std::env::args().next().is_some());
    for folder in ["/", ".", "/proc/self/fd"] {
        tried(folder, std::fs::read_dir(folder).is_ok());
    }
    tried("a file", std::fs::read("/etc/passwd").is_ok());
    tried(
        "a new file",
        std::fs::write("gpx-probe", "x").is_ok() || std::fs::write("/tmp/gpx-probe", "x").is_ok(),
    );
    tried("standard input", std::io::stdin().read(&mut [0]).is_ok_and(|count| count > 0));
    tried("a connection", TcpStream::connect(&address).is_ok());
    tried("a listener", TcpListener::bind("127.0.0.1:0").is_ok());
    let datagram = UdpSocket::bind("127.0.0.1:0").and_then(|socket| socket.send_to(b"x", &address));
    tried("a datagram", datagram.is_ok());
    tried("a name", "localhost:80".to_socket_addrs().is_ok());
    tried("a process", Command::new("/bin/true").spawn().is_ok());
    Ok(vec![Frame::new("outside").field("reached", reached)])
}
