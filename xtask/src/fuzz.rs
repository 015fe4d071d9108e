//! Looks for inputs that break a property, with libFuzzer. The toolchain's own LLVM counts what the code
//! reaches, so that neither a nightly compiler nor a sanitizer's runtime is needed.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, bail};

use crate::{place, step};

/// How long a target runs, if nothing else is said.
const SECONDS: u32 = 600;

/// How long an input may be: what is kept is replayed by the unit tests, and lies in the repository.
const MAX_INPUT: &str = "-max_len=4096";

/// As cargo-fuzz has them on a stable toolchain: counters for each edge, and the operands of comparisons.
const COVERAGE: [&str; 6] = [
    "-Cpasses=sancov-module",
    "-Cllvm-args=-sanitizer-coverage-level=4",
    "-Cllvm-args=-sanitizer-coverage-inline-8bit-counters",
    "-Cllvm-args=-sanitizer-coverage-pc-table",
    "-Cllvm-args=-sanitizer-coverage-trace-compares",
    "-Ccodegen-units=1",
];

struct Options<'a> {
    target: &'a str,
    seconds: u32,
    /// Whether new inputs are added to those in the repository.
    keep: bool,
}

/// Where things are.
struct Places {
    executable: PathBuf,
    /// The inputs in the repository.
    kept: PathBuf,
    /// The inputs of all runs on this machine.
    found: PathBuf,
    /// Inputs that break a property.
    failures: PathBuf,
}

pub(crate) fn fuzz(words: &[&str]) -> Result<()> {
    let options = Options::of(words)?;
    let places = Places::of(options.target)?;
    step::step("the targets, with counters", build)?;
    if !places.kept.is_dir() {
        bail!("fuzz/corpus/{} does not exist; the targets are the folders in fuzz/corpus", options.target);
    }
    for folder in [&places.found, &places.failures] {
        std::fs::create_dir_all(folder).with_context(|| format!("cannot create {}", folder.display()))?;
    }
    let mut run = places.libfuzzer(options.target);
    run.arg(format!("-max_total_time={}", options.seconds)).args(["-timeout=10", "-print_final_stats=1"]);
    run.arg(format!("-artifact_prefix={}/{}-", places.failures.display(), options.target));
    run.args([&places.found, &places.kept]);
    step::step(options.target, || step::run(&mut run)).with_context(|| {
        format!("mend what the input in {} shows, and copy it into fuzz/corpus", places.failures.display())
    })?;
    if !options.keep {
        return Ok(());
    }
    step::step("what is new", || {
        // Edges only: an input for each count of a loop would make a thousand files.
        step::run(
            places
                .libfuzzer(options.target)
                .args(["-merge=1", "-use_counters=0"])
                .args([&places.kept, &places.found]),
        )
    })
}

fn build() -> Result<()> {
    let mut flags = place::without_places()?;
    flags.extend(COVERAGE.map(str::to_owned));
    let mut cargo = Command::new("cargo");
    cargo.current_dir(place::repository()?).args([
        "build",
        "--release",
        "--manifest-path",
        "fuzz/Cargo.toml",
    ]);
    // With a target, the flags do not apply to build scripts and macros.
    cargo.args(["--target", place::HOST_TARGET]).envs([place::flags(&flags)]);
    step::run(cargo.env("CARGO_TARGET_DIR", folder()?))
}

fn folder() -> Result<PathBuf> {
    Ok(place::target()?.join("fuzz"))
}

// === impl Options ===

impl<'a> Options<'a> {
    fn of(words: &[&'a str]) -> Result<Self> {
        let [target, rest @ ..] = words else { bail!("name a target, a folder in fuzz/corpus") };
        let mut options = Self { target, seconds: SECONDS, keep: false };
        let mut rest = rest.iter();
        while let Some(word) = rest.next() {
            match *word {
                "--keep" => options.keep = true,
                "--seconds" => {
                    let number = rest.next().and_then(|number| number.parse().ok());
                    options.seconds = number.context("--seconds needs a number")?;
                }
                word => bail!("fuzz does not know {word}"),
            }
        }
        Ok(options)
    }
}

// === impl Places ===

impl Places {
    fn of(target: &str) -> Result<Self> {
        let folder = folder()?;
        Ok(Self {
            executable: folder.join(place::HOST_TARGET).join("release/gpx-fuzz"),
            kept: place::repository()?.join("fuzz/corpus").join(target),
            found: folder.join("corpus").join(target),
            failures: folder.join("failures"),
        })
    }

    fn libfuzzer(&self, target: &str) -> Command {
        let mut command = Command::new(&self.executable);
        command.env("GPX_FUZZ_TARGET", target).arg(MAX_INPUT);
        command.current_dir(self.failures.parent().unwrap_or(Path::new(".")));
        command
    }
}
