//! Checksums of Parquet files: CRC-32 per page, and a seal over page indexes and footer.
//!
//! Page headers carry the CRC-32 of the Parquet format (apache/parquet-format, README,
//! "Checksumming"), which any reader can verify. The `parquet` crate verifies but does not write
//! them, so they are inserted into the page headers that it encodes. Column indexes, offset indexes
//! and footer are covered by a *seal*: a key-value entry of the footer with the XXH3-128 of these
//! bytes, computed with the seal itself set to zeros.

use std::io::{self, BufWriter, Write};
use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use memchr::memmem;
use parquet::arrow::arrow_writer::{PageKey, PageStore, PageStoreArgs, PageStoreFactory};
use parquet::column::writer::ColumnCloseResult;
use parquet::errors::Result;
use parquet::file::metadata::KeyValue;
use parquet::file::reader::{ChunkReader, Length};
use xxhash_rust::xxh3::xxh3_128;

use crate::io::parquet::input::ParquetInput;
use crate::io::parquet::page::corrupt;

/// Encoded page headers and page bodies of a column chunk, alternating, in encoding order.
type Blobs = Arc<Mutex<Vec<Bytes>>>;

/// Buffers the encoded pages of a row group, one entry per column chunk.
#[derive(Debug, Default)]
pub(super) struct KeptPages(Mutex<Vec<Blobs>>);

struct ChunkPages(Blobs);

impl PageStoreFactory for KeptPages {
    fn create(&self, _: &PageStoreArgs<'_>) -> Result<Box<dyn PageStore>> {
        let blobs = Blobs::default();
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(Arc::clone(&blobs));
        Ok(Box::new(ChunkPages(blobs)))
    }
}

impl PageStore for ChunkPages {
    fn put(&mut self, value: Bytes) -> Result<PageKey> {
        let mut blobs = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        blobs.push(value);
        Ok(PageKey::new(blobs.len() as u64 - 1))
    }

    fn take(&mut self, key: PageKey) -> Result<Bytes> {
        let blobs = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        blobs.get(key.get() as usize).cloned().ok_or_else(|| corrupt("unknown page key"))
    }
}

impl KeptPages {
    /// Returns the bytes of column chunk `at` with page checksums, and its adjusted metadata.
    pub(super) fn checked_chunk(
        &self,
        at: usize,
        mut close: ColumnCloseResult,
    ) -> Result<(Bytes, ColumnCloseResult)> {
        let blobs = Arc::clone(&self.0.lock().unwrap_or_else(PoisonError::into_inner)[at]);
        let blobs = std::mem::take(&mut *blobs.lock().unwrap_or_else(PoisonError::into_inner));
        let pages = blobs.as_chunks::<2>().0;
        let mut chunk = Vec::with_capacity(close.bytes_written as usize + 8 * pages.len());
        let mut sizes = Vec::with_capacity(pages.len());
        let (mut dictionary_size, mut added) = (0, 0);
        // The dictionary page is encoded last and stored first.
        let (dictionary, data): (Vec<_>, Vec<_>) =
            pages.iter().partition(|[header, _]| is_of_dictionary(header));
        for [header, content] in dictionary.iter().chain(&data) {
            let checked = with_checksum(header, content)?;
            added += checked.len() - header.len();
            chunk.extend_from_slice(&checked);
            chunk.extend_from_slice(content);
            match is_of_dictionary(header) {
                true => dictionary_size = chunk.len(),
                false => sizes.push(checked.len() + content.len()),
            }
        }
        let size = close.metadata.uncompressed_size() + added as i64;
        let dictionary_offset = (dictionary_size > 0).then_some(0);
        close.metadata = close
            .metadata
            .into_builder()
            .set_total_compressed_size(chunk.len() as i64)
            .set_total_uncompressed_size(size)
            .set_dictionary_page_offset(dictionary_offset)
            .set_data_page_offset(dictionary_size as i64)
            .build()?;
        close.bytes_written = chunk.len() as u64;
        if let Some(index) = &mut close.offset_index {
            let mut offset = dictionary_size as i64;
            for (location, size) in index.page_locations.iter_mut().zip(sizes) {
                location.offset = offset;
                location.compressed_page_size = size as i32;
                offset += size as i64;
            }
        }
        Ok((chunk.into(), close))
    }
}

// Page headers are encoded in Thrift's compact protocol: a field header holds the delta of the
// field id and the type; integers are zigzag varints.

/// Field header of an `i32` whose field id follows the previous one.
const NEXT_I32: u8 = 0x15;
/// Increment of a field header per skipped field id.
const NUMBER: u8 = 0x10;

