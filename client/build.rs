//! Compiles the protocol's client side with protox, so that building needs no protoc.

fn main() -> anyhow::Result<()> {
    let folder = "../proto";
    println!("cargo:rerun-if-changed={folder}");
    let descriptors = protox::compile(["pluginv2.proto", "go_plugin.proto"], [folder])?;
    tonic_prost_build::configure().build_server(false).bytes(".pluginv2").compile_fds(descriptors)?;
    Ok(())
}
