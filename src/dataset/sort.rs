//! Puts ratings of any number in order, in memory that does not grow with them.
//!
//! What comes in the order of users, as in every MovieLens file, passes through and is sorted
//! within each user. At the first user who comes too late, that which was written becomes the first
//! of several sorted runs in temporary files, which are merged at the end (Knuth, The Art of
//! Computer Programming 3, section 5.4).

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use crate::dataset::ratings::{DuplicatePolicy, Ratings, sorted};
use crate::dataset::writer::{ParquetFooter, RatingsSummary, RatingsWriter};
use crate::io::IoError;
use crate::io::columns::RatingColumns;
use crate::io::parquet::{ParquetFile, RatingChunks};
use crate::io::source::Source;

/// Rows of a run: about 130 MB while they are sorted.
const RUN_ROWS: usize = 4 << 20;
/// Rows that are read of each run at a time.
const CHUNK_ROWS: usize = 1 << 16;

/// Where sorted ratings are put down.
#[derive(Debug, Clone)]
pub enum SortPlace {
    /// A file of this path.
    At(PathBuf),
    /// A file without a name in this folder.
    In(PathBuf),
}

impl SortPlace {
    /// Returns the folder for temporary files.
    #[must_use]
    pub fn folder(&self) -> &Path {
        match self {
            Self::At(path) => path.parent().unwrap_or(path),
            Self::In(folder) => folder,
        }
    }

    /// Returns the name for errors.
    #[must_use]
    pub fn shown(&self) -> String {
        match self {
            Self::At(path) => path.display().to_string(),
            Self::In(folder) => format!("temporary file in {}", folder.display()),
        }
    }

    /// Creates the file; one that was there before has no name any more.
    fn create(&self) -> io::Result<File> {
        match self {
            Self::In(folder) => tempfile::tempfile_in(folder),
            Self::At(path) => {
                match std::fs::remove_file(path) {
                    Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                    _ => {}
                }
                File::options().read(true).write(true).create_new(true).open(path)
            }
        }
    }
}

/// Sorts ratings into a Parquet file.
pub struct ExternalSorter {
    place: SortPlace,
    duplicates: DuplicatePolicy,
    out: RatingsWriter,
    /// Rows that are not written yet: those of the last user, or of the next run.
    held: RatingColumns,
    in_order: bool,
    runs: Vec<File>,
    run_rows: usize,
    dropped: usize,
}

/// Sorted ratings in a file, and what they are.
pub struct SortedRatings {
    /// The Parquet file.
    pub file: File,
    /// Counts, ranges and hash.
    pub tally: RatingsSummary,
}

impl ExternalSorter {
    /// Begins a file at a place.
    ///
    /// # Errors
    /// If the file cannot be created.
    pub fn new(place: SortPlace, duplicates: DuplicatePolicy) -> Result<Self, IoError> {
        let out = begin(&place)?;
        // A mean needs all that it is of: users that come back would have theirs taken twice.
        let in_order = duplicates != DuplicatePolicy::Mean;
        let (held, runs, run_rows, dropped) = (RatingColumns::default(), Vec::new(), RUN_ROWS, 0);
        Ok(Self { place, duplicates, out, held, in_order, runs, run_rows, dropped })
    }

    /// Takes the next ratings.
    ///
    /// # Errors
    /// If writing fails.
    pub fn push(&mut self, mut rows: RatingColumns) -> Result<(), IoError> {
        let follows = self.held.user_id.last() <= rows.user_id.first() || rows.is_empty();
        self.in_order &= follows && rows.user_id.is_sorted();
        if self.held.is_empty() {
            self.held = rows;
        } else {
            self.held.append(&mut rows);
        }
        if self.in_order {
            let last = self.held.user_id.last();
            let first_of_last = self.held.user_id.partition_point(|user| Some(user) < last);
            if first_of_last > 0 {
                let of_last = self.held.split_off(first_of_last);
                let complete = std::mem::replace(&mut self.held, of_last);
                self.write(complete)?;
            }
            self.in_order = self.held.len() < self.run_rows;
        }
        if !self.in_order && self.held.len() >= self.run_rows {
            self.spill()?;
        }
        Ok(())
    }

    fn write(&mut self, rows: RatingColumns) -> Result<(), IoError> {
        let (ratings, dropped) = Ratings::new(rows, self.duplicates);
        self.dropped += dropped;
        self.out.push(ratings.into_columns())
    }

    /// Writes what is held as a run of its own, without duplicates within it, so that no pair takes
    /// more rows than there are runs. A mean needs all of them.
    fn spill(&mut self) -> Result<(), IoError> {
        let rows = std::mem::take(&mut self.held);
        let rows = match self.duplicates {
            DuplicatePolicy::Mean => sorted(rows),
            _ => {
                let (ratings, dropped) = Ratings::new(rows, self.duplicates);
                self.dropped += dropped;
                ratings.into_columns()
            }
        };
        let mut run = begin(&SortPlace::In(self.place.folder().into()))?;
        run.push(rows)?;
        self.runs.push(run.finish(|_| Ok(ParquetFooter::new()))?.0);
        Ok(())
    }

