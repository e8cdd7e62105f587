//! Decodes the columns of ratings and vectors that mvrec itself wrote, without Arrow in between.
//!
//! The encodings are those that [`super::ratings_layout`] asks for, as the Parquet format defines them (apache/parquet-format,
//! Encodings.md): differences for movies and times, dictionaries for users and stars, plain numbers in vectors, nothing compressed. A column of
//! any other kind is left to the Arrow reader. Nothing is trusted: every length is checked, and damage is an error.

use std::cell::Cell;
use std::io::{self, Read};
use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::{Bytes, BytesMut};
use parquet::basic::{Compression, Encoding, Type};
use parquet::column::page::Page;
use parquet::errors::{ParquetError, Result};
use parquet::file::metadata::ColumnChunkMetaData;
use parquet::file::reader::{ChunkReader, Length};
use parquet::file::serialized_reader::SerializedPageReader;

use crate::io::columns::NO_TIME;
use crate::io::parquet::input::ParquetInput;

/// A chunk of a column in memory, at the place that it has in its file.
struct Chunk {
    bytes: Bytes,
    start: u64,
}

impl Length for Chunk {
    fn len(&self) -> u64 {
        self.start + self.bytes.len() as u64
    }
}

impl ChunkReader for Chunk {
    type T = io::Cursor<Bytes>;

    fn get_read(&self, start: u64) -> Result<Self::T> {
        let length = Length::len(self).saturating_sub(start) as usize;
        Ok(io::Cursor::new(self.get_bytes(start, length)?))
    }

    fn get_bytes(&self, start: u64, length: usize) -> Result<Bytes> {
        let from = start.checked_sub(self.start).and_then(|from| usize::try_from(from).ok());
        let range = from.and_then(|from| Some(from..from.checked_add(length)?));
        match range.filter(|range| range.end <= self.bytes.len()) {
            Some(range) => Ok(self.bytes.slice(range)),
            None => Err(damaged("a page lies outside of its column")),
        }
    }
}

/// A chunk of a column of which only a part is in memory, so that the same memory is used again and again.
struct Window {
    input: ParquetInput,
    end: u64,
    loaded: Mutex<(u64, Bytes)>,
}

impl Window {
    const LENGTH: usize = 1 << 19;

    fn new(input: ParquetInput, (start, length): (u64, u64)) -> Self {
        Self { input, end: start + length, loaded: Mutex::new((start, Bytes::new())) }
    }

    /// Returns at least `length` bytes from a place on, where the chunk has so many.
    fn from(&self, start: u64, length: usize) -> Result<Bytes> {
        let left = usize::try_from(self.end.saturating_sub(start)).unwrap_or(usize::MAX);
        if length > left {
            return Err(damaged("a page lies outside of its column"));
        }
        let mut loaded = self.loaded.lock().unwrap_or_else(PoisonError::into_inner);
        let within = start.checked_sub(loaded.0).and_then(|from| usize::try_from(from).ok());
        if let Some(from) = within.filter(|&from| from + length <= loaded.1.len()) {
            return Ok(loaded.1.slice(from..));
        }
        loaded.1 = Bytes::new();
        *loaded = (start, self.input.get_bytes(start, left.min(Self::LENGTH.max(length)))?);
        Ok(loaded.1.clone())
    }
}

impl Length for Window {
    fn len(&self) -> u64 {
        self.end
    }
}

impl ChunkReader for Window {
    type T = io::Cursor<Bytes>;

    fn get_read(&self, start: u64) -> Result<Self::T> {
        /// More than the header of a page has.
        const HEADER: usize = 1 << 10;
        let left = self.end.saturating_sub(start).min(HEADER as u64) as usize;
        Ok(io::Cursor::new(self.from(start, left)?))
    }

    fn get_bytes(&self, start: u64, length: usize) -> Result<Bytes> {
        Ok(self.from(start, length)?.slice(..length))
    }
}

fn damaged(what: &str) -> ParquetError {
    ParquetError::General(what.into())
}

