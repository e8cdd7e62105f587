//! Columns of four-byte values without nulls: plain, delta-packed or dictionary-encoded.

use parquet::basic::Encoding;
use parquet::errors::Result;
use parquet::file::metadata::ColumnChunkMetaData;

use crate::io::parquet::buffer::FifoBuffer;
use crate::io::parquet::column::ColumnDecoder;
use crate::io::parquet::encoding::bit_packed::unpack;
use crate::io::parquet::encoding::delta::decode_deltas;
use crate::io::parquet::encoding::rle_bit_packed::{
    HybridRun, check_indices, decode_byte_indices, decode_hybrid,
};
use crate::io::parquet::input::ParquetInput;
use crate::io::parquet::page::{EncodedPage, PageReader, corrupt};
use crate::io::parquet::selection::PageSelection;

/// A type of four bytes.
pub(in crate::io::parquet) trait FourByteValue: Copy + Default {
    /// Converts its bytes in the file.
    fn from_bytes(bytes: [u8; 4]) -> Self;

    /// Appends the selected ones of up to `n` delta-packed values; returns `None` if this type is
    /// not stored so.
    fn decode_deltas(
        bytes: &[u8],
        n: usize,
        selection: PageSelection<'_>,
        out: &mut FifoBuffer<Self>,
    ) -> Result<Option<()>> {
        let _ = (bytes, n, selection, out);
        Ok(None)
    }
}

impl FourByteValue for i32 {
    fn from_bytes(bytes: [u8; 4]) -> Self {
        Self::from_le_bytes(bytes)
    }

    fn decode_deltas(
        bytes: &[u8],
        n: usize,
        selection: PageSelection<'_>,
        out: &mut FifoBuffer<Self>,
    ) -> Result<Option<()>> {
        decode_deltas(bytes, n, selection, out).map(Some)
    }
}

impl FourByteValue for f32 {
    fn from_bytes(bytes: [u8; 4]) -> Self {
        Self::from_le_bytes(bytes)
    }
}

fn plain<T: FourByteValue>(bytes: &[u8]) -> impl ExactSizeIterator<Item = T> {
    bytes.as_chunks::<4>().0.iter().map(|&word| T::from_bytes(word))
}

/// Dictionaries of up to so many values have indices of one byte.
pub(super) const BYTE_DICTIONARY: usize = 256;

/// A column of four-byte values that allows no nulls.
pub(in crate::io::parquet) struct FixedWidthColumn<T> {
    pages: PageReader,
    pub(super) dictionary: Vec<T>,
    /// The dictionary for indices of one byte, so that no index needs a bounds check.
    pub(super) by_byte: [T; BYTE_DICTIONARY],
    indices: FifoBuffer<u8>,
}

impl<T: FourByteValue> FixedWidthColumn<T> {
    /// Begins with a chunk of `n_rows` rows; returns `None` if its kind is not supported.
    pub(in crate::io::parquet) fn open(
        input: &ParquetInput,
        column: &ColumnChunkMetaData,
        n_rows: usize,
    ) -> Result<Option<Self>> {
        let pages = PageReader::open(input, column, n_rows, 0)?;
        Ok(pages.map(|pages| Self {
            pages,
            dictionary: Vec::new(),
            by_byte: [T::default(); BYTE_DICTIONARY],
            indices: FifoBuffer::default(),
        }))
    }

    /// Takes over the dictionary, if it came before the page that was read last.
    pub(super) fn take_dictionary(&mut self) {
        if let Some(bytes) = self.pages.dictionary.take() {
            self.dictionary = plain(&bytes).collect();
            self.by_byte.iter_mut().zip(&self.dictionary).for_each(|(to, from)| *to = *from);
        }
    }

    /// Appends values by their dictionary indices, whose bit width is the first of `bytes`.
    fn decode_dictionary_values(
        &mut self,
        bytes: &[u8],
        n: usize,
        selection: PageSelection<'_>,
        values: &mut FifoBuffer<T>,
    ) -> Result<()> {
        let (&width, packed) = bytes.split_first().ok_or_else(|| corrupt("empty page"))?;
        let dictionary = &self.dictionary;
        if width <= 8 {
            self.indices.clear();
            let len = dictionary.len();
            decode_byte_indices(packed, width, n, selection, len, &mut self.indices)?;
            values.extend(self.indices.iter().map(|&index| self.by_byte[usize::from(index)]));
            return Ok(());
        }
        let width = u32::from(width);
        let mut largest = 0;
        let value = |index: u32| dictionary.get(index as usize).copied().unwrap_or_default();
        decode_hybrid(packed, width, n, selection, |run| match run {
            HybridRun::Repeated(index, times) => {
                largest = largest.max(index);
                values.fill(value(index), times);
            }
            HybridRun::Packed(packed, n) => unpack(packed, width, n, |indices| {
                largest = indices.iter().fold(largest, |most, &index| most.max(index as u32));
                values.extend(indices.iter().map(|&index| value(index as u32)));
            }),
        })?;
        check_indices(n, largest, dictionary.len())
    }
}

impl<T: FourByteValue> ColumnDecoder for FixedWidthColumn<T> {
    type Value = T;

    fn pages(&mut self) -> &mut PageReader {
        &mut self.pages
    }

    fn decode_values(
        &mut self,
        page: &EncodedPage,
        selection: PageSelection<'_>,
        values: &mut FifoBuffer<T>,
    ) -> Result<Option<()>> {
        self.take_dictionary();
        let (bytes, n) = (&page.bytes, page.n_rows);
        match page.encoding {
            Encoding::RLE_DICTIONARY | Encoding::PLAIN_DICTIONARY => {
                self.decode_dictionary_values(bytes, n, selection, values)?;
            }
            Encoding::DELTA_BINARY_PACKED => {
                if T::decode_deltas(bytes, n, selection, values)?.is_none() {
                    return Ok(None);
                }
            }
            Encoding::PLAIN if bytes.len() / size_of::<T>() < n => {}
            Encoding::PLAIN => match selection.within(0..n) {
                None => values.extend(plain::<T>(bytes).take(n)),
                Some(rows) => {
                    let words = bytes.as_chunks::<4>().0;
                    let value = |&row: &u32| T::from_bytes(words[selection.index(row)]);
                    values.extend(rows.iter().map(value));
                }
            },
            _ => return Ok(None),
        }
        Ok(Some(()))
    }
}
