//! What every report on stars adds up.

use std::collections::BTreeMap;

use crate::dataset::scan::Pass;
use crate::io::columns::{Needed, RatingRows};
use crate::io::parquet::GROUP_ROWS;

/// Number, sum and sum of squares of some ratings.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Sums {
    /// Number.
    pub n: u64,
    /// Sum of the stars.
    pub sum: f64,
    /// Sum of their squares.
    pub squares: f64,
}

impl Sums {
    /// Adds a rating.
    pub fn add(&mut self, stars: f32) {
        let stars = f64::from(stars);
        self.n += 1;
        self.sum += stars;
        self.squares += stars * stars;
    }

    /// Adds other ratings.
    pub fn join(&mut self, other: &Self) {
        self.n += other.n;
        self.sum += other.sum;
        self.squares += other.squares;
    }

    /// Returns the mean; none without ratings.
    #[must_use]
    pub fn mean(&self) -> Option<f64> {
        (self.n > 0).then(|| self.sum / self.n as f64)
    }

    /// Returns the sample standard deviation, which a single rating does not have.
    #[must_use]
    pub fn deviation(&self) -> Option<f64> {
        let n = self.n as f64;
        let variance = (self.squares - self.sum * self.sum / n) / (n - 1.0);
        (self.n > 1).then(|| variance.max(0.0).sqrt())
    }
}

/// Sums by a number from 0 on: in a table that grows with the largest, or where that is far away, in a map.
#[derive(Debug, Clone, Default)]
pub(super) struct Slots {
    table: Vec<Sums>,
    far: BTreeMap<i64, Sums>,
}

impl Slots {
    /// Largest table: 96 MiB. No MovieLens id and no day before 2100 lies beyond.
    const LONGEST: usize = 1 << 22;

    /// Adds a rating to the sums of a number.
    #[inline]
    pub(super) fn add(&mut self, number: i64, stars: f32) {
        match usize::try_from(number).ok().and_then(|at| self.table.get_mut(at)) {
            Some(sums) => sums.add(stars),
            None => self.slot(number).add(stars),
        }
    }

    #[cold]
    fn slot(&mut self, number: i64) -> &mut Sums {
        match usize::try_from(number) {
            Ok(at) if at < Self::LONGEST => {
                self.make_room((at + 1).next_power_of_two());
                &mut self.table[at]
            }
            _ => self.far.entry(number).or_default(),
        }
    }

    fn make_room(&mut self, length: usize) {
        if self.table.len() < length {
            self.table.resize(length, Sums::default());
        }
    }

    pub(super) fn join(&mut self, mut later: Self) {
        if self.table.len() < later.table.len() {
            std::mem::swap(&mut self.table, &mut later.table);
        }
        self.table.iter_mut().zip(&later.table).for_each(|(sums, later)| sums.join(later));
        for (number, sums) in later.far {
            self.far.entry(number).or_default().join(&sums);
        }
    }

    /// Returns the numbers that have ratings, ascending.
    pub(super) fn into_sorted(self) -> Vec<(i64, Sums)> {
        let near = self.table.into_iter().enumerate().map(|(at, sums)| (at as i64, sums));
        let before: Vec<_> = self.far.range(..0).map(|(&at, &sums)| (at, sums)).collect();
        let after = self.far.range(0..).map(|(&at, &sums)| (at, sums));
        let all = before.into_iter().chain(near).chain(after);
        all.filter(|(_, sums)| sums.n > 0).collect()
    }
}

/// Adds up the ratings of each movie.
///
/// What limits this is how much of the table is at hand: stars that are halves, as nearly all are, are added up as whole numbers, which
/// take half the room.
#[derive(Debug, Clone, Default)]
pub struct PerMovie {
    table: Vec<Halves>,
    /// Ratings in the table.
    n_added: usize,
    others: Slots,
}

/// Number of some ratings, sum of their half stars, sum of the squares of those, and nothing: as many as a vector holds, so that a rating
/// is one addition.
type Halves = [u32; 4];

fn to_sums([n, sum, squares, _]: Halves) -> Sums {
    Sums { n: n.into(), sum: f64::from(sum) / 2.0, squares: f64::from(squares) / 4.0 }
}

fn add_halves(to: &mut Halves, more: &Halves) {
    to.iter_mut().zip(more).for_each(|(sum, more)| *sum += more);
}

impl PerMovie {
    /// Most half stars of a rating in the table: ten stars.
    const MOST: f32 = 20.0;
    /// Most ratings in the table, so that no sum of their squares exceeds 32 bits.
    const ROOM: usize = u32::MAX as usize / 400 - GROUP_ROWS;

