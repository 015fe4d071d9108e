//! Manual pages.

use std::path::PathBuf;

use anyhow::{Context as _, Result};
use clap::CommandFactory as _;

/// Write a manual page for gpx and for each of its commands.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// The folder to write them into, such as ~/.local/share/man/man1.
    folder: PathBuf,
}

pub(crate) fn man(arguments: &Arguments) -> Result<()> {
    let folder = &arguments.folder;
    std::fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
    clap_mangen::generate_to(crate::Arguments::command(), folder)
        .with_context(|| format!("cannot write the pages into {}", folder.display()))
}
