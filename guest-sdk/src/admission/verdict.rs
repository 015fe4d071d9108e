//! What a plugin says of an object.

use std::fmt::Display;

use super::{Denial, Object};
use crate::bindings::admission::exports::gpx::plugin::admission as wit;

/// Whether an object may be stored. A [`Denial`] becomes one.
#[derive(Clone, Debug)]
pub struct Verdict {
    denial: Option<Denial>,
    warnings: Vec<String>,
}

/// Whether an object may be stored, and in which form. A [`Verdict`] becomes one that stores it as it was sent.
#[derive(Clone, Debug)]
pub struct Mutation {
    verdict: Verdict,
    object: Option<Object>,
}

// === impl Verdict ===

impl Verdict {
    pub fn allow() -> Self {
        Self { denial: None, warnings: Vec::new() }
    }

    /// Tells the user something in any case. At most 32 warnings are passed on, each shortened to 256 bytes.
    pub fn warning(mut self, text: impl Display) -> Self {
        self.warnings.push(text.to_string());
        self
    }

    /// Stores the object in this form, if it may be stored at all.
    pub fn store(self, object: impl Into<Object>) -> Mutation {
        Mutation { verdict: self, object: Some(object.into()) }
    }
}

impl From<Denial> for Verdict {
    fn from(denial: Denial) -> Self {
        Self { denial: Some(denial), warnings: Vec::new() }
    }
}

impl From<Verdict> for wit::Verdict {
    fn from(Verdict { denial, warnings }: Verdict) -> Self {
        Self { outcome: denial.map_or(Ok(()), |denial| Err(denial.into())), warnings }
    }
}

// === impl Mutation ===

impl From<Verdict> for Mutation {
    fn from(verdict: Verdict) -> Self {
        Self { verdict, object: None }
    }
}

impl From<Denial> for Mutation {
    fn from(denial: Denial) -> Self {
        Verdict::from(denial).into()
    }
}

impl From<Mutation> for wit::Mutation {
    fn from(Mutation { verdict: Verdict { denial, warnings }, object }: Mutation) -> Self {
        let outcome = match denial {
            Some(denial) => Err(denial.into()),
            None => Ok(object.map(Into::into)),
        };
        Self { outcome, warnings }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_denied_is_not_stored() {
        let object = || Object::Serialized(vec![1]);
        let denied: wit::Mutation = Verdict::from(Denial::new(403, "no")).warning("w").store(object()).into();
        assert_eq!(denied.outcome.unwrap_err().status, 403);
        assert_eq!(denied.warnings, ["w"]);
        let stored: wit::Mutation = Verdict::allow().store(object()).into();
        assert!(matches!(stored.outcome, Ok(Some(wit::Object::Serialized(bytes))) if bytes == [1]));
        let sent: wit::Mutation = Mutation::from(Verdict::allow()).into();
        assert!(matches!(sent.outcome, Ok(None)));
    }
}