thread_local! {
    /// Memory that the last chunk of a column was read into: first touching as much of it for each chunk costs as much as reading it.
    static SPARE: Cell<BytesMut> = Cell::default();
}

/// Lets `read` go through the pages of one chunk of a column.
fn with_pages<T>(
    input: &ParquetInput,
    column: &ColumnChunkMetaData,
    rows: usize,
    read: impl FnOnce(SerializedPageReader<Chunk>) -> Result<T>,
) -> Result<T> {
    let (start, length) = column.byte_range();
    let length = usize::try_from(length).map_err(|_| damaged("a column is too long"))?;
    let memory = input.read(start, length, SPARE.take())?;
    let chunk = Chunk { bytes: memory.slice(..length), start };
    let result = SerializedPageReader::new(Arc::new(chunk), column, rows, None).and_then(read);
    if let Ok(memory) = memory.try_into_mut() {
        SPARE.set(memory);
    }
    result
}

/// Values of a page without compression, and how they are encoded; nothing for a page of another kind.
fn data(page: Page) -> Option<(Bytes, usize, Encoding)> {
    match page {
        Page::DataPage { buf, num_values, encoding, .. } => {
            Some((buf, num_values as usize, encoding))
        }
        _ => None,
    }
}

/// Tells whether a column is flat, not compressed, and of that definition level: 0 without nulls, 1 with some.
fn is_plain_chunk(column: &ColumnChunkMetaData, definition: i16) -> bool {
    let kind = column.column_descr();
    column.compression() == Compression::UNCOMPRESSED
        && kind.max_rep_level() == 0
        && kind.max_def_level() == definition
}

/// A type of four bytes.
pub(super) trait Four: Copy + Default {
    /// Makes it of its bytes in the file.
    fn of(bytes: [u8; 4]) -> Self;

    /// Makes it of a number in the file.
    fn of_number(number: i64) -> Self {
        Self::of((number as i32).to_le_bytes())
    }
}

impl Four for i32 {
    fn of(bytes: [u8; 4]) -> Self {
        Self::from_le_bytes(bytes)
    }
}

impl Four for f32 {
    fn of(bytes: [u8; 4]) -> Self {
        Self::from_le_bytes(bytes)
    }
}

fn plain<T: Four>(bytes: &[u8]) -> Vec<T> {
    let (words, _) = bytes.as_chunks::<4>();
    words.iter().map(|&word| T::of(word)).collect()
}

/// Reads a column of four bytes that allows no nulls, all of it or the rows `wanted`, which ascend; nothing where it is
/// stored in a way that is not known here. `memory` is used for the values.
pub(super) fn read_four<T: Four>(
    input: &ParquetInput,
    column: &ColumnChunkMetaData,
    rows: usize,
    wanted: Option<&[u32]>,
    memory: Vec<T>,
) -> Result<Option<Vec<T>>> {
    if !is_plain_chunk(column, 0) {
        return Ok(None);
    }
    with_pages(input, column, rows, |pages| four_of_pages(pages, rows, wanted, memory))
}

/// Reads a column of few kinds of stars as the numbers that its dictionary gives them, and the dictionary; nothing where it is stored
/// otherwise. `memory` is used for the numbers.
pub(super) fn read_kinds(
    input: &ParquetInput,
    column: &ColumnChunkMetaData,
    rows: usize,
    memory: Vec<u8>,
) -> Result<Option<(Vec<u8>, Vec<f32>)>> {
    if !is_plain_chunk(column, 0) {
        return Ok(None);
    }
    with_pages(input, column, rows, |pages| {
        let (mut numbers, mut kinds) = (memory, Vec::new());
        numbers.clear();
        for page in pages {
            let page = page?;
            if let Page::DictionaryPage { buf, .. } = &page {
                kinds = plain(buf);
                continue;
            }
            let Some((bytes, n, encoding)) = data(page) else { return Ok(None) };
            check_room(numbers.len(), n, rows)?;
            let dictionary = [Encoding::RLE_DICTIONARY, Encoding::PLAIN_DICTIONARY];
            if !dictionary.contains(&encoding) || kinds.len() > 256 {
                return Ok(None);
            }
            let all = Wanted { rows: None, first: 0 };
            dictionary_numbers(&bytes, n, all, kinds.len(), |run| match run {
                Run::Times(number, times) => numbers.resize(numbers.len() + times, number as u8),
                Run::Pack(pack) => numbers.extend(pack.iter().map(|&number| number as u8)),
            })?;
        }
        Ok(complete(numbers, rows)?.map(|numbers| (numbers, kinds)))
    })
}

