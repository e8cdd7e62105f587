//! Ratings that are gone through once: by row group, of which only the needed columns are decoded,
//! where they come from a file of mvrec's own; in memory otherwise.

use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use rayon::prelude::*;

use crate::dataset::error::DatasetError;
use crate::dataset::movies::Movies;
use crate::dataset::ratings::Ratings;
use crate::dataset::sidecar::{Sidecar, read_user_keys};
use crate::io::columns::{SelectedRows, Visitor};
use crate::io::keys::Keys;
use crate::io::parquet::{GROUP_ROWS, ParquetFile, RatingGroups, RowMemory};
use crate::io::values::Scale;
use crate::progress::Progress;

/// What one pass over ratings adds up.
pub trait Pass: Visitor + Send {
    /// Adds what another pass has made of the rows that come after these.
    fn join(&mut self, later: Self);
}

/// Ratings in order, by user and then movie, each pair once, that passes can be made over.
pub struct Scan {
    /// Directory in which there is more than the ratings.
    folder: Option<PathBuf>,
    sidecar: Sidecar,
    /// Rows that repeated a pair of user and movie.
    pub duplicates: usize,
    body: ScanBody,
}

pub(super) enum ScanBody {
    File(ParquetFile, Scale),
    Memory(Ratings),
}

impl From<Ratings> for Scan {
    fn from(ratings: Ratings) -> Self {
        Self::new(None, Sidecar::default(), 0, ScanBody::Memory(ratings))
    }
}

/// Row groups or blocks of rows, one of which is looked at at a time.
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

    /// Adds a block to a pass.
    fn add_to(
        &self,
        pass: &mut impl Pass,
        block: usize,
        memory: &mut RowMemory,
    ) -> Result<usize, DatasetError> {
        match self {
            Self::File(groups) => {
                groups.show(block, pass, memory)?;
                Ok(groups.rows(block))
            }
            Self::Memory(ratings) => {
                let start = block * GROUP_ROWS;
                let range = start..(start + GROUP_ROWS).min(ratings.len());
                let rows = range.len();
                SelectedRows::default().show(pass, ratings.columns().rows(range));
                Ok(rows)
            }
        }
    }
}

impl Scan {
    pub(super) fn new(
        folder: Option<PathBuf>,
        sidecar: Sidecar,
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
            Some(folder) => Ok(Sidecar::open_movies(folder, with_links)?),
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
            Some(folder) => Ok(Sidecar::open_some_movies(folder, ids)?),
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

    /// Tells whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Makes a pass over all ratings, each part of them by a pass of its own that `new` begins. How
    /// the ratings are parted does not depend on the number of threads, so that sums have the
    /// same bits at any.
    ///
    /// # Errors
    /// If the ratings cannot be read.
    pub fn pass<P: Pass>(
        &self,
        progress: &dyn Progress,
        new: impl Fn() -> P + Sync,
    ) -> Result<P, DatasetError> {
        /// Enough for some cores, none of which then waits long for another, and few enough that
        /// what each makes and joining it cost little.
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
            let mut pass = new();
            let lock = || spare.lock().unwrap_or_else(PoisonError::into_inner);
            let mut memory = lock().pop().unwrap_or_default();
            for block in part * blocks.len() / parts..(part + 1) * blocks.len() / parts {
                let rows = blocks.add_to(&mut pass, block, &mut memory)?;
                progress.advance(rows as u64);
            }
            lock().push(memory);
            Ok(pass)
        });
        // Neighbours are joined, and then neighbours of those, whoever is ready first.
        let all = made.try_reduce_with(|mut pass, later| {
            pass.join(later);
            Ok(pass)
        });
        all.unwrap_or_else(|| Ok(new()))
    }
}
