//! The texts of a request before it is sent. The standard implementation keeps them at any length, so these functions take
//! its place and refuse what no request may have.

use wasmtime::Result;
use wasmtime::component::{Linker, Resource};
use wasmtime_wasi_http::p2::bindings::http::types::{
    HostOutgoingRequest as _, Method, OutgoingRequest, Scheme,
};

use crate::capability::view::View;

/// The version under which the standard implementation defines its functions.
const INTERFACE: &str = "wasi:http/types@0.2.12";

/// The longest method or scheme, in bytes. The longest registered method has 17.
const MAX_WORD: usize = 64;

/// The longest authority, in bytes: a host name has at most 255.
const MAX_AUTHORITY: usize = 1024;

/// The longest path with its query, in bytes. Servers commonly accept 8 KiB.
const MAX_PATH: usize = 64 << 10;

type Set = (std::result::Result<(), ()>,);

/// Defines the functions, after the standard implementation.
pub(crate) fn add_to_linker<T: View + 'static>(linker: &mut Linker<T>) -> Result<()> {
    linker.allow_shadowing(true);
    let mut types = linker.instance(INTERFACE)?;
    types.func_wrap(
        "[method]outgoing-request.set-method",
        |mut store, (request, method): (Resource<OutgoingRequest>, Method)| {
            let fits = !matches!(&method, Method::Other(name) if name.len() > MAX_WORD);
            set(fits, || store.data_mut().http().set_method(request, method))
        },
    )?;
    types.func_wrap(
        "[method]outgoing-request.set-scheme",
        |mut store, (request, scheme): (Resource<OutgoingRequest>, Option<Scheme>)| {
            let fits = !matches!(&scheme, Some(Scheme::Other(name)) if name.len() > MAX_WORD);
            set(fits, || store.data_mut().http().set_scheme(request, scheme))
        },
    )?;
    types.func_wrap(
        "[method]outgoing-request.set-authority",
        |mut store, (request, authority): (Resource<OutgoingRequest>, Option<String>)| {
            let fits = authority.as_ref().is_none_or(|authority| authority.len() <= MAX_AUTHORITY);
            set(fits, || store.data_mut().http().set_authority(request, authority))
        },
    )?;
    types.func_wrap(
        "[method]outgoing-request.set-path-with-query",
        |mut store, (request, path): (Resource<OutgoingRequest>, Option<String>)| {
            let fits = path.as_ref().is_none_or(|path| path.len() <= MAX_PATH);
            store.data_mut().message_changes();
            set(fits, || store.data_mut().http().set_path_with_query(request, path))
        },
    )?;
    linker.allow_shadowing(false);
    Ok(())
}

/// Refuses a text that does not fit as the standard implementation refuses an invalid one.
fn set(fits: bool, set: impl FnOnce() -> Result<std::result::Result<(), ()>>) -> Result<Set> {
    if fits { Ok((set()?,)) } else { Ok((Err(()),)) }
}
