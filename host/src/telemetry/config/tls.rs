//! The files that TLS needs.

use std::path::{Path, PathBuf};

use crate::config::{Given, Origin, Tracing};
use crate::telemetry::problem::TracingProblem;

/// Absolute paths of PEM files. A client certificate has a key, and a key has a certificate.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct TlsFiles {
    /// What the collector's certificate must be signed by. `None`: what the system trusts.
    pub ca_file: Option<Given<PathBuf>>,
    pub client_cert: Option<Given<PathBuf>>,
    pub client_key: Option<Given<PathBuf>>,
}

/// What follows if tracing cannot go on safely.
pub(super) const OFF: &str = "tracing is off";

// === impl TlsFiles ===

impl TlsFiles {
    /// Returns `None` if the files cannot be used.
    pub(super) fn parse(given: &Tracing, problems: &mut Vec<TracingProblem>) -> Option<Self> {
        let before = problems.len();
        let mut path = |given: &Option<Given<String>>| {
            let given = given.as_ref()?;
            if !Path::new(&given.value).is_absolute() {
                problems.push(TracingProblem::invalid(given.origin, "an absolute path", OFF));
            }
            Some(given.with(PathBuf::from(&given.value)))
        };
        let (ca_file, client_cert) = (path(&given.ca_file), path(&given.client_cert));
        let client_key = path(&given.client_key);
        match (&client_cert, &client_key) {
            (Some(alone), None) | (None, Some(alone)) => {
                problems.push(TracingProblem::Half(alone.origin));
            }
            _ => {}
        }
        (problems.len() == before).then_some(Self { ca_file, client_cert, client_key })
    }

    /// Whether the operator of the plugin wants TLS.
    pub(in crate::telemetry) fn wanted(&self) -> bool {
        self.wanted_by().is_some()
    }

    /// Returns the file by which the operator of the plugin wants TLS. OpenTelemetry's variables are for any program: an
    /// address without a scheme is not theirs.
    pub(super) fn wanted_by(&self) -> Option<Origin> {
        let files = [&self.ca_file, &self.client_cert, &self.client_key];
        let mut origins = files.into_iter().flatten().map(|file| file.origin);
        origins.find(|origin| matches!(origin, Origin::Plugin(_)))
    }
}
