//! What a field may hold, checked once at the door: ids that fit 32 bits, finite ratings on the
//! scale, dates from 1970 to 2100. Everything below may trust it.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::io::columns::NO_TIME;
use crate::io::time;

/// Lowest and highest rating that can be given.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Scale {
    /// Lowest.
    pub min: f32,
    /// Highest.
    pub max: f32,
}

impl Scale {
    /// Returns the scale of all numbers.
    #[must_use]
    pub fn any() -> Self {
        Self { min: f32::MIN, max: f32::MAX }
    }

    /// Returns the scale of unary feedback: that a user chose a movie, and no more.
    #[must_use]
    pub fn unary() -> Self {
        Self { min: 1.0, max: 1.0 }
    }
}

/// Stars as MovieLens gives them: half a star to five.
impl Default for Scale {
    fn default() -> Self {
        Self { min: 0.5, max: 5.0 }
    }
}

impl fmt::Display for Scale {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} and {}", self.min, self.max)
    }
}

impl FromStr for Scale {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let end = |text: &str| text.trim().parse::<f32>().ok().filter(|end| end.is_finite());
        match text.split_once("..").map(|(min, max)| (end(min), end(max))) {
            Some((Some(min), Some(max))) if min <= max => Ok(Self { min, max }),
            _ => Err("expected the lowest and the highest rating, such as 0..10".into()),
        }
    }
}

impl Scale {
    /// Returns the width of the scale over that of MovieLens', 4.5; of a scale of one rating, 1.
    #[must_use]
    pub fn unit(&self) -> f32 {
        match self.is_unary() {
            true => 1.0,
            false => (self.max - self.min) / 4.5,
        }
    }

    /// Returns a rating as on MovieLens' scale; 1 on a scale of one rating.
    #[must_use]
    pub fn to_movielens(&self, rating: f32) -> f32 {
        match self.is_unary() {
            true => 1.0,
            false => 0.5 + (rating - self.min) / self.unit(),
        }
    }

    /// Whether there is only one rating, which says no more than that a user chose the movie.
    #[must_use]
    pub fn is_unary(&self) -> bool {
        self.min == self.max
    }

    /// Returns the lowest rating that counts as liked: 4 of MovieLens' half a star to five, and
    /// three quarters of any other scale.
    #[must_use]
    pub fn liked_from(&self) -> f32 {
        if *self == Self::default() { 4.0 } else { self.min + 0.75 * (self.max - self.min) }
    }

    /// Whether a rating lies on the scale, which NaN does not.
    #[must_use]
    pub fn contains(&self, value: f32) -> bool {
        self.min <= value && value <= self.max
    }

    /// Says what is wrong with a rating off the scale.
    pub(crate) fn check(&self, value: f32) -> Result<f32, String> {
        if self.contains(value) { Ok(value) } else { Err(format!("is not between {self}")) }
    }
}

/// Spellings of a value that is not there, as pandas, R, databases and spreadsheets write them.
const MISSING: [&[u8]; 10] =
    [b"NA", b"N/A", b"<NA>", b"NaN", b"nan", b"NaT", b"null", b"NULL", b"None", b"\\N"];

/// Whether a field says that it has no value: empty, or a spelling of null such as `NA`, `nan` or
/// `\N`.
#[must_use]
pub fn is_missing(text: &[u8]) -> bool {
    match text.first() {
        None => true,
        // What nearly all fields begin with needs no second look.
        Some(b'N' | b'n' | b'<' | b'\\') => MISSING.contains(&text),
        Some(_) => false,
    }
}

