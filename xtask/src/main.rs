//! The repository's own tasks, as `cargo xtask TASK`.

mod artifacts;
mod bench;
mod chaos;
mod collector;
mod demo;
mod deny;
mod frontend;
mod fuzz;
mod guests;
mod host;
mod javascript;
mod lint;
mod native;
mod npm;
mod package;
mod peer;
mod place;
mod profile;
mod servers;
mod step;
mod test;
mod tools;

use std::process::ExitCode;

use self::profile::Profile;

const USAGE: &str = "\
usage: cargo xtask TASK

  demo              packages the example and follows a query all the way through it
  test              builds everything and runs all tests on the executable that users run
  test --quick      the contributor's loop: the same tests on an executable that builds minutes faster
  lint              formatting, clippy with warnings denied, and cargo-deny for the dependencies
  guests            sets up the toolchain for components and builds them into target/guests/
  servers           finds the servers of tests/servers, or unpacks them into target/servers/
  tools             builds gpx, the author's tool, and gpx-host, into target/tools-quick/ for a first look;
                    with --release, into target/tools/ for real use
  package EXAMPLE   assembles target/plugins/EXAMPLE/ for Grafana to load, for a first look;
                    with --release, for real use: small and fast, but it takes minutes to build
  bench             measures the plugin against its twin on the Go SDK
  fuzz TARGET       looks for inputs that break a property, for ten minutes
  chaos             attacks a plugin for five minutes, and checks its answers to others and its memory

Options of guests: --sysroot builds std from Debian's packages even where rustup has the target.
Further arguments of test go to the tests (names to select, --nocapture), those of bench to the benchmark (--quick; --growth
draws the plots of docs/performance.md),
those of chaos to it (--seconds N, for less than five minutes). Options of fuzz: --seconds N; --keep adds new inputs to
fuzz/corpus/TARGET.
";

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let done = match words.as_slice() {
        ["demo"] => demo::demo(),
        ["test", filter @ ..] => test::test(filter),
        ["lint"] => lint::lint(),
        ["guests"] => guests::guests(guests::Std::Any).map(drop),
        ["guests", "--sysroot"] => guests::guests(guests::Std::Debian).map(drop),
        ["servers"] => servers::servers().map(drop),
        ["tools"] => tools::tools(Profile::Quick),
        ["tools", "--release"] => tools::tools(Profile::Release),
        ["package", example] => package::package(example, Profile::Quick).map(drop),
        ["package", example, "--release"] => package::package(example, Profile::Release).map(drop),
        ["bench", options @ ..] => bench::bench(options),
        ["chaos", options @ ..] => chaos::chaos(options),
        ["fuzz", options @ ..] => fuzz::fuzz(options),
        [] | ["help" | "--help" | "-h"] => {
            print!("{USAGE}");
            return ExitCode::SUCCESS;
        }
        _ => {
            eprint!("{USAGE}");
            return ExitCode::from(2);
        }
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
