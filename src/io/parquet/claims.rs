//! What a file says of itself, checked against itself before anything is allocated for it.
//!
//! Counts and sizes stand in the footer and again in the headers of pages, and the library trusts
//! each of them. A file whose claims agree can still be large once it is unpacked; that is for
//! those who read it to bound.

use bytes::Bytes;
use parquet::errors::{ParquetError, Result};
use parquet::file::metadata::{ColumnChunkMetaData, ParquetMetaData};
use parquet::file::reader::{ChunkReader, Length};

use crate::io::parquet::input::ParquetInput;

fn contradiction(what: &str) -> ParquetError {
    ParquetError::General(what.into())
}

/// Refuses row groups that do not add up to the file, columns that do not have a value a row, and
/// those that lie outside of the file.
pub(super) fn check_footer(metadata: &ParquetMetaData, length: u64) -> Result<()> {
    let mut rows = Some(0_i64);
    for group in metadata.row_groups() {
        rows = rows.and_then(|rows| rows.checked_add(group.num_rows())).filter(|&rows| rows >= 0);
        for column in group.columns() {
            let offset = column.dictionary_page_offset().unwrap_or(column.data_page_offset());
            let numbers = [offset, column.data_page_offset(), column.compressed_size()];
            let end = offset.checked_add(column.compressed_size());
            if numbers.iter().any(|&number| number < 0) || end.is_none_or(|end| end as u64 > length)
            {
                return Err(contradiction("a column lies outside of the file"));
            }
            let is_flat = column.column_descr().max_rep_level() == 0;
            let (values, rows) = (column.num_values(), group.num_rows());
            if group.num_rows() < 0 || values < rows || (is_flat && values > rows) {
                return Err(contradiction("a column has not as many values as its group has rows"));
            }
        }
    }
    match rows == Some(metadata.file_metadata().num_rows()) {
        true => Ok(()),
        false => Err(contradiction("the row groups do not add up to the file")),
    }
}

/// Refuses a column whose pages do not have as many values as it says, or that unpack to what no
/// writer packs so well.
pub(super) fn check_pages(input: &ParquetInput, column: &ColumnChunkMetaData) -> Result<()> {
    /// Bytes of an unpacked page that are always allowed.
    const PAGE: u64 = 64 << 20;
    /// Bytes that one may unpack to.
    const RATIO: u64 = 64;
    /// Values of lists that are allowed for each byte of a column: lists of nothing take hardly
    /// any.
    const VALUES: u64 = 64;
    let (mut at, length) = column.byte_range();
    let end = (at + length).min(Length::len(input));
    if column.column_descr().max_rep_level() > 0
        && column.num_values() as u64 > VALUES * (length + (1 << 14))
    {
        return Err(contradiction("more values of lists than so few bytes hold"));
    }
    let mut values = 0;
    while at < end && values < column.num_values() {
        let header = PageHeader::read(input, at, end)?;
        let next = at + header.length + header.compressed;
        if next > end {
            return Err(contradiction("a page lies outside of its column"));
        }
        if header.uncompressed > PAGE.max(RATIO * header.compressed) {
            return Err(contradiction("a page unpacks to far more than it has bytes"));
        }
        values += header.values.unwrap_or(0);
        at = next;
    }
    match values == column.num_values() {
        true => Ok(()),
        false => Err(contradiction("the pages have not as many values as their column")),
    }
}

/// The header of a page, as far as it matters.
struct PageHeader {
    /// Its own bytes.
    length: u64,
    compressed: u64,
    uncompressed: u64,
    /// Of a page of data, how many values it has.
    values: Option<i64>,
}

impl PageHeader {
    fn read(input: &ParquetInput, at: u64, end: u64) -> Result<Self> {
        /// Nearly all headers are shorter; those with long texts as statistics are not.
        const USUAL: u64 = 1 << 9;
        /// As long as the library allows.
        const LONGEST: u64 = 16 << 20;
        let mut size = USUAL;
        loop {
            let bytes: Bytes = input.get_bytes(at, size.min(end - at) as usize)?;
            let mut thrift = Thrift { bytes: &bytes };
            if let Some(header) = Self::parse(&mut thrift) {
                let length = (bytes.len() - thrift.bytes.len()) as u64;
                return Ok(Self { length, ..header? });
            }
            if size >= end - at || size >= LONGEST {
                return Err(contradiction("a page without a header"));
            }
            size *= 8;
        }
    }

