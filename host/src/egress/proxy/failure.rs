//! Why a proxy has not opened a way. Texts of the proxy are not repeated, except a status code.

use std::io;
use std::time::Duration;

/// How long a proxy may take to open a way if nothing else limits that. As in Go.
pub(in crate::egress) const PROXY_PATIENCE: Duration = Duration::from_secs(60);

/// Why the proxy that a setting asks for cannot be used. It never shows the setting's value, which may have a password.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{setting} cannot be used: {fault}, so that requests which need it are refused; {remedy}")]
pub(crate) struct BadProxy {
    pub(in crate::egress) setting: &'static str,
    pub(in crate::egress) fault: String,
    pub(in crate::egress) remedy: String,
}

/// What went wrong at the proxy.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ProxyFailure {
    #[error("the connection to the proxy failed")]
    Io(#[source] io::Error),
    #[error("the proxy closed the connection before it answered")]
    Closed,
    #[error("the proxy did not answer within {PROXY_PATIENCE:?}")]
    Late,
    #[error("the proxy's answer is not valid {0}")]
    Garbage(&'static str),
    #[error("the head of the proxy's answer is longer than {0} bytes")]
    TooLong(usize),
    #[error("the proxy sent data before the upstream was asked for any")]
    Early,
    #[error("{0}")]
    Credentials(&'static str),
    #[error("the proxy refused: {0}")]
    Refused(String),
    /// What a SOCKS proxy replied.
    #[error("the proxy refused: {}", meaning(*.0))]
    Reply(u8),
    #[error("the name of the upstream is longer than 255 bytes, which SOCKS has no room for")]
    Name,
}

// === impl ProxyFailure ===

impl ProxyFailure {
    /// Classifies an error of the connection to the proxy.
    pub(in crate::egress) fn of_io(error: io::Error) -> Self {
        if error.kind() == io::ErrorKind::UnexpectedEof { Self::Closed } else { Self::Io(error) }
    }

    /// The failure that an HTTP proxy tells by the status 407.
    pub(in crate::egress) const WANTS_CREDENTIALS: Self = Self::Credentials(
        "the proxy wants a user and a password, or others than it got (407 Proxy Authentication Required): write them into the \
         setting, as in http://user:password@proxy.example.com:3128",
    );
}

/// Returns the meaning of a reply, in the words of RFC 1928, section 6.
fn meaning(reply: u8) -> String {
    match reply {
        1 => "general SOCKS server failure".to_owned(),
        2 => "connection not allowed by ruleset; allow the upstream's host and port in the proxy".to_owned(),
        3 => "network unreachable".to_owned(),
        4 => "host unreachable".to_owned(),
        5 => "connection refused by the upstream".to_owned(),
        6 => "TTL expired".to_owned(),
        7 => "command not supported".to_owned(),
        8 => "address type not supported".to_owned(),
        other => format!("unknown code: {other}"),
    }
}
