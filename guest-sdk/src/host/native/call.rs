//! The call that a test makes.

use super::clock::nanos;
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
    let deadline = fake.deadline.get().or_else(|| {
        // A function of the plugin that the test has called itself, without the host.
        fake.limit.get().map(|limit| fake.now.get().saturating_add(nanos(limit)))
    });
    deadline.map(|deadline| deadline.saturating_sub(fake.now.get()))
}

pub(crate) fn cancelled() -> bool {
    current().is_some_and(|fake| {
        fake.cancelled.get() || fake.deadline.get().is_some_and(|deadline| fake.now.get() >= deadline)
    })
}
