//! Gives the component a small stack. Every instance has one, and its whole size counts towards the host's memory limits.

/// Bytes. A call that needs more fails with "out of bounds memory access": raise it if your code recurses deeply, or keeps
/// large arrays in local variables.
const STACK: usize = 256 << 10;

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    // Only for the component: tests run natively.
    if std::env::var("CARGO_CFG_TARGET_ARCH").is_ok_and(|arch| arch == "wasm32") {
        println!("cargo:rustc-link-arg-cdylib=-zstack-size={STACK}");
    }
}
