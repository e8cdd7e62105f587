//! Single-pass scans of files that mvrec wrote, page by page.

use parquet::errors::ParquetError;
use parquet::file::metadata::RowGroupMetaData;

use crate::io::columns::{DictionaryRatings, RatingColumns, RatingRows};
use crate::io::error::IoError;
use crate::io::import_state::ImportState;
use crate::io::parquet::buffer::FifoBuffer;
use crate::io::parquet::column::{
    ColumnDecoder, DictionaryIndexColumn, FixedWidthColumn, TimestampColumn,
};
use crate::io::parquet::input::ParquetInput;
use crate::io::parquet::page::EncodedPage;
use crate::io::parquet::ratings::RatingColumnReader;
use crate::io::parquet::read::ParquetFile;
use crate::io::parquet::selection::PageSelection;
use crate::io::scan::{Projection, RowConsumer, SelectedRows};
use crate::io::text::{MOVIE, RATING, TIMESTAMP, USER};
use crate::io::values::Scale;

/// The ratings of a file that mvrec wrote, by row group.
pub struct RatingGroups<'a> {
    file: &'a ParquetFile,
    columns: RatingColumnReader,
    starts: Vec<usize>,
}

impl ParquetFile {
    /// Opens the ratings of a file that mvrec itself wrote, so that each row group can be read by
    /// itself.
    ///
    /// # Errors
    /// If a column is missing.
    pub fn rating_groups(&self, scale: Scale) -> Result<RatingGroups<'_>, IoError> {
        let mut import = ImportState::default();
        import.options.scale = scale;
        let columns = self.rating_columns(&import)?;
        Ok(RatingGroups { file: self, columns, starts: self.group_starts() })
    }
}

impl RatingGroups<'_> {
    /// Returns the number of row groups.
    #[must_use]
    pub fn len(&self) -> usize {
        self.starts.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.starts.is_empty()
    }

    /// Returns the number of rows of a row group.
    #[must_use]
    pub fn rows(&self, group: usize) -> usize {
        self.file.metadata.metadata().row_group(group).num_rows().max(0) as usize
    }

    /// Feeds a consumer the rows of a row group, batch by batch. `memory` is used for them.
    ///
    /// # Errors
    /// If the file is corrupt or holds what it must not hold.
    pub fn feed(
        &self,
        group: usize,
        consumer: &mut impl RowConsumer,
        memory: &mut RowMemory,
    ) -> Result<(), IoError> {
        let (n_done, n_rows) = (self.feed_pages(group, consumer, memory)?, self.rows(group));
        if n_done < n_rows {
            let both = consumer.projection().union(consumer.late_projection());
            let projection = Projection { ratings: both.ratings || both.rating_indices, ..both };
            let columns = std::mem::take(&mut memory.columns);
            let start = self.starts[group];
            let part = self.columns.read_group(self.file, group, start, projection, columns)?;
            memory.columns = part.rows;
            memory.selected.feed(consumer, memory.columns.rows(n_done..n_rows));
        }
        Ok(())
    }

    /// Feeds a consumer page by page, so that what was decoded is still in the processor's cache
    /// when it is consumed; returns the number of rows before some whose encoding is not supported.
    fn feed_pages(
        &self,
        group: usize,
        consumer: &mut impl RowConsumer,
        memory: &mut RowMemory,
    ) -> Result<usize, IoError> {
        let Self { file, columns, .. } = self;
        let metadata = file.metadata.metadata().row_group(group);
        if !columns.is_native(file, metadata) {
            return Ok(0);
        }
        let (n_rows, start) = (self.rows(group), self.starts[group]);
        let RowMemory { pages: memory, selected, .. } = memory;
        let mut feed = || {
            let mut streams = ColumnStreams::open(&file.input, metadata, consumer, memory)?;
            let mut n_done = 0;
            while n_done < n_rows {
                let Some(n) = streams.fill(n_rows - n_done)? else { break };
                selected.rows.clear();
                if streams.late != Projection::default() {
                    consumer.select(streams.batch(n), &mut selected.rows);
                    if streams.select(n, &selected.rows)?.is_none() {
                        break;
                    }
                }
                if !columns.are_on_scale(streams.dictionary()) {
                    break;
                }
                let (batch, late) = (streams.batch(n), streams.selected());
                let first = start + n_done;
                let checked = columns.check(file, batch, |row| first + row).and_then(|()| {
                    columns.check(file, late, |at| first + selected.rows[at] as usize)
                });
                if let Err(error) = checked {
                    return Ok(Err(error));
                }
                consumer.consume(batch);
                if !selected.rows.is_empty() {
                    consumer.consume_selected(late);
                }
                streams.advance(n);
                n_done += n;
            }
            Ok(Ok(n_done))
        };
        feed().map_err(file.corrupt())?
    }
}