    /// Writes the rest; the footer gets the entries that `footer` makes of the tally and the number
    /// of rows that were dropped as duplicates.
    ///
    /// # Errors
    /// If writing fails, or `footer` does.
    pub fn finish(
        mut self,
        footer: impl FnOnce(&RatingsSummary, usize) -> Result<ParquetFooter, IoError>,
    ) -> Result<SortedRatings, IoError> {
        if self.in_order || (self.out.is_empty() && self.runs.is_empty()) {
            let rest = std::mem::take(&mut self.held);
            self.write(rest)?;
        } else {
            self.spill()?;
            self.merge()?;
        }
        let dropped = self.dropped;
        let (file, tally) = self.out.finish(|tally| footer(tally, dropped))?;
        Ok(SortedRatings { file, tally })
    }

    /// Merges what was written before and all runs into a new file.
    fn merge(&mut self) -> Result<(), IoError> {
        let first =
            std::mem::replace(&mut self.out, begin(&SortPlace::In(self.place.folder().into()))?);
        let first = first.finish(|_| Ok(ParquetFooter::new()))?.0;
        self.out = begin(&self.place)?;
        let name = self.place.shown();
        let files = std::iter::once(first).chain(std::mem::take(&mut self.runs));
        let mut runs: Vec<SortedRun> =
            files.map(|file| SortedRun::open(file, &name)).collect::<Result<_, _>>()?;
        loop {
            for run in &mut runs {
                if run.rows.is_empty() {
                    run.read_on()?;
                }
            }
            runs.retain(|run| !run.rows.is_empty());
            if runs.is_empty() {
                return Ok(());
            }
            // Users before this one are complete in all runs.
            let open = runs.iter().filter(|run| !run.ended);
            let bound = open.filter_map(|run| run.rows.user_id.last().copied()).min();
            let mut rows = RatingColumns::default();
            for run in &mut runs {
                rows.append(&mut run.take_before(bound));
            }
            if rows.is_empty() {
                for run in &mut runs {
                    if run.rows.user_id.last().copied() == bound {
                        run.read_on()?;
                    }
                }
            }
            self.write(rows)?;
        }
    }
}

fn begin(place: &SortPlace) -> Result<RatingsWriter, IoError> {
    let name = place.shown();
    let file = place.create().map_err(IoError::named(name.clone()))?;
    RatingsWriter::new(file, &name)
}

/// A sorted run that is being read.
struct SortedRun {
    chunks: RatingChunks,
    rows: RatingColumns,
    ended: bool,
}

impl SortedRun {
    fn open(file: File, name: &str) -> Result<Self, IoError> {
        let file = ParquetFile::open(Source::from_file(name.into(), file)?)?;
        Ok(Self {
            chunks: file.rating_chunks(CHUNK_ROWS)?,
            rows: RatingColumns::default(),
            ended: false,
        })
    }

    fn read_on(&mut self) -> Result<(), IoError> {
        match self.chunks.next() {
            Some(rows) => self.rows.append(&mut rows?),
            None => self.ended = true,
        }
        Ok(())
    }

    /// Takes the rows of users before `bound`, or all.
    fn take_before(&mut self, bound: Option<i32>) -> RatingColumns {
        let n = match bound {
            Some(bound) => self.rows.user_id.partition_point(|&user| user < bound),
            None => self.rows.len(),
        };
        let rest = self.rows.split_off(n);
        std::mem::replace(&mut self.rows, rest)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn columns(rows: &[(i32, i32, f32, i64)]) -> RatingColumns {
        rows.iter().copied().collect()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn runs_give_what_sorting_in_memory_gives(
            parts in proptest::collection::vec(
                proptest::collection::vec((0..6_i32, 0..5_i32, 1..10_u8, 0..4_i64), 0..9), 0..9),
            in_order: bool,
            run_rows in 1..12_usize,
            duplicates in prop_oneof![Just(DuplicatePolicy::Last), Just(DuplicatePolicy::First), Just(DuplicatePolicy::Mean)],
        ) {
            let mut rows: Vec<_> = parts.concat().into_iter()
                .map(|(user, movie, rating, ms)| (user, movie, f32::from(rating) / 2.0, ms)).collect();
            if in_order {
                rows.sort_by_key(|row| row.0); // up to what comes behind half of them
                let behind = rows.len().min(parts.len() / 3);
                rows.rotate_left(behind);
            }
            let (expected, expected_dropped) = Ratings::new(columns(&rows), duplicates);
            let folder = tempfile::tempdir().unwrap();
            let mut sorter = ExternalSorter::new(SortPlace::At(folder.path().join("x")), duplicates).unwrap();
            sorter.run_rows = run_rows;
            let mut rest = &rows[..];
            for part in &parts {
                let (now, later) = rest.split_at(part.len());
                sorter.push(columns(now)).unwrap();
                rest = later;
            }
            let mut dropped = 0;
            let sorted = sorter.finish(|_, n| { dropped = n; Ok(ParquetFooter::new()) }).unwrap();
            prop_assert_eq!(dropped, expected_dropped);
            prop_assert_eq!(sorted.tally.content_hash(), expected.content_hash());
            prop_assert_eq!(sorted.tally.shape(), expected.shape());
            let file = ParquetFile::open(Source::open(&folder.path().join("x")).unwrap()).unwrap();
            let mut read = RatingColumns::default();
            for chunk in file.rating_chunks(3).unwrap() {
                read.append(&mut chunk.unwrap());
            }
            prop_assert_eq!(&read, expected.columns());
            prop_assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
        }
    }
}
