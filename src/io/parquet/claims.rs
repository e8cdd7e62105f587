//! Validates counts, sizes and offsets of footer and page headers before anything is allocated.
//!
//! The `parquet` crate trusts each of them. A consistent file can still be large once it is
//! decompressed; readers bound their own memory.

use bytes::Bytes;
use parquet::errors::Result;
use parquet::file::metadata::{ColumnChunkMetaData, ParquetMetaData};
use parquet::file::reader::{ChunkReader, Length};

use crate::io::parquet::encoding::varint::{varint, zigzag};
use crate::io::parquet::input::ParquetInput;
use crate::io::parquet::page::corrupt;

/// Checks row counts of file, row groups and column chunks against each other, and chunk offsets
/// against the file length.
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
                return Err(corrupt("column chunk lies outside of the file"));
            }
            let is_flat = column.column_descr().max_rep_level() == 0;
            let (values, rows) = (column.num_values(), group.num_rows());
            if group.num_rows() < 0 || values < rows || (is_flat && values > rows) {
                return Err(corrupt(
                    "value count of a column chunk contradicts the row count of its group",
                ));
            }
        }
    }
    match rows == Some(metadata.file_metadata().num_rows()) {
        true => Ok(()),
        false => Err(corrupt("row counts of the row groups do not add up to that of the file")),
    }
}

/// Checks value counts and sizes in the page headers of a column chunk against its metadata.
pub(super) fn check_pages(input: &ParquetInput, column: &ColumnChunkMetaData) -> Result<()> {
    /// Uncompressed page size in bytes that is always accepted.
    const PAGE: u64 = 64 << 20;
    /// Largest compression ratio of larger pages.
    const RATIO: u64 = 64;
    /// Most list elements per byte of a column chunk: runs of empty lists compress to almost none.
    const VALUES: u64 = 64;
    let (mut at, length) = column.byte_range();
    let end = (at + length).min(Length::len(input));
    if column.column_descr().max_rep_level() > 0
        && column.num_values() as u64 > VALUES * (length + (1 << 14))
    {
        return Err(corrupt("implausible number of list elements"));
    }
    let mut values = 0;
    while at < end && values < column.num_values() {
        let header = PageHeader::read(input, at, end)?;
        let next = at + header.length + header.compressed;
        if next > end {
            return Err(corrupt("page lies outside of its column chunk"));
        }
        if header.uncompressed > PAGE.max(RATIO * header.compressed) {
            return Err(corrupt("implausible uncompressed page size"));
        }
        values += header.values.unwrap_or(0);
        at = next;
    }
    match values == column.num_values() {
        true => Ok(()),
        false => {
            Err(corrupt("value counts of the pages do not add up to that of the column chunk"))
        }
    }
}

/// The fields of a page header that are validated.
struct PageHeader {
    /// Encoded length of the header in bytes.
    length: u64,
    compressed: u64,
    uncompressed: u64,
    /// Value count of a data page.
    values: Option<i64>,
}

impl PageHeader {
    fn read(input: &ParquetInput, at: u64, end: u64) -> Result<Self> {
        /// Bytes read at first; only headers with long strings as statistics are longer.
        const USUAL: u64 = 1 << 9;
        /// Same limit as in the `parquet` crate.
        const LONGEST: u64 = 16 << 20;
        let mut size = USUAL;
        loop {
            let bytes: Bytes = input.get_bytes(at, size.min(end - at) as usize)?;
            let mut thrift = ThriftReader { bytes: &bytes };
            if let Some(header) = Self::parse(&mut thrift) {
                let length = (bytes.len() - thrift.bytes.len()) as u64;
                return Ok(Self { length, ..header? });
            }
            if size >= end - at || size >= LONGEST {
                return Err(corrupt("page header is cut off"));
            }
            size *= 8;
        }
    }

    /// Returns `None` if the buffer ends within the header.
    fn parse(thrift: &mut ThriftReader<'_>) -> Option<Result<Self>> {
        /// Field ids of `data_page_header` and `data_page_header_v2`.
        const DATA: [i64; 2] = [5, 8];
        let (mut sizes, mut values) = ([0_i64; 2], None);
        let mut field = 0;
        while let Some(kind) = thrift.field(&mut field)? {
            match field {
                2 | 3 => sizes[field as usize - 2] = thrift.integer()?,
                _ if DATA.contains(&field) && kind == ThriftReader::STRUCT => {
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
            return Some(Err(corrupt("negative size in a page header")));
        }
        let [uncompressed, compressed] = sizes.map(i64::cast_unsigned);
        Some(Ok(Self { length: 0, compressed, uncompressed, values }))
    }
}

/// Decoder of Thrift's compact protocol (apache/thrift, doc/specs/thrift-compact-protocol.md);
/// methods return `None` at the end of the buffer.
struct ThriftReader<'a> {
    bytes: &'a [u8],
}

impl ThriftReader<'_> {
    const STRUCT: u8 = 12;

    fn byte(&mut self) -> Option<u8> {
        let (&first, rest) = self.bytes.split_first()?;
        self.bytes = rest;
        Some(first)
    }

    fn varint(&mut self) -> Option<u64> {
        varint(&mut self.bytes).ok()
    }

    fn integer(&mut self) -> Option<i64> {
        zigzag(&mut self.bytes).ok()
    }

    /// Decodes the next field header, updates the field id and returns the type; inner `None` at
    /// the end of the struct.
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

    /// Skips a value; structs may be nested as deeply as in the Parquet format.
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