fn four_of_pages<T: Four>(
    pages: SerializedPageReader<Chunk>,
    rows: usize,
    wanted: Option<&[u32]>,
    memory: Vec<T>,
) -> Result<Option<Vec<T>>> {
    let n_wanted = wanted.map_or(rows, <[u32]>::len);
    let mut values = memory;
    values.clear();
    values.reserve(n_wanted);
    let mut dictionary: Vec<T> = Vec::new();
    let mut page_values: Vec<T> = Vec::new();
    let mut first = 0;
    for page in pages {
        let page = page?;
        if let Page::DictionaryPage { buf, .. } = &page {
            dictionary = plain(buf);
            continue;
        }
        let Some((bytes, n, encoding)) = data(page) else { return Ok(None) };
        check_room(first, n, rows)?;
        let here = Wanted { rows: wanted, first };
        page_values.clear();
        match encoding {
            Encoding::PLAIN => page_values.extend(plain::<T>(&bytes).into_iter().take(n)),
            Encoding::RLE_DICTIONARY | Encoding::PLAIN_DICTIONARY => {
                // Numbers of one byte need no look at where the dictionary ends; that is looked at once for all of them.
                let mut of_byte = [T::default(); 256];
                of_byte.iter_mut().zip(&dictionary).for_each(|(to, from)| *to = *from);
                let value = |number: u32| match dictionary.len() {
                    ..=256 => of_byte[usize::from(number as u8)],
                    _ => dictionary.get(number as usize).copied().unwrap_or_default(),
                };
                dictionary_numbers(&bytes, n, here, dictionary.len(), |run| match run {
                    Run::Times(number, times) => values.resize(values.len() + times, value(number)),
                    Run::Pack(numbers) => {
                        values.extend(numbers.iter().map(|&at| value(at as u32)));
                    }
                })?;
                first += n;
                continue;
            }
            Encoding::DELTA_BINARY_PACKED => {
                if wanted.is_none() {
                    let before = values.len();
                    deltas(&bytes, n, T::of_number, &mut values)?;
                    if values.len() - before != n {
                        return Err(damaged("a page of too few values"));
                    }
                    first += n;
                    continue;
                }
                page_values.reserve(n);
                deltas(&bytes, n, T::of_number, &mut page_values)?;
            }
            _ => return Ok(None),
        }
        if page_values.len() != n {
            return Err(damaged("a page of too few values"));
        }
        match here.within(0..n) {
            None => values.append(&mut page_values),
            Some(rows) => values.extend(rows.iter().map(|&row| page_values[row as usize - first])),
        }
        first += n;
    }
    complete(values, n_wanted)
}

