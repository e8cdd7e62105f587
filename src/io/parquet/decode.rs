//! Decodes the columns of ratings and vectors that mvrec itself wrote, without Arrow in between.
//!
//! The encodings are those that [`super::ratings_layout`] asks for, as the Parquet format defines
//! them (apache/parquet-format, Encodings.md): differences for movies and times, dictionaries for
//! users and stars, plain numbers in vectors, nothing compressed. A column of any other kind is
//! left to the Arrow reader. Nothing is trusted: every length is checked, and damage is an error.

use std::io::Read;
use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use parquet::basic::{Compression, Encoding, Type};
use parquet::column::page::Page;
use parquet::errors::{ParquetError, Result};
use parquet::file::metadata::ColumnChunkMetaData;
use parquet::file::serialized_reader::SerializedPageReader;

use crate::io::columns::NO_TIME;
use crate::io::parquet::bits::{
    Delta, PACK, PADDED, Unpack, pack_at, unpack, unpack_bytes, with_unpack,
};
use crate::io::parquet::buffer::Buffer;
use crate::io::parquet::input::ParquetInput;
use crate::io::parquet::window::Window;

/// Returns the error of a corrupt file.
pub(super) fn damaged(what: &str) -> ParquetError {
    ParquetError::General(what.into())
}

/// A chunk of a flat column that is not compressed, page by page.
pub(super) struct Pages {
    pages: SerializedPageReader<Window>,
    dictionary: Option<Vec<u8>>,
    /// Rows of the chunk that are before the next page.
    before: usize,
    rows: usize,
}

/// A page that is not decoded.
pub(super) struct RawPage {
    bytes: Bytes,
    encoding: Encoding,
    /// Row of the chunk that is the first of the page.
    first: usize,
    /// How many there are.
    pub(super) rows: usize,
}

impl Pages {
    /// Begins with a chunk of so many rows and of that definition level, 0 without nulls and 1 with
    /// some; nothing where it is of another kind.
    fn open(
        input: &ParquetInput,
        column: &ColumnChunkMetaData,
        rows: usize,
        definition: i16,
    ) -> Result<Option<Self>> {
        let kind = column.column_descr();
        let known = column.compression() == Compression::UNCOMPRESSED
            && kind.max_rep_level() == 0
            && kind.max_def_level() == definition;
        if !known {
            return Ok(None);
        }
        let window = Arc::new(Window::new(input.clone(), column.byte_range()));
        let pages = SerializedPageReader::new(window, column, rows, None)?;
        Ok(Some(Self { pages, dictionary: None, before: 0, rows }))
    }

    /// Returns the next page of values; nothing where it is of another kind.
    pub(super) fn next(&mut self) -> Result<Option<RawPage>> {
        loop {
            match self.pages.next().ok_or_else(|| damaged("fewer values than rows"))?? {
                Page::DictionaryPage { buf, .. } => self.dictionary = Some(buf.to_vec()),
                Page::DataPage { buf: bytes, num_values, encoding, .. } => {
                    let (first, rows) = (self.before, num_values as usize);
                    if rows > self.rows - first {
                        return Err(damaged("more values than rows"));
                    }
                    self.before += rows;
                    return Ok(Some(RawPage { bytes, encoding, first, rows }));
                }
                Page::DataPageV2 { .. } => return Ok(None),
            }
        }
    }
}

/// A column that is decoded page by page.
pub(super) trait ColumnDecoder: Sized {
    /// What it holds.
    type Value: Copy + Default;

    /// Returns its pages.
    fn pages(&mut self) -> &mut Pages;

    /// Adds the wanted values of a page; nothing where they are stored in a way that is not known
    /// here.
    fn decode(
        &mut self,
        page: &RawPage,
        wanted: Wanted<'_>,
        values: &mut Buffer<Self::Value>,
    ) -> Result<Option<()>>;

    /// Reads all pages, of which only some rows may be `wanted`; `memory` is used for the values.
    fn all(
        mut self,
        wanted: Option<&[u32]>,
        memory: Vec<Self::Value>,
    ) -> Result<Option<Vec<Self::Value>>> {
        let mut values = Buffer::with_memory(memory);
        while self.pages().before < self.pages().rows {
            let Some(page) = self.pages().next()? else { return Ok(None) };
            let wanted = Wanted { rows: wanted, first: page.first };
            if self.decode(&page, wanted, &mut values)?.is_none() {
                return Ok(None);
            }
        }
        Ok(Some(values.into_vec()))
    }
}

