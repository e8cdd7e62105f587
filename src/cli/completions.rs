//! `mvrec completions` and `mvrec man`: what a shell and `man` want to know, made from the
//! definitions of the arguments.

use std::fs;
use std::path::PathBuf;

use clap::{Args, Command};
use clap_complete::Shell;

use crate::cli::error::Result;
use crate::cli::help::topic_pages;
use crate::cli::output::print;
use crate::io::IoError;

/// Print a script that completes commands and options in a shell
#[derive(Debug, Args)]
#[command(after_long_help = "Examples:
  mvrec completions bash > ~/.local/share/bash-completion/completions/mvrec
  mvrec completions zsh > ~/.zfunc/_mvrec
  mvrec completions fish > ~/.config/fish/completions/mvrec.fish")]
pub(crate) struct CompletionsArgs {
    /// The shell
    #[arg(value_enum, value_name = "SHELL")]
    shell: Shell,
}

pub(crate) fn run_completions(args: &CompletionsArgs, mut command: Command) -> Result<()> {
    let name = command.get_name().to_string();
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut command, name, &mut script);
    print(&script)
}

/// Print the manual page, or write one for each command
#[derive(Debug, Args)]
#[command(after_long_help = "Examples:
  mvrec man | man -l -
  mvrec man -o ~/.local/share/man/man1")]
pub(crate) struct ManArgs {
    /// Folder to write mvrec.1, mvrec-ingest.1 and so on to, and a page of section 7 for each topic
    #[arg(short, long, value_name = "DIR")]
    output: Option<PathBuf>,
}

pub(crate) fn run_man(args: &ManArgs, command: Command) -> Result<()> {
    let Some(folder) = &args.output else {
        let mut page = Vec::new();
        clap_mangen::Man::new(command).render(&mut page)?;
        return print(&page);
    };
    fs::create_dir_all(folder).map_err(IoError::at(folder))?;
    clap_mangen::generate_to(command, folder).map_err(IoError::at(folder))?;
    for (name, page) in topic_pages() {
        let path = folder.join(name);
        fs::write(&path, page).map_err(IoError::at(&path))?;
    }
    Ok(())
}
