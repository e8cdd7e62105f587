//! The `mvrec` command.

/// Row groups and blocks of lines come and go by the megabyte; the system's allocator gives each back to the kernel
/// and fetches it anew, which cost a fifth of the time of `filter`. Huge pages are left out (`no_thp`): they took twice the
/// memory for no time.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> std::process::ExitCode {
    mvrec::cli::main()
}
