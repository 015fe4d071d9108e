//! `gpx build`: the directory that Grafana loads.

pub(crate) mod cargo;
pub(crate) mod directory;

use std::path::PathBuf;

use anyhow::Result;
use serde_json::json;

use crate::project::Project;

/// Build the plugin: dist/, the directory that Grafana loads.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// The project.
    #[arg(default_value = ".")]
    folder: PathBuf,
    /// Print what was built as JSON.
    #[arg(long)]
    json: bool,
}

pub(crate) fn build(arguments: &Arguments) -> Result<()> {
    let project = Project::find(&arguments.folder)?;
    let component = cargo::component(&project, cargo::Profile::Release)?;
    let built = directory::assemble(&project, &component)?;
    if arguments.json {
        println!(
            "{}",
            json!({ "directory": built.directory, "component": built.component, "bytes": built.bytes })
        );
    } else {
        println!("{}", built.directory.display());
        eprintln!("the component has {} KiB", built.bytes.div_ceil(1024));
        if !built.has_module {
            eprintln!(
                "there is no module.js in it yet, so Grafana cannot show its editors; type `npm install && npm run build`"
            );
        }
    }
    Ok(())
}
