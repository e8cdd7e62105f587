//! Delta binary packing: a header, then blocks of bit-packed deltas, less the smallest of each.

use parquet::errors::Result;

use crate::io::parquet::buffer::FifoBuffer;
use crate::io::parquet::encoding::bit_packed::{
    BitUnpacker, DeltaValue, PACK, PADDED, pack_at, with_unpacker,
};
use crate::io::parquet::encoding::varint::{varint, zigzag};
use crate::io::parquet::page::corrupt;
use crate::io::parquet::selection::PageSelection;

/// Decodes up to `n` values and appends the selected ones to `out`.
pub(in crate::io::parquet) fn decode_deltas<D: DeltaValue>(
    bytes: &[u8],
    n: usize,
    selection: PageSelection<'_>,
    out: &mut FifoBuffer<D>,
) -> Result<()> {
    let n_written = write_deltas(bytes, n, selection, out.room(selection.count(n) + PACK))?;
    out.add(n_written);
    Ok(())
}

/// Writes the selected of up to `n` values to `out`, which has room for [`PACK`] more; returns how
/// many they are.
fn write_deltas<D: DeltaValue>(
    bytes: &[u8],
    n: usize,
    selection: PageSelection<'_>,
    out: &mut [D],
) -> Result<usize> {
    with_unpacker!(write_deltas_with::<D>(bytes: &[u8], n: usize, selection: PageSelection<'_>, out: &mut [D]) -> Result<usize>)
}

#[inline(always)]
fn write_deltas_with<D: DeltaValue, U: BitUnpacker>(
    mut bytes: &[u8],
    n: usize,
    selection: PageSelection<'_>,
    out: &mut [D],
) -> Result<usize> {
    let header = DeltaHeader::decode(&mut bytes)?;
    let n = n.min(header.n_values);
    if n == 0 {
        return Ok(0);
    }
    let value = D::from_first(header.first);
    let mut values = ValueWriter { value, selection, rows: selection.within(0..n), out, len: 0 };
    values.write_first();
    let (mut start, mut padded) = (1, PADDED);
    while start < n {
        let min_delta = zigzag(&mut bytes)?;
        let widths = bytes.split_at_checked(header.miniblocks);
        let (widths, rest) = widths.ok_or_else(|| corrupt("delta block exceeds the page"))?;
        bytes = rest;
        for &width in widths {
            if start == n {
                break;
            }
            let len = header.miniblock_len.min(n - start);
            let miniblock = next_miniblock(&mut bytes, width, header.miniblock_len, len)?;
            for first in (0..len).step_by(PACK) {
                let pack = pack_at(miniblock, width.into(), first, &mut padded);
                let len = PACK.min(len - first);
                values.write_pack::<U>(
                    pack,
                    width.into(),
                    min_delta,
                    start + first..start + first + len,
                );
            }
            start += len;
        }
    }
    Ok(values.len)
}

/// What stands before the blocks of a page.
struct DeltaHeader {
    /// Miniblocks of a block.
    miniblocks: usize,
    /// Values of a miniblock, a multiple of 32.
    miniblock_len: usize,
    n_values: usize,
    first: i64,
}

impl DeltaHeader {
    #[inline(always)]
    fn decode(bytes: &mut &[u8]) -> Result<Self> {
        const LARGEST_BLOCK: u64 = 1 << 16;
        let (block, miniblocks, n_values) = (varint(bytes)?, varint(bytes)?, varint(bytes)?);
        let first = zigzag(bytes)?;
        let fits = (1..=block).contains(&miniblocks)
            && block <= LARGEST_BLOCK
            && block % miniblocks == 0
            && (block / miniblocks) % 32 == 0;
        if !fits {
            return Err(corrupt(&format!(
                "delta blocks of {block} values in {miniblocks} miniblocks are not supported"
            )));
        }
        Ok(Self {
            miniblocks: miniblocks as usize,
            miniblock_len: (block / miniblocks) as usize,
            n_values: usize::try_from(n_values).unwrap_or(usize::MAX),
            first,
        })
    }
}

/// Returns the bytes from the next miniblock on, and moves `bytes` behind it. The last one may end
/// with the last of its `len` values; what stands behind may be read along, and is not used.
#[inline(always)]
fn next_miniblock<'a>(
    bytes: &mut &'a [u8],
    width: u8,
    miniblock_len: usize,
    len: usize,
) -> Result<&'a [u8]> {
    if width > 64 {
        return Err(corrupt(&format!("bit width {width} of deltas exceeds 64")));
    }
    let end = (miniblock_len / 8 * usize::from(width)).min(bytes.len());
    if end * 8 < len * usize::from(width) {
        return Err(corrupt("delta miniblock exceeds the page"));
    }
    let miniblock = *bytes;
    *bytes = &bytes[end..];
    Ok(miniblock)
}

