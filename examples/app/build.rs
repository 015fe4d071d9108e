//! Gives the component a small stack. Every instance has one, and its whole size counts towards `gpx_memory_max` and
//! `gpx_memory_total`. Rust's default is 1 MiB.

/// Bytes. A call that needs more traps with "out of bounds memory access": raise it if your code recurses deeply, or keeps
/// large arrays in local variables.
const STACK: usize = 256 << 10;

fn main() {
    println!("cargo:rerun-if-env-changed=CARGO_CFG_TARGET_ARCH");
    // Only for the component: tests run natively.
    if std::env::var("CARGO_CFG_TARGET_ARCH").is_ok_and(|arch| arch == "wasm32") {
        println!("cargo:rustc-link-arg-cdylib=-zstack-size={STACK}");
    }
}
