//! How many files the process may have open. Each connection is one.

use std::io;

use rustix::io::Errno;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Returns how many files the process may open. `None` if there is no limit.
pub(crate) fn limit() -> Option<usize> {
    let limit = getrlimit(Resource::Nofile).current?;
    Some(usize::try_from(limit).unwrap_or(usize::MAX))
}

/// Lets the process open as many files as the system allows it: the lower limit that processes start with is meant for
/// those that cannot handle more. If that fails, it stays as it is.
pub(crate) fn raise_limit() {
    let Rlimit { maximum, .. } = getrlimit(Resource::Nofile);
    let _ = setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum });
}

/// Whether the process or the system has no more files to open.
pub(crate) fn are_too_many(error: &io::Error) -> bool {
    let errno = Errno::from_io_error(error);
    errno == Some(Errno::MFILE) || errno == Some(Errno::NFILE)
}

/// Says which limit that is, and what to do about it.
pub(crate) fn too_many() -> String {
    let limit = limit().map_or_else(|| "unlimited".to_owned(), |limit| limit.to_string());
    format!(
        "the process has as many files open as it may (its limit is {limit}); raise Grafana's limit (ulimit -n, or \
         LimitNOFILE of its service)"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_limit_is_raised_and_named() {
        raise_limit();
        let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
        assert_eq!(current, maximum);
        if let Some(limit) = limit() {
            assert!(too_many().contains(&limit.to_string()));
        }
        assert!(are_too_many(&Errno::MFILE.into()) && !are_too_many(&Errno::CONNREFUSED.into()));
    }
}
