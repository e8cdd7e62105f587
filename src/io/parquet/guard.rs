//! Panics of the Parquet library on corrupt pages, as errors.
//!
//! It trusts some lengths within a page, so that a flipped bit can make it look beyond the end.
//! Such a panic is caught where the pages of a file are decoded.

use std::cell::Cell;
use std::panic::{self, AssertUnwindSafe};

use parquet::errors::ParquetError;

use crate::io::error::IoError;
use crate::io::parquet::page::corrupt;
use crate::io::parquet::read::ParquetFile;

thread_local! {
    static GUARDS: Cell<bool> = const { Cell::new(false) };
}

/// Silences panics that are converted to errors; all others are reported as before.
pub fn suppress_caught_panics() {
    let tell = panic::take_hook();
    panic::set_hook(Box::new(move |panic| {
        if !GUARDS.get() {
            tell(panic);
        }
    }));
}

impl ParquetFile {
    /// Decodes pages by the library; nothing of what `decode` changes may be used after an error.
    ///
    /// The guard is that of this thread: what is decoded by many needs one on each.
    pub(super) fn guarded<T>(
        &self,
        decode: impl FnOnce() -> Result<T, IoError>,
    ) -> Result<T, IoError> {
        guarded(decode, || self.corrupt()(contradiction()))
    }
}

/// What is said of a panic.
pub(super) fn contradiction() -> ParquetError {
    corrupt("it contradicts itself")
}

/// Runs what may panic on a corrupt file; a panic becomes the error that `error` makes.
pub(super) fn guarded<T, E>(
    decode: impl FnOnce() -> Result<T, E>,
    error: impl FnOnce() -> E,
) -> Result<T, E> {
    let before = GUARDS.replace(true);
    let decoded = panic::catch_unwind(AssertUnwindSafe(decode));
    GUARDS.set(before);
    decoded.unwrap_or_else(|_| Err(error()))
}
