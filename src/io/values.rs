//! What a field may hold, checked once at the door: ids that fit 32 bits, finite ratings on the scale,
//! dates from 1970 to 2100. Everything below may trust it.

use std::ops::RangeInclusive;

use crate::io::columns::NO_TIME;
use crate::io::time;

/// Stars that MovieLens gives: half a star to five.
pub const SCALE: RangeInclusive<f32> = 0.5..=5.0;

/// Reads an id that fits 32 bits.
pub(crate) fn parse_id(text: &[u8]) -> Result<i32, &'static str> {
    let value = parse_integer(text).ok_or("is not a whole number")?;
    i32::try_from(value).map_err(|_| "does not fit 32 bits")
}

/// Reads an integer of up to 18 digits, without the generality that `str::parse` pays for.
fn parse_integer(text: &[u8]) -> Option<i64> {
    let (negative, digits) = match text {
        [b'-', rest @ ..] => (true, rest),
        _ => (false, text),
    };
    if digits.is_empty() || digits.len() > 18 {
        return None;
    }
    let mut value = 0_i64;
    for &digit in digits {
        if !digit.is_ascii_digit() {
            return None;
        }
        value = value * 10 + i64::from(digit - b'0');
    }
    Some(if negative { -value } else { value })
}

pub(crate) fn parse_rating(text: &[u8]) -> Result<f32, String> {
    let value = match *text {
        [whole @ b'0'..=b'9', b'.', tenth @ b'0'..=b'9'] => {
            f32::from((whole - b'0') * 10 + (tenth - b'0')) / 10.0
        }
        _ => std::str::from_utf8(text)
            .ok()
            .and_then(|text| text.parse().ok())
            .ok_or("is not a number")?,
    };
    check_rating(value).map(|()| value)
}

/// Tells whether a rating lies on the scale, which NaN does not.
pub(crate) fn check_rating(value: f32) -> Result<(), String> {
    if SCALE.contains(&value) {
        Ok(())
    } else {
        Err(format!("is not between {} and {}", SCALE.start(), SCALE.end()))
    }
}

/// Reads a point in time; an empty field says that none is known.
pub(crate) fn parse_time(text: &[u8]) -> Result<i64, &'static str> {
    let ms = match parse_integer(text) {
        Some(seconds) => seconds.checked_mul(1000),
        None if text.is_empty() => return Ok(NO_TIME),
        None => std::str::from_utf8(text).ok().and_then(time::parse),
    };
    check_time(ms.ok_or("is neither seconds since 1970 nor a date")?)
}

/// Tells whether a point in time lies between 1970 and 2100.
pub(crate) fn check_time(ms: i64) -> Result<i64, &'static str> {
    if (time::MIN_MS..time::MAX_MS).contains(&ms) {
        Ok(ms)
    } else {
        Err("is not between 1970 and 2100")
    }
}
