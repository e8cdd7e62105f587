//! The state of an import, carried from one source of ratings to the next.

use std::ops::Range;

use crate::io::columns::{NO_TIME, RatingColumns};
use crate::io::error::IoError;
use crate::io::keys::Ids;
use crate::io::rejects::RejectedRows;
use crate::io::text::TextOptions;
use crate::io::time;
use crate::io::values::Scale;
use crate::progress::Progress;

/// How ratings are read, what their ids turned out to be, and the bad rows so far.
#[derive(Debug, Clone, Default)]
pub struct ImportState {
    /// What the user says of the files.
    pub options: TextOptions,
    /// Users.
    pub users: Ids,
    /// Movies.
    pub movies: Ids,
    /// Whether the last source had no ratings: each row counts as a rating of 1.
    pub unary: bool,
    /// Milliseconds of which ratings are wanted; what lies outside may come all the same.
    pub period: Option<Range<i64>>,
    /// Bad rows.
    pub rejects: RejectedRows,
}

impl ImportState {
    /// Returns the scale of a source without ratings, unless a given one contains 1.
    pub(crate) fn unary_scale(&self) -> Option<Scale> {
        let given = self.options.scale;
        let is_given = given != Scale::default() && given.contains(1.0);
        (self.unary && !is_given).then(Scale::unary)
    }
}

/// Takes ratings in parts, in the order of their source.
pub type Sink<'a> = &'a mut (dyn FnMut(RatingColumns) -> Result<(), IoError> + Send);

/// The first millisecond of 1971: before, nobody rated anything on the web.
const FIRST_CREDIBLE_MS: i64 = 31_536_000_000;

/// Returns the latest of a time and more times, or any credible one of them, after which no more
/// are checked.
#[must_use]
pub fn later(latest_ms: i64, times_ms: &[i64]) -> i64 {
    let mut latest = latest_ms;
    for &ms in times_ms {
        if latest >= FIRST_CREDIBLE_MS {
            break;
        }
        latest = latest.max(ms);
    }
    latest
}

/// Warns if no time is later than 1970.
pub fn warn_of_1970(file: &str, latest_ms: i64, progress: &dyn Progress) {
    if latest_ms != NO_TIME && latest_ms < FIRST_CREDIBLE_MS {
        let latest = time::format(latest_ms);
        progress.warn(&format!(
            "{file}: all times lie in 1970, the latest is {latest}: is it the right column, in seconds since 1970?"
        ));
    }
}
