//! Ratings over time: number and mean by day, week, month or year, and so far.

use std::ops::Range;

use chrono::{Datelike, Days, NaiveDate};
use serde::{Serialize, Serializer};

use crate::dataset::Ratings;
use crate::io::columns::NO_TIME;
use crate::stats::sums::{Sums, add_up};

/// How long a period is; all in UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Every {
    /// A day.
    Day,
    /// Monday to Sunday, named by its Monday.
    Week,
    /// A month, named by its first day.
    Month,
    /// A year, named by its first day.
    Year,
}

impl Every {
    /// Returns the first day of the period that a day is in.
    #[must_use]
    pub fn start(self, day: NaiveDate) -> NaiveDate {
        let first = |date: Option<NaiveDate>| date.unwrap_or(day);
        match self {
            Self::Day => day,
            Self::Week => {
                first(day.checked_sub_days(Days::new(day.weekday().num_days_from_monday().into())))
            }
            Self::Month => first(day.with_day(1)),
            Self::Year => first(NaiveDate::from_ymd_opt(day.year(), 1, 1)),
        }
    }
}

/// One period.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Period {
    /// Its first day.
    #[serde(rename = "period", serialize_with = "as_text")]
    pub start: NaiveDate,
    /// Ratings in it.
    pub total_ratings: u64,
    /// Their mean; none without ratings.
    pub avg_rating: Option<f64>,
    /// Ratings up to its end.
    pub cumulative_ratings: u64,
    /// Their mean.
    pub cumulative_avg: f64,
}

fn as_text<S: Serializer>(date: &NaiveDate, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(date)
}

const DAY_MS: i64 = 86_400_000;

/// Adds up the rows for which `keep` is true by day; returns the first day, counted from 1970, too.
fn by_day(ratings: &Ratings, keep: impl Fn(usize) -> bool + Sync) -> (i64, Vec<Sums>) {
    let times = &ratings.columns().time_ms;
    let Some(days) = days(ratings) else { return (0, Vec::new()) };
    let n = (days.end - days.start) as usize;
    let slot = |row: usize| {
        let known = times[row] != NO_TIME && keep(row);
        known.then(|| (times[row].div_euclid(DAY_MS) - days.start) as usize)
    };
    (days.start, add_up(ratings, n, slot))
}

/// Returns the days of the first and the last known time, the end being the day after.
fn days(ratings: &Ratings) -> Option<Range<i64>> {
    let known = || ratings.columns().time_ms.iter().filter(|&&ms| ms != NO_TIME);
    let (first, last) = (known().min()?, known().max()?);
    Some(first.div_euclid(DAY_MS)..last.div_euclid(DAY_MS) + 1)
}

/// Returns the periods from the first to the last rating for which `keep` is true, also those without any; ratings whose
/// time is not known are in none.
#[must_use]
pub fn timeline(
    ratings: &Ratings,
    every: Every,
    keep: impl Fn(usize) -> bool + Sync,
) -> Vec<Period> {
    let (first, days) = by_day(ratings, keep);
    let some = |sums: &Sums| sums.n > 0;
    let (Some(begin), Some(end)) = (days.iter().position(some), days.iter().rposition(some)) else {
        return Vec::new();
    };
    let mut periods: Vec<(NaiveDate, Sums)> = Vec::new();
    for (at, sums) in days.iter().enumerate().take(end + 1).skip(begin) {
        let Some(day) = NaiveDate::from_epoch_days((first + at as i64) as i32) else { continue };
        let start = every.start(day);
        match periods.last_mut() {
            Some((last, total)) if *last == start => total.join(sums),
            _ => periods.push((start, *sums)),
        }
    }
    let mut so_far = Sums::default();
    let periods = periods.into_iter().map(|(start, sums)| {
        so_far.join(&sums);
        Period {
            start,
            total_ratings: sums.n,
            avg_rating: sums.mean(),
            cumulative_ratings: so_far.n,
            cumulative_avg: so_far.mean().unwrap_or(f64::NAN),
        }
    });
    periods.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dataset::ratings::Duplicates;

    fn date(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    #[test]
    fn periods_begin_where_the_calendar_says() {
        for (every, start) in [
            (Every::Day, "2019-07-03"),
            (Every::Week, "2019-07-01"),
            (Every::Month, "2019-07-01"),
            (Every::Year, "2019-01-01"),
        ] {
            assert_eq!(every.start(date("2019-07-03")), date(start));
        }
        assert_eq!(Every::Week.start(date("2019-06-30")), date("2019-06-24"));
    }

    #[test]
    fn months_without_ratings_are_there_and_counts_add_up() {
        let ms = |text: &str| crate::io::time::parse(text).unwrap();
        let rows = [
            (1, 1, 4.0, ms("2018-12-31T23:59:59Z")),
            (1, 2, 2.0, ms("2019-01-01")),
            (2, 1, 5.0, ms("2019-03-31")),
            (2, 2, 3.0, NO_TIME),
        ];
        let ratings = Ratings::new(rows.into_iter().collect(), Duplicates::Last).0;
        let found = timeline(&ratings, Every::Month, |_| true);
        let shown: Vec<_> = found
            .iter()
            .map(|p| (p.start.to_string(), p.total_ratings, p.avg_rating, p.cumulative_ratings))
            .collect();
        assert_eq!(shown[0], ("2018-12-01".into(), 1, Some(4.0), 1));
        assert_eq!(shown[1], ("2019-01-01".into(), 1, Some(2.0), 2));
        assert_eq!(shown[2], ("2019-02-01".into(), 0, None, 2));
        assert_eq!(shown[3], ("2019-03-01".into(), 1, Some(5.0), 3));
        assert_eq!((shown.len(), found[3].cumulative_avg), (4, 11.0 / 3.0));
        // Of one movie, from its first rating to its last.
        let movies = &ratings.columns().movie_id;
        let of_one = timeline(&ratings, Every::Year, |row| movies[row] == 1);
        assert_eq!(of_one.iter().map(|p| p.total_ratings).collect::<Vec<_>>(), [1, 1]);
        assert!(timeline(&ratings, Every::Day, |_| false).is_empty());
        assert!(timeline(&Ratings::default(), Every::Day, |_| true).is_empty());
    }
}