/// Parses a numeric id: a whole number of 32 bits, spelled as numbers are (`7`, `-7`, or `7.0`,
/// which pandas makes of integers beside nulls).
///
/// The one rule for text, JSON and Parquet. `007` is refused because it would become the id `7`,
/// which may be another; such ids, larger numbers and words are string ids (see
/// [`crate::io::keys`]).
///
/// # Errors
/// With what is wrong, in words that go behind the value.
pub fn parse_id(text: &[u8]) -> Result<i32, &'static str> {
    let (digits, value) = match parse_integer(text) {
        Some(value) => (text, value),
        None if is_missing(text) => return Err("is missing"),
        None => {
            let digits = without_zero_fraction(text);
            (digits, parse_integer(digits).ok_or("is not a whole number")?)
        }
    };
    let unsigned = digits.strip_prefix(b"-").unwrap_or(digits);
    if unsigned.len() > 1 && unsigned[0] == b'0' {
        return Err("has leading zeros");
    }
    i32::try_from(value).map_err(|_| "does not fit 32 bits")
}

/// Returns `7` for `7.0` and `7.00`, and other texts unchanged.
fn without_zero_fraction(text: &[u8]) -> &[u8] {
    match text.iter().position(|&byte| byte == b'.') {
        Some(at) if at > 0 && at + 1 < text.len() && text[at + 1..].iter().all(|&b| b == b'0') => {
            &text[..at]
        }
        _ => text,
    }
}

/// Reads an integer of up to 19 digits, without the generality that `str::parse` pays for.
fn parse_integer(text: &[u8]) -> Option<i64> {
    let (negative, digits) = match text {
        [b'-', rest @ ..] => (true, rest),
        _ => (false, text),
    };
    if digits.is_empty() || digits.len() > 19 {
        return None;
    }
    let mut value = 0_i64;
    for &digit in digits {
        if !digit.is_ascii_digit() {
            return None;
        }
        value = value.checked_mul(10)?.checked_add(i64::from(digit - b'0'))?;
    }
    Some(if negative { -value } else { value })
}

/// Parses a rating; with `decimal_comma`, `2,5` is two and a half.
pub(crate) fn parse_rating(text: &[u8], scale: Scale, decimal_comma: bool) -> Result<f32, String> {
    let value = match *text {
        [whole @ b'0'..=b'9', b'.', tenth @ b'0'..=b'9'] => stars(whole, tenth),
        [whole @ b'0'..=b'9', b',', tenth @ b'0'..=b'9'] if decimal_comma => stars(whole, tenth),
        _ if is_missing(text) => return Err("is missing".into()),
        _ => {
            let text = std::str::from_utf8(text).ok().map(|text| match decimal_comma {
                true => Cow::Owned(text.replacen(',', ".", 1)),
                false => Cow::Borrowed(text),
            });
            text.and_then(|text| text.parse().ok()).ok_or("is not a number")?
        }
    };
    scale.check(value)
}

/// Returns the number of two digits around a point.
pub(crate) fn stars(whole: u8, tenth: u8) -> f32 {
    f32::from((whole - b'0') * 10 + (tenth - b'0')) / 10.0
}

/// Parses a point in time: a date in a usual form ([`time::parse`]), or a count since 1970
/// ([`epoch_ms`], whose fraction is cut off). An empty field or a spelling of null is no time.
pub(crate) fn parse_time(text: &[u8]) -> Result<i64, &'static str> {
    let ms = match parse_integer(text) {
        Some(since_1970) => Some(epoch_ms(since_1970)),
        None if is_missing(text) => return Ok(NO_TIME),
        None => std::str::from_utf8(text).ok().and_then(|text| {
            time::parse(text).or_else(|| {
                let count = text.parse().ok().filter(|count: &f64| count.is_finite())?;
                Some(epoch_ms(count.trunc() as i64))
            })
        }),
    };
    check_time(ms.ok_or("is neither seconds since 1970 nor a date")?)
}

/// Parses a point in time by a `strftime` format; an empty field or a spelling of null is no time.
pub(crate) fn parse_time_as(text: &[u8], format: &str) -> Result<i64, &'static str> {
    if is_missing(text) {
        return Ok(NO_TIME);
    }
    let ms = std::str::from_utf8(text).ok().and_then(|text| time::parse_as(text, format));
    check_time(ms.ok_or("does not have the form of --time-format")?)
}