/// Writes the selected ones of values that are prefix sums of deltas.
struct ValueWriter<'a, D> {
    /// The last value so far.
    value: D,
    selection: PageSelection<'a>,
    /// Selected rows that are still to come; `None` if all are selected.
    rows: Option<&'a [u32]>,
    out: &'a mut [D],
    /// Values written.
    len: usize,
}

impl<D: DeltaValue> ValueWriter<'_, D> {
    #[inline(always)]
    fn write_first(&mut self) {
        match self.rows {
            Some([row, rest @ ..]) if self.selection.index(*row) == 0 => self.rows = Some(rest),
            Some(_) => return,
            None => {}
        }
        self.out[0] = self.value;
        self.len = 1;
    }

    /// Writes the values of a pack of deltas, which are those of some rows of the page.
    #[inline(always)]
    fn write_pack<U: BitUnpacker>(
        &mut self,
        pack: &[u8],
        width: u32,
        min_delta: i64,
        range: std::ops::Range<usize>,
    ) {
        match self.rows {
            None => {
                let out = &mut self.out[range.start..range.start + PACK];
                let out = out.try_into().expect("it has this length");
                self.value = D::prefix_sums::<U>(pack, width, min_delta, self.value, out);
                self.len += range.len();
            }
            // Where no row is selected, only the last value matters.
            Some(rows)
                if rows.first().is_none_or(|row| self.selection.index(*row) >= range.end) =>
            {
                self.value = D::total::<U>(pack, width, min_delta, self.value);
            }
            Some(rows) => {
                let mut values = [D::default(); PACK];
                self.value = D::prefix_sums::<U>(pack, width, min_delta, self.value, &mut values);
                let is_here = |row: &&u32| self.selection.index(**row) < range.end;
                let (here, rest) = rows.split_at(rows.iter().take_while(is_here).count());
                for row in here {
                    self.out[self.len] = values[self.selection.index(*row) - range.start];
                    self.len += 1;
                }
                self.rows = Some(rest);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::io::parquet::encoding::rle_bit_packed::{HybridRun, decode_hybrid};

    proptest! {
        #[test]
        fn arbitrary_bytes_never_panic_or_yield_too_many_values(
            bytes in proptest::collection::vec(any::<u8>(), 0..200), n in 0..500_usize, width in 0..40_u32,
        ) {
            let rows: Vec<u32> = (0..n as u32).filter(|row| row % 3 == 1).collect();
            for rows in [None, Some(&rows[..])] {
                let mut values = FifoBuffer::default();
                let selection = PageSelection::for_column(rows, 0);
                let _ = decode_deltas::<i64>(&bytes, n, selection, &mut values);
                prop_assert!(values.len() <= selection.count(n));
                let mut n_values = 0;
                let _ = decode_hybrid(&bytes, width, n, selection, |run| match run {
                    HybridRun::Repeated(_, times) => n_values += times,
                    HybridRun::Packed(_, n) => n_values += n,
                });
                prop_assert!(n_values <= selection.count(n));
            }
        }
    }
}
