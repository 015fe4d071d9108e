//! `gpx run --watch`: asks again after each build.

use anyhow::{Context as _, Result};
use tokio::task::spawn_blocking;

use super::{Arguments, Shown};
use crate::dev::{self, Sources};
use crate::moment;
use crate::plugin::{Interrupted, Plugin};
use crate::project::Project;
use crate::terminal::{Output, tell};
use crate::trace::Detail;

/// A project whose component is built again when its sources change.
struct Watched {
    project: Project,
    sources: Sources,
}

pub(super) fn watch(mut arguments: Arguments) -> Result<()> {
    arguments.plugin.set("gpx_watch", "on");
    let project = Project::find(arguments.plugin.directory())?;
    let mut watched = Watched { sources: Sources::of(&project), project };
    // If this fails, what was built before is run.
    dev::rebuilt(&watched.project);
    let folder = arguments.plugin.folder()?;
    let queries = match folder.is_app() && arguments.queries.is_empty() {
        true => Vec::new(),
        false => arguments.queries.read(&folder, moment::now())?,
    };
    let mut output = Output::new();
    // A trace is complete only once the plugin has ended.
    let shown = || Shown { trace: Detail::Off, ..arguments.shown() };
    let watching = arguments.plugin.with(&folder, async |plugin| {
        loop {
            match arguments.ask(plugin, queries.clone()).await {
                Ok(outcome) => {
                    let failures = outcome.failures();
                    outcome.show(&shown(), Vec::new(), &mut output)?;
                    output.flush()?;
                    failures.iter().for_each(|failure| tell(format_args!("error: {failure}")));
                }
                Err(error) => tell(format_args!("error: {error:#}")),
            }
            if output.is_gone() {
                return Ok(());
            }
            watched = watched.built(plugin).await?;
        }
    });
    match watching {
        // That is how it ends.
        Err(error) if error.is::<Interrupted>() => Ok(()),
        watching => watching.map(drop),
    }
}

// === impl Watched ===

impl Watched {
    /// Waits until another component has been built, and the host has said what comes of it.
    async fn built(mut self, plugin: &Plugin) -> Result<Self> {
        let mut swaps = plugin.swaps.clone();
        let before = *swaps.borrow_and_update();
        let built = spawn_blocking(move || {
            loop {
                std::thread::sleep(dev::PAUSE);
                if self.sources.have_changed() && dev::rebuilt(&self.project) {
                    return self;
                }
            }
        });
        let watched = built.await?;
        swaps.wait_for(|swaps| *swaps > before).await.context("the plugin has ended")?;
        Ok(watched)
    }
}
