//! Why nothing can be listened on.

use std::io;

#[derive(Debug, thiserror::Error)]
pub enum BindError {
    #[error(
        "no port of 127.0.0.1 from {min} to {max} can be listened on ({cause}); free one, or widen PLUGIN_MIN_PORT \
         and PLUGIN_MAX_PORT"
    )]
    Tcp { min: u16, max: u16, cause: io::Error },
    #[error(
        "no unix socket can be made ({0}); set TMPDIR to a directory that this process can write to, or \
         `gpx_transport = tcp` in the plugin's section of grafana.ini"
    )]
    Unix(io::Error),
    #[error(
        "PLUGIN_UNIX_SOCKET_GROUP: the socket cannot be given to group `{group}` ({cause}); name a group that exists \
         and that this process is in"
    )]
    Group { group: String, cause: io::Error },
}
