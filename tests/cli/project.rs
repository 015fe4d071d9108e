//! A project that `gpx` has made and built, once for all tests. What it built is kept for the next run.

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use gpx_tests::artifacts;
use gpx_tests::directory::Directory;

use crate::terminal::{gpx, printed};

/// Returns the project `prices`, which has been built. Only to be read: a test that changes something takes a [`copy`].
pub(crate) fn built() -> &'static Path {
    static PROJECT: OnceLock<PathBuf> = OnceLock::new();
    PROJECT.get_or_init(|| {
        let folder = artifacts::target().join("cli");
        let project = folder.join("prices");
        let _ = std::fs::remove_dir_all(&project);
        std::fs::create_dir_all(&folder).expect("target/ can be written");
        printed(gpx(["new", "prices"]).current_dir(&folder));
        printed(building(&mut gpx(["build"])).current_dir(&project));
        project
    })
}

/// Returns a directory that has what was built, without what cargo keeps.
pub(crate) fn copy() -> Directory {
    let directory = Directory::new().expect("a directory");
    copy_into(built(), &directory.join("prices"));
    directory
}

/// The same, once the crates that it depends on have been built for development. That takes longer than a test may.
pub(crate) fn developed() -> Directory {
    static READY: OnceLock<()> = OnceLock::new();
    READY.get_or_init(|| {
        let copy = copy();
        let mut gpx = gpx(["dev"]);
        let gpx = building(&mut gpx).current_dir(copy.join("prices")).stderr(Stdio::piped());
        let mut gpx = gpx.spawn().expect("gpx starts");
        let lines = BufReader::new(gpx.stderr.take().expect("a pipe")).lines();
        let told: Vec<_> =
            lines.map_while(Result::ok).take_while(|line| !line.starts_with("waiting for")).collect();
        gpx.kill().expect("it runs");
        gpx.wait().expect("it ends");
        assert!(told.iter().any(|line| line.starts_with("built in ")), "{}", told.join("\n"));
    });
    copy()
}

/// Tells cargo what it takes to build a component here, without the internet.
pub(crate) fn building(command: &mut Command) -> &mut Command {
    let toolchain =
        std::fs::read_to_string(artifacts::guests().join("toolchain.env")).expect("components were built");
    offline(command).envs(toolchain.lines().filter_map(|line| line.split_once('=')))
}

/// Cargo as it is in this repository, which has downloaded all that a project needs.
pub(crate) fn offline(command: &mut Command) -> &mut Command {
    for variable in ["CARGO", "RUSTFLAGS", "CARGO_ENCODED_RUSTFLAGS", "CARGO_BUILD_TARGET"] {
        command.env_remove(variable);
    }
    command.env("CARGO_NET_OFFLINE", "true").env("CARGO_TARGET_DIR", artifacts::target().join("cli/target"))
}

fn copy_into(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).expect("a new folder");
    for entry in from.read_dir().expect("a folder").flatten() {
        let (path, to) = (entry.path(), to.join(entry.file_name()));
        if path.is_dir() {
            copy_into(&path, &to);
        } else {
            std::fs::copy(&path, &to).expect("a file can be copied");
        }
    }
}
