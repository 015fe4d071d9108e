//! `gpx-host describe`: what a component says of itself.

use std::path::Path;

use crate::host::Host;
use crate::log::Log;
use crate::plugin::Component;

/// Returns what a component says of itself, as JSON: the contract that it is built for, the secrets, origins and headers that it
/// asks for, and the names of its attributes. It is compiled and run for that, within the limits of any component, and without a
/// data source.
///
/// Fails if the file is not a component that this host can run.
///
/// gpx-host's `main` calls it for the command `describe`.
pub fn describe(component: impl AsRef<Path>) -> anyhow::Result<String> {
    // What would be logged is the error, too.
    let log = Log::to(std::io::sink())?;
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let described = runtime.block_on(async {
        let builder = Host::builder(Component::from_file(component.as_ref()));
        let host = builder.compiler(super::executable()?).log(log).build()?;
        anyhow::Ok(host.describe().await?)
    });
    runtime.shutdown_background();
    Ok(format!("{:#}", described?))
}
