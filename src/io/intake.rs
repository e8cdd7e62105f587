//! What is carried from one source of ratings to the next.

use std::ops::Range;

use crate::io::columns::RatingColumns;
use crate::io::error::IoError;
use crate::io::keys::Ids;
use crate::io::rejects::Rejects;
use crate::io::text::TextOptions;

/// How ratings are read, what their ids turned out to be, and the bad rows so far.
#[derive(Debug, Clone, Default)]
pub struct Intake {
    /// What the person says of the files.
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
    pub rejects: Rejects,
}

/// Takes ratings in parts, in the order of their source.
pub type Sink<'a> = &'a mut (dyn FnMut(RatingColumns) -> Result<(), IoError> + Send);