/// A type of four bytes.
pub(super) trait Four: Copy + Default {
    /// Makes it of its bytes in the file.
    fn from_bytes(bytes: [u8; 4]) -> Self;

    /// Adds those that are wanted of up to `n` numbers that are stored as differences; nothing
    /// where this type is not stored so.
    fn deltas(
        bytes: &[u8],
        n: usize,
        wanted: Wanted<'_>,
        out: &mut Buffer<Self>,
    ) -> Result<Option<()>>;
}

impl Four for i32 {
    fn from_bytes(bytes: [u8; 4]) -> Self {
        Self::from_le_bytes(bytes)
    }

    fn deltas(
        bytes: &[u8],
        n: usize,
        wanted: Wanted<'_>,
        out: &mut Buffer<Self>,
    ) -> Result<Option<()>> {
        deltas(bytes, n, wanted, out).map(Some)
    }
}

impl Four for f32 {
    fn from_bytes(bytes: [u8; 4]) -> Self {
        Self::from_le_bytes(bytes)
    }

    fn deltas(_: &[u8], _: usize, _: Wanted<'_>, _: &mut Buffer<Self>) -> Result<Option<()>> {
        Ok(None)
    }
}

fn plain<T: Four>(bytes: &[u8]) -> impl ExactSizeIterator<Item = T> {
    bytes.as_chunks::<4>().0.iter().map(|&word| T::from_bytes(word))
}

/// Dictionaries of up to so many values have numbers of one byte.
const SMALL: usize = 256;

/// A column of four bytes that allows no nulls.
pub(super) struct Fours<T> {
    pages: Pages,
    dictionary: Vec<T>,
    /// Those of the dictionary whose numbers have one byte, so that no number needs a look at
    /// where it ends.
    of_byte: [T; SMALL],
    numbers: Buffer<u8>,
}

impl<T: Four> Fours<T> {
    /// Begins with a chunk of so many rows; nothing where it is stored in a way that is not known
    /// here.
    pub(super) fn open(
        input: &ParquetInput,
        column: &ColumnChunkMetaData,
        rows: usize,
    ) -> Result<Option<Self>> {
        let pages = Pages::open(input, column, rows, 0)?;
        Ok(pages.map(|pages| Self {
            pages,
            dictionary: Vec::new(),
            of_byte: [T::default(); SMALL],
            numbers: Buffer::default(),
        }))
    }

    /// Takes over the dictionary, if it came before the page that was read last.
    fn take_dictionary(&mut self) {
        if let Some(bytes) = self.pages.dictionary.take() {
            self.dictionary = plain(&bytes).collect();
            self.of_byte.iter_mut().zip(&self.dictionary).for_each(|(to, from)| *to = *from);
        }
    }

    /// Adds values by their numbers in the dictionary, of which `bytes` tells the width first.
    fn push_dictionary_values(
        &mut self,
        bytes: &[u8],
        n: usize,
        wanted: Wanted<'_>,
        values: &mut Buffer<T>,
    ) -> Result<()> {
        let (&width, packed) = bytes.split_first().ok_or_else(|| damaged("an empty page"))?;
        let dictionary = &self.dictionary;
        if width <= 8 {
            self.numbers.clear();
            byte_numbers(packed, width, n, wanted, dictionary.len(), &mut self.numbers)?;
            values.extend(self.numbers.iter().map(|&number| self.of_byte[usize::from(number)]));
            return Ok(());
        }
        let width = u32::from(width);
        let mut largest = 0;
        let value = |number: u32| dictionary.get(number as usize).copied().unwrap_or_default();
        hybrid(packed, width, n, wanted, |run| match run {
            HybridRun::Times(number, times) => {
                largest = largest.max(number);
                values.fill(value(number), times);
            }
            HybridRun::Packed(packed, n) => unpack(packed, width, n, |numbers| {
                largest = numbers.iter().fold(largest, |most, &number| most.max(number as u32));
                values.extend(numbers.iter().map(|&number| value(number as u32)));
            }),
        })?;
        check_numbers(n, largest, dictionary.len())
    }
}

