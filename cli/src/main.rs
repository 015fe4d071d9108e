//! `gpx`: what the author of a plugin types, from an empty folder to a package.
//!
//! A module for each command, with its arguments first and what it does below them.

mod completions;
mod man;

use std::process::ExitCode;

use anyhow::Result;
use clap::{Parser, Subcommand};

/// From an empty folder to a Grafana plugin whose back end is a WebAssembly component.
#[derive(Parser)]
#[command(name = "gpx", version)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Completions(completions::Arguments),
    Man(man::Arguments),
}

fn main() -> ExitCode {
    let Arguments { command } = Arguments::parse();
    match run(command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(command: Command) -> Result<()> {
    match command {
        Command::Completions(arguments) => completions::completions(&arguments),
        Command::Man(arguments) => man::man(&arguments),
    }
}
