//! The RLE/bit-packed hybrid: of dictionary indices, and of definition and repetition levels.

use parquet::errors::Result;

use crate::io::parquet::buffer::FifoBuffer;
use crate::io::parquet::encoding::bit_packed::{PACK, unpack, unpack_bytes};
use crate::io::parquet::encoding::varint::varint;
use crate::io::parquet::page::corrupt;
use crate::io::parquet::selection::PageSelection;

/// A run of the hybrid.
pub(in crate::io::parquet) enum HybridRun<'a> {
    /// RLE: a value, and how often it is repeated.
    Repeated(u32, usize),
    /// Bit-packed values, and how many.
    Packed(&'a [u8], usize),
}

/// Decodes `n` values of `width` bits; `out` gets a value and how often it is repeated.
pub(in crate::io::parquet) fn decode_runs(
    bytes: &[u8],
    width: u32,
    n: usize,
    mut out: impl FnMut(u32, usize),
) -> Result<()> {
    decode_hybrid(bytes, width, n, PageSelection::ALL, |run| match run {
        HybridRun::Repeated(value, times) => out(value, times),
        HybridRun::Packed(packed, n) => unpack(packed, width, n, |values| {
            values.iter().for_each(|&value| out(value as u32, 1));
        }),
    })
}

/// Decodes the selected of `n` values of `width` bits: runs of one value, or packed in groups of
/// eight.
pub(in crate::io::parquet) fn decode_hybrid(
    mut bytes: &[u8],
    width: u32,
    n: usize,
    selection: PageSelection<'_>,
    mut out: impl FnMut(HybridRun<'_>),
) -> Result<()> {
    if width > 32 {
        return Err(corrupt("bit width of an RLE/bit-packed run exceeds 32"));
    }
    let mut start = 0;
    while start < n {
        let header = varint(&mut bytes)?;
        let length = usize::try_from(header >> 1).unwrap_or(usize::MAX);
        if length == 0 {
            return Err(corrupt("zero-length RLE/bit-packed run"));
        }
        if header & 1 == 0 {
            let size = width.div_ceil(8) as usize;
            let run = bytes.split_at_checked(size);
            let (value, rest) = run.ok_or_else(|| corrupt("RLE run exceeds the page"))?;
            let mut word = [0; 4];
            word[..size].copy_from_slice(value);
            bytes = rest;
            let end = start.saturating_add(length).min(n);
            let times = selection.within(start..end).map_or(end - start, <[u32]>::len);
            if times > 0 {
                out(HybridRun::Repeated(u32::from_le_bytes(word), times));
            }
            start = end;
        } else {
            let size = length.checked_mul(width as usize).filter(|&size| size <= bytes.len());
            let size = size.ok_or_else(|| corrupt("bit-packed run exceeds the page"))?;
            let (packed, rest) = bytes.split_at(size);
            bytes = rest;
            let end = start.saturating_add(length.saturating_mul(8)).min(n);
            match selection.within(start..end) {
                None => out(HybridRun::Packed(packed, end - start)),
                Some(rows) => {
                    for &row in rows {
                        let index = selection.index(row) - start;
                        out(HybridRun::Repeated(value_at(packed, width, index), 1));
                    }
                }
            }
            start = end;
        }
    }
    Ok(())
}

/// Returns one bit-packed value of up to 32 bits.
fn value_at(packed: &[u8], width: u32, index: usize) -> u32 {
    let bit = index * width as usize;
    let mut word = [0; 8];
    let rest = &packed[bit / 8..];
    let length = rest.len().min(word.len());
    word[..length].copy_from_slice(&rest[..length]);
    let value = u64::from_le_bytes(word) >> (bit % 8);
    (value & ((1 << width) - 1)) as u32
}

/// Appends the selected of `n` dictionary indices of up to eight bits, each of which must be below
/// `dictionary_len`.
pub(in crate::io::parquet) fn decode_byte_indices(
    packed: &[u8],
    width: u8,
    n: usize,
    selection: PageSelection<'_>,
    dictionary_len: usize,
    indices: &mut FifoBuffer<u8>,
) -> Result<()> {
    let (width, before) = (u32::from(width), indices.len());
    decode_hybrid(packed, width, n, selection, |run| match run {
        HybridRun::Repeated(index, times) => indices.fill(index as u8, times),
        HybridRun::Packed(packed, n) => {
            unpack_bytes(packed, width, n, indices.room(n.next_multiple_of(PACK)));
            indices.add(n);
        }
    })?;
    let added = &indices[before..];
    let largest = added.iter().fold(0, |most: u8, &index| most.max(index));
    check_indices(added.len(), largest.into(), dictionary_len)
}

/// Checks the largest of `n` indices against the dictionary.
pub(in crate::io::parquet) fn check_indices(
    n: usize,
    largest: u32,
    dictionary_len: usize,
) -> Result<()> {
    match n > 0 && largest as usize >= dictionary_len {
        true => Err(corrupt(&format!(
            "dictionary index {largest} out of bounds (len {dictionary_len})"
        ))),
        false => Ok(()),
    }
}
