//! Ratings as dictionary indices of one byte.

use parquet::basic::Encoding;
use parquet::errors::Result;
use parquet::file::metadata::ColumnChunkMetaData;

use crate::io::parquet::buffer::FifoBuffer;
use crate::io::parquet::column::ColumnDecoder;
use crate::io::parquet::column::fixed_width::{BYTE_DICTIONARY, FixedWidthColumn};
use crate::io::parquet::encoding::rle_bit_packed::decode_byte_indices;
use crate::io::parquet::input::ParquetInput;
use crate::io::parquet::page::{EncodedPage, PageReader, corrupt};
use crate::io::parquet::selection::PageSelection;

/// A column of few distinct values, as their indices in its dictionary.
pub(in crate::io::parquet) struct DictionaryIndexColumn(FixedWidthColumn<f32>);

impl DictionaryIndexColumn {
    /// Begins with a chunk of `n_rows` rows; returns `None` if its kind is not supported.
    pub(in crate::io::parquet) fn open(
        input: &ParquetInput,
        column: &ColumnChunkMetaData,
        n_rows: usize,
    ) -> Result<Option<Self>> {
        Ok(FixedWidthColumn::open(input, column, n_rows)?.map(Self))
    }

    /// Returns the distinct values that are known by now.
    pub(in crate::io::parquet) fn dictionary(&self) -> &[f32] {
        &self.0.dictionary
    }

    /// Returns the same, followed by zeros.
    pub(in crate::io::parquet) fn padded_dictionary(&self) -> &[f32; BYTE_DICTIONARY] {
        &self.0.by_byte
    }
}

impl ColumnDecoder for DictionaryIndexColumn {
    type Value = u8;

    fn pages(&mut self) -> &mut PageReader {
        self.0.pages()
    }

    fn decode_values(
        &mut self,
        page: &EncodedPage,
        selection: PageSelection<'_>,
        indices: &mut FifoBuffer<u8>,
    ) -> Result<Option<()>> {
        self.0.take_dictionary();
        let len = self.0.dictionary.len();
        let is_indexed =
            matches!(page.encoding, Encoding::RLE_DICTIONARY | Encoding::PLAIN_DICTIONARY);
        let (&width, packed) = page.bytes.split_first().ok_or_else(|| corrupt("empty page"))?;
        if !is_indexed || len > BYTE_DICTIONARY || width > 8 {
            return Ok(None);
        }
        decode_byte_indices(packed, width, page.n_rows, selection, len, indices).map(Some)
    }
}
