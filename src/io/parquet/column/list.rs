//! Lists of floats of one length, as factors are stored.

use std::sync::Arc;

use parquet::basic::{Compression, Encoding, Type};
use parquet::column::page::Page;
use parquet::errors::Result;
use parquet::file::metadata::ColumnChunkMetaData;
use parquet::file::serialized_reader::SerializedPageReader;

use crate::io::parquet::encoding::rle_bit_packed::decode_runs;
use crate::io::parquet::input::ParquetInput;
use crate::io::parquet::page::{corrupt, split_levels, too_few_values};
use crate::io::parquet::window::ChunkWindow;

/// Reads a column of lists of `len` floats each, row after row, none of them null; returns `None`
/// if its encoding is not supported, or a list has another length.
pub(in crate::io::parquet) fn read_lists(
    input: &ParquetInput,
    column: &ColumnChunkMetaData,
    n_rows: usize,
    len: usize,
) -> Result<Option<Vec<f32>>> {
    let descriptor = column.column_descr();
    let is_supported = column.compression() == Compression::UNCOMPRESSED
        && descriptor.max_rep_level() == 1
        && descriptor.physical_type() == Type::FLOAT;
    let n_values = n_rows.checked_mul(len).filter(|_| is_supported && len > 0);
    let Some(n_values) = n_values else { return Ok(None) };
    if n_values as u64 > column.byte_range().1 / size_of::<f32>() as u64 {
        return Ok(None); // promises more values than it has bytes for
    }
    let max_level = descriptor.max_def_level() as u32;
    let window = Arc::new(ChunkWindow::new(input.clone(), column.byte_range()));
    let mut values: Vec<f32> = Vec::with_capacity(n_values);
    // Pages of equally long lists have the same levels, byte by byte.
    let mut checked: Option<(usize, Vec<u8>)> = None;
    for page in SerializedPageReader::new(window, column, n_rows, None)? {
        let Page::DataPage { buf, num_values, encoding, .. } = page? else { return Ok(None) };
        let n = num_values as usize;
        if encoding != Encoding::PLAIN || !n.is_multiple_of(len) || n > n_values - values.len() {
            return Ok(None);
        }
        let (repetition, rest) = split_levels(&buf)?;
        let (definition, bytes) = split_levels(rest)?;
        let levels = &buf[..buf.len() - bytes.len()];
        if checked.as_ref().is_none_or(|(times, checked)| *times != n || checked != levels) {
            if !are_regular(repetition, definition, max_level, n, len)? {
                return Ok(None);
            }
            checked = Some((n, levels.to_vec()));
        }
        let words = bytes.as_chunks::<4>().0.get(..n);
        let words = words.ok_or_else(too_few_values)?;
        values.extend(words.iter().map(|&word| f32::from_le_bytes(word)));
    }
    match values.len() == n_values {
        true => Ok(Some(values)),
        false => Err(corrupt("fewer values than rows")),
    }
}

/// Whether the levels of `n` values are those of lists of `len` values without nulls.
fn are_regular(
    repetition: &[u8],
    definition: &[u8],
    max_level: u32,
    n: usize,
    len: usize,
) -> Result<bool> {
    let (mut at, mut is_regular) = (0, true);
    decode_runs(repetition, 1, n, |level, times| {
        // A level 0 begins a list.
        let within = at % len;
        is_regular &= match level {
            0 => within == 0 && (times == 1 || len == 1),
            _ => within > 0 && within + times <= len,
        };
        at += times;
    })?;
    let width = u32::BITS - max_level.leading_zeros();
    decode_runs(definition, width, n, |level, _| is_regular &= level == max_level)?;
    Ok(is_regular && at == n)
}
