//! Ratings over time: number and mean by day, week, month or year, and so far.

use chrono::{self, Datelike, Months, NaiveDate};
use serde::{Serialize, Serializer};

use crate::dataset::scan::Pass;
use crate::io::columns::{NO_TIME, Needed, RatingRows};
use crate::stats::sums::{Slots, Sums};

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
                first(day.checked_sub_days(chrono::Days::new(
                    day.weekday().num_days_from_monday().into(),
                )))
            }
            Self::Month => first(day.with_day(1)),
            Self::Year => first(NaiveDate::from_ymd_opt(day.year(), 1, 1)),
        }
    }

    /// Returns the first day of the period after one that begins at `start`.
    #[must_use]
    pub fn next(self, start: NaiveDate) -> Option<NaiveDate> {
        match self {
            Self::Day => start.checked_add_days(chrono::Days::new(1)),
            Self::Week => start.checked_add_days(chrono::Days::new(7)),
            Self::Month => start.checked_add_months(Months::new(1)),
            Self::Year => start.checked_add_months(Months::new(12)),
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

/// Tells which line of several a movie's ratings belong to, if any.
pub type LineOf<'a> = dyn Fn(i32) -> Option<usize> + Sync + 'a;

/// Adds up ratings by day: all of them in one line, or those of some movies in several.
#[derive(Clone)]
pub struct Days<'a> {
    line_of: Option<&'a LineOf<'a>>,
    lines: Vec<Slots>,
    untimed: u64,
}

impl<'a> Days<'a> {
    /// Prepares to add up all ratings.
    #[must_use]
    pub fn all() -> Self {
        Self { line_of: None, lines: vec![Slots::default()], untimed: 0 }
    }

    /// Prepares to add up the ratings of the movies that `line_of` gives one of `lines` lines.
    #[must_use]
    pub fn of(lines: usize, line_of: &'a LineOf<'a>) -> Self {
        Self { line_of: Some(line_of), lines: vec![Slots::default(); lines], untimed: 0 }
    }

    /// Returns how many ratings have no time, whatever movie they are of; they are in no line.
    #[must_use]
    pub fn untimed(&self) -> u64 {
        self.untimed
    }

    /// Returns the periods of each line, from its first to its last rating, also those without any.
    #[must_use]
    pub fn finish(self, every: Every) -> Vec<Vec<Period>> {
        self.lines.into_iter().map(|days| periods(&days.into_sorted(), every)).collect()
    }
}

impl Pass for Days<'_> {
    fn needs(&self) -> Needed {
        Needed { stars: true, times: true, movies: self.line_of.is_some(), ..Needed::default() }
    }

    fn add(&mut self, rows: RatingRows<'_>) {
        let Self { line_of, lines, untimed } = self;
        let timed = rows.time_ms.iter().zip(rows.rating);
        match line_of {
            None => {
                for (&ms, &stars) in timed {
                    match ms {
                        NO_TIME => *untimed += 1,
                        ms => lines[0].add(day_of(ms), stars),
                    }
                }
            }
            Some(line_of) => {
                for ((&ms, &stars), &movie) in timed.zip(rows.movie_id) {
                    match ms {
                        NO_TIME => *untimed += 1,
                        ms => {
                            if let Some(line) = line_of(movie) {
                                lines[line].add(day_of(ms), stars);
                            }
                        }
                    }
                }
            }
        }
    }

    fn join(&mut self, later: Self) {
        self.lines.iter_mut().zip(later.lines).for_each(|(line, later)| line.join(later));
        self.untimed += later.untimed;
    }
}

/// Returns the day of a time, counted from 1970.
#[must_use]
pub fn day_of(ms: i64) -> i64 {
    const DAY_MS: i64 = 86_400_000;
    ms.div_euclid(DAY_MS)
}

/// Returns the periods from the first to the last of some days, also those without any; days come ascending.
pub(super) fn periods(days: &[(i64, Sums)], every: Every) -> Vec<Period> {
    let mut so_far = Sums::default();
    let mut all: Vec<Period> = Vec::new();
    let starts = days.iter().filter_map(|&(day, sums)| {
        Some((every.start(NaiveDate::from_epoch_days(day as i32)?), sums))
    });
    let starts: Vec<(NaiveDate, Sums)> = starts.collect();
    let mut push = |start: NaiveDate, sums: &Sums| {
        so_far.join(sums);
        all.push(Period {
            start,
            total_ratings: sums.n,
            avg_rating: sums.mean(),
            cumulative_ratings: so_far.n,
            cumulative_avg: so_far.mean().unwrap_or(f64::NAN),
        });
    };
    let mut due = starts.first().map(|(start, _)| *start);
    for same in starts.chunk_by(|a, b| a.0 == b.0) {
        let start = same[0].0;
        while let Some(empty) = due.filter(|due| *due < start) {
            push(empty, &Sums::default());
            due = every.next(empty);
        }
        let mut total = Sums::default();
        same.iter().for_each(|(_, sums)| total.join(sums));
        push(start, &total);
        due = every.next(start);
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dataset::Scan;
    use crate::dataset::ratings::{Duplicates, Ratings};
    use crate::progress::Silent;

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
        let scan = Scan::from(Ratings::new(rows.into_iter().collect(), Duplicates::Last).0);
        let days = scan.pass(&Silent, Days::all).unwrap();
        assert_eq!(days.untimed(), 1);
        let found = days.finish(Every::Month).remove(0);
        let shown: Vec<_> = found
            .iter()
            .map(|p| (p.start.to_string(), p.total_ratings, p.avg_rating, p.cumulative_ratings))
            .collect();
        assert_eq!(shown[0], ("2018-12-01".into(), 1, Some(4.0), 1));
        assert_eq!(shown[1], ("2019-01-01".into(), 1, Some(2.0), 2));
        assert_eq!(shown[2], ("2019-02-01".into(), 0, None, 2));
        assert_eq!(shown[3], ("2019-03-01".into(), 1, Some(5.0), 3));
        assert_eq!((shown.len(), found[3].cumulative_avg), (4, 11.0 / 3.0));
        // Of one movie, from its first rating to its last; of none.
        let line_of = |movie: i32| (movie == 1).then_some(1);
        let lines = scan.pass(&Silent, || Days::of(2, &line_of)).unwrap().finish(Every::Year);
        assert_eq!(lines[1].iter().map(|p| p.total_ratings).collect::<Vec<_>>(), [1, 1]);
        assert!(lines[0].is_empty());
        let none = Scan::from(Ratings::default()).pass(&Silent, Days::all).unwrap();
        assert!(none.finish(Every::Day)[0].is_empty());
    }
}
