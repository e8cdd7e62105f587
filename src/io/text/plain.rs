//! The short way: lines of plain numbers, eight digits at a time.
//!
//! It reads nothing that the general way would read otherwise; whatever is unusual, it leaves to
//! that.

use crate::io::columns::NO_TIME;
use crate::io::time;
use crate::io::values::{Scale, stars};

/// Lines of user, movie, rating and perhaps seconds since 1970, in this order.
pub(super) struct PlainLines {
    pub(super) delimiter: u8,
    pub(super) timed: bool,
    pub(super) scale: Scale,
}

impl PlainLines {
    /// Reads the first line and returns its length with its end.
    #[inline]
    pub(super) fn read(&self, text: &[u8]) -> Option<((i32, i32, f32, i64), usize)> {
        let mut at = 0;
        let user = self.id(text, &mut at)?;
        let movie = self.id(text, &mut at)?;
        let rating = match *text.get(at..at + 3)? {
            [whole @ b'0'..=b'9', b'.', tenth @ b'0'..=b'9'] => {
                at += 3;
                stars(whole, tenth)
            }
            [whole @ b'0'..=b'9', ..] => {
                at += 1;
                stars(whole, b'0')
            }
            _ => return None,
        };
        if !self.scale.contains(rating) {
            return None;
        }
        let time_ms = if self.timed {
            if *text.get(at)? != self.delimiter {
                return None;
            }
            at += 1;
            let seconds = number(text, &mut at)? as i64;
            // Dates of eight digits, as 20180101, are the general way's.
            if (19_000_101..=21_001_231).contains(&seconds) {
                return None;
            }
            (seconds < time::MAX_MS / 1000).then_some(seconds * 1000)?
        } else {
            NO_TIME
        };
        match *text.get(at..)? {
            [b'\n', ..] => Some(((user, movie, rating, time_ms), at + 1)),
            [b'\r', b'\n', ..] => Some(((user, movie, rating, time_ms), at + 2)),
            _ => None,
        }
    }

    /// Reads an id and the delimiter behind it.
    #[inline]
    fn id(&self, text: &[u8], at: &mut usize) -> Option<i32> {
        let start = *at;
        let id = i32::try_from(number(text, at)?).ok()?;
        // Leading zeros are the general way's to refuse.
        if text[start] == b'0' && *at - start > 1 {
            return None;
        }
        (*text.get(*at)? == self.delimiter).then(|| *at += 1)?;
        Some(id)
    }
}

/// Reads 1 to 15 digits.
#[inline]
fn number(text: &[u8], at: &mut usize) -> Option<u64> {
    const POWERS: [u64; 8] = [1, 10, 100, 1_000, 10_000, 100_000, 1_000_000, 10_000_000];
    let (value, digits) = eight(text, *at)?;
    *at += digits;
    match digits {
        0 => None,
        8 => {
            let (rest, digits) = eight(text, *at)?;
            *at += digits;
            (digits < 8).then(|| value * POWERS[digits] + rest)
        }
        _ => Some(value),
    }
}

/// Reads up to 8 digits at once and returns their number and how many they are; `None` if fewer
/// than 8 bytes are left to look at.
///
/// The digits become the highest bytes of a word, which is then added up in pairs, fours and
/// eights.
#[inline]
fn eight(text: &[u8], at: usize) -> Option<(u64, usize)> {
    const EACH: u64 = 0x0101_0101_0101_0101;
    let word = u64::from_le_bytes(text.get(at..at + 8)?.try_into().ok()?) ^ (EACH * 0x30);
    // A digit is now 0 to 9: adding 0x76 leaves its highest bit clear, and that of no other byte.
    let others = (((word & (EACH * 0x7f)) + EACH * 0x76) | word) & (EACH * 0x80);
    let digits = (others.trailing_zeros() / 8) as usize;
    if digits == 0 {
        return Some((0, 0));
    }
    let word = word << (64 - 8 * digits);
    let pairs = (word * 10 + (word >> 8)) & 0x00ff_00ff_00ff_00ff;
    let fours = (pairs * 100 + (pairs >> 16)) & 0x0000_ffff_0000_ffff;
    let all = (fours * 10_000 + (fours >> 32)) & 0xffff_ffff;
    Some((all, digits))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn numbers_of_any_length_are_read() {
        for text in ["0", "7", "42", "123456", "12345678", "123456789", "999999999999999"] {
            let mut at = 0;
            let read = number(format!("{text},.......").as_bytes(), &mut at);
            assert_eq!((read, at), (text.parse().ok(), text.len()), "{text}");
        }
        for text in ["", "-1", "1234567890123456", "\u{e9}"] {
            assert_eq!(number(format!("{text},.......").as_bytes(), &mut 0), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn every_byte_is_told_from_a_digit(bytes: [u8; 8]) {
            let digits = bytes.iter().take_while(|byte| byte.is_ascii_digit()).count();
            let (value, found) = eight(&bytes, 0).unwrap();
            prop_assert_eq!(found, digits);
            let text = std::str::from_utf8(&bytes[..digits]).unwrap();
            prop_assert_eq!(value, text.parse().unwrap_or(0));
        }
    }
}