/// Reads a column of lists of `width` numbers each, row after row, none of them null; nothing where it is stored in a way
/// that is not known here, or a list has another length.
pub(super) fn read_vectors(
    input: &ParquetInput,
    column: &ColumnChunkMetaData,
    rows: usize,
    width: usize,
) -> Result<Option<Vec<f32>>> {
    let kind = column.column_descr();
    let known = column.compression() == Compression::UNCOMPRESSED
        && kind.max_rep_level() == 1
        && kind.physical_type() == Type::FLOAT;
    let Some(total) = rows.checked_mul(width).filter(|_| known && width > 0) else {
        return Ok(None);
    };
    if total as u64 > column.byte_range().1 / size_of::<f32>() as u64 {
        return Ok(None); // promises more numbers than it has room for
    }
    let defined = kind.max_def_level() as u32;
    let width_of_defined = u32::BITS - defined.leading_zeros();
    let window = Arc::new(Window::new(input.clone(), column.byte_range()));
    let mut values: Vec<f32> = Vec::with_capacity(total);
    // Pages of equally long lists have the same levels, byte by byte.
    let mut checked: Option<(usize, Bytes)> = None;
    for page in SerializedPageReader::new(window, column, rows, None)? {
        let Page::DataPage { buf, num_values, encoding, .. } = page? else { return Ok(None) };
        let n = num_values as usize;
        if encoding != Encoding::PLAIN || !n.is_multiple_of(width) || n > total - values.len() {
            return Ok(None);
        }
        let (starts, rest) = levels(&buf)?;
        let (nulls, bytes) = levels(rest)?;
        let of_levels = buf.slice(..buf.len() - bytes.len());
        if checked.as_ref() != Some(&(n, of_levels.clone())) {
            let (mut at, mut regular) = (0, true);
            runs(starts, 1, n, |level, times| {
                // A level 0 begins a list.
                let within = at % width;
                regular &= match level {
                    0 => within == 0 && (times == 1 || width == 1),
                    _ => within > 0 && within + times <= width,
                };
                at += times;
            })?;
            runs(nulls, width_of_defined, n, |level, _| regular &= level == defined)?;
            if !regular || at != n {
                return Ok(None);
            }
            checked = Some((n, of_levels));
        }
        let words = bytes.as_chunks::<4>().0;
        let words = words.get(..n).ok_or_else(|| damaged("a page of too few values"))?;
        values.extend(words.iter().map(|&word| f32::from_le_bytes(word)));
    }
    complete(values, total)
}

/// Splits off levels, whose length in bytes stands before them.
fn levels(bytes: &[u8]) -> Result<(&[u8], &[u8])> {
    let (length, rest) = bytes.split_first_chunk::<4>().ok_or_else(|| damaged("an empty page"))?;
    let length = u32::from_le_bytes(*length) as usize;
    rest.split_at_checked(length).ok_or_else(|| damaged("levels beyond the page"))
}

/// Reads a column of times, which may be unknown; nothing where it is stored in a way that is not known here. `memory` is used for
/// them.
pub(super) fn read_times(
    input: &ParquetInput,
    column: &ColumnChunkMetaData,
    rows: usize,
    memory: Vec<i64>,
) -> Result<Option<Vec<i64>>> {
    if !is_plain_chunk(column, 1) {
        return Ok(None);
    }
    with_pages(input, column, rows, |pages| times_of_pages(pages, rows, memory))
}

fn times_of_pages(
    pages: SerializedPageReader<Chunk>,
    rows: usize,
    memory: Vec<i64>,
) -> Result<Option<Vec<i64>>> {
    let mut values = memory;
    values.clear();
    values.reserve(rows);
    let mut known = Vec::new();
    for page in pages {
        let Some((bytes, n, encoding)) = data(page?) else { return Ok(None) };
        if encoding != Encoding::DELTA_BINARY_PACKED {
            return Ok(None);
        }
        check_room(values.len(), n, rows)?;
        let (levels, bytes) = levels(&bytes)?;
        known.clear();
        let mut n_known = 0;
        runs(levels, 1, n, |level, times| {
            known.push((level == 1, times));
            n_known += if level == 1 { times } else { 0 };
        })?;
        let before = values.len();
        deltas(bytes, n_known, |ms| ms, &mut values)?;
        if values.len() != before + n_known {
            return Err(damaged("a page of too few values"));
        }
        if n_known < n {
            // Spread them from the back, so that nothing is overwritten that is still to be moved.
            values.resize(before + n, NO_TIME);
            let (mut from, mut to) = (before + n_known, before + n);
            for &(known, times) in known.iter().rev() {
                to -= times;
                if known {
                    from -= times;
                    values.copy_within(from..from + times, to);
                } else {
                    values[to..to + times].fill(NO_TIME);
                }
            }
        }
    }
    complete(values, rows)
}

/// Refuses a page that holds more than is left of its row group.
fn check_room(found: usize, n: usize, rows: usize) -> Result<()> {
    if n > rows - found { Err(damaged("more values than rows")) } else { Ok(()) }
}

