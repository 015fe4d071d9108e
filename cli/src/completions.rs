//! What a shell completes.

use anyhow::Result;
use clap::CommandFactory as _;
use clap_complete::Shell;

/// Print what completes gpx's commands in a shell.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    #[arg(value_enum)]
    shell: Shell,
}

pub(crate) fn completions(arguments: &Arguments) -> Result<()> {
    let mut script = Vec::new();
    clap_complete::generate(arguments.shell, &mut crate::Arguments::command(), "gpx", &mut script);
    Ok(std::io::Write::write_all(&mut std::io::stdout(), &script)?)
}
