//! Ratings over time: number and mean by day, week, month or year, and so far.

use chrono::{self, Datelike, Months, NaiveDate};
use serde::{Serialize, Serializer};

use crate::dataset::ids::IdLookup;
use crate::dataset::scan::Aggregator;
use crate::io::columns::{DictionaryRatings, NO_TIME, RatingRows};
use crate::io::scan::{Projection, RowConsumer};
use crate::linalg::simd::{SimdLanes, dispatch};
use crate::stats::sum_table::SumTable;
use crate::stats::sums::RatingSums;

/// How long a period is; all in UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum PeriodLength {
    /// A day
    Day,
    /// Monday to Sunday, named by its Monday
    Week,
    /// A month, named by its first day
    Month,
    /// A year, named by its first day
    Year,
}

impl PeriodLength {
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
pub struct TimelinePeriod {
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

/// Which ratings are added up.
#[derive(Clone)]
enum Which<'a> {
    All,
    /// Those of some movies together.
    Of(&'a IdLookup),
    /// Those of each of some movies, whose ids ascend.
    Each(&'a [i32], &'a IdLookup),
}

/// Adds up ratings by day: all of them or those of some movies in one line, or those of each movie
/// in a line of its own.
#[derive(Clone)]
pub struct DayAggregator<'a> {
    which: Which<'a>,
    lines: Vec<SumTable>,
    untimed: u64,
}

impl<'a> DayAggregator<'a> {
    /// Prepares to add up all ratings.
    #[must_use]
    pub fn all() -> Self {
        Self { which: Which::All, lines: vec![SumTable::default()], untimed: 0 }
    }

    /// Prepares to add up the ratings of the movies that are known to `movies`.
    #[must_use]
    pub fn for_movies(movies: &'a IdLookup) -> Self {
        Self { which: Which::Of(movies), ..Self::all() }
    }

    /// Prepares to add up the ratings of each of some movies, whose ids ascend and are known to
    /// `lookup`.
    #[must_use]
    pub fn for_each_movie(movies: &'a [i32], lookup: &'a IdLookup) -> Self {
        let which = Which::Each(movies, lookup);
        Self { which, lines: vec![SumTable::default(); movies.len()], untimed: 0 }
    }

    /// Returns how many ratings have no time; they are in no line.
    #[must_use]
    pub fn untimed(&self) -> u64 {
        self.untimed
    }

    /// Returns the periods of each line, from its first to its last rating, also those without any.
    #[must_use]
    pub fn finish(self, every: PeriodLength) -> Vec<Vec<TimelinePeriod>> {
        self.lines.into_iter().map(|days| periods(&days.into_sorted(), every)).collect()
    }
}

impl DayAggregator<'_> {
    /// As many movies are quicker looked for one after another, many rows at a time, and may be in
    /// few rows.
    const FEW: usize = 4;

    fn is_of_few(&self) -> bool {
        matches!(self.which, Which::Each(ids, _) if ids.len() <= Self::FEW)
    }

    fn add_any(&mut self, rows: RatingRows<'_>) {
        let Self { which, lines, untimed } = self;
        let (times, movies) = (rows.time_ms, rows.movie_id);
        let all_timed = times.iter().fold(0, |all, ms| all | ms) >= 0;
        match (&*which, rows.dictionary) {
            (Which::All, _) if all_timed => {
                let days: Vec<i32> = times.iter().map(|&ms| day_of(ms)).collect();
                lines[0].add_rows(&days, rows);
            }
            (Which::Of(known), Some(kinds)) if all_timed => {
                let (mut days, mut numbers) = (vec![0; times.len()], vec![0; times.len()]);
                let mut n = 0;
                for (row, &movie) in movies.iter().enumerate() {
                    // Written whether it is wanted or not, and then kept or written over: no branch
                    // to guess.
                    (days[n], numbers[n]) = (day_of(times[row]), kinds.indices[row]);
                    n += usize::from(known.get(movie).is_some());
                }
                let kinds = Some(DictionaryRatings { indices: &numbers[..n], ..kinds });
                lines[0].add_rows(
                    &days[..n],
                    RatingRows { dictionary: kinds, ..RatingRows::default() },
                );
            }
            _ => {
                for (row, &ms) in times.iter().enumerate() {
                    let line = match which {
                        Which::All => Some(0),
                        Which::Of(known) => known.get(movies[row]).map(|_| 0),
                        Which::Each(_, known) => known.get(movies[row]).map(|line| line as usize),
                    };
                    match line {
                        Some(_) if ms == NO_TIME => *untimed += 1,
                        Some(line) => lines[line].add(day_of(ms), rows.rating_at(row)),
                        None => {}
                    }
                }
            }
        }
    }
}

impl RowConsumer for DayAggregator<'_> {
    fn projection(&self) -> Projection {
        let movies = !matches!(self.which, Which::All);
        let others = !self.is_of_few();
        Projection { movies, rating_indices: others, times: others, ..Projection::default() }
    }

    fn consume(&mut self, rows: RatingRows<'_>) {
        if !self.is_of_few() {
            self.add_any(rows);
        }
    }

    fn late_projection(&self) -> Projection {
        let few = self.is_of_few();
        Projection { movies: few, rating_indices: few, times: few, ..Projection::default() }
    }

    fn select(&self, rows: RatingRows<'_>, selected: &mut Vec<u32>) {
        if let Which::Each(ids, _) = self.which {
            for &id in ids {
                rows_of(rows.movie_id, id, selected);
            }
            if ids.len() > 1 {
                selected.sort_unstable();
            }
        }
    }

    fn consume_selected(&mut self, rows: RatingRows<'_>) {
        self.add_any(rows);
    }
}