/// Memory for the rows of a scan.
#[derive(Debug, Default)]
pub struct RowMemory {
    pages: PageMemory,
    columns: RatingColumns,
    selected: SelectedRows,
}

/// Memory for pages of each column.
#[derive(Debug, Default)]
struct PageMemory {
    users: FifoBuffer<i32>,
    movies: FifoBuffer<i32>,
    ratings: FifoBuffer<f32>,
    times: FifoBuffer<i64>,
    rating_indices: FifoBuffer<u8>,
}

/// What a scan does with every column, whatever its type.
trait ColumnStream {
    /// Reads a page unless rows are left of the last one, and decodes it if all rows are needed;
    /// returns the number of rows that are there then: as many as can be if none is needed, and
    /// `None` if the encoding is not supported.
    fn fill(&mut self) -> Result<Option<usize>, ParquetError>;

    /// Decodes the selected of the first `n` rows; returns `None` if the encoding is not supported.
    fn select(&mut self, n: usize, rows: &[u32]) -> Result<Option<()>, ParquetError>;

    /// Moves behind the first `n` rows.
    fn advance(&mut self, n: usize);
}

/// The columns of a row group, decoded as far as they are needed.
struct ColumnStreams<'a> {
    /// The columns of selected rows.
    late: Projection,
    users: PageStream<'a, FixedWidthColumn<i32>>,
    movies: PageStream<'a, FixedWidthColumn<i32>>,
    ratings: PageStream<'a, FixedWidthColumn<f32>>,
    times: PageStream<'a, TimestampColumn>,
    rating_indices: PageStream<'a, DictionaryIndexColumn>,
}

impl<'a> ColumnStreams<'a> {
    fn open(
        input: &ParquetInput,
        group: &RowGroupMetaData,
        consumer: &impl RowConsumer,
        memory: &'a mut PageMemory,
    ) -> Result<Self, ParquetError> {
        let (all, late) = (consumer.projection(), consumer.late_projection());
        let (column, n) = (|at: usize| group.column(at), group.num_rows().max(0) as usize);
        let PageMemory { users, movies, ratings, times, rating_indices } = memory;
        Ok(Self {
            late,
            users: PageStream::new(all.users, late.users, users, || {
                FixedWidthColumn::open(input, column(USER), n)
            })?,
            movies: PageStream::new(all.movies, late.movies, movies, || {
                FixedWidthColumn::open(input, column(MOVIE), n)
            })?,
            ratings: PageStream::new(all.ratings, late.ratings, ratings, || {
                FixedWidthColumn::open(input, column(RATING), n)
            })?,
            times: PageStream::new(all.times, late.times, times, || {
                TimestampColumn::open(input, column(TIMESTAMP), n)
            })?,
            rating_indices: PageStream::new(
                all.rating_indices,
                late.rating_indices,
                rating_indices,
                || DictionaryIndexColumn::open(input, column(RATING), n),
            )?,
        })
    }

    fn columns(&mut self) -> [&mut dyn ColumnStream; 5] {
        let Self { users, movies, ratings, times, rating_indices, .. } = self;
        [users, movies, ratings, times, rating_indices]
    }

    /// Fills all columns; returns how many rows, at most `most`, are there of each then, and `None`
    /// if an encoding is not supported.
    fn fill(&mut self, most: usize) -> Result<Option<usize>, ParquetError> {
        let mut n = most;
        for column in self.columns() {
            let Some(n_column) = column.fill()? else { return Ok(None) };
            n = n.min(n_column);
        }
        Ok(Some(n))
    }

    /// Decodes the selected of the first `n` rows of all columns that are materialized late.
    fn select(&mut self, n: usize, rows: &[u32]) -> Result<Option<()>, ParquetError> {
        for column in self.columns() {
            if column.select(n, rows)?.is_none() {
                return Ok(None);
            }
        }
        Ok(Some(()))
    }

