//! What goes into reading settings, and what comes out besides them.

use std::collections::BTreeMap;

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
