//! A request and its response, from the guest's call to the end of the body: `client` checks and sends it, `connections`
//! chooses its connection, `body` reads the response and returns the connection, `counted` tells the metrics.

mod all;
mod body;
mod bound;
mod client;
mod connection;
mod connections;
mod decode;
mod expect;
#[cfg(any(test, feature = "fuzz"))]
pub(super) mod fuzz;
mod head_bytes;
mod idle;
mod inbound;
mod kept_head;
mod lease;
mod limited;
mod observed;
mod played;
mod replay;
mod shared;
mod tasks;
mod time_limits;
mod turns;
mod wire;

pub(crate) use self::all::AllConnections;
#[cfg(test)]
pub(crate) use self::body::ResponseBody;
pub(crate) use self::client::Client;
pub(super) use self::connections::Connections;
