//! Ratings on their way to a Parquet file, in order and in parts, described while they pass.

use std::collections::HashSet;
use std::fs::File;
use std::ops::Range;

use xxhash_rust::xxh3::{Xxh3, xxh3_128};

use crate::dataset::ids::distinct;
use crate::dataset::ratings::RatingsShape;
use crate::io::columns::{NO_TIME, RatingColumns};
use crate::io::parquet::{self, GROUP_ROWS, GroupWriter};
use crate::io::{IoError, batches, time};
use crate::schema;

/// Entries of a footer, by their keys.
pub type ParquetFooter = Vec<(&'static str, String)>;

/// Writes ratings that come in order, by user and then movie, each pair once; holds no more of them
/// than one row group for each thread.
pub struct RatingsWriter {
    groups: GroupWriter<File>,
    buffer: RatingColumns,
    tally: RatingsSummary,
}

impl RatingsWriter {
    /// Begins a file; `name` is that of errors.
    ///
    /// # Errors
    /// If writing fails.
    pub fn new(file: File, name: &str) -> Result<Self, IoError> {
        let layout = parquet::ratings_layout(Vec::new());
        let groups = GroupWriter::new(file, name, &schema::ratings(), &layout)?;
        Ok(Self { groups, buffer: RatingColumns::default(), tally: RatingsSummary::default() })
    }

    /// Adds ratings that come after all others.
    ///
    /// # Errors
    /// If writing fails.
    pub fn push(&mut self, mut rows: RatingColumns) -> Result<(), IoError> {
        self.buffer.append(&mut rows);
        let round = rayon::current_num_threads() * GROUP_ROWS;
        while self.buffer.len() >= round {
            self.write(round)?;
        }
        Ok(())
    }

    /// Writes the first `n` rows of the buffer.
    fn write(&mut self, n: usize) -> Result<(), IoError> {
        let range = |at: usize| at * GROUP_ROWS..((at + 1) * GROUP_ROWS).min(n);
        let (buffer, groups, tally) = (&self.buffer, &mut self.groups, &mut self.tally);
        let (written, ()) = rayon::join(
            || groups.write(n.div_ceil(GROUP_ROWS), |at| batches::ratings_batch(buffer, range(at))),
            || tally.add(buffer, 0..n),
        );
        self.buffer.remove_first(n);
        written
    }

    /// Ends the file with the entries of the footer that `footer` makes of the tally.
    ///
    /// # Errors
    /// If writing fails, or `footer` does.
    pub fn finish(
        mut self,
        footer: impl FnOnce(&RatingsSummary) -> Result<ParquetFooter, IoError>,
    ) -> Result<(File, RatingsSummary), IoError> {
        self.write(self.buffer.len())?;
        let mut footer = footer(&self.tally)?;
        footer.push((parquet::BELONGS_TO, self.tally.content_hash()));
        let file = self.groups.finish(&footer)?;
        Ok((file, self.tally))
    }

    /// Returns how many ratings have been added.
    #[must_use]
    pub fn len(&self) -> usize {
        self.tally.ratings() + self.buffer.len()
    }

    /// Whether no ratings have been added.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// Counts and ranges of ratings, added up over parts in order.
#[derive(Default)]
pub struct SummaryAccumulator {
    ratings: usize,
    users: usize,
    last_user: Option<i32>,
    movies: HashSet<i32>,
    stars: Option<(f32, f32)>,
    period: Option<(i64, i64)>,
}

impl SummaryAccumulator {
    /// Adds ratings that come after all others.
    pub fn add(&mut self, columns: &RatingColumns, range: Range<usize>) {
        let users = &columns.user_id[range.clone()];
        self.movies.extend(distinct(&columns.movie_id[range.clone()]));
        for &stars in &columns.rating[range.clone()] {
            let (min, max) = self.stars.unwrap_or((stars, stars));
            self.stars = Some((min.min(stars), max.max(stars)));
        }
        for &ms in columns.time_ms[range].iter().filter(|&&ms| ms != NO_TIME) {
            let (first, last) = self.period.unwrap_or((ms, ms));
            self.period = Some((first.min(ms), last.max(ms)));
        }
        let changes = users.windows(2).filter(|pair| pair[0] != pair[1]).count();
        let first_is_new = users.first().is_some_and(|first| self.last_user != Some(*first));
        self.users += changes + usize::from(first_is_new);
        self.last_user = users.last().copied().or(self.last_user);
        self.ratings += users.len();
    }

    /// Returns size and ranges.
    #[must_use]
    pub fn shape(&self) -> RatingsShape {
        RatingsShape {
            ratings: self.ratings,
            users: self.users,
            movies: self.movies.len(),
            stars: self.stars,
            period: self.period.map(|(first, last)| (time::format(first), time::format(last))),
        }
    }
}

/// A [`SummaryAccumulator`] and the hash of the content, added up over parts in order.
#[derive(Default)]
pub struct RatingsSummary {
    census: SummaryAccumulator,
    hashes: [Xxh3; 4],
}

impl RatingsSummary {
    /// Adds ratings that come after all others.
    pub fn add(&mut self, columns: &RatingColumns, range: Range<usize>) {
        let Self { census, hashes: [users, movies, stars, times] } = self;
        let hash = || {
            hash(users, &columns.user_id[range.clone()], i32::to_le_bytes);
            hash(movies, &columns.movie_id[range.clone()], i32::to_le_bytes);
            hash(stars, &columns.rating[range.clone()], f32::to_le_bytes);
            hash(times, &columns.time_ms[range.clone()], i64::to_le_bytes);
        };
        rayon::join(hash, || census.add(columns, range.clone()));
    }

    /// Returns the number of ratings.
    #[must_use]
    pub fn ratings(&self) -> usize {
        self.census.ratings
    }

    /// Returns size and ranges.
    #[must_use]
    pub fn shape(&self) -> RatingsShape {
        self.census.shape()
    }

    /// Returns the XXH3-128 of the content, which no file format or order of columns changes.
    #[must_use]
    pub fn content_hash(&self) -> String {
        let columns = self.hashes.each_ref().map(|hash| hash.digest128().to_le_bytes());
        format!("{:032x}", xxh3_128(&columns.concat()))
    }
}

/// Hashes values as little-endian bytes, whatever the machine.
fn hash<T: Copy, const N: usize>(hash: &mut Xxh3, values: &[T], bytes: fn(T) -> [u8; N]) {
    const CHUNK: usize = 1 << 12;
    let mut buffer = Vec::with_capacity(CHUNK * N);
    for chunk in values.chunks(CHUNK) {
        buffer.clear();
        chunk.iter().for_each(|&value| buffer.extend_from_slice(&bytes(value)));
        hash.update(&buffer);
    }
}
