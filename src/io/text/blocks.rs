//! Cuts a stream into blocks that end where records end, so that each can be parsed on its own.

use std::io::{self, Read};

use crate::io::text::record::{RecordEnd, record_end, record_length};

/// Bytes of a block; also of the longest record.
pub(super) const BLOCK: usize = 4 << 20;

pub(super) struct TextBlocks<R> {
    reader: R,
    /// What has been read and belongs to the next block.
    carry: Vec<u8>,
    /// Delimiter of fields that quotes may protect.
    quoting: Option<u8>,
    /// Whether carriage returns alone end lines.
    returns: bool,
    /// Why there are no more bytes, once there are none: the end, or a failure.
    ended: Option<io::Result<()>>,
}

impl<R: Read> TextBlocks<R> {
    pub(super) fn new(reader: R) -> Self {
        Self { reader, carry: Vec::new(), quoting: None, returns: false, ended: None }
    }

    /// Returns the first bytes, up to a block of them, before any block is cut.
    ///
    /// Text whose lines end with carriage returns alone is read as if they were newlines.
    pub(super) fn head(&mut self) -> &[u8] {
        if self.carry.is_empty() && self.ended.is_none() {
            let mut head = Vec::new();
            self.fill(&mut head);
            self.returns = head.contains(&b'\r') && !head.contains(&b'\n');
            self.newlines(&mut head);
            self.carry = head;
        }
        &self.carry
    }

    /// Drops the first `n` bytes of the head.
    pub(super) fn skip(&mut self, n: usize) {
        self.carry.drain(..n);
    }

    /// Lets quotes protect line ends in fields that `delimiter` separates.
    pub(super) fn set_quoting(&mut self, delimiter: Option<u8>) {
        self.quoting = delimiter;
    }

    /// Reads up to `n` blocks; fewer, or none, at the end or before a failure.
    pub(super) fn read(&mut self, n: usize) -> Vec<Vec<u8>> {
        let mut blocks = Vec::with_capacity(n);
        while blocks.len() < n && !(self.ended.is_some() && self.carry.is_empty()) {
            let mut block = std::mem::take(&mut self.carry);
            if block.len() < BLOCK {
                let kept = block.len();
                self.fill(&mut block);
                self.newlines(&mut block[kept..]);
            }
            match &self.ended {
                Some(Ok(())) => {}
                // What was read before a failure is of no use to anybody.
                Some(Err(_)) => block.clear(),
                None => self.cut(&mut block),
            }
            if !block.is_empty() {
                blocks.push(block);
            }
        }
        blocks
    }

    /// Keeps the records that end within the block, and carries the rest over.
    fn cut(&mut self, block: &mut Vec<u8>) {
        match last_record_end(block, self.quoting) {
            0 => {
                let what = format!("a line is longer than {} MiB", BLOCK >> 20);
                self.ended = Some(Err(io::Error::new(io::ErrorKind::InvalidData, what)));
                block.clear();
            }
            end => self.carry = block.split_off(end),
        }
    }

    /// Adds the bytes of a block and notes the end; a small file costs no more memory than it has
    /// bytes.
    fn fill(&mut self, block: &mut Vec<u8>) {
        const SMALL: usize = 64 << 10;
        if self.ended.is_some() {
            return;
        }
        let mut read = |n: usize| {
            // At once, for a vector that grows as it is read into is copied again and again.
            block.reserve(n);
            self.reader.by_ref().take(n as u64).read_to_end(block)
        };
        let got = read(SMALL).and_then(|got| match got {
            SMALL => Ok(SMALL + read(BLOCK - SMALL)?),
            _ => Ok(got),
        });
        match got {
            Ok(BLOCK) => {}
            Ok(_) => self.ended = Some(Ok(())),
            Err(error) => self.ended = Some(Err(error)),
        }
    }

    fn newlines(&self, bytes: &mut [u8]) {
        if self.returns {
            bytes.iter_mut().filter(|byte| **byte == b'\r').for_each(|byte| *byte = b'\n');
        }
    }

    /// Returns whether the blocks ended with the text.
    pub(super) fn finish(self) -> io::Result<()> {
        self.ended.unwrap_or(Ok(()))
    }
}

/// Returns the end of the last record that is whole, or zero.
fn last_record_end(block: &[u8], quoting: Option<u8>) -> usize {
    if quoting.is_none() || memchr::memchr(b'"', block).is_none() {
        return memchr::memrchr(b'\n', block).map_or(0, |newline| newline + 1);
    }
    let mut end = 0;
    while end < block.len() {
        let length = match record_end(&block[end..], quoting) {
            RecordEnd::At(length) => length,
            // Nothing closes it within a whole block: a stray quote, of which the reader says the
            // same.
            RecordEnd::Open if end == 0 => record_length(block, quoting),
            RecordEnd::Open => break,
        };
        if block[end + length - 1] != b'\n' {
            break;
        }
        end += length;
    }
    end
}
