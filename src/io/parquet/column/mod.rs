//! Columns of ratings and factors in the encodings that mvrec writes them in, decoded without Arrow
//! in between.
//!
//! The `parquet` crate reads the same bytes into Arrow arrays, row group by row group. It stays the
//! reader of every other file, and of what these decoders return `None` for: another encoding,
//! compression or nesting. This one is here because it hands out pages while they are in the cache,
//! keeps ratings as dictionary indices, and materializes columns late: reports of 25 million
//! ratings took 2.4 to 5.9 times as long through Arrow (58 and 143 ms for the summary). It goes by
//! deleting this folder, `encoding`, `page`, `selection`, `buffer` and `ratings/{native,scan}`, and
//! reading every row group by `ratings/import`.
//!
//! Nothing is trusted: every length is checked, and corruption is an error.

mod dictionary_indices;
mod fixed_width;
mod list;
mod timestamp;

use parquet::errors::Result;

use crate::io::parquet::buffer::FifoBuffer;
use crate::io::parquet::page::{EncodedPage, PageReader, too_few_values};
use crate::io::parquet::selection::PageSelection;

pub(super) use dictionary_indices::DictionaryIndexColumn;
pub(super) use fixed_width::FixedWidthColumn;
pub(super) use list::read_lists;
pub(super) use timestamp::TimestampColumn;

/// A column that is decoded page by page.
pub(super) trait ColumnDecoder: Sized {
    /// What it holds.
    type Value: Copy + Default;

    /// Returns its pages.
    fn pages(&mut self) -> &mut PageReader;

    /// Appends the selected values of a page, as far as it has them; returns `None` if its encoding
    /// is not supported.
    fn decode_values(
        &mut self,
        page: &EncodedPage,
        selection: PageSelection<'_>,
        values: &mut FifoBuffer<Self::Value>,
    ) -> Result<Option<()>>;

    /// Appends the selected values of a page, all of which must be there; returns `None` if its
    /// encoding is not supported.
    fn decode(
        &mut self,
        page: &EncodedPage,
        selection: PageSelection<'_>,
        values: &mut FifoBuffer<Self::Value>,
    ) -> Result<Option<()>> {
        let before = values.len();
        if self.decode_values(page, selection, values)?.is_none() {
            return Ok(None);
        }
        match values.len() - before == selection.count(page.n_rows) {
            true => Ok(Some(())),
            false => Err(too_few_values()),
        }
    }

    /// Decodes all pages, of which only some `rows` may be selected, into `memory`; returns `None`
    /// if an encoding is not supported.
    fn decode_all(
        mut self,
        rows: Option<&[u32]>,
        memory: Vec<Self::Value>,
    ) -> Result<Option<Vec<Self::Value>>> {
        let mut values = FifoBuffer::with_memory(memory);
        while !self.pages().is_at_end() {
            let Some(page) = self.pages().next()? else { return Ok(None) };
            let selection = PageSelection::for_column(rows, page.first_row);
            if self.decode(&page, selection, &mut values)?.is_none() {
                return Ok(None);
            }
        }
        Ok(Some(values.into_vec()))
    }
}
