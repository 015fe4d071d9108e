//! Makes Rust of the documents' snippets, for `main.rs` to compile: a module for each. Hidden lines, as rustdoc has them,
//! are not possible, since GitHub shows them.
//!
//! A snippet is the whole module, unless a comment directly before it says in what it stands, in place of the `@`:
//!
//! ```markdown
//! <!-- compiled in: fn f(sql: &str) -> Result<()> { @ Ok(()) } -->
//! ```

use std::path::Path;

use anyhow::{Context, Result};

/// The files to make, and what they are made of.
const DOCUMENTS: [(&str, &str); 4] = [
    ("readme.rs", "README.md"),
    ("how_to.rs", "docs/how-to.md"),
    ("plugin_authors.rs", "docs/plugin-authors.md"),
    ("tracing.rs", "docs/tracing.md"),
];

pub(crate) fn write(folder: &Path) -> Result<()> {
    for (name, document) in DOCUMENTS {
        let path = Path::new("..").join(document);
        println!("cargo:rerun-if-changed={}", path.display());
        let text = std::fs::read_to_string(path).with_context(|| format!("cannot read {document}"))?;
        std::fs::write(folder.join(name), modules(document, &text)?)?;
    }
    Ok(())
}

/// Each line of a snippet keeps its number, so that a message of the compiler's tells the line of the document.
fn modules(document: &str, text: &str) -> Result<String> {
    let (mut code, mut rest) = (String::new(), text);
    while let Some((prose, snippet)) = rest.split_once("\n```rust\n") {
        let line = newlines(text.strip_suffix(snippet).unwrap_or(text)).len();
        let (snippet, after) = snippet
            .split_once("\n```\n")
            .with_context(|| format!("{document}:{line}: the snippet has no end"))?;
        let (prose, context) = context(prose).unwrap_or((prose, "@"));
        let (before, behind) = context.split_once('@').with_context(|| {
            format!("{document}:{line}: `compiled in` lacks an `@` where the snippet stands")
        })?;
        let (skipped, shift, behind) = (newlines(prose), newlines(behind), behind.replace('\n', " "));
        code +=
            &format!("{skipped}mod line_{line} {{ use super::*; {before}{shift}\n\n{snippet}\n{behind} }}\n");
        rest = after;
    }
    Ok(code)
}

/// Returns what is before the comment that `prose` ends with, and the context that the comment gives.
fn context(prose: &str) -> Option<(&str, &str)> {
    let (prose, comment) = prose.rsplit_once("<!-- compiled in:")?;
    Some((prose, comment.strip_suffix("-->")?))
}

fn newlines(text: &str) -> String {
    text.chars().filter(|character| *character == '\n').collect()
}
