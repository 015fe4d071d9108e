//! Which compiler and which std components are built with.

use std::fmt;
use std::path::Path;
use std::process::Command;

use anyhow::Result;

use super::sysroot;
use crate::place::{self, GUEST_TARGET};
use crate::{profile, step};

/// Where std for the target may come from.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Std {
    /// From rustup where it has it, otherwise built from Debian's packages.
    Any,
    /// Built from Debian's packages.
    Debian,
}

/// The variables that cargo needs.
pub(crate) struct Toolchain {
    variables: Vec<(&'static str, String)>,
}

// === impl Toolchain ===

impl Toolchain {
    pub(crate) fn ready(std: Std) -> Result<Self> {
        // The last flag that fits wins: a target directory may be inside the repository. Components are beside their
        // workspace's folder, not in it, and for these cargo passes absolute paths to the compiler.
        let mut flags = vec![place::without(&place::repository()?, ".")];
        flags.extend(place::without_places()?);
        if std == Std::Any && (installed() || added()) {
            return Ok(Self { variables: vec![place::flags(&flags)] });
        }
        flags.push(format!("--sysroot={}", sysroot::ready()?.display()));
        Ok(Self { variables: vec![("RUSTC", sysroot::RUSTC.to_owned()), place::flags(&flags)] })
    }

    /// Cargo, set up for components only: flags meant for the host's executable do not reach it.
    pub(crate) fn cargo(&self) -> Command {
        let mut cargo = profile::unconfigured_cargo();
        cargo.envs(self.variables.iter().map(|(name, value)| (name, value)));
        cargo
    }
}

impl fmt::Display for Toolchain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.variables.iter().try_for_each(|(name, value)| writeln!(f, "{name}={value}"))
    }
}

/// Whether the compiler in use has std for the target.
fn installed() -> bool {
    let mut rustc = Command::new("rustc");
    rustc.args(["--print", "target-libdir", "--target", GUEST_TARGET]);
    let Ok(folder) = step::output(&mut rustc) else { return false };
    let Ok(entries) = Path::new(&folder).read_dir() else { return false };
    entries.flatten().any(|entry| {
        let name = entry.file_name().to_string_lossy().into_owned();
        name.starts_with("libstd-") && name.ends_with(".rlib")
    })
}

/// Asks rustup to add the target, unless a sysroot was already built here because rustup could not.
fn added() -> bool {
    if sysroot::built() || Command::new("rustup").arg("--version").output().is_err() {
        return false;
    }
    let mut rustup = Command::new("rustup");
    rustup.args(["target", "add", GUEST_TARGET]);
    let added = step::step(&format!("rustup target add {GUEST_TARGET}"), || step::run(&mut rustup));
    if let Err(error) = &added {
        eprintln!("  {error:#}; building std from Debian's packages instead");
    }
    added.is_ok() && installed()
}
