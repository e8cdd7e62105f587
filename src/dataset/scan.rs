//! Single-pass scans of ratings: by row group, of which only the projection is decoded, if they
//! come from a native file; in memory otherwise.

use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use rayon::prelude::*;

use crate::dataset::error::DatasetError;
use crate::dataset::movies::Movies;
use crate::dataset::ratings::Ratings;
use crate::dataset::sidecar::{DatasetMetadata, read_user_keys};
use crate::io::keys::Keys;
use crate::io::parquet::{GROUP_ROWS, ParquetFile, RatingGroups, RowMemory};
use crate::io::scan::{RowConsumer, SelectedRows};
use crate::io::values::Scale;
use crate::progress::Progress;

/// Aggregates the rows of a scan.
pub trait Aggregator: RowConsumer + Send {
    /// Merges the aggregate of the rows that come after these.
    fn merge(&mut self, later: Self);
}

/// Ratings in order, by user and then movie, each pair once, that passes can be made over.
pub struct RatingScan {
    /// Directory in which there is more than the ratings.
    folder: Option<PathBuf>,
    sidecar: DatasetMetadata,
    /// Rows that repeated a pair of user and movie.
    pub duplicates: usize,
    body: ScanBody,
}

pub(super) enum ScanBody {
    File(ParquetFile, Scale),
    Memory(Ratings),
}

impl From<Ratings> for RatingScan {
    fn from(ratings: Ratings) -> Self {
        Self::new(None, DatasetMetadata::default(), 0, ScanBody::Memory(ratings))
    }
}

/// Row groups or blocks of rows, one of which is read at a time.
enum RatingBlocks<'a> {
    File(RatingGroups<'a>),
    Memory(&'a Ratings),
}

impl RatingBlocks<'_> {
    fn len(&self) -> usize {
        match self {
            Self::File(groups) => groups.len(),
            Self::Memory(ratings) => ratings.len().div_ceil(GROUP_ROWS),
        }
    }

    /// Feeds a block to an aggregator; returns its number of rows.
    fn feed(
        &self,
        aggregator: &mut impl Aggregator,
        block: usize,
        memory: &mut RowMemory,
    ) -> Result<usize, DatasetError> {
        match self {
            Self::File(groups) => {
                groups.feed(block, aggregator, memory)?;
                Ok(groups.rows(block))
            }
            Self::Memory(ratings) => {
                let start = block * GROUP_ROWS;
                let range = start..(start + GROUP_ROWS).min(ratings.len());
                let rows = range.len();
                SelectedRows::default().feed(aggregator, ratings.columns().rows(range));
                Ok(rows)
            }
        }
    }
}

impl RatingScan {
    pub(super) fn new(
        folder: Option<PathBuf>,
        sidecar: DatasetMetadata,
        duplicates: usize,
        body: ScanBody,
    ) -> Self {
        Self { folder, sidecar, duplicates, body }
    }

    /// Reads the keys that users stand for, if they stand for some.
    ///
    /// # Errors
    /// If they cannot be read.
    pub fn user_keys(&self) -> Result<Option<Keys>, DatasetError> {
        match &self.folder {
            Some(folder) => Ok(read_user_keys(folder)?),
            None => Ok(self.sidecar.user_keys.clone()),
        }
    }

    /// Reads the movies that came along, if any; their links may be left out where they are not
    /// wanted.
    ///
    /// # Errors
    /// If they cannot be read.
    pub fn movies(&self, with_links: bool) -> Result<Option<Movies>, DatasetError> {
        match &self.folder {
            Some(folder) => Ok(DatasetMetadata::open_movies(folder, with_links)?),
            None => Ok(self.sidecar.movies()),
        }
    }

    /// Reads some of the movies that came along, whose ids ascend, or all of them where that is as
    /// easy.
    ///
    /// # Errors
    /// If they cannot be read.
    pub fn some_movies(&self, ids: &[i32]) -> Result<Option<Movies>, DatasetError> {
        match &self.folder {
            Some(folder) => Ok(DatasetMetadata::open_some_movies(folder, ids)?),
            None => Ok(self.sidecar.movies()),
        }
    }

    /// Returns the number of ratings.
    #[must_use]
    pub fn len(&self) -> usize {
        match &self.body {
            ScanBody::File(file, _) => file.n_rows(),
            ScanBody::Memory(ratings) => ratings.len(),
        }
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Scans all ratings in parts, each with an aggregator that `new` makes, and merges them in
    /// order. The parts do not depend on the number of threads, so that sums have the same bits at
    /// any.
    ///
    /// # Errors
    /// If the ratings cannot be read.
    pub fn aggregate<A: Aggregator>(
        &self,
        progress: &dyn Progress,
        new: impl Fn() -> A + Sync,
    ) -> Result<A, DatasetError> {
        /// Enough for some cores, none of which then waits long for another, and few enough that
        /// merging them costs little.
        const PARTS: usize = 24;
        let blocks = match &self.body {
            ScanBody::File(file, scale) => RatingBlocks::File(file.rating_groups(*scale)?),
            ScanBody::Memory(ratings) => RatingBlocks::Memory(ratings),
        };
        progress.begin("reading ratings", "ratings", Some(self.len() as u64));
        let parts = PARTS.min(blocks.len());
        // Memory that a part has used, for the next one.
        let spare: Mutex<Vec<RowMemory>> = Mutex::default();
        let made = (0..parts).into_par_iter().with_max_len(1).map(|part| {
            let mut aggregator = new();
            let lock = || spare.lock().unwrap_or_else(PoisonError::into_inner);
            let mut memory = lock().pop().unwrap_or_default();
            for block in part * blocks.len() / parts..(part + 1) * blocks.len() / parts {
                let rows = blocks.feed(&mut aggregator, block, &mut memory)?;
                progress.advance(rows as u64);
            }
            lock().push(memory);
            Ok(aggregator)
        });
        // An order-preserving tree reduction.
        let merged = made.try_reduce_with(|mut aggregator, later| {
            aggregator.merge(later);
            Ok(aggregator)
        });
        merged.unwrap_or_else(|| Ok(new()))
    }
}