/// Refuses numbers that the dictionary does not have.
fn check_numbers(n: usize, largest: u32, kinds: usize) -> Result<()> {
    match n > 0 && largest as usize >= kinds {
        true => Err(damaged("a number beyond the dictionary")),
        false => Ok(()),
    }
}

/// Adds those of `n` numbers of up to eight bits that stand at the places `wanted`; each must be
/// one of `kinds`.
fn byte_numbers(
    packed: &[u8],
    width: u8,
    n: usize,
    wanted: Wanted<'_>,
    kinds: usize,
    numbers: &mut Buffer<u8>,
) -> Result<()> {
    let (width, before) = (u32::from(width), numbers.len());
    hybrid(packed, width, n, wanted, |run| match run {
        HybridRun::Times(number, times) => numbers.fill(number as u8, times),
        HybridRun::Packed(packed, n) => {
            unpack_bytes(packed, width, n, numbers.room(n.next_multiple_of(PACK)));
            numbers.add(n);
        }
    })?;
    let added = &numbers[before..];
    let largest = added.iter().fold(0, |most: u8, &number| most.max(number));
    check_numbers(added.len(), largest.into(), kinds)
}

impl<T: Four> ColumnDecoder for Fours<T> {
    type Value = T;

    fn pages(&mut self) -> &mut Pages {
        &mut self.pages
    }

    fn decode(
        &mut self,
        page: &RawPage,
        wanted: Wanted<'_>,
        values: &mut Buffer<T>,
    ) -> Result<Option<()>> {
        self.take_dictionary();
        let (bytes, n, before) = (&page.bytes, page.rows, values.len());
        match page.encoding {
            Encoding::RLE_DICTIONARY | Encoding::PLAIN_DICTIONARY => {
                self.push_dictionary_values(bytes, n, wanted, values)?;
            }
            Encoding::DELTA_BINARY_PACKED => {
                if T::deltas(bytes, n, wanted, values)?.is_none() {
                    return Ok(None);
                }
            }
            Encoding::PLAIN if bytes.len() / size_of::<T>() < n => {}
            Encoding::PLAIN => match wanted.within(0..n) {
                None => values.extend(plain::<T>(bytes).take(n)),
                Some(rows) => {
                    let words = bytes.as_chunks::<4>().0;
                    values.extend(
                        rows.iter().map(|&row| T::from_bytes(words[row as usize - wanted.first])),
                    );
                }
            },
            _ => return Ok(None),
        }
        check_complete(values.len() - before, wanted, n)
    }
}

/// Refuses a page in which not all of the wanted values of `n` were found.
fn check_complete(found: usize, wanted: Wanted<'_>, n: usize) -> Result<Option<()>> {
    match found == wanted.within(0..n).map_or(n, <[u32]>::len) {
        true => Ok(Some(())),
        false => Err(damaged("a page of too few values")),
    }
}

/// A column of few kinds of stars, as the numbers that its dictionary gives them.
pub(super) struct KindNumbers(Fours<f32>);

impl KindNumbers {
    /// Begins with a chunk of so many rows; nothing where it is stored in a way that is not known
    /// here.
    pub(super) fn open(
        input: &ParquetInput,
        column: &ColumnChunkMetaData,
        rows: usize,
    ) -> Result<Option<Self>> {
        Ok(Fours::open(input, column, rows)?.map(Self))
    }

    /// Returns the stars of all kinds that are known by now.
    pub(super) fn kinds(&self) -> &[f32] {
        &self.0.dictionary
    }

    /// Returns the same, and zeros where there are no more kinds.
    pub(super) fn stars(&self) -> &[f32; SMALL] {
        &self.0.of_byte
    }
}

impl ColumnDecoder for KindNumbers {
    type Value = u8;

    fn pages(&mut self) -> &mut Pages {
        self.0.pages()
    }

