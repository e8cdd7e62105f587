//! Opens a file or stdin, tells its kind from its first bytes and unpacks `.gz` and `.zst` on the
//! way.

use std::fs::File;
use std::io::{self, BufReader, Cursor, Read, Seek, SeekFrom};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use flate2::read::MultiGzDecoder;
use xxhash_rust::xxh3::Xxh3;

use crate::io::error::IoError;

/// Name of stdin on the command line.
pub const STDIN: &str = "-";
const STDIN_SHOWN: &str = "<stdin>";
const SNIFFED: usize = 1024;

/// What the first bytes of a source look like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SourceKind {
    /// Apache Parquet.
    Parquet,
    /// A ZIP archive.
    Zip,
    /// JSON, or JSON lines.
    Json,
    /// Delimited text, or anything else.
    Text,
    /// No bytes at all.
    Empty,
}

/// A readable stream of known kind.
pub struct Source {
    /// Name for messages: the path as given, or `<stdin>`.
    pub name: String,
    /// What the content is, once unpacked.
    pub kind: SourceKind,
    /// The content, unpacked, from its first byte.
    pub reader: Box<dyn Read + Send>,
    /// The file itself, where it can be read at any place: a plain file that is not packed.
    pub seekable: Option<File>,
}

impl Source {
    /// Opens a path, or stdin for `-`.
    ///
    /// # Errors
    /// If the file cannot be opened or its first bytes cannot be unpacked.
    pub fn open(path: &Path) -> Result<Self, IoError> {
        if path.as_os_str() == STDIN {
            return Self::new(STDIN_SHOWN.into(), io::stdin(), None);
        }
        let at = IoError::at(path);
        let file = File::open(path).map_err(&at)?;
        let metadata = file.metadata().map_err(&at)?;
        if metadata.is_dir() {
            return Err(at(io::Error::from(io::ErrorKind::IsADirectory)));
        }
        let seekable = metadata.is_file().then(|| file.try_clone()).transpose().map_err(&at)?;
        Self::new(path.display().to_string(), file, seekable)
    }

    /// Wraps a stream that something else opened, such as a member of an archive.
    ///
    /// # Errors
    /// If its first bytes cannot be read or unpacked.
    pub fn from_reader(name: String, reader: impl Read + Send + 'static) -> Result<Self, IoError> {
        Self::new(name, reader, None)
    }

    /// Wraps an open file, from its beginning.
    ///
    /// # Errors
    /// If its first bytes cannot be read.
    pub fn from_file(name: String, mut file: File) -> Result<Self, IoError> {
        let at = IoError::named(name.clone());
        file.seek(SeekFrom::Start(0)).map_err(&at)?;
        let seekable = file.try_clone().map_err(&at)?;
        Self::new(name, file, Some(seekable))
    }

    fn new(
        name: String,
        reader: impl Read + Send + 'static,
        seekable: Option<File>,
    ) -> Result<Self, IoError> {
        let at = IoError::named(name.clone());
        let (head, whole) = sniff(reader).map_err(&at)?;
        refuse_other_formats(&name, &head)?;
        let is_gzip = head.starts_with(&[0x1f, 0x8b]);
        if !is_gzip && !head.starts_with(&[0x28, 0xb5, 0x2f, 0xfd]) {
            return Ok(Self { kind: kind(&head), name, reader: Box::new(whole), seekable });
        }
        let packed = CountedReader::default();
        let whole = BufReader::new(CountingReader { inner: whole, count: packed.clone() });
        let unpacked: Box<dyn Read + Send> = if is_gzip {
            Box::new(UnpackedReader { inner: MultiGzDecoder::new(whole), packed, unpacked: 0 })
        } else {
            let decoder = zstd::Decoder::with_buffer(whole).map_err(&at)?;
            Box::new(UnpackedReader { inner: decoder, packed, unpacked: 0 })
        };
        let (head, whole) = sniff(unpacked).map_err(&at)?;
        refuse_other_formats(&name, &head)?;
        Ok(Self { kind: kind(&head), name, reader: Box::new(whole), seekable: None })
    }
}

/// Reads all of a table that is small, such as a list or the titles of movies.
///
/// # Errors
/// If it cannot be read, or has more bytes than any such table, as a device without end has.
pub fn read_small(mut reader: impl Read, file: &str) -> Result<Vec<u8>, IoError> {
    const MOST: u64 = 256 << 20;
    let at = IoError::named(file.into());
    let mut bytes = Vec::new();
    let n = reader.by_ref().take(MOST + 1).read_to_end(&mut bytes).map_err(&at)?;
    if n as u64 > MOST {
        let what =
            format!("has more than {} MiB, too many for a list or a table of titles", MOST >> 20);
        return Err(at(io::Error::new(io::ErrorKind::InvalidData, what)));
    }
    Ok(bytes)
}

