//! `mercer completions`: what a shell needs to complete Mercer's commands and options.

use std::process::ExitCode;

use clap::{Command, Parser};
use clap_complete::Shell;

/// Print completions for a shell.
#[derive(Parser)]
#[command(after_help = "\
bash   mercer completions bash > ~/.local/share/bash-completion/completions/mercer
zsh    mercer completions zsh > \"${fpath[1]}/_mercer\"
fish   mercer completions fish > ~/.config/fish/completions/mercer.fish")]
pub(crate) struct Args {
    /// The shell.
    shell: Shell,
}

/// Prints.
pub(crate) fn run(args: &Args, mut program: Command) -> ExitCode {
    let name = program.get_name().to_owned();
    clap_complete::generate(args.shell, &mut program, name, &mut std::io::stdout());
    ExitCode::SUCCESS
}