    fn decode(
        &mut self,
        page: &RawPage,
        wanted: Wanted<'_>,
        numbers: &mut Buffer<u8>,
    ) -> Result<Option<()>> {
        self.0.take_dictionary();
        let kinds = self.0.dictionary.len();
        let by_number =
            matches!(page.encoding, Encoding::RLE_DICTIONARY | Encoding::PLAIN_DICTIONARY);
        let (&width, packed) = page.bytes.split_first().ok_or_else(|| damaged("an empty page"))?;
        if !by_number || kinds > SMALL || width > 8 {
            return Ok(None);
        }
        let before = numbers.len();
        byte_numbers(packed, width, page.rows, wanted, kinds, numbers)?;
        check_complete(numbers.len() - before, wanted, page.rows)
    }
}

/// Reads a column of lists of `width` numbers each, row after row, none of them null; nothing where
/// it is stored in a way that is not known here, or a list has another length.
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
    let mut checked: Option<(usize, Vec<u8>)> = None;
    for page in SerializedPageReader::new(window, column, rows, None)? {
        let Page::DataPage { buf, num_values, encoding, .. } = page? else { return Ok(None) };
        let n = num_values as usize;
        if encoding != Encoding::PLAIN || !n.is_multiple_of(width) || n > total - values.len() {
            return Ok(None);
        }
        let (starts, rest) = levels(&buf)?;
        let (nulls, bytes) = levels(rest)?;
        let of_levels = &buf[..buf.len() - bytes.len()];
        if checked.as_ref().is_none_or(|(times, checked)| *times != n || checked != of_levels) {
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
            checked = Some((n, of_levels.to_vec()));
        }
        let words = bytes.as_chunks::<4>().0;
        let words = words.get(..n).ok_or_else(|| damaged("a page of too few values"))?;
        values.extend(words.iter().map(|&word| f32::from_le_bytes(word)));
    }
    match values.len() == total {
        true => Ok(Some(values)),
        false => Err(damaged("fewer values than rows")),
    }
}

/// Splits off levels, whose length in bytes stands before them.
fn levels(bytes: &[u8]) -> Result<(&[u8], &[u8])> {
    let (length, rest) = bytes.split_first_chunk::<4>().ok_or_else(|| damaged("an empty page"))?;
    let length = u32::from_le_bytes(*length) as usize;
    rest.split_at_checked(length).ok_or_else(|| damaged("levels beyond the page"))
}

/// A column of times, which may be unknown.
pub(super) struct Times {
    pages: Pages,
    /// Whether the next rows are known, and how many.
    known: Vec<(bool, usize)>,
}

impl Times {
    /// Begins with a chunk of so many rows; nothing where it is stored in a way that is not known
    /// here.
    pub(super) fn open(
        input: &ParquetInput,
        column: &ColumnChunkMetaData,
        rows: usize,
    ) -> Result<Option<Self>> {
        let pages = Pages::open(input, column, rows, 1)?;
        Ok(pages.map(|pages| Self { pages, known: Vec::new() }))
    }
}

impl ColumnDecoder for Times {
    type Value = i64;

    fn pages(&mut self) -> &mut Pages {
        &mut self.pages
    }

    fn decode(
        &mut self,
        page: &RawPage,
        wanted: Wanted<'_>,
        values: &mut Buffer<i64>,
    ) -> Result<Option<()>> {
        if page.encoding != Encoding::DELTA_BINARY_PACKED {
            return Ok(None);
        }
        let (known, n) = (&mut self.known, page.rows);
        let (levels, bytes) = levels(&page.bytes)?;
        known.clear();
        let mut n_known = 0;
        runs(levels, 1, n, |level, times| {
            known.push((level == 1, times));
            n_known += if level == 1 { times } else { 0 };
        })?;
        let before = values.len();
        if n_known == n {
            deltas(bytes, n, wanted, values)?;
        } else {
            let mut whole = Buffer::default();
            deltas(bytes, n_known, Wanted::ALL, &mut whole)?;
            let mut whole = whole.into_vec();
            if whole.len() != n_known {
                return Err(damaged("a page of too few values"));
            }
            // Spread them from the back, so that nothing is overwritten that is still to be moved.
            whole.resize(n, NO_TIME);
            let (mut from, mut to) = (n_known, n);
            for &(known, times) in known.iter().rev() {
                to -= times;
                if known {
                    from -= times;
                    whole.copy_within(from..from + times, to);
                } else {
                    whole[to..to + times].fill(NO_TIME);
                }
            }
            match wanted.within(0..n) {
                None => values.extend(whole.into_iter()),
                Some(rows) => {
                    values.extend(rows.iter().map(|&row| whole[row as usize - wanted.first]));
                }
            }
        }
        check_complete(values.len() - before, wanted, n)
    }
}

