//! `wasi:io/poll`: waiting for several things at once. The standard implementation takes a list of any length and keeps it
//! while it waits, so this function takes its place and refuses lists that no component needs.

use wasmtime::Result;
use wasmtime::component::{Linker, Resource};
use wasmtime_wasi::p2::DynPollable;
use wasmtime_wasi::p2::bindings::io::poll::Host as _;

use super::view::View;

/// The version under which the standard implementation defines its functions.
const INTERFACE: &str = "wasi:io/poll@0.2.12";

/// How many things a component may wait for at once.
const MAX_POLLABLES: usize = 1000;

/// Defines the function, after the standard implementation.
pub(super) fn add_to_linker<T: View + 'static>(linker: &mut Linker<T>) -> Result<()> {
    linker.allow_shadowing(true);
    linker.instance(INTERFACE)?.func_wrap_async(
        "poll",
        |mut store, (pollables,): (Vec<Resource<DynPollable>>,)| {
            Box::new(async move {
                if pollables.len() > MAX_POLLABLES {
                    wasmtime::bail!("it waits for more than {MAX_POLLABLES} things at once; wait for fewer");
                }
                Ok((store.data_mut().ctx().table.poll(pollables).await?,))
            })
        },
    )?;
    linker.allow_shadowing(false);
    Ok(())
}
