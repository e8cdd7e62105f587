//! The `mvrec` command.

fn main() -> std::process::ExitCode {
    mvrec::cli::main()
}