impl Aggregator for DayAggregator<'_> {
    fn merge(&mut self, later: Self) {
        self.lines.iter_mut().zip(later.lines).for_each(|(line, later)| line.merge(later));
        self.untimed += later.untimed;
    }
}

dispatch! {
    /// Adds each row of a movie to `rows`.
    pub(super) fn rows_of(movies: &[i32], movie: i32, rows: &mut Vec<u32>) = rows_of_with
}

#[inline(always)]
fn rows_of_with<L: SimdLanes>(movies: &[i32], movie: i32, rows: &mut Vec<u32>) {
    /// Rows that are compared without a branch.
    const AT_A_TIME: usize = 64;
    for (chunk, some) in movies.chunks(AT_A_TIME).enumerate() {
        let mut any = false;
        for &id in some {
            any |= id == movie;
        }
        if any {
            let first = chunk * AT_A_TIME;
            let found = some.iter().enumerate().filter(|(_, id)| **id == movie);
            rows.extend(found.map(|(row, _)| (first + row) as u32));
        }
    }
}

/// Returns the day of a known time, counted from 1970.
#[must_use]
pub fn day_of(ms: i64) -> i32 {
    const DAY_MS: i64 = 86_400_000;
    ms.div_euclid(DAY_MS) as i32
}

/// Returns the periods from the first to the last of some days, also those without any; days come
/// ascending.
pub(super) fn periods(days: &[(i32, RatingSums)], every: PeriodLength) -> Vec<TimelinePeriod> {
    let mut so_far = RatingSums::default();
    let mut all: Vec<TimelinePeriod> = Vec::new();
    let starts = days
        .iter()
        .filter_map(|&(day, sums)| Some((every.start(NaiveDate::from_epoch_days(day)?), sums)));
    let starts: Vec<(NaiveDate, RatingSums)> = starts.collect();
    let mut push = |start: NaiveDate, sums: &RatingSums| {
        so_far.merge(sums);
        all.push(TimelinePeriod {
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
            push(empty, &RatingSums::default());
            due = every.next(empty);
        }
        let mut total = RatingSums::default();
        same.iter().for_each(|(_, sums)| total.merge(sums));
        push(start, &total);
        due = every.next(start);
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dataset::RatingScan;
    use crate::dataset::ratings::{DuplicatePolicy, Ratings};
    use crate::progress::Silent;

    #[test]
    fn rows_of_a_movie_are_found_at_any_place() {
        for n in [0, 1, 63, 64, 65, 200] {
            let movies: Vec<i32> = (0..n).map(|row| row % 7 + row / 64).collect();
            for movie in 0..9 {
                let mut found = Vec::new();
                rows_of(&movies, movie, &mut found);
                let rows = (0_u32..).zip(&movies).filter(|(_, id)| **id == movie);
                assert_eq!(found, rows.map(|(row, _)| row).collect::<Vec<_>>());
            }
        }
    }

    fn date(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    #[test]
    fn periods_begin_where_the_calendar_says() {
        for (every, start) in [
            (PeriodLength::Day, "2019-07-03"),
            (PeriodLength::Week, "2019-07-01"),
            (PeriodLength::Month, "2019-07-01"),
            (PeriodLength::Year, "2019-01-01"),
        ] {
            assert_eq!(every.start(date("2019-07-03")), date(start));
        }
        assert_eq!(PeriodLength::Week.start(date("2019-06-30")), date("2019-06-24"));
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
        let scan =
            RatingScan::from(Ratings::new(rows.into_iter().collect(), DuplicatePolicy::Last).0);
        let days = scan.aggregate(&Silent, DayAggregator::all).unwrap();
        assert_eq!(days.untimed(), 1);
        let found = days.finish(PeriodLength::Month).remove(0);
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
        let totals = |days: DayAggregator<'_>| -> Vec<Vec<u64>> {
            let of = |line: Vec<TimelinePeriod>| line.iter().map(|p| p.total_ratings).collect();
            days.finish(PeriodLength::Year).into_iter().map(of).collect()
        };
        let each = |ids: &[i32]| {
            let lookup = IdLookup::new(ids);
            let days =
                scan.aggregate(&Silent, || DayAggregator::for_each_movie(ids, &lookup)).unwrap();
            assert_eq!(days.untimed(), u64::from(ids.contains(&2)));
            totals(days)
        };
        assert_eq!(each(&[1, 9]), [vec![1, 1], vec![]]);
        // So many that they are looked up.
        assert_eq!(each(&[0, 1, 2, 8, 9]), [vec![], vec![1, 1], vec![1], vec![], vec![]]);
        let of = |ids: &[i32]| {
            let lookup = IdLookup::new(ids);
            totals(scan.aggregate(&Silent, || DayAggregator::for_movies(&lookup)).unwrap())
        };
        assert_eq!((of(&[1, 2]), of(&[9])), (vec![vec![1, 2]], vec![vec![]]));
        let none =
            RatingScan::from(Ratings::default()).aggregate(&Silent, DayAggregator::all).unwrap();
        assert!(none.finish(PeriodLength::Day)[0].is_empty());
    }
}
