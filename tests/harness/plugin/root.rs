//! A plugin in its own root directory. It cannot write to it, and it contains only the plugin's directory, one for
//! sockets, and the resolver configuration that every container has: no /proc, no /tmp, no libraries, no certificates.

use std::net::IpAddr;
use std::os::unix::fs::{PermissionsExt as _, chown};
use std::process::Stdio;

use anyhow::Context as _;
use tokio::process::Command;

use super::{Launch, Plugin};
use crate::directory::{self, Directory};

/// The user `nobody`. It owns nothing in the root directory except the folder for sockets.
const USER: u32 = 65534;

/// Whether this process may change the root directory. If not, it prints that, and in CI it fails.
pub fn possible() -> bool {
    let possible = rustix::process::geteuid().is_root();
    if !possible {
        crate::skipped("only root may change the root directory");
    }
    possible
}

pub async fn start(launch: Launch, name_server: IpAddr) -> anyhow::Result<Plugin> {
    let launch = launch.env("PLUGIN_UNIX_SOCKET_DIR", "/sockets");
    let root = Directory::new()?;
    for folder in ["plugin", "sockets", "etc"] {
        std::fs::create_dir(root.join(folder))?;
    }
    for entry in std::fs::read_dir(launch.directory())?.flatten() {
        directory::link(&entry.path(), &root.join("plugin").join(entry.file_name()))?;
    }
    std::fs::write(root.join("etc/resolv.conf"), format!("nameserver {name_server}\n"))?;
    chown(root.join("sockets"), Some(USER), Some(USER))?;
    for folder in ["plugin", "etc", ""] {
        std::fs::set_permissions(root.join(folder), std::fs::Permissions::from_mode(0o555))?;
    }
    let name = launch.executable().file_name().context("the executable has a name")?.to_string_lossy();
    let mut command = Command::new("/usr/sbin/chroot");
    command.arg(format!("--userspec={USER}:{USER}")).arg(root.path()).arg(format!("/plugin/{name}"));
    command.env_clear().envs(launch.variables()).kill_on_drop(true);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let child = command.spawn().context("cannot start chroot")?;
    let place = root.path().to_owned();
    Plugin::connected(child, root, &place, true).await
}
