//! Timestamps, which may be null.

use parquet::basic::Encoding;
use parquet::errors::Result;
use parquet::file::metadata::ColumnChunkMetaData;

use crate::io::columns::NO_TIME;
use crate::io::parquet::buffer::FifoBuffer;
use crate::io::parquet::column::ColumnDecoder;
use crate::io::parquet::encoding::delta::decode_deltas;
use crate::io::parquet::encoding::rle_bit_packed::decode_runs;
use crate::io::parquet::input::ParquetInput;
use crate::io::parquet::page::{EncodedPage, PageReader, split_levels, too_few_values};
use crate::io::parquet::selection::PageSelection;

/// A column of delta-packed milliseconds; nulls become [`NO_TIME`].
pub(in crate::io::parquet) struct TimestampColumn {
    pages: PageReader,
    /// Runs of definition levels: whether values are there, and how many.
    runs: Vec<(bool, usize)>,
}

impl TimestampColumn {
    /// Begins with a chunk of `n_rows` rows; returns `None` if its kind is not supported.
    pub(in crate::io::parquet) fn open(
        input: &ParquetInput,
        column: &ColumnChunkMetaData,
        n_rows: usize,
    ) -> Result<Option<Self>> {
        let pages = PageReader::open(input, column, n_rows, 1)?;
        Ok(pages.map(|pages| Self { pages, runs: Vec::new() }))
    }

    /// Decodes the `n_defined` values of a page and spreads them over its `n` rows.
    fn decode_with_nulls(&self, bytes: &[u8], n_defined: usize, n: usize) -> Result<Vec<i64>> {
        let mut defined = FifoBuffer::default();
        decode_deltas(bytes, n_defined, PageSelection::ALL, &mut defined)?;
        let mut values = defined.into_vec();
        if values.len() != n_defined {
            return Err(too_few_values());
        }
        // From the back, so that nothing is overwritten that is still to be moved.
        values.resize(n, NO_TIME);
        let (mut from, mut to) = (n_defined, n);
        for &(is_defined, times) in self.runs.iter().rev() {
            to -= times;
            if is_defined {
                from -= times;
                values.copy_within(from..from + times, to);
            } else {
                values[to..to + times].fill(NO_TIME);
            }
        }
        Ok(values)
    }
}

impl ColumnDecoder for TimestampColumn {
    type Value = i64;

    fn pages(&mut self) -> &mut PageReader {
        &mut self.pages
    }

    fn decode_values(
        &mut self,
        page: &EncodedPage,
        selection: PageSelection<'_>,
        values: &mut FifoBuffer<i64>,
    ) -> Result<Option<()>> {
        if page.encoding != Encoding::DELTA_BINARY_PACKED {
            return Ok(None);
        }
        let n = page.n_rows;
        let (levels, bytes) = split_levels(&page.bytes)?;
        self.runs.clear();
        let mut n_defined = 0;
        decode_runs(levels, 1, n, |level, times| {
            self.runs.push((level == 1, times));
            n_defined += if level == 1 { times } else { 0 };
        })?;
        if n_defined == n {
            decode_deltas(bytes, n, selection, values)?;
        } else {
            let decoded = self.decode_with_nulls(bytes, n_defined, n)?;
            match selection.within(0..n) {
                None => values.extend(decoded.into_iter()),
                Some(rows) => {
                    values.extend(rows.iter().map(|&row| decoded[selection.index(row)]));
                }
            }
        }
        Ok(Some(()))
    }
}
