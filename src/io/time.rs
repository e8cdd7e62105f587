//! Points in time as text: seconds since 1970, dates and times in the usual forms, and the years of
//! the command line.

use chrono::format::{Item, StrftimeItems};
use chrono::{DateTime, NaiveDate, NaiveDateTime, NaiveTime};

/// First millisecond that a rating may carry: 1970-01-01.
pub const MIN_MS: i64 = 0;
/// First millisecond that a rating may no longer carry: 2101-01-01.
pub const MAX_MS: i64 = 4_133_980_800_000;

/// Parses seconds since 1970, or a date with or without a time, into milliseconds in UTC.
///
/// Dates are ISO 8601 (`2017-07-14`), also with slashes; times have minutes at least (`T02:40`, `
/// 02:40:00.5`) and perhaps a zone (`Z`, ` UTC`, `+01:00`, `+0100`); RFC 2822 is read as well. The
/// range is not checked.
#[must_use]
pub fn parse(text: &str) -> Option<i64> {
    if let Ok(seconds) = text.parse::<i64>() {
        return seconds.checked_mul(1000);
    }
    parse_date_and_time(text)
        .or_else(|| DateTime::parse_from_rfc2822(text).ok().map(|time| time.timestamp_millis()))
}

fn parse_date_and_time(text: &str) -> Option<i64> {
    let dates = ["%Y-%m-%d", "%Y/%m/%d"];
    let mut dates = dates.iter().map(|format| NaiveDate::parse_and_remainder(text, format));
    let (date, rest) = dates.find_map(Result::ok)?;
    if rest.is_empty() {
        return Some(midnight(date));
    }
    let (time, zone) = time_of_day(rest.strip_prefix('T').or_else(|| rest.strip_prefix(' '))?)?;
    let offset_ms = zone_offset(zone.trim())? * 60_000;
    Some(date.and_time(time).and_utc().timestamp_millis() - offset_ms)
}

/// Parses a time of day and returns what stands behind it.
fn time_of_day(text: &str) -> Option<(NaiveTime, &str)> {
    let text = text.trim_start();
    let formats = ["%H:%M:%S%.f", "%H:%M"];
    formats.iter().find_map(|format| NaiveTime::parse_and_remainder(text, format).ok())
}

/// Whether a text is a time of day, perhaps with a zone: `02:40`, `02:40:00Z`.
#[must_use]
pub fn is_time_of_day(text: &str) -> bool {
    time_of_day(text).is_some_and(|(_, zone)| zone_offset(zone.trim()).is_some())
}

/// Parses a zone into minutes east of UTC; nothing at all is UTC.
fn zone_offset(zone: &str) -> Option<i64> {
    let sign = match zone.as_bytes() {
        [] | b"Z" | b"z" | b"UTC" | b"GMT" => return Some(0),
        [b'+', ..] => 1,
        [b'-', ..] => -1,
        _ => return None,
    };
    let digits = zone[1..].replacen(':', "", 1);
    let is_offset =
        matches!(digits.len(), 2 | 4) && digits.bytes().all(|byte| byte.is_ascii_digit());
    let digits: i64 = is_offset.then(|| digits.parse().ok()).flatten()?;
    let (hours, minutes) = if zone.len() <= 3 { (digits, 0) } else { (digits / 100, digits % 100) };
    (hours < 24 && minutes < 60).then_some(sign * (hours * 60 + minutes))
}

/// Parses a text by a `strftime` format: with a zone, as UTC without one, or a date alone.
#[must_use]
pub fn parse_as(text: &str, format: &str) -> Option<i64> {
    let with_zone =
        || DateTime::parse_from_str(text, format).ok().map(|time| time.timestamp_millis());
    let without = || {
        NaiveDateTime::parse_from_str(text, format)
            .ok()
            .map(|time| time.and_utc().timestamp_millis())
    };
    let date = || NaiveDate::parse_from_str(text, format).ok().map(midnight);
    with_zone().or_else(without).or_else(date)
}

/// Returns what is wrong with a `strftime` format.
///
/// # Errors
/// If it has an unknown specifier, or none.
pub fn check_format(format: &str) -> Result<(), String> {
    let items: Vec<Item<'_>> = StrftimeItems::new(format).collect();
    let is_specifier = |item: &Item<'_>| matches!(item, Item::Numeric(..) | Item::Fixed(..));
    if items.contains(&Item::Error) || !items.iter().any(is_specifier) {
        return Err("expected a strftime format, such as %d/%m/%Y or \"%d/%m/%Y %H:%M\"".into());
    }
    Ok(())
}

