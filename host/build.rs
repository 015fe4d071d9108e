//! Compiles the protocol files with protox, so that building needs no protoc, and keeps their descriptors for
//! reflection.
#![expect(
    clippy::disallowed_macros,
    clippy::disallowed_methods,
    reason = "cargo and a build script talk by the environment and standard output"
)]

use std::path::PathBuf;

use prost::Message as _;

fn main() -> anyhow::Result<()> {
    let folder = "../proto";
    println!("cargo:rerun-if-changed={folder}");
    let files = ["pluginv2.proto", "go_plugin.proto"];
    let descriptors = protox::compile(files, [folder])?;
    let out = PathBuf::from(std::env::var("OUT_DIR")?);
    std::fs::write(out.join("descriptors.bin"), descriptors.encode_to_vec())?;
    // Bodies and frames can be large: `Bytes` hands them on without a copy.
    let codec = "crate::proto::codec::MessageCodec";
    tonic_prost_build::configure().bytes(".pluginv2").codec_path(codec).compile_fds(descriptors)?;
    Ok(())
}
