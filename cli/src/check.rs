//! `gpx check`: what is wrong with a plugin, before Grafana or a user finds out.

mod component;
mod metadata;

use std::fmt;
use std::path::PathBuf;

use anyhow::{Result, bail};
use serde_json::json;

use crate::project::Project;
use crate::terminal::{Output, shown};

/// Check a project that has been built: plugin.json, the files, and what the component has and needs.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// The project.
    #[arg(default_value = ".")]
    folder: PathBuf,
    /// Print what was found as JSON.
    #[arg(long)]
    json: bool,
}

/// Something that is wrong, and what to do.
pub(crate) struct Finding {
    /// Whether Grafana would not load the plugin, or not all of it would work.
    is_error: bool,
    text: String,
}

pub(crate) fn check(arguments: &Arguments) -> Result<()> {
    let findings = findings(&Project::find(&arguments.folder)?)?;
    let errors = findings.iter().filter(|finding| finding.is_error).count();
    let mut output = Output::new();
    if arguments.json {
        let found: Vec<_> = findings
            .iter()
            .map(|finding| json!({ "error": finding.is_error, "text": finding.text }))
            .collect();
        output.line(json!({ "findings": found }))?;
    } else {
        for finding in &findings {
            let paint = output.paint();
            let kind = if finding.is_error { paint.red("error") } else { paint.yellow("warning") };
            output.line(format_args!("{kind}: {}", shown(&finding.text)))?;
        }
        if findings.is_empty() {
            output.line("nothing is wrong")?;
        }
    }
    output.flush()?;
    match errors {
        0 => Ok(()),
        1 => bail!("there is an error"),
        errors => bail!("there are {errors} errors"),
    }
}

/// Returns all that is wrong.
pub(crate) fn findings(project: &Project) -> Result<Vec<Finding>> {
    let metadata = project.metadata()?;
    let mut findings = metadata::findings(&metadata.json, &project.source);
    component::add(project, &metadata, &mut findings)?;
    Ok(findings)
}

// === impl Finding ===

impl Finding {
    pub(crate) fn error(text: impl fmt::Display) -> Self {
        Self { is_error: true, text: text.to_string() }
    }

    pub(crate) fn warning(text: impl fmt::Display) -> Self {
        Self { is_error: false, text: text.to_string() }
    }

    pub(crate) fn is_error(&self) -> bool {
        self.is_error
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}