    /// Makes room in the table for some movies; tells whether it has room for all of them.
    fn make_room(&mut self, movies: &[i32]) -> bool {
        let (least, most) =
            movies.iter().fold((i32::MAX, 0), |(least, most), &id| (least.min(id), most.max(id)));
        if least < 0 || most as usize >= Slots::LONGEST {
            return false;
        }
        if self.table.len() <= most as usize {
            self.table.resize(most as usize + 1, Halves::default());
        }
        true
    }

    /// Empties the table.
    fn settle(&mut self) {
        self.others.make_room(self.table.len());
        for (halves, sums) in self.table.iter_mut().zip(&mut self.others.table) {
            sums.join(&to_sums(std::mem::take(halves)));
        }
        self.n_added = 0;
    }

    /// Returns the rated movies, by ascending raw id.
    #[must_use]
    pub fn finish(mut self) -> Vec<(i32, Sums)> {
        self.settle();
        self.others.into_sorted().into_iter().map(|(id, sums)| (id as i32, sums)).collect()
    }
}

impl Pass for PerMovie {
    fn needs(&self) -> Needed {
        Needed { movies: true, stars: true, ..Needed::default() }
    }

    fn add(&mut self, rows: RatingRows<'_>) {
        const WHOLE: f32 = (1_u32 << (f32::MANTISSA_DIGITS - 1)) as f32;
        let (movies, stars) = (rows.movie_id, rows.rating);
        // Without a branch on each of them: all are looked at many at a time.
        let are_halves = stars.iter().fold(true, |all, &stars| {
            let half = stars + stars;
            // Numbers of this size have no digits behind the point.
            let whole = (half + WHOLE) - WHOLE;
            all & (0.0..=Self::MOST).contains(&half) & (whole == half)
        });
        if !are_halves || rows.movie_id.len() > GROUP_ROWS || !self.make_room(movies) {
            for (&movie, &stars) in movies.iter().zip(stars) {
                self.others.add(movie.into(), stars);
            }
            return;
        }
        if self.n_added > Self::ROOM {
            self.settle();
        }
        self.n_added += movies.len();
        let table = &mut self.table[..];
        for (&movie, &stars) in movies.iter().zip(stars) {
            // The whole number that `WHOLE` leaves in the lowest bits.
            let half = (stars + stars + WHOLE).to_bits() & 0xff;
            add_halves(&mut table[movie as usize], &[1, half, half * half, 0]);
        }
    }

    fn join(&mut self, mut later: Self) {
        if self.n_added + later.n_added > Self::ROOM {
            self.settle();
            later.settle();
        }
        if self.table.len() < later.table.len() {
            std::mem::swap(&mut self.table, &mut later.table);
        }
        for (halves, later) in self.table.iter_mut().zip(later.table) {
            add_halves(halves, &later);
        }
        self.n_added += later.n_added;
        self.others.join(later.others);
    }
}

/// Returns the ratings of a movie among those of all, which ascend.
#[must_use]
pub fn of_movie(all: &[(i32, Sums)], movie: i32) -> Option<Sums> {
    all.binary_search_by_key(&movie, |(id, _)| *id).ok().map(|at| all[at].1)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::dataset::Scan;
    use crate::dataset::ratings::{Duplicates, Ratings};
    use crate::progress::Silent;

    proptest! {
        #[test]
        fn sums_of_movies_are_those_of_their_rows(
            rows in proptest::collection::vec((0..50_i32, prop_oneof![0..9_i32, any::<i32>()], 0..50_u8), 0..200),
            parts in prop_oneof![Just(2_u8), Just(4)],
        ) {
            let rows = rows.into_iter().map(|(user, movie, stars)| (user, movie, f32::from(stars) / f32::from(parts), 0));
            let ratings = Ratings::new(rows.collect(), Duplicates::Last).0;
            let mut expected: BTreeMap<i32, Vec<f64>> = BTreeMap::new();
            for (&movie, &stars) in ratings.columns().movie_id.iter().zip(&ratings.columns().rating) {
                expected.entry(movie).or_default().push(stars.into());
            }
            let found = Scan::from(ratings).pass(&Silent, PerMovie::default).unwrap().finish();
            let found: Vec<_> = found.into_iter().map(|(id, sums)| (id, sums.n, sums.sum, sums.squares)).collect();
            let expected: Vec<_> = expected
                .into_iter()
                .map(|(id, stars)| (id, stars.len() as u64, stars.iter().sum(), stars.iter().map(|s| s * s).sum()))
                .collect();
            prop_assert_eq!(found, expected);
        }
    }
}
