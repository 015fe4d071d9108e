//! std for `wasm32-wasip2` where rustup does not have it: built once from Debian's rustc-web, rust-web-src and
//! wasi-libc, into `target/guest-sysroot/KEY`. With the key in the path, a different std is a different flag to cargo.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, ensure};

use crate::place::{self, GUEST_TARGET, HOST_TARGET};
use crate::step;

/// Debian's compiler: std must be built by the compiler that its source belongs to.
pub(super) const RUSTC: &str = "/usr/bin/rustc";
const SOURCE: &str = "/usr/lib/rustlib/src/rust/library";
const LIBC: &str = "/usr/lib/wasm32-wasi";
/// What std refers to and Debian's wasi-libc of 2022 lacks.
const MISSING: &str = include_str!("sysroot/missing.rs");

/// Returns the sysroot, which is built first if it does not exist.
pub(super) fn ready() -> Result<PathBuf> {
    if !packages_installed() {
        step::step("Debian's packages rustc-web, rust-web-src, wasi-libc", install)?;
    }
    let sysroot = folder()?.join(key()?);
    if !sysroot.join("done").exists() {
        step::step("std for components (once)", || build(&sysroot))?;
    }
    Ok(sysroot)
}

/// Whether a sysroot was built here before.
pub(super) fn built() -> bool {
    let Ok(entries) = folder().and_then(|folder| Ok(folder.read_dir()?)) else { return false };
    entries.flatten().any(|entry| entry.path().join("done").exists())
}

fn folder() -> Result<PathBuf> {
    Ok(place::target()?.join("guest-sysroot"))
}

fn packages_installed() -> bool {
    [RUSTC.to_owned(), SOURCE.to_owned(), format!("{LIBC}/libc.a")]
        .iter()
        .all(|path| Path::new(path).exists())
}

fn install() -> Result<()> {
    const BY_HAND: &str = "components need std for wasm32-wasip2: run `rustup target add wasm32-wasip2`, or as root \
                           `apt-get install rustc-web rust-web-src wasi-libc`, then run this task again";
    step::run(Command::new("apt-get").args(["update", "-qq"])).context(BY_HAND)?;
    let mut install = Command::new("apt-get");
    install.args([
        "install",
        "-y",
        "-qq",
        "--no-install-recommends",
        "rustc-web",
        "rust-web-src",
        "wasi-libc",
    ]);
    step::run(install.env("DEBIAN_FRONTEND", "noninteractive")).context(BY_HAND)?;
    ensure!(packages_installed(), "{BY_HAND}");
    Ok(())
}

fn key() -> Result<String> {
    let mut hasher = DefaultHasher::new();
    step::output(Command::new(RUSTC).arg("-vV"))?.hash(&mut hasher);
    let libc = std::fs::metadata(format!("{LIBC}/libc.a"))?;
    (libc.len(), libc.modified()?, MISSING).hash(&mut hasher);
    Ok(format!("{:016x}", hasher.finish()))
}

fn build(sysroot: &Path) -> Result<()> {
    let _ = std::fs::remove_dir_all(folder()?);
    let work = folder()?.join("work");
    std::fs::create_dir_all(work.join("src"))?;
    let libraries = sysroot.join("lib/rustlib").join(GUEST_TARGET).join("lib");
    let tools = sysroot.join("lib/rustlib").join(HOST_TARGET).join("bin");
    std::fs::create_dir_all(libraries.join("self-contained"))?;
    std::fs::create_dir_all(&tools)?;

    build_std(&work, &libraries)?;
    for file in ["crt1-reactor.o", "crt1-command.o", "libc.a"] {
        std::fs::copy(Path::new(LIBC).join(file), libraries.join("self-contained").join(file))?;
    }
    link_tools(sysroot, &tools)?;
    add_missing(&work, sysroot, &libraries.join("self-contained/libc.a"))?;
    std::fs::remove_dir_all(&work)?;
    std::fs::write(sysroot.join("done"), "")?;
    Ok(())
}

/// Cargo's own way to build std, with an empty crate in front of it.
fn build_std(work: &Path, libraries: &Path) -> Result<()> {
    // A workspace of its own, because its folder is inside the repository's.
    let manifest = "[package]\nname = \"std-probe\"\nversion = \"0.0.0\"\nedition = \"2021\"\n[workspace]\n";
    std::fs::write(work.join("Cargo.toml"), manifest)?;
    std::fs::write(work.join("src/lib.rs"), "")?;
    let mut cargo = Command::new("cargo");
    cargo.current_dir(work).args([
        "build",
        "--release",
        "--target",
        GUEST_TARGET,
        "-Zbuild-std=std,panic_abort",
    ]);
    cargo.arg("--target-dir").arg(work.join("target"));
    // -Zbuild-std is cargo's unstable flag; Debian's compiler is a stable one.
    cargo.envs([("RUSTC_BOOTSTRAP", "1"), ("RUSTC", RUSTC)]).env_remove("CARGO_BUILD_TARGET");
    let mut flags = place::without_places()?;
    flags.extend(["-Cembed-bitcode=yes".to_owned(), place::without(Path::new(SOURCE), "library")]);
    cargo.envs([place::flags(&flags)]);
    step::run(&mut cargo)?;
    for entry in work.join("target").join(GUEST_TARGET).join("release/deps").read_dir()? {
        let path = entry?.path();
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        if name.starts_with("lib") && name.ends_with(".rlib") && !name.starts_with("libstd_probe") {
            std::fs::copy(&path, libraries.join(name))?;
        }
    }
    Ok(())
}

/// rustup's linkers for components, which Debian's compiler lacks, beside Debian's libraries for build scripts.
fn link_tools(sysroot: &Path, tools: &Path) -> Result<()> {
    let rustup = step::output(Command::new("rustc").args(["--print", "sysroot"]))?;
    let from = Path::new(&rustup).join("lib/rustlib").join(HOST_TARGET).join("bin");
    for tool in ["rust-lld", "wasm-component-ld", "gcc-ld"] {
        symlink(from.join(tool), tools.join(tool))?;
    }
    symlink("gcc-ld/wasm-ld", tools.join("wasm-ld"))?;
    let libraries = Path::new("lib/rustlib").join(HOST_TARGET).join("lib");
    symlink(Path::new("/usr").join(&libraries), sysroot.join(&libraries))?;
    Ok(())
}

fn add_missing(work: &Path, sysroot: &Path, libc: &Path) -> Result<()> {
    let (source, object) = (work.join("missing.rs"), work.join("missing.o"));
    std::fs::write(&source, MISSING)?;
    let mut rustc = Command::new(RUSTC);
    rustc.args([
        "--edition",
        "2024",
        "--target",
        GUEST_TARGET,
        "--crate-type",
        "lib",
        "--emit",
        "obj",
        "-O",
        "--sysroot",
    ]);
    rustc.arg(sysroot).arg(&source).arg("-o").arg(&object);
    step::run(&mut rustc)?;
    step::run(Command::new("ar").arg("rcs").arg(libc).arg(&object))
}
