//! A JSON array of objects, read as JSON lines.

use std::io::{self, Read};

/// Passes text on; if it is a JSON array, an object a line, without the brackets and commas
/// between.
///
/// mvrec and most libraries write tables as one array, which is otherwise read as a whole or not at
/// all.
pub struct ArrayAsLines<R> {
    inner: R,
    state: State,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// Nothing but blanks so far.
    Beginning,
    /// No array: all bytes pass.
    Other,
    /// In an array, so many brackets deep, the array's own aside; and whether within a string,
    /// behind a backslash.
    Array { depth: u32, string: bool, escaped: bool },
}

impl<R: Read> ArrayAsLines<R> {
    /// Wraps a reader.
    pub fn new(inner: R) -> Self {
        Self { inner, state: State::Beginning }
    }

    /// Rewrites bytes in place; returns how many are left.
    fn rewrite(&mut self, bytes: &mut [u8]) -> usize {
        let mut kept = 0;
        for at in 0..bytes.len() {
            if let Some(byte) = self.next(bytes[at]) {
                bytes[kept] = byte;
                kept += 1;
            }
        }
        kept
    }

    fn next(&mut self, byte: u8) -> Option<u8> {
        match &mut self.state {
            State::Beginning => {
                self.state = match byte {
                    b'[' => State::Array { depth: 0, string: false, escaped: false },
                    // Blanks, and a byte order mark.
                    b' ' | b'\t' | b'\r' | b'\n' | 0xef | 0xbb | 0xbf => return Some(byte),
                    _ => State::Other,
                };
                (self.state == State::Other).then_some(byte)
            }
            State::Other => Some(byte),
            State::Array { string: true, escaped: true, .. } => {
                self.unescape();
                Some(byte)
            }
            State::Array { string, escaped, .. } if *string => {
                *escaped = byte == b'\\';
                *string = byte != b'"';
                Some(byte)
            }
            State::Array { depth, string, .. } => match byte {
                b'"' => {
                    *string = true;
                    Some(byte)
                }
                b'{' | b'[' => {
                    *depth += 1;
                    Some(byte)
                }
                b'}' | b']' if *depth > 0 => {
                    *depth -= 1;
                    Some(byte)
                }
                b',' if *depth == 0 => Some(b'\n'),
                b']' => Some(b'\n'),
                b'\n' | b'\r' => Some(b' '),
                _ => Some(byte),
            },
        }
    }

    fn unescape(&mut self) {
        if let State::Array { escaped, .. } = &mut self.state {
            *escaped = false;
        }
    }
}

impl<R: Read> Read for ArrayAsLines<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            let n = self.inner.read(buffer)?;
            let kept = if self.state == State::Other { n } else { self.rewrite(&mut buffer[..n]) };
            if n == 0 || kept > 0 {
                return Ok(kept);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arrays_become_lines_and_other_text_stays() {
        let read = |text: &str| {
            let mut out = String::new();
            ArrayAsLines::new(text.as_bytes()).read_to_string(&mut out).unwrap();
            out.lines().map(|line| line.trim().to_string()).collect::<Vec<_>>()
        };
        assert_eq!(read("[{\"a\":1},{\"b\":[2,{}]}]"), ["{\"a\":1}", "{\"b\":[2,{}]}"]);
        assert_eq!(
            read(" [\n {\n \"a\": \"x],\\\"[\"\n },\n {}\n]\n")[..2],
            ["{  \"a\": \"x],\\\"[\"  }", "{}"]
        );
        for other in ["user,item\n1,[2]\n", "{\"a\":1}\n{\"a\":2}\n", ""] {
            assert_eq!(read(other), other.lines().collect::<Vec<_>>());
        }
    }
}
