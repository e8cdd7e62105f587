//! Ctrl-C: ends the process and leaves no half output, or where somebody waits for it, ends the work at the next
//! good place.

use std::sync::atomic::{AtomicU8, Ordering};

use crate::io::atomic;

/// Nobody waits: an interrupt ends the process.
const ENDS: u8 = 0;
/// Somebody waits for an interrupt.
const AWAITED: u8 = 1;
/// It came; the next one ends the process.
const CAME: u8 = 2;

static STATE: AtomicU8 = AtomicU8::new(ENDS);

/// Begins to listen.
pub(super) fn listen() {
    // Failing to set a handler leaves the default one: the process still ends.
    let _ = ctrlc::set_handler(interrupted);
}

/// From now on, the first interrupt does not end the process, and [`came`] tells of it.
pub(super) fn wait_for() {
    STATE.store(AWAITED, Ordering::Relaxed);
}

/// Tells whether an interrupt came that was waited for.
pub(super) fn came() -> bool {
    STATE.load(Ordering::Relaxed) == CAME
}

#[expect(clippy::exit, reason = "the only way to end the process from the handler's thread")]
fn interrupted() {
    const BY_SIGINT: i32 = 128 + 2;
    if STATE.compare_exchange(AWAITED, CAME, Ordering::Relaxed, Ordering::Relaxed).is_err() {
        atomic::remove_unfinished();
        std::process::exit(BY_SIGINT);
    }
}
