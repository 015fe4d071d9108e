//! The plugin's directory: the files beside the executable. They are only read.

use std::path::{Path, PathBuf};

use serde::Deserialize;

/// Where the parts of a plugin are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Files {
    pub component: PathBuf,
    pub metadata: PathBuf,
}

/// The plugin's id and version, as in its plugin.json.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Identity {
    pub id: String,
    /// Empty if unknown.
    pub version: String,
}

#[derive(Deserialize)]
struct Metadata {
    id: String,
    #[serde(default)]
    info: Info,
}

#[derive(Default, Deserialize)]
struct Info {
    #[serde(default)]
    version: String,
}

// === impl Files ===

impl Files {
    /// Grafana starts `<name>_<os>_<arch>`; the component is `<name>.wasm` beside it, for every system.
    pub(super) fn beside(executable: &Path) -> Self {
        let file = executable.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let name = file.strip_suffix(".exe").unwrap_or(&file);
        let mut parts: Vec<&str> = name.split('_').collect();
        if let [.., system, processor] = parts.as_slice()
            && ["darwin", "freebsd", "linux", "windows"].contains(system)
            && ["386", "amd64", "arm", "arm64"].contains(processor)
        {
            parts.truncate(parts.len() - 2);
        }
        let name = parts.join("_");
        Self {
            component: executable.with_file_name(format!("{name}.wasm")),
            metadata: executable.with_file_name("plugin.json"),
        }
    }

    /// Reads plugin.json.
    pub(super) fn identity(&self) -> Option<Identity> {
        Identity::parse(&std::fs::read(&self.metadata).ok()?)
    }
}

// === impl Identity ===

impl Identity {
    /// Reads the text of a plugin.json.
    pub(super) fn parse(text: &[u8]) -> Option<Self> {
        let Metadata { id, info } = serde_json::from_slice(text).ok()?;
        // Grafana treats the placeholders of an unbuilt plugin.json as empty.
        let version = if info.version.contains('%') { String::new() } else { info.version };
        Some(Self { id, version })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_component_serves_every_system() {
        for executable in
            ["gpx_x_y_linux_amd64", "gpx_x_y_darwin_arm64", "gpx_x_y_windows_amd64.exe", "gpx_x_y"]
        {
            let files = Files::beside(&Path::new("/plugins/x").join(executable));
            assert_eq!(files.component, Path::new("/plugins/x/gpx_x_y.wasm"), "{executable}");
            assert_eq!(files.metadata, Path::new("/plugins/x/plugin.json"));
        }
    }
}
