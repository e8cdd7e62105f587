//! Termination signals: remove unfinished outputs and exit, or request an orderly stop if one was
//! armed (`--save-on-interrupt`).

use std::sync::atomic::{AtomicU8, Ordering};

use crate::io::atomic;

/// Nobody waits: an interrupt ends the process.
const ENDS: u8 = 0;
/// Somebody waits for an interrupt.
const AWAITED: u8 = 1;
/// It came; the next one ends the process.
const CAME: u8 = 2;

static STATE: AtomicU8 = AtomicU8::new(ENDS);

/// From now on, the first interrupt does not end the process, and [`came`] tells of it.
pub(super) fn wait_for() {
    STATE.store(AWAITED, Ordering::Relaxed);
}

/// Whether an interrupt came that was waited for.
pub(super) fn came() -> bool {
    STATE.load(Ordering::Relaxed) == CAME
}

/// Whether an interrupt was waited for, and takes note of it.
fn is_awaited() -> bool {
    STATE.compare_exchange(AWAITED, CAME, Ordering::Relaxed, Ordering::Relaxed).is_ok()
}

/// Installs handlers of SIGINT, SIGTERM and SIGHUP, except for signals ignored at start (`nohup`).
#[cfg(unix)]
pub(super) fn listen() {
    use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
    use signal_hook::iterator::Signals;
    let ignored = ignored();
    let heeded = [SIGINT, SIGTERM, SIGHUP].into_iter().filter(|signal| !ignored.contains(signal));
    // Failing to listen leaves the default: the process still ends.
    let Ok(mut signals) = Signals::new(heeded) else { return };
    let listen = move || {
        for signal in &mut signals {
            if !is_awaited() {
                atomic::remove_unfinished();
                exit(128 + signal);
            }
        }
    };
    let _ = std::thread::Builder::new().name("signals".into()).spawn(listen);
}

/// Returns the signals that were ignored at process start; empty where `/proc` does not exist.
#[cfg(unix)]
fn ignored() -> Vec<i32> {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let mask = mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or(0);
    (1..=64).filter(|signal| mask >> (signal - 1) & 1 == 1).collect()
}

/// Ends the process without any destructors, as other threads are still at work.
#[cfg(unix)]
pub(super) fn exit(code: i32) -> ! {
    signal_hook::low_level::exit(code)
}

/// Ends the process.
#[cfg(not(unix))]
#[expect(clippy::exit, reason = "the only way to end the process from another thread")]
pub(super) fn exit(code: i32) -> ! {
    std::process::exit(code)
}

/// Begins to listen for Ctrl-C.
#[cfg(not(unix))]
pub(super) fn listen() {
    const BY_CTRL_C: i32 = 130;
    let _ = ctrlc::set_handler(|| {
        if !is_awaited() {
            atomic::remove_unfinished();
            exit(BY_CTRL_C);
        }
    });
}
