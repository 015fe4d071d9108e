//! Scripted upstreams: which requests are answered, and how.

mod matcher;
mod sent;
mod template;

use std::fmt::{self, Display};
use std::rc::Rc;

pub use self::matcher::{Matcher, any, get, post};
pub use self::sent::SentRequest;
pub use self::template::{ResponseTemplate, failure, json, status, text};

/// Makes the answer to a request.
pub(crate) type Respond = Rc<dyn Fn(&SentRequest) -> ResponseTemplate>;

/// A matcher with its answer, and for how many requests it is.
pub(crate) struct Mock {
    pub(crate) matcher: Matcher,
    pub(crate) left: Option<usize>,
    pub(crate) respond: Respond,
}

// === impl Mock ===

impl Mock {
    /// Returns what makes the answer, if it is for this request and for one more.
    pub(crate) fn take(&mut self, request: &SentRequest) -> Option<Respond> {
        if self.left == Some(0) || !self.matcher.matches(request) {
            return None;
        }
        self.left = self.left.map(|left| left - 1);
        Some(Rc::clone(&self.respond))
    }
}

impl Display for Mock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.matcher.fmt(f)?;
        match self.left {
            Some(0) => f.write_str(" (used up)"),
            Some(left) => write!(f, " (for {left} more)"),
            None => Ok(()),
        }
    }
}
