//! The repository's own tasks, as `cargo xtask TASK`.

mod bench;
mod demo;
mod guests;
mod host;
mod lint;
mod package;
mod peer;
mod place;
mod step;
mod test;

use std::process::ExitCode;

const USAGE: &str = "\
usage: cargo xtask TASK

  demo              packages the example and shows a query's whole way through it
  test              builds everything and runs all tests
  lint              formatting and clippy, warnings denied
  guests            sets up the toolchain for components and builds them into target/guests/
  package EXAMPLE   makes target/plugins/EXAMPLE/ as Grafana loads it
  bench             measures the plugin beside its twin on the Go SDK

Options of guests: --sysroot builds std from Debian's packages even where rustup has the target.
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
        ["package", example] => package::package(example).map(drop),
        ["bench", options @ ..] => bench::bench(options),
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
