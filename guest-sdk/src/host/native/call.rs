//! The call that a test makes.

use super::fake::{current, needed};
use crate::bindings::base::gpx::plugin::types::Header;

pub(crate) use crate::bindings::base::gpx::plugin::call::{GrafanaConfig, PluginContext};

pub(crate) fn context() -> PluginContext {
    needed("the context of a call").context.borrow().clone()
}

pub(crate) fn config() -> GrafanaConfig {
    needed("Grafana's configuration").config.borrow().clone()
}

pub(crate) fn headers() -> Vec<Header> {
    needed("a header of a call").headers.borrow().clone()
}

pub(crate) fn time_left() -> Option<u64> {
    let fake = needed("the time that a call has left");
    let until = match fake.running.get() {
        Some(running) => running.until.filter(|_| !running.is_stream),
        // A function of the plugin that the test has called itself, without the host.
        None => fake.limit.get().map(|limit| fake.later(limit)),
    };
    until.map(|until| until.saturating_sub(fake.now.get()))
}

pub(crate) fn cancelled() -> bool {
    current().is_some_and(|fake| {
        let until = fake.running.get().and_then(|running| running.until);
        fake.cancelled.get() || until.is_some_and(|until| fake.now.get() >= until)
    })
}
