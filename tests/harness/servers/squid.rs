//! Squid, an HTTP proxy that asks for a user and a password.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use rustix::process::geteuid;

use super::{Server, until};
use crate::directory::Directory;

/// Who may use it.
pub const USER: &str = "ada";
pub const PASSWORD: &str = "geheim99";

/// A name that only Squid knows: that of this machine.
pub const KNOWN: &str = "upstream.example";

/// A name to which it leads nobody.
pub const DENIED: &str = "denied.example";

pub struct Squid(Server);

// === impl Squid ===

impl Squid {
    /// Starts it. None if it is missing, which it says.
    pub async fn start() -> Option<Self> {
        let command = super::find("squid")?;
        let server = Server::start(&command, 1, |directory, ports| configure(directory, ports[0], &command));
        Some(Self(server.await))
    }

    /// Returns its URL. `userinfo` is empty, or ends with `@`.
    pub fn url(&self, userinfo: &str) -> String {
        format!("http://{userinfo}127.0.0.1:{}", self.0.port(0))
    }

    /// Waits until so many requests are logged, and returns all: status, method, target and user. It logs a tunnel once that is
    /// closed.
    pub async fn asked(&self, count: usize) -> Vec<String> {
        let read = || {
            let text = std::fs::read_to_string(self.0.file("asked")).unwrap_or_default();
            let whole = text.rfind('\n').map_or("", |end| &text[..end]).lines();
            // `Server` looks whether it listens, and says nothing.
            let lines = whole.filter(|line| !line.contains("error:transaction-end-before-headers"));
            let lines: Vec<_> = lines.map(str::to_owned).collect();
            (lines.len() >= count).then_some(lines)
        };
        until(read).await
    }
}

fn configure(directory: &Directory, port: u16, command: &Path) -> Vec<String> {
    let file = |name: &str| directory.join(name).display().to_string();
    let write = |name: &str, text: &str, mode: u32| {
        std::fs::write(directory.join(name), text).expect("a file of the server's can be written");
        let mode = std::fs::Permissions::from_mode(mode);
        std::fs::set_permissions(directory.join(name), mode).expect("its permissions can be set");
    };
    write("hosts", &format!("127.0.0.1 {KNOWN} {DENIED}\n"), 0o644);
    write(
        "users",
        &format!(
            "#!/bin/sh\nwhile read -r line; do\n    if [ \"$line\" = \"{USER} {PASSWORD}\" ]; then echo OK; else echo ERR; fi\ndone\n"
        ),
        0o755,
    );
    let mut config = format!(
        "http_port 127.0.0.1:{port}\n\
         logformat plain %>Hs %rm %ru %un\n\
         access_log stdio:{} logformat=plain\n\
         auth_param basic program {}\n\
         hosts_file {}\n\
         coredump_dir {}\n\
         {CONFIG}",
        file("asked"),
        file("users"),
        file("hosts"),
        file(""),
    );
    if geteuid().is_root() {
        // It does not work as root. Whoever it becomes must be able to write its log.
        config.push_str("cache_effective_user nobody\n");
        let all = std::fs::Permissions::from_mode(0o777);
        std::fs::set_permissions(directory.path(), all).expect("the directory can be opened");
    }
    // Where the package's other files are if it is not installed.
    let unpacked = command.with_file_name("packages").join("squid");
    if unpacked.is_dir() {
        let share = |name: &str| unpacked.join("usr/share").join(name).display().to_string();
        config.push_str(&format!(
            "icon_directory {}\nmime_table {}\nerror_directory {}\n",
            share("squid/icons"),
            share("squid/mime.conf"),
            share("squid-langpack/en"),
        ));
    }
    write("squid.conf", &config, 0o644);
    // Its name is that of its shared memory, which no other Squid may have.
    let name = format!("gpx{port}");
    ["-N", "-d", "1", "-n", &name, "-f", &file("squid.conf")].map(str::to_owned).into()
}

const CONFIG: &str = "\
pid_filename none
cache_log stdio:/dev/null
cache deny all
cache_mem 0
memory_cache_shared off
unlinkd_program /bin/true
pinger_enable off
netdb_filename none
shutdown_lifetime 0 seconds
auth_param basic children 1 startup=1
acl known proxy_auth REQUIRED
acl denied dstdomain denied.example
http_access deny denied
http_access allow known
http_access deny all
";
