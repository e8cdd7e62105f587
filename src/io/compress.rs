//! Text outputs that are compressed on the way.

use std::io::{self, Write};

use flate2::write::GzEncoder;

/// How an output is compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Compression {
    /// Not at all.
    #[default]
    None,
    /// `.gz`
    Gzip,
    /// `.zst`
    Zstd,
}

impl Compression {
    /// Splits the ending of a compressed file off a name in lower case.
    #[must_use]
    pub fn from_name(name: &str) -> (&str, Self) {
        match name.strip_suffix(".gz") {
            Some(stem) => (stem, Self::Gzip),
            None => match name.strip_suffix(".zst") {
                Some(stem) => (stem, Self::Zstd),
                None => (name, Self::None),
            },
        }
    }
}

/// Compresses what is written to it; the same bytes each time, for no time is kept.
pub enum OutputCompressor<W: Write> {
    /// Passes bytes on.
    None(W),
    /// By gzip.
    Gzip(GzEncoder<W>),
    /// By Zstandard.
    Zstd(zstd::Encoder<'static, W>),
}

impl<W: Write> OutputCompressor<W> {
    /// Wraps a writer.
    ///
    /// # Errors
    /// If there is no memory for the compression.
    pub fn new(inner: W, compression: Compression) -> io::Result<Self> {
        Ok(match compression {
            Compression::None => Self::None(inner),
            Compression::Gzip => Self::Gzip(GzEncoder::new(inner, flate2::Compression::default())),
            Compression::Zstd => {
                Self::Zstd(zstd::Encoder::new(inner, zstd::DEFAULT_COMPRESSION_LEVEL)?)
            }
        })
    }

    /// Writes what is left and gives the writer back.
    ///
    /// # Errors
    /// If writing fails.
    pub fn finish(self) -> io::Result<W> {
        let mut inner = match self {
            Self::None(inner) => inner,
            Self::Gzip(encoder) => encoder.finish()?,
            Self::Zstd(encoder) => encoder.finish()?,
        };
        inner.flush()?;
        Ok(inner)
    }
}

impl<W: Write> Write for OutputCompressor<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::None(inner) => inner.write(bytes),
            Self::Gzip(encoder) => encoder.write(bytes),
            Self::Zstd(encoder) => encoder.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::None(inner) => inner.flush(),
            Self::Gzip(encoder) => encoder.flush(),
            Self::Zstd(encoder) => encoder.flush(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::io::source::Source;

    #[test]
    fn compressed_bytes_are_the_same_each_time_and_read_back() {
        for compression in [Compression::None, Compression::Gzip, Compression::Zstd] {
            let packed = || {
                let mut out = OutputCompressor::new(Vec::new(), compression).unwrap();
                out.write_all(b"user,item\n").unwrap();
                out.finish().unwrap()
            };
            assert_eq!(packed(), packed());
            let mut text = String::new();
            let source = Source::from_reader("x".into(), io::Cursor::new(packed())).unwrap();
            io::Read::read_to_string(&mut { source.reader }, &mut text).unwrap();
            assert_eq!(text, "user,item\n");
        }
    }
}