fn is_of_dictionary(header: &[u8]) -> bool {
    const DICTIONARY_PAGE: u8 = 2 << 1;
    header.get(1) == Some(&DICTIONARY_PAGE)
}

/// Inserts the CRC-32 of `content` (field 4) after page type and sizes (fields 1 to 3).
fn with_checksum(header: &[u8], content: &[u8]) -> Result<Vec<u8>> {
    let mut at = 0;
    for _ in 0..3 {
        if header.get(at) != Some(&NEXT_I32) {
            return Err(corrupt("unexpected layout of a page header"));
        }
        let number = header[at + 1..].iter().position(|byte| *byte < 0x80);
        at += 2 + number.ok_or_else(|| corrupt("a number without end"))?;
    }
    let next = header.get(at).filter(|next| **next >= 2 * NUMBER);
    let next = next.ok_or_else(|| corrupt("a page header is not as it is known"))?;
    let mut out = header[..at].to_vec();
    out.push(NEXT_I32);
    let crc = crc32fast::hash(content).cast_signed();
    let mut number = ((crc << 1) ^ (crc >> 31)).cast_unsigned();
    while number >= 0x80 {
        out.push(number as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
    out.push(next - NUMBER);
    out.extend_from_slice(&header[at + 1..]);
    Ok(out)
}

/// Footer key of the seal. Its value: length of the covered file tail in bytes and its XXH3-128,
/// both hexadecimal.
const SEAL: &str = "mvrec.seal";
/// Hexadecimal digits of the length.
const LENGTH: usize = 8;
/// Hexadecimal digits of the hash.
const HASH: usize = 32;

/// Returns the placeholder entry that [`SealingWriter`] overwrites with the seal.
pub(super) fn unsealed() -> KeyValue {
    KeyValue::new(SEAL.into(), "0".repeat(LENGTH + HASH))
}

/// Writer that buffers the end of a Parquet file and seals it.
pub(super) struct SealingWriter<W: Write> {
    out: BufWriter<W>,
    held: Option<Vec<u8>>,
}

impl<W: Write> SealingWriter<W> {
    pub(super) fn new(out: W) -> Self {
        /// The library hands on chunks of columns a few kilobytes at a time.
        const BUFFER: usize = 1 << 18;
        Self { out: BufWriter::with_capacity(BUFFER, out), held: None }
    }

    /// Starts to buffer: everything written from now on is covered by the seal.
    pub(super) fn hold(&mut self) {
        self.held = Some(Vec::new());
    }

    /// Seals the buffered bytes and writes them.
    pub(super) fn finish(mut self) -> io::Result<W> {
        let mut tail = self.held.take().unwrap_or_default();
        if let Some(seal) = place_of_seal(&tail) {
            let length = format!("{:0LENGTH$x}", tail.len());
            tail[seal.start..seal.start + LENGTH].copy_from_slice(length.as_bytes());
            let hash = format!("{:0HASH$x}", xxh3_128(&tail));
            tail[seal.start + LENGTH..seal.end].copy_from_slice(hash.as_bytes());
        }
        self.out.write_all(&tail)?;
        let mut out = self.out.into_inner().map_err(io::IntoInnerError::into_error)?;
        out.flush()?;
        Ok(out)
    }
}

impl<W: Write> Write for SealingWriter<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match &mut self.held {
            Some(held) => held.write(bytes),
            None => self.out.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

/// Returns the byte range of the seal's value.
fn place_of_seal(tail: &[u8]) -> Option<Range<usize>> {
    /// Begin of a text field, and its length in one byte.
    const BEGIN: [u8; 2] = [0x18, (LENGTH + HASH) as u8];
    let at = memmem::rfind(tail, SEAL.as_bytes())? + SEAL.len();
    let start = at + BEGIN.len();
    let is_text = tail.get(at..start) == Some(&BEGIN[..]);
    (is_text && start + LENGTH + HASH <= tail.len()).then_some(start..start + LENGTH + HASH)
}

/// Verifies the seal of a file; `false` if it has none, as files of other writers.
///
/// # Errors
/// If the covered bytes have changed, or the file cannot be read.
pub(super) fn check_seal(input: &ParquetInput) -> Result<bool> {
    /// Bytes of footer length and magic number at the end of a file.
    const END: u64 = 8;
    let length = Length::len(input);
    let Some(end) = length.checked_sub(END) else { return Ok(false) };
    let last = input.get_bytes(end, END as usize)?;
    let footer = u64::from(u32::from_le_bytes(last[..4].try_into().expect("four bytes"))) + END;
    if footer > length || &last[4..] != b"PAR1" {
        return Ok(false); // the library says what is wrong
    }
    let changed = || corrupt("checksum mismatch in the footer");
    let bytes = input.get_bytes(length - footer, footer as usize)?;
    let Some(seal) = place_of_seal(&bytes) else { return Ok(false) };
    let digits = |range: Range<usize>| std::str::from_utf8(&bytes[range]).ok();
    let covered = digits(seal.start..seal.start + LENGTH);
    let covered = covered.and_then(|digits| u64::from_str_radix(digits, 16).ok());
    let covered = covered.filter(|&covered| (footer..=length).contains(&covered));
    let covered = covered.ok_or_else(changed)?;
    let mut tail = input.get_bytes(length - covered, covered as usize)?.to_vec();
    let hash = (covered - footer) as usize + seal.start + LENGTH;
    let hash = hash..hash + HASH;
    tail[hash.clone()].fill(b'0');
    let found = format!("{:0HASH$x}", xxh3_128(&tail));
    match found.as_bytes() == &bytes[seal.start + LENGTH..seal.end] {
        true => Ok(true),
        false => Err(changed()),
    }
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;
    use std::sync::Arc;

    use arrow::array::{ArrayRef, Int32Array, RecordBatch, StringArray};

    use super::*;
    use crate::io::IoError;
    use crate::io::columns::{NO_TIME, RatingColumns};
    use crate::io::import_state::ImportState;
    use crate::io::parquet::{ParquetFile, ParquetLayout, ratings_layout, write_batch};
    use crate::io::source::Source;

    fn open(bytes: Vec<u8>) -> Result<ParquetFile, IoError> {
        ParquetFile::open(Source::from_reader("x.parquet".into(), Cursor::new(bytes))?)
    }

    /// Flips a bit of each byte, one after another; each time, what `read` returns must be what it
    /// was, or an error. Returns the share of errors.
    fn flip<T: PartialEq + std::fmt::Debug, E>(
        bytes: &[u8],
        read: impl Fn(Vec<u8>) -> Result<T, E>,
    ) -> f64 {
        let Ok(expected) = read(bytes.to_vec()) else { panic!("the file itself cannot be read") };
        let mut noticed = 0;
        for at in 0..bytes.len() {
            let mut bytes = bytes.to_vec();
            bytes[at] ^= 1 << (at * 5 % 8);
            match read(bytes) {
                Ok(read) => assert_eq!(read, expected, "byte {at}"),
                Err(_) => noticed += 1,
            }
        }
        f64::from(noticed) / bytes.len() as f64
    }

    #[test]
    fn a_flipped_bit_in_ratings_is_noticed_or_harmless() {
        let mut columns = RatingColumns::default();
        for row in 0..1500 {
            let ms = if row % 50 == 49 { NO_TIME } else { i64::from(row) * 77_777 };
            columns.push(row / 9, row * row % 1999, (row % 10) as f32 / 2.0 + 0.5, ms);
        }
        let batch = crate::io::batches::ratings_batch(&columns, 0..1500);
        let layout =
            ParquetLayout { group_rows: 500, page_rows: 200, ..ratings_layout(Vec::new()) };
        let mut bytes = Vec::new();
        write_batch(&mut bytes, "x", &layout, &batch).unwrap();
        let noticed = flip(&bytes, |bytes| {
            let mut all = RatingColumns::default();
            open(bytes)?.read_ratings(&mut ImportState::default(), &mut |mut rows| {
                all.append(&mut rows);
                Ok(())
            })?;
            Ok::<_, IoError>((all.user_id, all.movie_id, all.rating, all.time_ms))
        });
        assert!(noticed > 0.95, "{noticed}");
    }

    #[test]
    fn a_flipped_bit_in_a_table_is_noticed_or_harmless() {
        let ids: ArrayRef = Arc::new(Int32Array::from_iter_values(0..400));
        let titles = (0..400).map(|id| (id % 7 > 0).then(|| format!("title {}", id / 3)));
        let titles: ArrayRef = Arc::new(titles.collect::<StringArray>());
        let batch = RecordBatch::try_from_iter([("id", ids), ("title", titles)]).unwrap();
        for distinct in [&["title"][..], &[]] {
            let layout = ParquetLayout { page_rows: 90, distinct, ..ParquetLayout::default() };
            let mut bytes = Vec::new();
            write_batch(&mut bytes, "x", &layout, &batch).unwrap();
            let noticed = flip(&bytes, |bytes| open(bytes)?.read_as(&batch.schema()));
            assert!(noticed > 0.95, "{noticed}");
        }
    }
}