/// A reader whose first bytes were taken out and put back.
type SniffedSource<R> = io::Chain<Cursor<Vec<u8>>, R>;

/// Reads the first bytes and gives them back together with a reader of the whole.
fn sniff<R: Read>(mut reader: R) -> io::Result<(Vec<u8>, SniffedSource<R>)> {
    let mut head = Vec::with_capacity(SNIFFED);
    reader.by_ref().take(SNIFFED as u64).read_to_end(&mut head)?;
    Ok((head.clone(), Cursor::new(head).chain(reader)))
}

/// Names files of formats that are not read here, by their first bytes ("magic numbers", as in
/// file(1)).
fn refuse_other_formats(file: &str, head: &[u8]) -> Result<(), IoError> {
    const UNPACKED: &str = "the file unpacked, or as .gz or .zst";
    const TABLE: &str = "CSV or Parquet";
    const UTF8: &str = "UTF-8 (iconv -f UTF-16 -t UTF-8 FILE converts it)";
    const MAGIC: [(usize, &[u8], &str, &str); 18] = [
        (0, b"BZh", "this is packed by bzip2", UNPACKED),
        (0, b"\xfd7zXZ\0", "this is packed by xz", UNPACKED),
        (0, b"\x04\x22\x4d\x18", "this is packed by lz4", UNPACKED),
        (0, b"7z\xbc\xaf\x27\x1c", "this is a 7z archive", UNPACKED),
        (0, b"Rar!\x1a\x07", "this is a RAR archive", UNPACKED),
        (257, b"ustar", "this is a tar archive", "the files in it, or a folder or .zip of them"),
        (0, b"\x89HDF\r\n\x1a\n", "this is an HDF5 file", TABLE),
        (
            0,
            b"SQLite format 3\0",
            "this is a SQLite database",
            "CSV: `sqlite3 FILE -csv -header 'SELECT …'` writes it",
        ),
        (0, b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "this is an old Excel file", TABLE),
        (0, b"%PDF-", "this is a PDF", TABLE),
        (0, b"\x80\x04\x95", "this is a Python pickle", TABLE),
        (0, b"\x93NUMPY", "this is a NumPy array", TABLE),
        (
            0,
            b"version https://git-lfs.github.com/spec/",
            "this is a Git LFS pointer, not the file",
            "the file itself, which `git lfs pull` fetches",
        ),
        (0, b"\xff\xfe", "this is UTF-16 text", UTF8),
        (0, b"\xfe\xff", "this is UTF-16 text", UTF8),
        (1, b"\0u\0s\0e\0r", "this is UTF-16 text", UTF8),
        (0, b"u\0s\0e\0r\0", "this is UTF-16 text", UTF8),
        (0, b"RDX3\n", "this is R's serialized data", TABLE),
    ];
    let is_html = {
        let start = head.trim_ascii_start();
        [&b"<!doctype html"[..], b"<html"]
            .iter()
            .any(|tag| start.get(..tag.len()).is_some_and(|begin| begin.eq_ignore_ascii_case(tag)))
    };
    let magic = MAGIC.iter().find(|(at, magic, ..)| {
        head.get(*at..at + magic.len()).is_some_and(|bytes| bytes == *magic)
    });
    let (found, expected) = match magic {
        Some((_, _, found, expected)) => (*found, *expected),
        None if is_html => {
            ("this is a web page (HTML), perhaps an error in place of a download", TABLE)
        }
        None => return Ok(()),
    };
    Err(IoError::WrongKind { file: file.into(), found, expected })
}

fn kind(head: &[u8]) -> SourceKind {
    if head.is_empty() {
        SourceKind::Empty
    } else if head.starts_with(b"PAR1") {
        SourceKind::Parquet
    } else if head.starts_with(b"PK\x03\x04") || head.starts_with(b"PK\x05\x06") {
        SourceKind::Zip
    } else if matches!(head.iter().find(|byte| !byte.is_ascii_whitespace()), Some(b'{' | b'[')) {
        SourceKind::Json
    } else {
        SourceKind::Text
    }
}

/// Bytes read so far, seen from elsewhere.
type CountedReader = Arc<AtomicU64>;

/// Counts the bytes that pass.
struct CountingReader<R> {
    inner: R,
    count: CountedReader,
}

impl<R: Read> Read for CountingReader<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let n = self.inner.read(buffer)?;
        self.count.fetch_add(n as u64, Ordering::Relaxed);
        Ok(n)
    }
}

/// Unpacked bytes, up to a size that no honest file of ratings has in proportion to the packed
/// ones.
pub struct UnpackedReader<R> {
    inner: R,
    packed: CountedReader,
    unpacked: u64,
}