    /// Returns nothing where there are too few bytes.
    fn parse(thrift: &mut Thrift<'_>) -> Option<Result<Self>> {
        /// Fields of the header that say what a page of data is, in the first and the second
        /// version of the format.
        const DATA: [i64; 2] = [5, 8];
        let (mut sizes, mut values) = ([0_i64; 2], None);
        let mut field = 0;
        while let Some(kind) = thrift.field(&mut field)? {
            match field {
                2 | 3 => sizes[field as usize - 2] = thrift.integer()?,
                _ if DATA.contains(&field) && kind == Thrift::STRUCT => {
                    let mut inner = 0;
                    while let Some(kind) = thrift.field(&mut inner)? {
                        match inner {
                            1 => values = Some(thrift.integer()?),
                            _ => thrift.skip(kind, 0)?,
                        }
                    }
                }
                _ => thrift.skip(kind, 0)?,
            }
        }
        if sizes.iter().copied().chain(values).any(|number| number < 0) {
            return Some(Err(contradiction("a page with less than nothing in it")));
        }
        let [uncompressed, compressed] = sizes.map(i64::cast_unsigned);
        Some(Ok(Self { length: 0, compressed, uncompressed, values }))
    }
}

/// Reads Thrift's compact protocol (apache/thrift, doc/specs/thrift-compact-protocol.md); nothing
/// where the bytes end.
struct Thrift<'a> {
    bytes: &'a [u8],
}

impl Thrift<'_> {
    const STRUCT: u8 = 12;

    fn byte(&mut self) -> Option<u8> {
        let (&first, rest) = self.bytes.split_first()?;
        self.bytes = rest;
        Some(first)
    }

    fn varint(&mut self) -> Option<u64> {
        let mut value = 0;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            value |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                break;
            }
        }
        Some(value)
    }

    fn integer(&mut self) -> Option<i64> {
        let value = self.varint()?;
        Some((value >> 1).cast_signed() ^ -(value & 1).cast_signed())
    }

    /// Reads the begin of the next field behind `field`; returns its type, or that there is none.
    fn field(&mut self, field: &mut i64) -> Option<Option<u8>> {
        let begin = self.byte()?;
        if begin == 0 {
            return Some(None);
        }
        *field = match begin >> 4 {
            0 => self.integer()?,
            more => *field + i64::from(more),
        };
        Some(Some(begin & 0x0f))
    }

    fn pass(&mut self, n: u64) -> Option<()> {
        self.bytes = self.bytes.get(usize::try_from(n).ok()?..)?;
        Some(())
    }

    /// Passes over a value of a type; structures may be so deep in others as those of the format
    /// are.
    fn skip(&mut self, kind: u8, depth: usize) -> Option<()> {
        const DEEPEST: usize = 8;
        match kind {
            1 | 2 => Some(()), // true and false
            3 => self.pass(1),
            4..=6 => self.varint().map(drop),
            7 => self.pass(8),
            8 => {
                let length = self.varint()?;
                self.pass(length)
            }
            9 | 10 if depth < DEEPEST => {
                let begin = self.byte()?;
                let n = if begin >> 4 == 15 { self.varint()? } else { u64::from(begin >> 4) };
                for _ in 0..n {
                    match begin & 0x0f {
                        1 | 2 => self.pass(1)?,
                        kind => self.skip(kind, depth + 1)?,
                    }
                }
                Some(())
            }
            Self::STRUCT if depth < DEEPEST => {
                let mut field = 0;
                while let Some(kind) = self.field(&mut field)? {
                    self.skip(kind, depth + 1)?;
                }
                Some(())
            }
            _ => None,
        }
    }
}
