//! Parquet from anywhere: a file read at any place by several threads, or a pipe kept in memory,
//! or spooled to a temporary file when it is large.

use std::fs::File;
use std::io::{self, BufReader, Read, Write};
use std::sync::Arc;

use bytes::Bytes;
use parquet::errors::{ParquetError, Result};
use parquet::file::reader::{ChunkReader, Length};

use crate::io::error::IoError;
use crate::io::source::Source;

/// Bytes of a pipe that are kept in memory before the rest goes to a temporary file.
const SPOOL_FROM: u64 = 512 << 20;

/// Parquet bytes that can be read at any place, by several threads at once.
#[derive(Debug, Clone)]
pub enum ParquetInput {
    /// A file on disk.
    File {
        /// The open file; reads name their place, so that threads do not disturb each other.
        file: Arc<File>,
        /// Its length in bytes.
        len: u64,
    },
    /// Bytes in memory.
    Memory(Bytes),
}

impl ParquetInput {
    /// Takes over a file.
    ///
    /// # Errors
    /// If its length cannot be told.
    pub fn file(file: File) -> io::Result<Self> {
        let len = file.metadata()?.len();
        Ok(Self::File { file: Arc::new(file), len })
    }

    /// Takes over a source: the file itself where there is one, else all of its bytes.
    ///
    /// # Errors
    /// If the source cannot be read or the temporary file cannot be written.
    pub fn from_source(source: Source) -> std::result::Result<Self, IoError> {
        let at = IoError::named(source.name);
        match source.seekable {
            Some(file) => Self::file(file),
            None => Self::spool(source.reader, SPOOL_FROM),
        }
        .map_err(at)
    }

    fn spool(mut reader: impl Read, limit: u64) -> io::Result<Self> {
        let mut bytes = Vec::new();
        reader.by_ref().take(limit).read_to_end(&mut bytes)?;
        if (bytes.len() as u64) < limit {
            return Ok(Self::Memory(bytes.into()));
        }
        let mut spool = tempfile::tempfile()?;
        spool.write_all(&bytes)?;
        io::copy(&mut reader, &mut spool)?;
        Self::file(spool)
    }

    /// Fills a buffer with the bytes from a place on.
    pub(super) fn read_at(&self, start: u64, buffer: &mut [u8]) -> Result<()> {
        self.check(start, buffer.len())?;
        match self {
            Self::File { file, .. } => read_exact_at(file, buffer, start)?,
            Self::Memory(bytes) => buffer.copy_from_slice(&bytes[start as usize..][..buffer.len()]),
        }
        Ok(())
    }

    /// Refuses a range that lies beyond the end.
    fn check(&self, start: u64, length: usize) -> Result<()> {
        match start.checked_add(length as u64).filter(|&end| end <= Length::len(self)) {
            Some(_) => Ok(()),
            None => Err(ParquetError::EOF(format!("{length} bytes at {start} lie beyond the end"))),
        }
    }
}

impl Length for ParquetInput {
    fn len(&self) -> u64 {
        match self {
            Self::File { len, .. } => *len,
            Self::Memory(bytes) => bytes.len() as u64,
        }
    }
}

impl ChunkReader for ParquetInput {
    type T = BufReader<At>;

    /// The library reads headers of pages in this way, a byte at a time.
    fn get_read(&self, start: u64) -> Result<Self::T> {
        const HEADER: usize = 1 << 9;
        Ok(BufReader::with_capacity(HEADER, At { input: self.clone(), at: start }))
    }

    fn get_bytes(&self, start: u64, length: usize) -> Result<Bytes> {
        self.check(start, length)?;
        match self {
            Self::File { file, .. } => Ok(read_at(file, start, length)?.into()),
            Self::Memory(bytes) => Ok(bytes.slice(start as usize..start as usize + length)),
        }
    }
}

/// Reads on from a place.
#[derive(Debug)]
pub struct At {
    input: ParquetInput,
    at: u64,
}

impl Read for At {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let left = Length::len(&self.input).saturating_sub(self.at);
        let n = left.min(buffer.len() as u64) as usize;
        if n == 0 {
            return Ok(0);
        }
        self.input.read_at(self.at, &mut buffer[..n]).map_err(io::Error::other)?;
        self.at += n as u64;
        Ok(n)
    }
}

/// Reads `length` bytes at a place, without first filling their memory with zeros.
#[cfg(unix)]
fn read_at(file: &File, start: u64, length: usize) -> io::Result<Vec<u8>> {
    use rustix::buffer::spare_capacity;
    let mut bytes = Vec::with_capacity(length);
    while bytes.len() < length {
        // The capacity may be more than was asked for: what lies beyond the length is cut off.
        let at = start + bytes.len() as u64;
        if rustix::io::retry_on_intr(|| rustix::io::pread(file, spare_capacity(&mut bytes), at))?
            == 0
        {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    }
    bytes.truncate(length);
    Ok(bytes)
}

#[cfg(windows)]
fn read_at(file: &File, start: u64, length: usize) -> io::Result<Vec<u8>> {
    let mut bytes = vec![0; length];
    read_exact_at(file, &mut bytes, start)?;
    Ok(bytes)
}

#[cfg(unix)]
fn read_exact_at(file: &File, buffer: &mut [u8], at: u64) -> io::Result<()> {
    std::os::unix::fs::FileExt::read_exact_at(file, buffer, at)
}

#[cfg(windows)]
fn read_exact_at(file: &File, mut buffer: &mut [u8], mut at: u64) -> io::Result<()> {
    while !buffer.is_empty() {
        match std::os::windows::fs::FileExt::seek_read(file, buffer, at)? {
            0 => return Err(io::ErrorKind::UnexpectedEof.into()),
            n => {
                buffer = &mut buffer[n..];
                at += n as u64;
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_and_spool_read_the_same_and_refuse_what_lies_beyond() {
        let bytes: Vec<u8> = (0..=255).collect();
        for limit in [1000, 100] {
            let input = ParquetInput::spool(&bytes[..], limit).unwrap();
            assert_eq!(matches!(input, ParquetInput::Memory(_)), limit == 1000);
            assert_eq!(Length::len(&input), 256);
            assert_eq!(input.get_bytes(250, 6).unwrap(), bytes[250..]);
            assert!(input.get_bytes(250, 7).is_err());
            assert!(input.get_bytes(u64::MAX, 7).is_err());
            let mut rest = Vec::new();
            input.get_read(200).unwrap().read_to_end(&mut rest).unwrap();
            assert_eq!(rest, bytes[200..]);
            assert_eq!(input.get_read(300).unwrap().read(&mut [0; 4]).unwrap(), 0);
        }
    }
}