impl<R: Read> UnpackedReader<R> {
    /// Wraps the unpacked bytes of so many packed ones.
    pub fn new(inner: R, packed: u64) -> Self {
        Self { inner, packed: Arc::new(packed.into()), unpacked: 0 }
    }
}

impl<R: Read> Read for UnpackedReader<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        /// Ratings pack to a fourth or a fifth; a file of nothing but zeros to a thousandth and
        /// less.
        const MOST_TIMES: u64 = 200;
        const ALWAYS_FINE: u64 = 64 << 20;
        let n = self.inner.read(buffer)?;
        self.unpacked += n as u64;
        let packed = self.packed.load(Ordering::Relaxed);
        if self.unpacked > ALWAYS_FINE && self.unpacked / MOST_TIMES > packed {
            let what = format!(
                "it unpacks to more than {MOST_TIMES} times its size, which no file of ratings does"
            );
            return Err(io::Error::new(io::ErrorKind::InvalidData, what));
        }
        Ok(n)
    }
}

/// Size and hash of what has been read through a [`HashingReader`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileFingerprint {
    /// Bytes read.
    pub bytes: u64,
    /// XXH3-128 of the bytes, in hexadecimal; `xxhsum -H2` prints the same.
    pub xxh3: String,
}

/// Passes bytes on and keeps their count and hash (XXH3, fast enough never to be noticed).
pub struct HashingReader<R> {
    inner: R,
    hash: Xxh3,
    bytes: u64,
}

impl<R: Read> HashingReader<R> {
    /// Wraps a reader.
    pub fn new(inner: R) -> Self {
        Self { inner, hash: Xxh3::new(), bytes: 0 }
    }

    /// Returns the size and hash of what has been read so far.
    pub fn fingerprint(&self) -> FileFingerprint {
        FileFingerprint { bytes: self.bytes, xxh3: format!("{:032x}", self.hash.digest128()) }
    }
}

impl<R: Read> Read for HashingReader<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let n = self.inner.read(buffer)?;
        self.hash.update(&buffer[..n]);
        self.bytes += n as u64;
        Ok(n)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn read(bytes: Vec<u8>) -> (SourceKind, String) {
        let mut source = Source::from_reader("x".into(), Cursor::new(bytes)).unwrap();
        let mut text = String::new();
        source.reader.read_to_string(&mut text).unwrap();
        (source.kind, text)
    }

    #[test]
    fn formats_are_detected_by_content_and_files_unpacked() {
        let text = "userId,movieId\n".repeat(200);
        let mut gz = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        gz.write_all(text.as_bytes()).unwrap();
        let zst = zstd::encode_all(text.as_bytes(), 1).unwrap();
        for bytes in [text.clone().into_bytes(), gz.finish().unwrap(), zst] {
            assert_eq!(read(bytes), (SourceKind::Text, text.clone()));
        }
        for (head, expected) in [
            ("", SourceKind::Empty),
            ("PAR1...", SourceKind::Parquet),
            ("PK\x03\x04", SourceKind::Zip),
            ("\n [1]", SourceKind::Json),
            ("1::2::3", SourceKind::Text),
        ] {
            assert_eq!(read(head.into()).0, expected, "{head}");
        }
    }

    #[test]
    fn other_formats_are_named_whether_packed_or_not() {
        let mut tar = vec![0; 512];
        tar[257..262].copy_from_slice(b"ustar");
        for (bytes, name) in [
            (b"BZh91AY".to_vec(), "bzip2"),
            (b"\xfd7zXZ\0\0".to_vec(), "xz"),
            (b"\x04\x22\x4d\x18x".to_vec(), "lz4"),
            (tar, "tar"),
            (b"\x89HDF\r\n\x1a\nx".to_vec(), "HDF5"),
            (b"\n<!DOCTYPE HTML>".to_vec(), "HTML"),
            (b"\xff\xfeu\0".to_vec(), "UTF-16"),
            (b"version https://git-lfs.github.com/spec/v1\n".to_vec(), "Git LFS"),
        ] {
            let zst = zstd::encode_all(&bytes[..], 1).unwrap();
            for bytes in [bytes, zst] {
                let error = Source::from_reader("x".into(), Cursor::new(bytes)).err();
                assert!(error.is_some_and(|error| error.to_string().contains(name)), "{name}");
            }
        }
    }

    #[test]
    fn the_fingerprint_is_that_of_the_bytes() {
        let mut hashing = HashingReader::new(Cursor::new(b"abc"));
        io::copy(&mut hashing, &mut io::sink()).unwrap();
        let expected = format!("{:032x}", xxhash_rust::xxh3::xxh3_128(b"abc"));
        assert_eq!(hashing.fingerprint(), FileFingerprint { bytes: 3, xxh3: expected });
    }
}
