//! What goes into reading settings, and what comes out besides them.

use std::collections::BTreeMap;
use std::fmt;

/// Values by the name of their variable.
pub(crate) type Strings = BTreeMap<String, String>;

/// A setting that could not be used, described for the operator.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Problem {
    /// As the operator wrote it.
    pub key: String,
    /// What is wrong, which value is used instead, and the remedy.
    pub text: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.key, self.text)
    }
}
