//! What holds for any handshake and any plugin.json.

use std::path::Path;

use serde_json::Value;

use super::files::{Files, Identity};
use super::handshake;
use crate::config::Process;

/// Only Grafana starts the process.
pub(crate) fn handshake(process: &Process) {
    let accepted = handshake::accept(process).is_ok();
    assert_eq!(accepted, process.cookie.as_deref() == Some("datasource") && !process.client_cert);
    let ours =
        process.versions.split(',').any(|version| version.trim().trim_start_matches(['+', '0']) == "2");
    assert!(ours || !handshake::is_version_offered(&process.versions), "{}", process.versions);
}

/// The identity is what the document says, and the component is beside the executable.
pub(crate) fn metadata(executable: &str, json: &[u8]) {
    if let Ok(Identity { id, version, .. }) = Identity::parse(json) {
        assert!(!version.contains('%'), "{version}");
        // Of two members of one name, `Value` has the last, and we have none.
        let Ok(value) = serde_json::from_slice::<Value>(json) else { return };
        assert_eq!(value.get("id").and_then(Value::as_str), Some(id.as_str()));
        let said = value.pointer("/info/version").and_then(Value::as_str).unwrap_or_default();
        assert!(version == said || version.is_empty() && said.contains('%'), "{version}, {said}");
    }
    let executable = Path::new("/plugins/x").join(executable);
    let files = Files::beside(&executable);
    for file in [&files.component, &files.metadata] {
        assert!(
            executable.file_name().is_none() || file.parent() == executable.parent(),
            "{}",
            file.display()
        );
    }
    assert_eq!(files.metadata.file_name().and_then(|name| name.to_str()), Some("plugin.json"));
}
