//! The command line: arguments, one file per subcommand, what is printed, and exit codes.

mod args;
mod completions;
mod error;
mod evaluate;
mod filter;
mod help;
mod info;
mod ingest;
mod interrupt;
mod memory;
mod output;
mod recommend;
mod search;
mod split;
mod stats;
mod train;
mod tune;
mod ui;

use std::io::{self, Write};
use std::process::ExitCode;

use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};

use crate::cli::args::{GivenOptions, GlobalArgs};
use crate::cli::error::{ErrorReport, Result, usage};
use crate::cli::memory::Memory;
pub use crate::cli::memory::out_of_memory;
pub use crate::cli::output::look_for_stdout;
use crate::cli::ui::Ui;
use crate::io::{IoError, atomic, parquet};
use crate::linalg::simd;

/// Turn rating data into recommendations
///
/// Commands read and write Parquet, so that they can be piped: each takes a dataset directory, a
/// ratings file or stdin, and writes to -o or stdout.
#[derive(Debug, Parser)]
#[command(
    name = "mvrec",
    version,
    disable_help_subcommand = true,
    after_help = "Topics: mvrec help formats|expressions|metrics|models|exit-codes",
    after_long_help = "Examples:
  mvrec ingest ml-latest-small -o ml
  mvrec filter --year 2018 ml | mvrec train als --movies ml -o als
  mvrec recommend als --rate \"Spirited Away=5\" --rate \"Twilight=1\"

Topics: mvrec help formats|expressions|metrics|models|exit-codes"
)]
struct Cli {
    #[command(subcommand)]
    command: Command,
    #[command(flatten)]
    global: GlobalArgs,
}

#[derive(Debug, Subcommand)]
enum Command {
    Ingest(ingest::IngestArgs),
    Filter(filter::FilterArgs),
    Split(split::SplitArgs),
    Train(train::TrainArgs),
    Tune(Box<tune::TuneArgs>),
    Recommend(recommend::RecommendArgs),
    Search(search::SearchArgs),
    Evaluate(evaluate::EvaluateArgs),
    Stats(stats::StatsArgs),
    Info(info::InfoArgs),
    Completions(completions::CompletionsArgs),
    Man(completions::ManArgs),
    Help(help::HelpArgs),
}

/// Runs the program on the arguments of the process and returns its exit code.
#[must_use]
pub fn main() -> ExitCode {
    let matches = Cli::command().try_get_matches();
    let parsed = matches.and_then(|matches| {
        let cli = Cli::from_arg_matches(&matches);
        Ok((cli.map_err(|told| told.format(&mut Cli::command()))?, GivenOptions::new(&matches)))
    });
    let (cli, given) = match parsed {
        Ok(parsed) => parsed,
        Err(told) => return answer(&told),
    };
    interrupt::listen();
    parquet::suppress_caught_panics();
    match run(cli, &given) {
        Ok(()) => ExitCode::SUCCESS,
        // Whoever reads the output has seen enough: that is no error.
        Err(_) if output::pipe_was_closed() => ExitCode::SUCCESS,
        Err(error) => report(&error::tell(&error)),
    }
}

/// Prints help, version or a usage error, and returns its exit code.
fn answer(told: &clap::Error) -> ExitCode {
    let to_stdout = !told.use_stderr();
    let open = if to_stdout { output::check_open() } else { Ok(()) };
    let printed = open.and_then(|()| told.print()).and_then(|()| io::stdout().flush());
    match printed {
        Err(error) if to_stdout && error.kind() != io::ErrorKind::BrokenPipe => {
            report(&error::tell(&IoError::named(output::STDOUT.into())(error).into()))
        }
        _ => ExitCode::from(told.exit_code() as u8),
    }
}

fn report(told: &ErrorReport) -> ExitCode {
    output::talk(&format!("mvrec: error: {}", told.message));
    if let Some(hint) = told.hint {
        output::talk(&format!("mvrec: hint: {hint}"));
    }
    ExitCode::from(told.code)
}

fn run(cli: Cli, given: &GivenOptions) -> Result<()> {
    if cli.global.max_memory.is_some_and(|limit| !limit.is_possible_limit()) {
        return Err(usage("--max-memory must be 16M or more: mvrec itself takes about 12M"));
    }
    let ui = Ui::new(cli.global.quiet, cli.global.verbose, Memory::new(cli.global.max_memory));
    if let Some(n) = cli.global.threads {
        if n == 0 {
            return Err(usage("--threads must be 1 or more"));
        }
        rayon::ThreadPoolBuilder::new().num_threads(n).build_global()?;
    }
    simd::requested_instruction_set().map_err(usage)?;
    ui.memory.watch();
    atomic::set_sync(!cli.global.no_sync);
    match cli.command {
        Command::Ingest(args) => ingest::run(&args, &ui),
        Command::Filter(args) => filter::run(&args, &ui),
        Command::Split(args) => split::run(&args, &ui),
        Command::Train(args) => train::run(&args, given, &ui),
        Command::Tune(args) => tune::run(&args, &ui),
        Command::Recommend(args) => recommend::run(&args, &ui),
        Command::Search(args) => search::run(&args, &ui),
        Command::Evaluate(args) => evaluate::run(&args, &ui),
        Command::Stats(args) => stats::run(&args, &ui),
        Command::Info(args) => info::run(&args, &ui),
        Command::Completions(args) => completions::run_completions(&args, Cli::command()),
        Command::Man(args) => completions::run_man(&args, Cli::command()),
        Command::Help(args) => help::run(&args, Cli::command()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_well_formed() {
        Cli::command().debug_assert();
    }
}
