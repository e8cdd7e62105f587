//! Sums of ratings by movie or day, packed.

use std::collections::BTreeMap;

use crate::dataset::scan::Aggregator;
use crate::io::columns::RatingRows;
use crate::io::scan::{Projection, RowConsumer};
use crate::stats::sums::{RatingSums, SumSlots};

/// Adds up the ratings of each movie.
#[derive(Debug, Clone, Default)]
pub struct PerMovie(SumTable);

/// Sums by a number from 0 on that is not very large, such as the id of a movie or a day.
///
/// What limits this is how much of the table is at hand: ratings that are halves, as nearly all
/// are, are added up as whole numbers, all in eight bytes.
#[derive(Debug, Clone, Default)]
pub(super) struct SumTable {
    table: Vec<HalfStars>,
    /// What did not fit there any more.
    full: BTreeMap<i32, RatingSums>,
    /// Ratings that are no halves, and numbers that are no places of a table.
    others: SumSlots,
}

/// Number of some ratings, sum of their half stars and sum of the squares of those, side by side,
/// so that a rating is one addition.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct HalfStars(u64);

impl HalfStars {
    /// Most half stars of a rating: ten stars.
    const MOST: u32 = 20;
    const SUM_AT: u32 = 26;
    const N_AT: u32 = 48;
    /// Each kind of rating, by its half stars; there are more so that five bits need no look at
    /// where they end.
    const OF: [Self; 32] = {
        let mut of = [Self(0); 32];
        let mut half = 0;
        while half <= Self::MOST as u64 {
            of[half as usize] = Self((1 << Self::N_AT) | (half << Self::SUM_AT) | (half * half));
            half += 1;
        }
        of
    };

    /// Returns that of one rating; `None` if it is no multiple of a half star, or too large.
    fn from_stars(stars: f32) -> Option<Self> {
        let half = stars + stars;
        let fits = half.fract() == 0.0 && (0.0..=Self::MOST as f32).contains(&half);
        fits.then(|| Self::OF[half as usize])
    }

    fn plus(self, other: Self) -> Self {
        Self(self.0 + other.0)
    }

    /// Whether there are so many ratings, 2¹⁵, that only as many more have room, whatever
    /// their values.
    fn is_full(self) -> bool {
        self.0 >> 63 == 1
    }

    fn to_sums(self) -> RatingSums {
        let bits = |from: u32, to: u32| self.0 >> from & ((1 << (to - from)) - 1);
        let (sum, squares) = (bits(Self::SUM_AT, Self::N_AT), bits(0, Self::SUM_AT));
        RatingSums { n: self.0 >> Self::N_AT, sum: sum as f64 / 2.0, squares: squares as f64 / 4.0 }
    }
}

impl SumTable {
    /// Adds a rating.
    pub(super) fn add(&mut self, number: i32, stars: f32) {
        match HalfStars::from_stars(stars) {
            Some(halves) => self.add_halves(&[number], [halves].into_iter()),
            None => self.others.add(number, stars),
        }
    }

    /// Adds the ratings of some rows, each of which has a number.
    pub(super) fn add_rows(&mut self, numbers: &[i32], rows: RatingRows<'_>) {
        const WHOLE: f32 = (1_u32 << (f32::MANTISSA_DIGITS - 1)) as f32;
        let stars = rows.rating;
        if let Some(kinds) = rows.dictionary {
            let of_kind = kinds.values.map(HalfStars::from_stars);
            if of_kind.iter().all(Option::is_some) {
                let of_kind = of_kind.map(Option::unwrap_or_default);
                let halves = kinds.indices.iter().map(|&kind| of_kind[usize::from(kind)]);
                return self.add_halves(numbers, halves);
            }
        } else {
            // Without a branch on each rating: the loop checks all of them.
            let are_halves = stars.iter().fold(true, |all, &stars| {
                let half = stars + stars;
                // Numbers of this size have no digits behind the point.
                let whole = (half + WHOLE) - WHOLE;
                all & (0.0..=HalfStars::MOST as f32).contains(&half) & (whole == half)
            });
            if are_halves {
                // The whole number that `WHOLE` leaves in the lowest bits.
                let half = |stars: &f32| (stars + stars + WHOLE).to_bits() % 32;
                let halves = stars.iter().map(|stars| HalfStars::OF[half(stars) as usize]);
                return self.add_halves(numbers, halves);
            }
        }
        for (row, &number) in numbers.iter().enumerate() {
            self.others.add(number, rows.rating_at(row));
        }
    }