/// Decodes an unsigned LEB128 varint.
pub(super) fn varint(bytes: &mut &[u8]) -> Result<u64> {
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

/// Decodes a zigzag varint.
pub(super) fn zigzag(bytes: &mut &[u8]) -> Result<i64> {
    let value = varint(bytes)?;
    Ok((value >> 1) as i64 ^ -((value & 1) as i64))
}

/// Numbers as they are stored.
enum HybridRun<'a> {
    /// One number, and how often it comes.
    Times(u32, usize),
    /// Numbers side by side, and how many.
    Packed(&'a [u8], usize),
}

/// Reads `n` numbers of `width` bits; `out` gets a number and how often it comes.
fn runs(bytes: &[u8], width: u32, n: usize, mut out: impl FnMut(u32, usize)) -> Result<()> {
    hybrid(bytes, width, n, Wanted::ALL, |run| match run {
        HybridRun::Times(number, times) => out(number, times),
        HybridRun::Packed(packed, n) => unpack(packed, width, n, |numbers| {
            numbers.iter().for_each(|&number| out(number as u32, 1));
        }),
    })
}

/// Reads those of `n` numbers of `width` bits that stand at the places `wanted`, which ascend: runs
/// of one number, or packed in groups of eight.
fn hybrid(
    mut bytes: &[u8],
    width: u32,
    n: usize,
    wanted: Wanted<'_>,
    mut out: impl FnMut(HybridRun<'_>),
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
                out(HybridRun::Times(u32::from_le_bytes(word), times));
            }
            start = end;
        } else {
            let size = length.checked_mul(width as usize).filter(|&size| size <= bytes.len());
            let (packed, rest) =
                bytes.split_at(size.ok_or_else(|| damaged("numbers beyond the page"))?);
            bytes = rest;
            let end = start.saturating_add(length.saturating_mul(8)).min(n);
            match wanted.within(start..end) {
                None => out(HybridRun::Packed(packed, end - start)),
                Some(rows) => {
                    for &row in rows {
                        let bit = (row as usize - wanted.first - start) * width as usize;
                        let mut eight = [0; 8];
                        let rest = &packed[bit / 8..];
                        let length = rest.len().min(8);
                        eight[..length].copy_from_slice(&rest[..length]);
                        let value = u64::from_le_bytes(eight) >> (bit % 8);
                        out(HybridRun::Times((value & ((1 << width) - 1)) as u32, 1));
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
pub(super) struct Wanted<'a> {
    /// Rows of the column, ascending; nothing where all are wanted.
    rows: Option<&'a [u32]>,
    /// Row of the column that is the first of the page.
    first: usize,
}

impl<'a> Wanted<'a> {
    /// All rows.
    pub(super) const ALL: Self = Self { rows: None, first: 0 };

    /// Some rows of the page, ascending.
    pub(super) fn for_page(rows: &'a [u32]) -> Self {
        Self { rows: Some(rows), first: 0 }
    }

    /// Returns the wanted rows among some of the page; nothing where all are wanted.
    fn within(&self, places: Range<usize>) -> Option<&'a [u32]> {
        let rows = self.rows?;
        let at = |place: usize| rows.partition_point(|&row| (row as usize) < self.first + place);
        Some(&rows[at(places.start)..at(places.end)])
    }
}

/// Reads up to `n` numbers from their differences and adds those that are wanted to `out`.
fn deltas<D: Delta>(bytes: &[u8], n: usize, wanted: Wanted<'_>, out: &mut Buffer<D>) -> Result<()> {
    let most = wanted.within(0..n).map_or(n, <[u32]>::len);
    let found = write_deltas(bytes, n, wanted, out.room(most + PACK))?;
    out.add(found);
    Ok(())
}

/// Writes up to `n` numbers, or those that are wanted, to `out`, which has room for [`PACK`] more,
/// and returns how many they are.
fn write_deltas<D: Delta>(
    bytes: &[u8],
    n: usize,
    wanted: Wanted<'_>,
    out: &mut [D],
) -> Result<usize> {
    with_unpack!(deltas_with::<D>(bytes: &[u8], n: usize, wanted: Wanted<'_>, out: &mut [D]) -> Result<usize>)
}

#[inline(always)]
fn deltas_with<D: Delta, U: Unpack>(
    mut bytes: &[u8],
    n: usize,
    wanted: Wanted<'_>,
    out: &mut [D],
) -> Result<usize> {
    const LONGEST: u64 = 1 << 16;
    let bytes = &mut bytes;
    let (block, miniblocks) = (varint(bytes)?, varint(bytes)?);
    let count = varint(bytes)?;
    let mut value = D::from_first(zigzag(bytes)?);
    let fits = miniblocks > 0 && miniblocks <= block && block <= LONGEST && block % miniblocks == 0;
    if !fits || (block / miniblocks) % 32 != 0 {
        return Err(damaged("blocks of a size that is not allowed"));
    }
    let per_miniblock = (block / miniblocks) as usize;
    let n = n.min(usize::try_from(count).unwrap_or(usize::MAX));
    if n == 0 {
        return Ok(0);
    }
    let mut some = wanted.within(0..n);
    let place = |row: &u32| *row as usize - wanted.first;
    let mut found = 0;
    match &mut some {
        Some(rows) if rows.first().is_none_or(|row| place(row) > 0) => {}
        rows => {
            out[found] = value;
            found += 1;
            if let Some(rows) = rows {
                *rows = &rows[1..];
            }
        }
    }
    let (mut at, mut padded) = (1, PADDED);
    while at < n {
        let least = zigzag(bytes)?;
        let (widths, rest) = bytes
            .split_at_checked(miniblocks as usize)
            .ok_or_else(|| damaged("a block beyond the page"))?;
        *bytes = rest;
        for &width in widths {
            if at == n {
                break;
            }
            let size = per_miniblock / 8 * usize::from(width);
            if width > 64 {
                return Err(damaged("differences of more than 64 bits"));
            }
            let (width, now) = (u32::from(width), (n - at).min(per_miniblock));
            // The last block may end with the last value that it holds. What stands behind may be
            // read along, and is not used.
            let end = size.min(bytes.len());
            if end * 8 < now * width as usize {
                return Err(damaged("differences beyond the page"));
            }
            for first in (0..now).step_by(PACK) {
                let pack = pack_at(bytes, width, first, &mut padded);
                let n = PACK.min(now - first);
                match &mut some {
                    None => {
                        let out = (&mut out[at..at + PACK]).try_into().expect("as many");
                        value = D::sums::<U>(pack, width, least, value, out);
                        found += n;
                    }
                    // Without any wanted here, only where the numbers end matters.
                    Some(rows) if rows.first().is_none_or(|row| place(row) >= at + n) => {
                        value = D::total::<U>(pack, width, least, value);
                    }
                    Some(rows) => {
                        let mut sums = [D::default(); PACK];
                        value = D::sums::<U>(pack, width, least, value, &mut sums);
                        let here = rows.iter().take_while(|row| place(row) < at + n).count();
                        let (here, rest) = rows.split_at(here);
                        for row in here {
                            out[found] = sums[place(row) - at];
                            found += 1;
                        }
                        *rows = rest;
                    }
                }
                at += n;
            }
            *bytes = &bytes[end..];
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn no_bytes_make_it_panic_or_hand_out_too_much(
            bytes in proptest::collection::vec(any::<u8>(), 0..200), n in 0..500_usize, width in 0..40_u32,
        ) {
            let rows: Vec<u32> = (0..n as u32).filter(|row| row % 3 == 1).collect();
            for rows in [None, Some(&rows[..])] {
                let mut given = Buffer::default();
                let wanted = Wanted { rows, first: 0 };
                let _ = deltas::<i64>(&bytes, n, wanted, &mut given);
                prop_assert!(given.len() <= rows.map_or(n, <[u32]>::len));
                let mut given = 0;
                let _ = hybrid(&bytes, width, n, wanted, |run| match run {
                    HybridRun::Times(_, times) => given += times,
                    HybridRun::Packed(_, n) => given += n,
                });
                prop_assert!(given <= rows.map_or(n, <[u32]>::len));
            }
        }
    }
}
