//! A name server for one name, on a loopback address of its own: resolvers ask port 53 and no other, so a free
//! address stands in for a free port.

use std::net::Ipv4Addr;

use tokio::net::UdpSocket;

pub struct NameServer {
    pub address: Ipv4Addr,
    task: tokio::task::JoinHandle<()>,
}

// === impl NameServer ===

impl NameServer {
    /// Answers for `name`, and says of every other that there is none. Binding port 53 takes root.
    pub async fn start(name: &str, address: Ipv4Addr) -> std::io::Result<Self> {
        let [_, .., low] = std::process::id().to_be_bytes();
        for number in 1..=250 {
            let own = Ipv4Addr::new(127, 53, low, number);
            match UdpSocket::bind((own, 53)).await {
                Ok(socket) => {
                    let name = wire_name(name);
                    let task = tokio::spawn(serve(socket, name, address));
                    return Ok(Self { address: own, task });
                }
                Err(error) if error.kind() == std::io::ErrorKind::AddrInUse => {}
                Err(error) => return Err(error),
            }
        }
        Err(std::io::ErrorKind::AddrInUse.into())
    }
}

impl Drop for NameServer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn serve(socket: UdpSocket, name: Vec<u8>, address: Ipv4Addr) {
    let mut packet = [0; 512];
    while let Ok((length, from)) = socket.recv_from(&mut packet).await {
        if let Some(answer) = packet.get(..length).and_then(|query| answer(query, &name, address)) {
            let _ = socket.send_to(&answer, from).await;
        }
    }
}

/// RFC 1035, section 4: the header, the question as it came, and one record of type A where it was asked for.
fn answer(query: &[u8], name: &[u8], address: Ipv4Addr) -> Option<Vec<u8>> {
    const HEADER: usize = 12;
    let question = query.get(HEADER..)?;
    let length = question.iter().position(|byte| *byte == 0)? + 1;
    let (asked, kind) = (question.get(..length)?, question.get(length..length + 4)?);
    let known = asked.eq_ignore_ascii_case(name);
    let record = known && kind == [0, 1, 0, 1];

    let mut reply = query.get(..2)?.to_vec();
    // A response, recursion asked for and available; 3 says that there is no such name.
    reply.extend([0x81, if known { 0x80 } else { 0x83 }]);
    reply.extend([0, 1, 0, u8::from(record), 0, 0, 0, 0]);
    reply.extend(question.get(..length + 4)?);
    if record {
        // The name is at offset 12; type A, class IN, 60 s, four bytes.
        reply.extend([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4]);
        reply.extend(address.octets());
    }
    Some(reply)
}

fn wire_name(name: &str) -> Vec<u8> {
    let labels = name.split('.').map(str::as_bytes);
    let mut wire: Vec<u8> = labels.flat_map(|label| [&[label.len() as u8], label].concat()).collect();
    wire.push(0);
    wire
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_for_its_name_only() {
        let ask = |name: &str, kind: u8| {
            let query =
                [&[7, 7, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0][..], &wire_name(name), &[0, kind, 0, 1]].concat();
            answer(&query, &wire_name("a.test"), Ipv4Addr::LOCALHOST).unwrap()
        };
        assert!(ask("A.test", 1).ends_with(&[127, 0, 0, 1]));
        assert_eq!(ask("a.test", 28)[6..8], [0, 0], "no AAAA");
        assert_eq!(ask("b.test", 1)[3], 0x83);
    }
}