/// Returns milliseconds of a number that is a date written in digits (`20180101`), or else a count
/// since 1970 whose unit its size tells: as seconds it would lie far beyond 2100, as the next
/// smaller unit it lies after March 1973.
pub(crate) fn epoch_ms(count: i64) -> i64 {
    const FIRST_MS: i64 = 100_000_000_000;
    match count {
        _ if count < FIRST_MS => {
            time::parse_digits(count).unwrap_or_else(|| count.saturating_mul(1000))
        }
        _ if count < FIRST_MS * 1_000 => time::parse_digits(count).unwrap_or(count),
        _ if count < FIRST_MS * 1_000_000 => count / 1_000,
        _ => count / 1_000_000,
    }
}

/// Whether a point in time lies between 1970 and 2100.
pub(crate) fn check_time(ms: i64) -> Result<i64, &'static str> {
    if (time::MIN_MS..time::MAX_MS).contains(&ms) {
        Ok(ms)
    } else {
        Err("is not between 1970 and 2100")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_size_of_a_count_tells_its_unit() {
        for text in [
            "1514764800",
            "1514764800.0",
            "1514764800000",
            "1514764800000000",
            "1514764800000000000",
            "2018-01-01",
            "20180101",
            "20180101000000",
        ] {
            assert_eq!(parse_time(text.as_bytes()), Ok(1_514_764_800_000), "{text}");
        }
        for text in ["9999999999", "-1", "1e300", "inf", "9223372036854775807"] {
            assert!(parse_time(text.as_bytes()).is_err(), "{text}");
        }
        for text in ["", "NA", "NULL", "\\N", "NaT", "nan"] {
            assert_eq!(parse_time(text.as_bytes()), Ok(NO_TIME), "{text}");
            assert_eq!(parse_time_as(text.as_bytes(), "%Y"), Ok(NO_TIME), "{text}");
        }
    }

    #[test]
    fn parse_id_accepts_numbers_and_refuses_what_they_would_not_keep() {
        for (text, id) in
            [("7", 7), ("-7", -7), ("0", 0), ("7.0", 7), ("31.000", 31), ("2147483647", i32::MAX)]
        {
            assert_eq!(parse_id(text.as_bytes()), Ok(id), "{text}");
        }
        for (text, problem) in [
            ("007", "has leading zeros"),
            ("-07", "has leading zeros"),
            ("00", "has leading zeros"),
            ("2147483648", "does not fit 32 bits"),
            ("1.5", "is not a whole number"),
            (".0", "is not a whole number"),
            ("7.", "is not a whole number"),
            ("x", "is not a whole number"),
            ("", "is missing"),
            ("NA", "is missing"),
            ("nan", "is missing"),
            ("\\N", "is missing"),
        ] {
            let error = parse_id(text.as_bytes()).unwrap_err();
            assert!(error.starts_with(problem), "{text}: {error}");
        }
    }

    #[test]
    fn positive_threshold_is_a_share_of_the_scale() {
        for (scale, liked, unit) in [
            ("0.5..5", 4.0, 1.0),
            ("1..5", 4.0, 4.0 / 4.5),
            ("1..10", 7.75, 2.0),
            ("10..100", 77.5, 20.0),
            ("0..1", 0.75, 1.0 / 4.5),
            ("-1..1", 0.5, 2.0 / 4.5),
            ("1..1", 1.0, 1.0),
        ] {
            let parsed: Scale = scale.parse().unwrap();
            assert_eq!((parsed.liked_from(), parsed.unit()), (liked, unit), "{scale}");
        }
    }

    #[test]
    fn scales_as_typed() {
        assert_eq!("0..10".parse(), Ok(Scale { min: 0.0, max: 10.0 }));
        assert_eq!("-1 .. 1.5".parse(), Ok(Scale { min: -1.0, max: 1.5 }));
        for bad in ["", "5", "10..0", "0..inf", "NaN..1", ".."] {
            assert!(bad.parse::<Scale>().is_err(), "{bad}");
        }
    }
}