/// Returns the first millisecond of a day that is written as one number, such as `20180101`, or of
/// a second, such as `20180101123000`; `None` where the number is no date from 1900 to 2100.
#[must_use]
pub fn parse_digits(number: i64) -> Option<i64> {
    const SECONDS: i64 = 1_000_000;
    let (day, time) = match number {
        19_000_101..=21_001_231 => (number, 0),
        19_000_101_000_000..=21_001_231_235_959 => (number / SECONDS, number % SECONDS),
        _ => return None,
    };
    let part = |number: i64, unit: i64| (number / unit % 100) as u32;
    let date = NaiveDate::from_ymd_opt((day / 10_000) as i32, part(day, 100), part(day, 1))?;
    let time = NaiveTime::from_hms_opt(part(time, 10_000), part(time, 100), part(time, 1))?;
    Some(date.and_time(time).and_utc().timestamp_millis())
}

/// Returns the first millisecond of a year in UTC, if the calendar knows the year.
#[must_use]
pub fn start_of_year(year: i32) -> Option<i64> {
    NaiveDate::from_ymd_opt(year, 1, 1).map(midnight)
}

fn midnight(day: NaiveDate) -> i64 {
    day.and_time(NaiveTime::MIN).and_utc().timestamp_millis()
}

/// Writes milliseconds as ISO 8601 in UTC, such as `2019-11-21T09:15:03Z`.
#[must_use]
pub fn format(ms: i64) -> String {
    DateTime::from_timestamp_millis(ms).map_or_else(
        || ms.to_string(),
        |time| time.to_rfc3339_opts(chrono::SecondsFormat::AutoSi, true),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_it_writes() {
        for ms in [0, 1_514_764_800_000, 1_514_764_800_123, MAX_MS - 1] {
            assert_eq!(parse(&format(ms)), Some(ms), "{}", format(ms));
        }
    }

    #[test]
    fn dates_and_times_parse_in_every_usual_form() {
        let new_year = Some(1_514_764_800_000);
        for text in [
            "1514764800",
            "2018-01-01",
            "2018/01/01",
            "2018/1/1",
            "2018-01-01T00:00",
            "2018-01-01 00:00",
            "2018-01-01T00:00:00",
            "2018-01-01 00:00:00.000",
            "2018-01-01T00:00:00Z",
            "2018-01-01 00:00:00 UTC",
            "2018-01-01 00:00:00+0000",
            "2018-01-01T01:00:00+01:00",
            "2018-01-01 01:00:00 +01",
            "2017-12-31T21:30:00-0230",
            "2018/01/01 00:00:00",
            "Mon, 1 Jan 2018 00:00:00 GMT",
        ] {
            assert_eq!(parse(text), new_year, "{text}");
        }
        assert_eq!(start_of_year(2018), new_year);
        assert_eq!(start_of_year(2101), Some(MAX_MS));
        for bad in [
            "",
            "yesterday",
            "2018-13-01",
            "1.5",
            "2018-01-01 noon",
            "2018-01-01T00:00:00+99:00",
            "01/02/2018",
            "2018-01-01T",
        ] {
            assert_eq!(parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn formats_of_ones_own_are_read_and_checked() {
        let new_year = Some(1_514_764_800_000);
        for (text, format) in [
            ("01/01/2018", "%d/%m/%Y"),
            ("01.01.2018 00:00", "%d.%m.%Y %H:%M"),
            ("01 1, 2018", "%m %d, %Y"),
            ("2018-01-01 01:00 +0100", "%Y-%m-%d %H:%M %z"),
        ] {
            assert_eq!(check_format(format), Ok(()), "{format}");
            assert_eq!(parse_as(text, format), new_year, "{text}");
        }
        assert!(check_format("%Q").is_err() && check_format("day").is_err());
        assert_eq!(parse_as("2018-01-01", "%d/%m/%Y"), None);
    }

    #[test]
    fn dates_of_digits_are_told_from_counts() {
        assert_eq!(parse_digits(20_180_101), Some(1_514_764_800_000));
        assert_eq!(parse_digits(20_180_101_000_001), Some(1_514_764_801_000));
        for number in
            [20_181_301, 20_180_230, 1_514_764_800, 1_514_764_800_000, 20_180_101_250_000, 0]
        {
            assert_eq!(parse_digits(number), None, "{number}");
        }
    }

    #[test]
    fn times_of_day_are_told_from_dates_and_numbers() {
        for text in ["02:40", "02:40:00", "23:59:59.5Z", "2:40"] {
            assert!(is_time_of_day(text), "{text}");
        }
        for text in ["", "240", "2017-07-14", "25:00", "02:40 o'clock"] {
            assert!(!is_time_of_day(text), "{text}");
        }
    }
}
