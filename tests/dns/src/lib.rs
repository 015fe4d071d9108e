//! A DNS server that knows one name, whose addresses can change. The end-to-end tests and the host's unit tests use it; it shares no code with
//! either.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};

use hickory_proto::op::{Message, Metadata, OpCode, ResponseCode};
use hickory_proto::rr::{Name, RData, Record, RecordType};
use tokio::net::UdpSocket;
use tokio::task::JoinHandle;

/// A DNS server that runs until it is dropped.
pub struct NameServer {
    address: SocketAddr,
    known: Addresses,
    task: JoinHandle<()>,
}

/// What the server knows: one name and its addresses.
struct Zone {
    name: Name,
    addresses: Addresses,
}

type Addresses = Arc<Mutex<Vec<Ipv4Addr>>>;

// === impl NameServer ===

impl NameServer {
    /// Starts a server on a free port of 127.0.0.1.
    pub async fn start(name: &str, address: Ipv4Addr) -> io::Result<Self> {
        Self::serve(UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await?, name, address)
    }

    /// Starts a server on port 53, which requires root. `resolv.conf` cannot name another port, so the server gets its
    /// own loopback address instead.
    pub async fn start_on_port_53(name: &str, address: Ipv4Addr) -> io::Result<Self> {
        let [.., low] = std::process::id().to_be_bytes();
        for number in 1..=250 {
            match UdpSocket::bind((Ipv4Addr::new(127, 53, low, number), 53)).await {
                Ok(socket) => return Self::serve(socket, name, address),
                Err(error) if error.kind() == io::ErrorKind::AddrInUse => {}
                Err(error) => return Err(error),
            }
        }
        Err(io::ErrorKind::AddrInUse.into())
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// From now on, the name has these addresses. Nobody may keep the old ones.
    pub fn answer(&self, addresses: impl IntoIterator<Item = Ipv4Addr>) {
        *self.known.lock().unwrap_or_else(PoisonError::into_inner) = addresses.into_iter().collect();
    }

    fn serve(socket: UdpSocket, name: &str, address: Ipv4Addr) -> io::Result<Self> {
        let name = Name::from_ascii(name).map_err(io::Error::other)?;
        let known = Addresses::new(Mutex::new(vec![address]));
        let zone = Zone { name, addresses: known.clone() };
        Ok(Self { address: socket.local_addr()?, known, task: tokio::spawn(zone.serve(socket)) })
    }
}

impl Drop for NameServer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

// === impl Zone ===

impl Zone {
    async fn serve(self, socket: UdpSocket) {
        let mut packet = [0; 512];
        while let Ok((length, from)) = socket.recv_from(&mut packet).await {
            if let Some(reply) = self.reply(&packet[..length]) {
                let _ = socket.send_to(&reply, from).await;
            }
        }
    }

    /// Returns the reply to a question, or none if the question cannot be parsed.
    fn reply(&self, question: &[u8]) -> Option<Vec<u8>> {
        let question = Message::from_vec(question).ok()?;
        let asked = question.queries.first()?.clone();
        let mut reply = Message::response(question.id, OpCode::Query);
        reply.metadata = Metadata::response_from_request(&question);
        reply.metadata.recursion_available = true;
        if !asked.name().eq_ignore_root(&self.name) {
            reply.metadata.response_code = ResponseCode::NXDomain;
        } else if asked.query_type() == RecordType::A {
            for address in &*self.addresses.lock().unwrap_or_else(PoisonError::into_inner) {
                let address = RData::A((*address).into());
                reply.add_answer(Record::from_rdata(asked.name().clone(), 0, address));
            }
        }
        reply.add_query(asked);
        reply.to_vec().ok()
    }
}

#[cfg(test)]
mod tests {
    use hickory_proto::op::Query;

    use super::*;

    async fn ask(server: &NameServer, name: &str, kind: RecordType) -> Message {
        let mut question = Message::query();
        question.add_query(Query::query(Name::from_ascii(name).unwrap(), kind));
        let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        socket.send_to(b"no message", server.address()).await.unwrap();
        socket.send_to(&question.to_vec().unwrap(), server.address()).await.unwrap();
        let mut packet = [0; 512];
        let length = socket.recv(&mut packet).await.unwrap();
        let reply = Message::from_vec(&packet[..length]).unwrap();
        assert_eq!((reply.id, &reply.queries), (question.id, &question.queries));
        reply
    }

    #[tokio::test]
    async fn answers_only_for_its_name() {
        let address = Ipv4Addr::new(192, 0, 2, 1);
        let server = NameServer::start("a.test", address).await.unwrap();

        let reply = ask(&server, "A.test.", RecordType::A).await;
        assert_eq!(reply.answers.len(), 1);
        assert_eq!(reply.answers[0].data, RData::A(address.into()));

        let reply = ask(&server, "a.test.", RecordType::AAAA).await;
        assert_eq!((reply.response_code, reply.answers.len()), (ResponseCode::NoError, 0));

        let reply = ask(&server, "b.test.", RecordType::A).await;
        assert_eq!((reply.response_code, reply.answers.len()), (ResponseCode::NXDomain, 0));
    }
}
