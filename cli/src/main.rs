//! `gpx`: what the author of a plugin types, from an empty folder to a package.
//!
//! A module for each command, with its arguments first and what it does below them.

mod add_backend;
mod build;
mod check;
mod completions;
mod component;
mod csv;
mod dev;
mod doctor;
mod folder;
mod health;
mod host;
mod inspect;
mod man;
mod moment;
mod new;
mod package;
mod plugin;
mod project;
mod query;
mod resource;
mod run;
mod source;
mod stream;
mod table;
mod terminal;
mod trace;

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
    AddBackend(add_backend::Arguments),
    Build(build::Arguments),
    Check(check::Arguments),
    Completions(completions::Arguments),
    Dev(dev::Arguments),
    Doctor(doctor::Arguments),
    Health(health::Arguments),
    Inspect(inspect::Arguments),
    Man(man::Arguments),
    New(new::Arguments),
    Package(package::Arguments),
    Resource(resource::Arguments),
    Run(run::Arguments),
    Stream(stream::Arguments),
}

fn main() -> ExitCode {
    let Arguments { command } = Arguments::parse();
    match run(command) {
        Ok(()) => ExitCode::SUCCESS,
        // As a shell says that a command ended by Ctrl-C.
        Err(error) if error.is::<plugin::Interrupted>() => ExitCode::from(130),
        Err(error) => {
            terminal::tell(format_args!("error: {error:#}"));
            ExitCode::FAILURE
        }
    }
}

fn run(command: Command) -> Result<()> {
    match command {
        Command::AddBackend(arguments) => add_backend::add_backend(&arguments),
        Command::Build(arguments) => build::build(&arguments),
        Command::Check(arguments) => check::check(&arguments),
        Command::Completions(arguments) => completions::completions(&arguments),
        Command::Dev(arguments) => dev::dev(&arguments),
        Command::Doctor(arguments) => doctor::doctor(&arguments),
        Command::Health(arguments) => health::health(&arguments),
        Command::Inspect(arguments) => inspect::inspect(&arguments),
        Command::Man(arguments) => man::man(&arguments),
        Command::New(arguments) => new::new(&arguments),
        Command::Package(arguments) => package::package(&arguments),
        Command::Resource(arguments) => resource::resource(&arguments),
        Command::Run(arguments) => run::run(arguments),
        Command::Stream(arguments) => stream::stream(&arguments),
    }
}
