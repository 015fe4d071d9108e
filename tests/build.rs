//! Makes modules of the documents' snippets.

#[path = "snippets/modules.rs"]
mod snippets;

use std::path::Path;

fn main() -> anyhow::Result<()> {
    snippets::write(Path::new(&std::env::var("OUT_DIR")?))
}
