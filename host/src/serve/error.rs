//! Why the server cannot listen.

use std::io;

#[derive(Debug, thiserror::Error)]
pub(crate) enum BindError {
    #[error(
        "cannot listen on any port of 127.0.0.1 from {min} to {max} ({cause}); free one, or widen the range from \
         PLUGIN_MIN_PORT to PLUGIN_MAX_PORT"
    )]
    Tcp { min: u16, max: u16, cause: io::Error },
    #[error(
        "cannot create a unix socket ({0}); set TMPDIR to a directory that this process can write to, or set \
         `gpx_transport = tcp` in the plugin's section of grafana.ini"
    )]
    Unix(io::Error),
    #[error(
        "PLUGIN_UNIX_SOCKET_GROUP: cannot give the socket to group `{group}` ({cause}); name an existing group that \
         this process is a member of"
    )]
    Group { group: String, cause: io::Error },
}
