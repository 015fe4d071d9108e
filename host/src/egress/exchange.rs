//! A request and its response, from the guest's call to the end of the body: `client` checks and sends it, `connections`
//! chooses its connection, `body` reads the response and returns the connection.

mod body;
mod client;
mod connection;
mod connections;
mod decode;
mod idle;
mod time_limits;
mod wire;

#[cfg(test)]
pub(crate) use self::body::ResponseBody;
pub(crate) use self::client::Client;