    /// Makes room in the table for as many of some numbers as can have some; returns whether
    /// `number`, one of them, has.
    #[cold]
    fn make_room(&mut self, number: i32, numbers: &[i32]) -> bool {
        let places = numbers.iter().filter_map(|&number| SumSlots::place(number));
        let most = places.max().unwrap_or_default();
        if self.table.len() <= most {
            // Longer than it must be, as the numbers of other rows will need about as much.
            self.table.resize(most + most / 16 + 1, HalfStars::default());
        }
        SumSlots::place(number).is_some()
    }

    /// Adds ratings that are half stars.
    #[inline]
    fn add_halves(&mut self, numbers: &[i32], halves: impl Iterator<Item = HalfStars>) {
        let mut rows = numbers.iter().zip(halves);
        while let Some((number, halves)) = self.add_to_table(&mut rows) {
            match self.make_room(number, numbers) {
                true => {
                    let place = &mut self.table[number as usize];
                    *place = place.plus(halves);
                }
                false => self.others.slot(number).merge(&halves.to_sums()),
            }
        }
    }

    /// Adds ratings up to the first whose number has no room in the table, which is returned.
    #[inline]
    fn add_to_table<'a>(
        &mut self,
        rows: &mut impl Iterator<Item = (&'a i32, HalfStars)>,
    ) -> Option<(i32, HalfStars)> {
        let (table, full) = (&mut self.table[..], &mut self.full);
        for (&number, halves) in rows {
            let Some(place) = table.get_mut(number as usize) else { return Some((number, halves)) };
            *place = place.plus(halves);
            if place.is_full() {
                empty(place, number, full);
            }
        }
        None
    }

    /// Adds what another one has added up.
    pub(super) fn merge(&mut self, mut later: Self) {
        const AT_A_TIME: usize = 64;
        if self.table.len() < later.table.len() {
            std::mem::swap(&mut self.table, &mut later.table);
        }
        let tables = self.table.chunks_mut(AT_A_TIME).zip(later.table.chunks(AT_A_TIME));
        for (at, (places, later)) in (0..).step_by(AT_A_TIME).zip(tables) {
            // All are added up before any is checked.
            let any = places.iter_mut().zip(later).fold(0, |any, (place, later)| {
                *place = place.plus(*later);
                any | place.0
            });
            if HalfStars(any).is_full() {
                let full = (at..).zip(places).filter(|(_, place)| place.is_full());
                full.for_each(|(number, place)| empty(place, number, &mut self.full));
            }
        }
        for (number, sums) in later.full {
            self.full.entry(number).or_default().merge(&sums);
        }
        self.others.merge(later.others);
    }

    /// Returns the numbers that have ratings, ascending.
    pub(super) fn into_sorted(self) -> Vec<(i32, RatingSums)> {
        let Self { table, full, others } = self;
        let rated = table.iter().filter(|halves| **halves != HalfStars::default()).count();
        let mut all = Vec::with_capacity(rated + full.len());
        for (number, halves) in (0..).zip(&table) {
            if *halves != HalfStars::default() {
                all.push((number, halves.to_sums()));
            }
        }
        let before = all.len();
        all.extend(full);
        all.extend(others.into_sorted());
        if all.len() > before {
            all.sort_by_key(|(number, _)| *number);
            all.dedup_by(|(number, sums), (same, total)| {
                let more = number == same;
                if more {
                    total.merge(sums);
                }
                more
            });
        }
        all
    }
}

/// Takes what a place has got.
#[cold]
fn empty(place: &mut HalfStars, number: i32, full: &mut BTreeMap<i32, RatingSums>) {
    full.entry(number).or_default().merge(&std::mem::take(place).to_sums());
}

impl PerMovie {
    /// Returns the rated movies, by ascending raw id.
    #[must_use]
    pub fn finish(self) -> Vec<(i32, RatingSums)> {
        self.0.into_sorted()
    }
}

impl RowConsumer for PerMovie {
    fn projection(&self) -> Projection {
        Projection { movies: true, rating_indices: true, ..Projection::default() }
    }

    fn consume(&mut self, rows: RatingRows<'_>) {
        self.0.add_rows(rows.movie_id, rows);
    }
}

impl Aggregator for PerMovie {
    fn merge(&mut self, later: Self) {
        self.0.merge(later.0);
    }
}

