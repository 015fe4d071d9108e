//! Compiles the Rust snippets of README.md, docs/how-to.md, docs/plugin-authors.md and docs/tracing.md against the SDK. `modules.rs` says how they become
//! modules; the build script runs it. Nothing of them is run.

use gpx_sdk::*;

#[allow(unused, reason = "snippets show how something is called, and do nothing with it")]
mod readme {
    use super::*;
    include!(concat!(env!("OUT_DIR"), "/readme.rs"));
}

#[allow(unused, reason = "snippets show how something is called, and do nothing with it")]
mod how_to {
    use super::*;
    include!(concat!(env!("OUT_DIR"), "/how_to.rs"));
}

#[allow(unused, reason = "snippets show how something is called, and do nothing with it")]
mod plugin_authors {
    use super::*;
    include!(concat!(env!("OUT_DIR"), "/plugin_authors.rs"));
}

#[allow(unused, reason = "snippets show how something is called, and do nothing with it")]
mod tracing {
    use super::*;
    include!(concat!(env!("OUT_DIR"), "/tracing.rs"));
}

/// The README's plugin, to which the fragments of docs/plugin-authors.md belong.
struct Prices {
    url: String,
}

#[derive(serde::Deserialize)]
struct Model {
    symbol: String,
}

impl Plugin for Prices {
    fn open(settings: Settings) -> Result<Self> {
        Ok(Self { url: settings.url().to_owned() })
    }
}

#[test]
fn every_snippet_is_compiled() {
    let documents = [
        ("README.md", include_str!("../../README.md"), include_str!(concat!(env!("OUT_DIR"), "/readme.rs"))),
        (
            "docs/how-to.md",
            include_str!("../../docs/how-to.md"),
            include_str!(concat!(env!("OUT_DIR"), "/how_to.rs")),
        ),
        (
            "docs/plugin-authors.md",
            include_str!("../../docs/plugin-authors.md"),
            include_str!(concat!(env!("OUT_DIR"), "/plugin_authors.rs")),
        ),
        (
            "docs/tracing.md",
            include_str!("../../docs/tracing.md"),
            include_str!(concat!(env!("OUT_DIR"), "/tracing.rs")),
        ),
    ];
    for (document, text, modules) in documents {
        let snippets = text.lines().zip(1..).filter(|(line, _)| line.trim_start().starts_with("```rust"));
        let lines: Vec<u32> = snippets.map(|(_, line)| line).collect();
        assert!(!lines.is_empty(), "{document} has no snippet");
        for line in lines {
            assert!(
                modules.contains(&format!("\nmod line_{line} ")),
                "{document}:{line}: this snippet is not compiled; it must begin with ```rust at the start of a line, \
                 and end with ```"
            );
        }
    }
}
