//! Points in time as text: seconds since 1970, ISO 8601, and the days and years of the command line.

use chrono::{DateTime, NaiveDate, NaiveDateTime, NaiveTime};

/// First millisecond that a rating may carry: 1970-01-01.
pub const MIN_MS: i64 = 0;
/// First millisecond that a rating may no longer carry: 2101-01-01.
pub const MAX_MS: i64 = 4_133_980_800_000;

/// Reads seconds since 1970, or ISO 8601 as a date or a date and time, into milliseconds in UTC.
///
/// Returns `None` for anything else; the range is not checked.
#[must_use]
pub fn parse(text: &str) -> Option<i64> {
    if let Ok(seconds) = text.parse::<i64>() {
        return seconds.checked_mul(1000);
    }
    if let Ok(time) = DateTime::parse_from_rfc3339(text) {
        return Some(time.timestamp_millis());
    }
    for format in ["%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%d %H:%M:%S%.f"] {
        if let Ok(time) = NaiveDateTime::parse_from_str(text, format) {
            return Some(time.and_utc().timestamp_millis());
        }
    }
    NaiveDate::parse_from_str(text, "%Y-%m-%d").ok().map(midnight)
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
    fn reads_seconds_dates_and_times() {
        let new_year = Some(1_514_764_800_000);
        assert_eq!(parse("1514764800"), new_year);
        assert_eq!(parse("2018-01-01"), new_year);
        assert_eq!(parse("2018-01-01T00:00:00"), new_year);
        assert_eq!(parse("2018-01-01 00:00:00"), new_year);
        assert_eq!(parse("2018-01-01T01:00:00+01:00"), new_year);
        assert_eq!(start_of_year(2018), new_year);
        assert_eq!(start_of_year(2101), Some(MAX_MS));
        for bad in ["", "yesterday", "2018-13-01", "1.5", "2018"] {
            assert!(parse(bad).is_none_or(|ms| ms == 2_018_000), "{bad}");
        }
    }
}
