//! What the tests, the demo and the benchmark run against: the host, the author's tool, the components, and a packaged
//! plugin.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Result;

use crate::guests::{self, Std};
use crate::profile::Profile;
use crate::{host, package, place, step, tools};

pub(crate) struct Artifacts {
    host: PathBuf,
    tool: PathBuf,
    guests: PathBuf,
    plugins: PathBuf,
}

// === impl Artifacts ===

impl Artifacts {
    /// Builds all of them and, along with the host, other executables of the workspace.
    pub(crate) fn build(profile: Profile, commands: &[&str]) -> Result<Self> {
        let guests = guests::guests(Std::Any)?;
        let host = host::host(profile, commands)?;
        // A slow executable must not replace the package that a user built.
        let plugins = match profile {
            Profile::Quick => place::target()?.join("plugins-quick"),
            Profile::Release => place::plugins()?,
        };
        package::assemble("http-backend", &plugins, &host, &guests)?;
        let tool = tools::tool(profile, &host)?;
        Ok(Self { host, tool, guests, plugins })
    }

    /// Compiles the components ahead of time, so that a test that starts one does not wait for the compiler.
    pub(crate) fn precompile(&self) -> Result<()> {
        step::step("machine code of the components", || {
            for entry in self.guests.read_dir()? {
                let path = entry?.path();
                if path.extension().is_some_and(|extension| extension == "wasm") {
                    self.compile(&path)?;
                }
            }
            Ok(())
        })
    }

    /// Compiles a component ahead of time.
    pub(crate) fn compile(&self, component: &Path) -> Result<()> {
        host::compile(&self.host, component)
    }

    /// Tells a command where the artifacts are.
    pub(crate) fn tell<'a>(&self, command: &'a mut Command) -> &'a mut Command {
        command.env("GPX_HOST_EXE", &self.host);
        command.env("GPX_CLI", &self.tool);
        command.env("GPX_GUESTS", &self.guests);
        command.env("GPX_PLUGINS", &self.plugins)
    }
}