fn complete<T>(values: Vec<T>, rows: usize) -> Result<Option<Vec<T>>> {
    if values.len() == rows { Ok(Some(values)) } else { Err(damaged("fewer values than rows")) }
}

/// Reads an unsigned number of seven bits a byte.
fn varint(bytes: &mut &[u8]) -> Result<u64> {
    let mut value = 0;
    for shift in (0..64).step_by(7) {
        let mut byte = [0];
        bytes.read_exact(&mut byte).map_err(|_| damaged("a number beyond the page"))?;
        value |= u64::from(byte[0] & 0x7f) << shift;
        if byte[0] < 0x80 {
            return Ok(value);
        }
    }
    Err(damaged("a number without end"))
}

/// Reads a signed number, its sign in the lowest bit.
fn zigzag(bytes: &mut &[u8]) -> Result<i64> {
    let value = varint(bytes)?;
    Ok((value >> 1) as i64 ^ -((value & 1) as i64))
}

/// Numbers as they are stored.
enum Run<'a> {
    /// One number, and how often it comes.
    Times(u32, usize),
    /// Up to [`PACK`] numbers, none larger than 32 bits.
    Pack(&'a [u64]),
}

/// Reads `n` numbers of `width` bits; `out` gets a number and how often it comes.
fn runs(bytes: &[u8], width: u32, n: usize, mut out: impl FnMut(u32, usize)) -> Result<()> {
    hybrid(bytes, width, n, Wanted { rows: None, first: 0 }, |run| match run {
        Run::Times(number, times) => out(number, times),
        Run::Pack(numbers) => numbers.iter().for_each(|&number| out(number as u32, 1)),
    })
}

/// Reads those of `n` numbers of a page that stand at the places `wanted`, after the byte that tells their width; each must be one of `kinds`
/// that the dictionary has.
fn dictionary_numbers(
    bytes: &[u8],
    n: usize,
    wanted: Wanted<'_>,
    kinds: usize,
    mut out: impl FnMut(Run<'_>),
) -> Result<()> {
    let (&width, packed) = bytes.split_first().ok_or_else(|| damaged("an empty page"))?;
    let mut largest = 0;
    hybrid(packed, u32::from(width), n, wanted, |run| {
        largest = match &run {
            Run::Times(number, _) => largest.max(*number),
            Run::Pack(pack) => pack.iter().fold(largest, |most, &number| most.max(number as u32)),
        };
        out(run);
    })?;
    if n > 0 && largest as usize >= kinds {
        return Err(damaged("a number beyond the dictionary"));
    }
    Ok(())
}

/// Reads those of `n` numbers of `width` bits that stand at the places `wanted`, which ascend: runs of one number, or
/// packed in groups of eight.
fn hybrid(
    mut bytes: &[u8],
    width: u32,
    n: usize,
    wanted: Wanted<'_>,
    mut out: impl FnMut(Run<'_>),
) -> Result<()> {
    if width > 32 {
        return Err(damaged("numbers of more than 32 bits"));
    }
    let mut start = 0;
    while start < n {
        let header = varint(&mut bytes)?;
        let length = usize::try_from(header >> 1).unwrap_or(usize::MAX);
        if length == 0 {
            return Err(damaged("a run of nothing"));
        }
        if header & 1 == 0 {
            let size = width.div_ceil(8) as usize;
            let (value, rest) =
                bytes.split_at_checked(size).ok_or_else(|| damaged("a run beyond the page"))?;
            let mut word = [0; 4];
            word[..size].copy_from_slice(value);
            bytes = rest;
            let end = start.saturating_add(length).min(n);
            let times = wanted.within(start..end).map_or(end - start, <[u32]>::len);
            if times > 0 {
                out(Run::Times(u32::from_le_bytes(word), times));
            }
            start = end;
        } else {
            let size = length.checked_mul(width as usize).filter(|&size| size <= bytes.len());
            let (packed, rest) =
                bytes.split_at(size.ok_or_else(|| damaged("numbers beyond the page"))?);
            bytes = rest;
            let end = start.saturating_add(length.saturating_mul(8)).min(n);
            match wanted.within(start..end) {
                None => unpack(packed, width, end - start, |numbers| out(Run::Pack(numbers))),
                Some(rows) => {
                    for &row in rows {
                        let bit = (row as usize - wanted.first - start) * width as usize;
                        let mut eight = [0; 8];
                        let rest = &packed[bit / 8..];
                        let length = rest.len().min(8);
                        eight[..length].copy_from_slice(&rest[..length]);
                        let value = u64::from_le_bytes(eight) >> (bit % 8);
                        out(Run::Times((value & ((1 << width) - 1)) as u32, 1));
                    }
                }
            }
            start = end;
        }
    }
    Ok(())
}

/// Rows of a column that are wanted, as a page sees them.
#[derive(Clone, Copy)]
struct Wanted<'a> {
    /// Rows of the column, ascending; nothing where all are wanted.
    rows: Option<&'a [u32]>,
    /// Row of the column that is the first of the page.
    first: usize,
}

impl<'a> Wanted<'a> {
    /// Returns the wanted rows among some of the page; nothing where all are wanted.
    fn within(&self, places: Range<usize>) -> Option<&'a [u32]> {
        let rows = self.rows?;
        let at = |place: usize| rows.partition_point(|&row| (row as usize) < self.first + place);
        Some(&rows[at(places.start)..at(places.end)])
    }
}