    /// Moves behind the first `n` rows.
    fn advance(&mut self, n: usize) {
        self.columns().into_iter().for_each(|column| column.advance(n));
    }

    /// Returns the first `n` rows.
    fn batch(&self, n: usize) -> RatingRows<'_> {
        RatingRows {
            user_id: self.users.batch(n),
            movie_id: self.movies.batch(n),
            rating: self.ratings.batch(n),
            time_ms: self.times.batch(n),
            dictionary: self
                .indexed(self.rating_indices.batch(n))
                .filter(|_| self.rating_indices.is_needed_of_all),
        }
    }

    /// Returns the selected ones of them.
    fn selected(&self) -> RatingRows<'_> {
        RatingRows {
            user_id: &self.users.selected,
            movie_id: &self.movies.selected,
            rating: &self.ratings.selected,
            time_ms: &self.times.selected,
            dictionary: self.indexed(&self.rating_indices.selected),
        }
    }

    fn indexed<'b>(&'b self, indices: &'b [u8]) -> Option<DictionaryRatings<'b>> {
        let column = self.rating_indices.column.as_ref()?;
        Some(DictionaryRatings { indices, values: column.padded_dictionary() })
    }

    /// Returns the distinct ratings, as far as they are read as indices.
    fn dictionary(&self) -> &[f32] {
        self.rating_indices.column.as_ref().map_or(&[], DictionaryIndexColumn::dictionary)
    }
}

/// A column of which some values have been read.
struct PageStream<'a, C: ColumnDecoder> {
    is_needed_of_all: bool,
    is_needed: bool,
    /// `None` also if its kind is not supported.
    column: Option<C>,
    /// The page behind the values, if it was not decoded at once.
    page: Option<EncodedPage>,
    values: &'a mut FifoBuffer<C::Value>,
    selected: FifoBuffer<C::Value>,
}

impl<'a, C: ColumnDecoder> PageStream<'a, C> {
    fn new(
        is_needed_of_all: bool,
        is_needed_late: bool,
        memory: &'a mut FifoBuffer<C::Value>,
        open: impl FnOnce() -> Result<Option<C>, ParquetError>,
    ) -> Result<Self, ParquetError> {
        memory.clear();
        let is_needed = is_needed_of_all || is_needed_late;
        let column = if is_needed { open()? } else { None };
        let (page, selected) = (None, FifoBuffer::default());
        Ok(Self { is_needed_of_all, is_needed, column, page, values: memory, selected })
    }

    /// Returns the first `n` rows; none if they are not needed of all.
    fn batch(&self, n: usize) -> &[C::Value] {
        if self.is_needed_of_all { &self.values[..n] } else { &[] }
    }
}

impl<C: ColumnDecoder> ColumnStream for PageStream<'_, C> {
    fn fill(&mut self) -> Result<Option<usize>, ParquetError> {
        if !self.is_needed {
            return Ok(Some(usize::MAX));
        }
        let Some(column) = &mut self.column else { return Ok(None) };
        while self.values.is_empty() && self.page.as_ref().is_none_or(|page| page.n_rows == 0) {
            let Some(page) = column.pages().next()? else { return Ok(None) };
            if !self.is_needed_of_all {
                self.page = Some(page);
            } else if column.decode(&page, PageSelection::ALL, self.values)?.is_none() {
                return Ok(None);
            }
        }
        Ok(Some(self.page.as_ref().map_or(self.values.len(), |page| page.n_rows)))
    }

    fn select(&mut self, n: usize, rows: &[u32]) -> Result<Option<()>, ParquetError> {
        self.selected.clear();
        if !self.is_needed {
            return Ok(Some(()));
        }
        let Some(column) = &mut self.column else { return Ok(None) };
        if let Some(page) = self.page.take() {
            // Nearly always the pages of all columns have the same rows.
            return match (page.n_rows == n, rows) {
                (true, []) => Ok(Some(())),
                (true, _) => {
                    column.decode(&page, PageSelection::for_page(rows), &mut self.selected)
                }
                (false, _) => match column.decode(&page, PageSelection::ALL, self.values)? {
                    Some(()) => self.select(n, rows),
                    None => Ok(None),
                },
            };
        }
        self.selected.extend(rows.iter().map(|&row| self.values[row as usize]));
        Ok(Some(()))
    }

    fn advance(&mut self, n: usize) {
        self.values.advance(n);
    }
}
