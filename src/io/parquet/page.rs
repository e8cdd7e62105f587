//! The pages of a column chunk, and what their header promises.

use std::sync::Arc;

use bytes::Bytes;
use parquet::basic::{Compression, Encoding};
use parquet::column::page::Page;
use parquet::errors::{ParquetError, Result};
use parquet::file::metadata::ColumnChunkMetaData;
use parquet::file::serialized_reader::SerializedPageReader;

use crate::io::parquet::input::ParquetInput;
use crate::io::parquet::window::ChunkWindow;

/// Returns the error of a corrupt file.
pub(super) fn corrupt(what: &str) -> ParquetError {
    ParquetError::General(what.into())
}

/// A column chunk that is flat and not compressed, page by page.
pub(super) struct PageReader {
    pages: SerializedPageReader<ChunkWindow>,
    /// The dictionary page, until a column takes it over.
    pub(super) dictionary: Option<Vec<u8>>,
    /// Rows of the chunk before the next page.
    n_read: usize,
    n_rows: usize,
}

/// A page that is not decoded.
pub(super) struct EncodedPage {
    pub(super) bytes: Bytes,
    pub(super) encoding: Encoding,
    /// Row of the chunk that is the first of the page.
    pub(super) first_row: usize,
    pub(super) n_rows: usize,
}

impl PageReader {
    /// Begins with a chunk of `n_rows` rows whose definition level is at most `definition`: 0
    /// without nulls, 1 with some. Returns `None` for a compressed, nested or other chunk.
    pub(super) fn open(
        input: &ParquetInput,
        column: &ColumnChunkMetaData,
        n_rows: usize,
        definition: i16,
    ) -> Result<Option<Self>> {
        let descriptor = column.column_descr();
        let is_supported = column.compression() == Compression::UNCOMPRESSED
            && descriptor.max_rep_level() == 0
            && descriptor.max_def_level() == definition;
        if !is_supported {
            return Ok(None);
        }
        let window = Arc::new(ChunkWindow::new(input.clone(), column.byte_range()));
        let pages = SerializedPageReader::new(window, column, n_rows, None)?;
        Ok(Some(Self { pages, dictionary: None, n_read: 0, n_rows }))
    }

    /// Whether all rows of the chunk have been read.
    pub(super) fn is_at_end(&self) -> bool {
        self.n_read >= self.n_rows
    }

    /// Returns the next page of values; `None` for one of a version that mvrec does not write.
    pub(super) fn next(&mut self) -> Result<Option<EncodedPage>> {
        loop {
            match self.pages.next().ok_or_else(|| corrupt("fewer values than rows"))?? {
                Page::DictionaryPage { buf, .. } => self.dictionary = Some(buf.to_vec()),
                Page::DataPage { buf: bytes, num_values, encoding, .. } => {
                    let (first_row, n_rows) = (self.n_read, num_values as usize);
                    if n_rows > self.n_rows - first_row {
                        return Err(corrupt("more values than rows"));
                    }
                    self.n_read += n_rows;
                    return Ok(Some(EncodedPage { bytes, encoding, first_row, n_rows }));
                }
                Page::DataPageV2 { .. } => return Ok(None),
            }
        }
    }
}

/// Splits off levels, whose length in bytes stands before them.
pub(super) fn split_levels(bytes: &[u8]) -> Result<(&[u8], &[u8])> {
    let (length, rest) = bytes.split_first_chunk::<4>().ok_or_else(|| corrupt("empty page"))?;
    let length = u32::from_le_bytes(*length) as usize;
    rest.split_at_checked(length).ok_or_else(|| corrupt("levels exceed the page"))
}

/// Returns the error of a page whose values are fewer than its header promises.
pub(super) fn too_few_values() -> ParquetError {
    corrupt("fewer values in a page than its header promises")
}