/// Returns the ratings of a movie among those of all, which ascend.
#[must_use]
pub fn sums_of_movie(all: &[(i32, RatingSums)], movie: i32) -> Option<RatingSums> {
    all.binary_search_by_key(&movie, |(id, _)| *id).ok().map(|at| all[at].1)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::dataset::RatingScan;
    use crate::dataset::ratings::{DuplicatePolicy, Ratings};
    use crate::io::columns::{DictionaryRatings, RatingColumns};
    use crate::progress::Silent;

    #[test]
    fn any_number_of_ratings_of_a_movie_has_room() {
        let n = 3 << 15;
        let ids: Vec<i32> = (0..n).map(|_| 7).collect();
        let add = |stars: f32| {
            let stars = vec![stars; n as usize];
            let mut pass = PerMovie::default();
            pass.consume(RatingRows {
                user_id: &[],
                movie_id: &ids,
                rating: &stars,
                time_ms: &[],
                dictionary: None,
            });
            // Not a full number of them.
            pass.consume(RatingRows {
                user_id: &[],
                movie_id: &ids[1..],
                rating: &stars,
                time_ms: &[],
                dictionary: None,
            });
            pass
        };
        let mut all = add(10.0);
        all.merge(add(0.5));
        let half = f64::from(2 * n - 1);
        let sums = RatingSums { n: 2 * half as u64, sum: half * 10.5, squares: half * 100.25 };
        assert_eq!(all.finish(), [(7, sums)]);
    }

    #[test]
    fn numbers_near_and_far_have_slots() {
        let numbers =
            [5, 4, 70, -300, 5, i32::MAX, i32::MIN, 10_000, 5 << 28, 10_000, 70, i32::MAX];
        for split in 0..numbers.len() {
            let [mut first, mut later] = [SumSlots::default(), SumSlots::default()];
            numbers[..split].iter().for_each(|&number| first.add(number, 2.0));
            numbers[split..].iter().for_each(|&number| later.add(number, 2.0));
            first.merge(later);
            let found =
                first.into_sorted().into_iter().map(|(number, sums)| (number, sums.n, sums.sum));
            let mut expected: BTreeMap<i32, u64> = BTreeMap::new();
            numbers.iter().for_each(|&number| *expected.entry(number).or_default() += 1);
            let expected = expected.into_iter().map(|(number, n)| (number, n, 2.0 * n as f64));
            assert_eq!(found.collect::<Vec<_>>(), expected.collect::<Vec<_>>());
        }
    }

    proptest! {
        #[test]
        fn sums_of_movies_are_those_of_their_rows(
            rows in proptest::collection::vec((0..50_i32, prop_oneof![0..9_i32, any::<i32>()], 0..50_u8), 0..200),
            parts in prop_oneof![Just(2_u8), Just(4)],
        ) {
            let rows = rows.into_iter().map(|(user, movie, stars)| (user, movie, f32::from(stars) / f32::from(parts), 0));
            let ratings = Ratings::new(rows.collect(), DuplicatePolicy::Last).0;
            let mut expected: BTreeMap<i32, Vec<f64>> = BTreeMap::new();
            for (&movie, &stars) in ratings.columns().movie_id.iter().zip(&ratings.columns().rating) {
                expected.entry(movie).or_default().push(stars.into());
            }
            // The same as numbers of kinds, as a file has them.
            let RatingColumns { movie_id, rating, .. } = ratings.columns();
            let mut kinds = rating.clone();
            kinds.sort_by(f32::total_cmp);
            kinds.dedup();
            let mut stars = [0.0; 256];
            stars[..kinds.len()].copy_from_slice(&kinds);
            let number = |stars| kinds.iter().position(|kind| kind == stars).unwrap() as u8;
            let numbers: Vec<u8> = rating.iter().map(number).collect();
            let kinds = Some(DictionaryRatings { indices: &numbers, values: &stars });
            let mut by_kinds = PerMovie::default();
            by_kinds.consume(RatingRows { user_id: &[], movie_id, rating: &[], time_ms: &[], dictionary: kinds });
            let by_kinds = by_kinds.finish();
            let found = RatingScan::from(ratings).aggregate(&Silent, PerMovie::default).unwrap().finish();
            prop_assert_eq!(&by_kinds, &found);
            let found: Vec<_> = found.into_iter().map(|(id, sums)| (id, sums.n, sums.sum, sums.squares)).collect();
            let expected: Vec<_> = expected
                .into_iter()
                .map(|(id, stars)| (id, stars.len() as u64, stars.iter().sum(), stars.iter().map(|s| s * s).sum()))
                .collect();
            prop_assert_eq!(found, expected);
        }
    }
}