/// Reads up to `n` numbers from their differences and adds what `of` makes of each to `out`.
fn deltas<T: Copy>(
    mut bytes: &[u8],
    n: usize,
    of: impl Fn(i64) -> T + Copy,
    out: &mut Vec<T>,
) -> Result<()> {
    const LONGEST: u64 = 1 << 16;
    let bytes = &mut bytes;
    let (block, miniblocks) = (varint(bytes)?, varint(bytes)?);
    let count = varint(bytes)?;
    let mut value = zigzag(bytes)?;
    let fits = miniblocks > 0 && miniblocks <= block && block <= LONGEST && block % miniblocks == 0;
    if !fits || (block / miniblocks) % 32 != 0 {
        return Err(damaged("blocks of a size that is not allowed"));
    }
    let per_miniblock = (block / miniblocks) as usize;
    let mut left = n.min(usize::try_from(count).unwrap_or(usize::MAX));
    if left == 0 {
        return Ok(());
    }
    out.push(of(value));
    left -= 1;
    while left > 0 {
        let least = zigzag(bytes)?;
        let (widths, rest) = bytes
            .split_at_checked(miniblocks as usize)
            .ok_or_else(|| damaged("a block beyond the page"))?;
        *bytes = rest;
        for &width in widths {
            if left == 0 {
                break;
            }
            let size = per_miniblock / 8 * usize::from(width);
            if width > 64 {
                return Err(damaged("differences of more than 64 bits"));
            }
            let now = left.min(per_miniblock);
            // The last block may end with the last value that it holds.
            let (packed, rest) = bytes.split_at(size.min(bytes.len()));
            if packed.len() * 8 < now * usize::from(width) {
                return Err(damaged("differences beyond the page"));
            }
            packs(packed, u32::from(width), now, |pack, n| {
                let mut sum = value;
                let numbers = map_pack(pack, width.into(), |delta| {
                    // The sum that does not wait for the last value comes first.
                    sum = sum.wrapping_add(least.wrapping_add(delta as i64));
                    of(sum)
                });
                value = sum;
                out.extend_from_slice(&numbers[..n]);
            });
            left -= now;
            *bytes = rest;
        }
    }
    Ok(())
}

/// Numbers that are unpacked at a time: whole bytes at any width.
const PACK: usize = 32;

/// Hands out the first `n` of the numbers of `width` bits that stand side by side in `bytes`, lowest bits first, up to [`PACK`]
/// at a time.
#[inline(always)]
fn unpack(bytes: &[u8], width: u32, n: usize, mut out: impl FnMut(&[u64])) {
    packs(bytes, width, n, |pack, n| out(&map_pack(pack, width, |number| number)[..n]));
}

