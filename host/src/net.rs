//! The machine's network, as every connection of the host sees it. A leaf: it imports no other room.

mod authorities;
pub(crate) mod files;
mod resolve;
mod roots;
mod system_file;
#[cfg(test)]
pub(crate) mod test;

pub(crate) use self::authorities::{Authorities, Unfit, check_itself};
pub(crate) use self::resolve::{ResolveError, Resolver};
pub(crate) use self::roots::{RootPaths, TrustedRoots, UnreadableCaFile};
