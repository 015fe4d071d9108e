//! `gpx dev`: builds on save, for a plugin that runs.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime};

use anyhow::Result;

use crate::build::{cargo, directory};
use crate::project::Project;
use crate::terminal::{Paint, tell};

/// Build on each save, under a Grafana that has loaded dist/ and has `gpx_watch = on` for the plugin.
///
/// The new component takes the place of the one that runs. Calls that run finish on that. A build that fails changes nothing.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// The project.
    #[arg(default_value = ".")]
    folder: PathBuf,
}

/// How often the sources are looked at.
pub(crate) const PAUSE: Duration = Duration::from_millis(150);

/// Folders that no source is in.
const SKIPPED: [&str; 4] = ["target", "dist", "node_modules", "gpx-sdk"];

/// The sources of a back end, as they were when they were looked at last.
pub(crate) struct Sources {
    folder: PathBuf,
    seen: BTreeMap<PathBuf, (SystemTime, u64)>,
}

pub(crate) fn dev(arguments: &Arguments) -> Result<()> {
    let project = Project::find(&arguments.folder)?;
    let mut sources = Sources::of(&project);
    let id = project.metadata()?.id()?.to_owned();
    rebuilt(&project);
    tell(format_args!(
        "waiting for changes; the plugin takes them if it runs with `gpx_watch = on` under [plugin.{id}]"
    ));
    loop {
        std::thread::sleep(PAUSE);
        if sources.have_changed() {
            rebuilt(&project);
        }
    }
}

/// Builds the component for development and puts it into place. Says how that went, and returns whether there is another one now.
pub(crate) fn rebuilt(project: &Project) -> bool {
    let begin = Instant::now();
    let paint = Paint::of(&std::io::stderr());
    let built = cargo::component(project, cargo::Profile::Development)
        .and_then(|component| directory::replace(project, &component));
    let replaced = match built {
        Ok(replaced) => replaced,
        Err(error) => {
            tell(paint.red(format_args!("{error:#}; the plugin stays as it is")));
            return false;
        }
    };
    match replaced {
        true => tell(paint.green(format_args!("built in {:.1} s", begin.elapsed().as_secs_f64()))),
        false => tell(paint.faint("the component is the same as before")),
    }
    replaced
}

// === impl Sources ===

impl Sources {
    pub(crate) fn of(project: &Project) -> Self {
        let mut sources = Self { folder: project.backend.clone(), seen: BTreeMap::new() };
        sources.have_changed();
        sources
    }

    /// Looks at all of them. Returns whether any is not as it was.
    pub(crate) fn have_changed(&mut self) -> bool {
        let mut now = BTreeMap::new();
        look(&self.folder, &mut now);
        let changed = now != self.seen;
        self.seen = now;
        changed
    }
}

fn look(folder: &Path, found: &mut BTreeMap<PathBuf, (SystemTime, u64)>) {
    for entry in folder.read_dir().into_iter().flatten().flatten() {
        let name = entry.file_name();
        let name = name.to_string_lossy();
        let Ok(metadata) = entry.metadata() else { continue };
        if name.starts_with('.') || SKIPPED.contains(&&*name) {
            continue;
        }
        if metadata.is_dir() {
            look(&entry.path(), found);
        } else if let Ok(modified) = metadata.modified() {
            found.insert(entry.path(), (modified, metadata.len()));
        }
    }
}
