//! Cuts a stream into blocks that end where lines end.

use std::io::{self, Read};

/// Bytes of a block; also of the longest line that is taken for one.
pub(super) const BLOCK: usize = 4 << 20;

pub(super) struct Blocks<R> {
    reader: R,
    carry: Vec<u8>,
    /// Why there are no more blocks, once there are none: the end, or a failure.
    ended: Option<io::Result<()>>,
}

impl<R: Read> Blocks<R> {
    pub(super) fn new(reader: R) -> Self {
        Self { reader, carry: Vec::new(), ended: None }
    }

    /// Reads up to `n` blocks; fewer, or none, at the end or before a failure.
    pub(super) fn read(&mut self, n: usize) -> Vec<Vec<u8>> {
        let mut blocks = Vec::with_capacity(n);
        while blocks.len() < n && self.ended.is_none() {
            let mut block = std::mem::take(&mut self.carry);
            match self.fill(&mut block) {
                Ok(got) if got < BLOCK => self.ended = Some(Ok(())),
                Ok(_) => match memchr::memrchr(b'\n', &block) {
                    Some(end) => self.carry = block.split_off(end + 1),
                    None => {
                        let what = format!("a line is longer than {} MiB", BLOCK >> 20);
                        self.ended = Some(Err(io::Error::new(io::ErrorKind::InvalidData, what)));
                        block.clear();
                    }
                },
                Err(error) => {
                    self.ended = Some(Err(error));
                    block.clear();
                }
            }
            if !block.is_empty() {
                blocks.push(block);
            }
        }
        blocks
    }

    /// Adds the bytes of a block, fewer at the end; a small file costs no more memory than it has bytes.
    fn fill(&mut self, block: &mut Vec<u8>) -> io::Result<usize> {
        const SMALL: usize = 64 << 10;
        let got = self.reader.by_ref().take(SMALL as u64).read_to_end(block)?;
        if got < SMALL {
            return Ok(got);
        }
        block.reserve(BLOCK - SMALL);
        Ok(SMALL + self.reader.by_ref().take((BLOCK - SMALL) as u64).read_to_end(block)?)
    }

    /// Tells whether the blocks ended with the text.
    pub(super) fn finish(self) -> io::Result<()> {
        self.ended.unwrap_or(Ok(()))
    }
}