/// Hands out the bytes of up to [`PACK`] of `n` numbers of `width` bits at a time, and how many they are.
#[inline(always)]
fn packs(bytes: &[u8], width: u32, n: usize, mut out: impl FnMut(&[u8], usize)) {
    let size = PACK / 8 * width as usize;
    let mut padded = [0; PACK / 8 * 64 + 16];
    for first in (0..n).step_by(PACK) {
        let from = first / PACK * size;
        // A value is read with the eight bytes from its first on, which the last ones do not have behind them.
        let pack = bytes.get(from..from + size + 16).unwrap_or_else(|| {
            let rest = bytes.get(from..).unwrap_or_default();
            let rest = &rest[..rest.len().min(size)];
            padded[..rest.len()].copy_from_slice(rest);
            padded[rest.len()..size + 16].fill(0);
            &padded[..size + 16]
        });
        out(pack, PACK.min(n - first));
    }
}

/// Unpacks numbers of one width, which is known when this is compiled, so that all shifts are.
fn map_width<T, const WIDTH: usize>(bytes: &[u8], mut of: impl FnMut(u64) -> T) -> [T; PACK] {
    let mask = if WIDTH == 64 { u64::MAX } else { (1 << (WIDTH % 64)) - 1 };
    let bytes = &bytes[..PACK / 8 * WIDTH + 16];
    let word = |at: usize| u64::from_le_bytes(bytes[at..at + 8].try_into().expect("eight bytes"));
    std::array::from_fn(|i| {
        let (at, shift) = (i * WIDTH / 8, i * WIDTH % 8);
        let mut value = word(at) >> shift;
        if shift + WIDTH > 64 {
            value |= word(at + 8) << (64 - shift);
        }
        of(value & mask)
    })
}

/// Unpacks [`PACK`] numbers and returns what `of` makes of each, in order.
fn map_pack<T>(bytes: &[u8], width: u32, of: impl FnMut(u64) -> T) -> [T; PACK] {
    macro_rules! by_width {
        ($($width:literal)*) => {
            match width {
                $($width => map_width::<T, $width>(bytes, of),)*
                _ => unreachable!("widths are checked where they are read"),
            }
        };
    }
    by_width!(0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27 28 29 30 31 32
        33 34 35 36 37 38 39 40 41 42 43 44 45 46 47 48 49 50 51 52 53 54 55 56 57 58 59 60 61 62 63 64)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn numbers_of_any_width_are_unpacked(width in 0..=64_u32, values in proptest::collection::vec(any::<u64>(), 0..70)) {
            let mask = if width == 64 { u64::MAX } else { (1 << width) - 1 };
            let mut bits: Vec<bool> = Vec::new();
            for value in &values {
                bits.extend((0..width).map(|bit| (value & mask) >> bit & 1 == 1));
            }
            let bytes: Vec<u8> = bits
                .chunks(8)
                .map(|bits| bits.iter().rev().fold(0, |byte, &bit| byte << 1 | u8::from(bit)))
                .collect();
            let mut read = Vec::new();
            unpack(&bytes, width, values.len(), |values| read.extend_from_slice(values));
            let expected: Vec<u64> = values.iter().map(|value| value & mask).collect();
            prop_assert_eq!(read, expected);
        }

        #[test]
        fn no_bytes_make_it_panic_or_hand_out_too_much(
            bytes in proptest::collection::vec(any::<u8>(), 0..200), n in 0..500_usize, width in 0..40_u32,
        ) {
            let mut given = Vec::new();
            let _ = deltas(&bytes, n, |number| number, &mut given);
            prop_assert!(given.len() <= n);
            let rows: Vec<u32> = (0..n as u32).filter(|row| row % 3 == 1).collect();
            for rows in [None, Some(&rows[..])] {
                let mut given = 0;
                let wanted = Wanted { rows, first: 0 };
                let _ = hybrid(&bytes, width, n, wanted, |run| match run {
                    Run::Times(_, times) => given += times,
                    Run::Pack(numbers) => given += numbers.len(),
                });
                prop_assert!(given <= rows.map_or(n, <[u32]>::len));
            }
        }
    }
}
