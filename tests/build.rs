//! Compiles the protocol's client side with protox: the harness calls a plugin as Grafana does, and shares no code with
//! the host that it tests. Makes modules of the documents' snippets, too.

#[path = "snippets/modules.rs"]
mod snippets;

use std::path::Path;

fn main() -> anyhow::Result<()> {
    let folder = "../proto";
    println!("cargo:rerun-if-changed={folder}");
    let descriptors = protox::compile(["pluginv2.proto", "go_plugin.proto"], [folder])?;
    tonic_prost_build::configure().build_server(false).bytes(".pluginv2").compile_fds(descriptors)?;
    snippets::write(Path::new(&std::env::var("OUT_DIR")?))
}
