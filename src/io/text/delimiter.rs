//! What stands between the fields of a record.

use std::str::FromStr;

/// What stands between the fields of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Delimiter {
    /// One byte.
    Byte(u8),
    /// `::`
    TwoColons,
    /// Blanks and tabs, any number of them.
    Blanks,
}

impl FromStr for Delimiter {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.as_bytes() {
            b"::" => Ok(Self::TwoColons),
            b" " | b"space" => Ok(Self::Blanks),
            b"\\t" | b"tab" => Ok(Self::Byte(b'\t')),
            [byte]
                if byte.is_ascii()
                    && !byte.is_ascii_alphanumeric()
                    && !b"\"\n\r.-".contains(byte) =>
            {
                Ok(Self::Byte(*byte))
            }
            _ => Err("expected one character, `::`, `tab` or `space`".into()),
        }
    }
}

impl Delimiter {
    /// Detects the delimiter of a line: of the usual ones outside of quotes the most frequent, else
    /// blanks.
    pub(in crate::io) fn detect(line: &[u8]) -> Self {
        let line = outside_quotes(line);
        let count = |byte| memchr::memchr_iter(byte, &line).count();
        let colons = memchr::memmem::find_iter(&line, b"::").count();
        let bytes = [b',', b';', b'|', b'\t'].map(|byte| (count(byte), Self::Byte(byte)));
        let usual = bytes.into_iter().chain([(2 * colons, Self::TwoColons)]);
        match usual.max_by_key(|(n, _)| *n) {
            Some((n, delimiter)) if n > 0 => delimiter,
            _ if count(b' ') > 0 => Self::Blanks,
            _ => Self::Byte(b','),
        }
    }

    /// Returns the byte whose fields quotes can protect together with line ends inside.
    pub(super) fn quoting(self) -> Option<u8> {
        match self {
            Self::Byte(byte) => Some(byte),
            Self::TwoColons | Self::Blanks => None,
        }
    }

    /// Returns the delimiter for people.
    #[must_use]
    pub fn shown(self) -> String {
        match self {
            Self::Byte(b'\t') => "tab".into(),
            Self::Byte(byte) => format!("`{}`", char::from(byte)),
            Self::TwoColons => "`::`".into(),
            Self::Blanks => "blanks".into(),
        }
    }
}

/// Removes what stands between quotes.
fn outside_quotes(line: &[u8]) -> Vec<u8> {
    let parts = line.split(|&byte| byte == b'"');
    parts.step_by(2).flatten().copied().collect()
}
