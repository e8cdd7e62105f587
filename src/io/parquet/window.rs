//! Sliding read window over a column chunk.

use std::cell::RefCell;
use std::io;
use std::sync::{Mutex, PoisonError};

use bytes::{Bytes, BytesMut};
use parquet::errors::{ParquetError, Result};
use parquet::file::reader::{ChunkReader, Length};

use crate::io::parquet::input::ParquetInput;

thread_local! {
    /// Memory of windows that are no more: first touching as much of it for each chunk costs as
    /// much as reading it.
    static SPARE: RefCell<Vec<Bytes>> = RefCell::default();
}

/// A chunk of a column that is read from its begin to its end, a part at a time, each into the
/// memory of the one before, so that it stays in the processor's cache.
pub(super) struct ChunkWindow {
    input: ParquetInput,
    end: u64,
    loaded: Mutex<LoadedPart>,
}

/// A part of a file: the first `filled` bytes of `memory`.
struct LoadedPart {
    start: u64,
    filled: usize,
    memory: Bytes,
}

impl ChunkWindow {
    /// Fewest bytes of a part.
    const LEAST: usize = 1 << 14;
    /// More than the header of a page has.
    const HEADER: usize = 1 << 10;

    /// Begins with the chunk that has so many bytes from a place on.
    pub(super) fn new(input: ParquetInput, (start, length): (u64, u64)) -> Self {
        let memory = SPARE.with_borrow_mut(Vec::pop).unwrap_or_default();
        let end = start.saturating_add(length);
        Self { input, end, loaded: Mutex::new(LoadedPart { start, filled: 0, memory }) }
    }

    /// Returns at least `length` bytes from a place on.
    fn from(&self, start: u64, length: usize) -> Result<Bytes> {
        let left = self.end.checked_sub(start).and_then(|left| usize::try_from(left).ok());
        let Some(left) = left.filter(|&left| length <= left) else {
            return Err(ParquetError::General("a page lies outside of its column".into()));
        };
        if let ParquetInput::Memory(_) = self.input {
            return self.input.get_bytes(start, left);
        }
        let mut loaded = self.loaded.lock().unwrap_or_else(PoisonError::into_inner);
        let from = start.checked_sub(loaded.start).and_then(|from| usize::try_from(from).ok());
        if let Some(from) = from.filter(|from| from.saturating_add(length) <= loaded.filled) {
            return Ok(loaded.memory.slice(from..loaded.filled));
        }
        // With the header of the page behind, which is asked for next.
        let wanted = left.min(Self::LEAST.max(length + Self::HEADER));
        loaded.filled = 0;
        // Somebody may still look at the part before, which must stay as it is then.
        let memory = std::mem::take(&mut loaded.memory).try_into_mut();
        let mut memory = memory.unwrap_or_default();
        if memory.len() < wanted {
            memory.resize(wanted, 0);
        }
        self.input.read_at(start, &mut memory[..wanted])?;
        *loaded = LoadedPart { start, filled: wanted, memory: BytesMut::freeze(memory) };
        Ok(loaded.memory.slice(..wanted))
    }
}

impl Drop for ChunkWindow {
    fn drop(&mut self) {
        /// More than the columns of ratings.
        const KEPT: usize = 8;
        let loaded = self.loaded.get_mut().unwrap_or_else(PoisonError::into_inner);
        let memory = std::mem::take(&mut loaded.memory);
        SPARE.with_borrow_mut(|spare| {
            if spare.len() < KEPT && !memory.is_empty() {
                spare.push(memory);
            }
        });
    }
}

impl Length for ChunkWindow {
    fn len(&self) -> u64 {
        self.end
    }
}

impl ChunkReader for ChunkWindow {
    type T = io::Cursor<Bytes>;

    /// Returns a copy, as the library holds on to it while it reads the page behind.
    fn get_read(&self, start: u64) -> Result<Self::T> {
        let left = self.end.saturating_sub(start).min(Self::HEADER as u64) as usize;
        Ok(io::Cursor::new(Bytes::copy_from_slice(&self.from(start, left)?[..left])))
    }

    fn get_bytes(&self, start: u64, length: usize) -> Result<Bytes> {
        Ok(self.from(start, length)?.slice(..length))
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn any_part_is_what_the_file_has(
            parts in proptest::collection::vec((0..300_000_u64, 0..100_000_usize, any::<bool>()), 1..20),
        ) {
            let bytes: Vec<u8> = (0..250_000_u32).map(|at| (at.wrapping_mul(at) >> 7) as u8).collect();
            let mut file = tempfile::tempfile().unwrap();
            file.write_all(&bytes).unwrap();
            let (begin, end) = (1000, 249_000);
            let window = ChunkWindow::new(ParquetInput::file(file).unwrap(), (begin, end - begin));
            let mut held = Vec::new();
            for (start, length, hold) in parts {
                let start = start.max(begin);
                let read = window.get_bytes(start, length);
                if start + length as u64 > end {
                    prop_assert!(read.is_err());
                    continue;
                }
                let expected = &bytes[start as usize..start as usize + length];
                let read = read.unwrap();
                prop_assert_eq!(&read[..], expected);
                if hold {
                    held.push((read, expected));
                }
            }
            for (read, expected) in held {
                prop_assert_eq!(&read[..], expected);
            }
        }
    }
}
