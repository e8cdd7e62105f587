//! What every report on ratings adds up.

use std::collections::BTreeMap;

/// Number, sum and sum of squares of some ratings.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct RatingSums {
    /// Number.
    pub n: u64,
    /// Sum of the ratings.
    pub sum: f64,
    /// Sum of their squares.
    pub squares: f64,
}

impl RatingSums {
    /// Adds a rating.
    pub fn add(&mut self, stars: f32) {
        let stars = f64::from(stars);
        self.n += 1;
        self.sum += stars;
        self.squares += stars * stars;
    }

    /// Adds `n` equal ratings.
    pub fn add_times(&mut self, stars: f32, n: u64) {
        let (stars, times) = (f64::from(stars), n as f64);
        self.n += n;
        self.sum += times * stars;
        self.squares += times * stars * stars;
    }

    /// Adds other ratings.
    pub fn merge(&mut self, other: &Self) {
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

/// Sums by a number: in a table that grows with the largest, or where that is far away or negative,
/// in a map.
#[derive(Debug, Clone, Default)]
pub(super) struct SumSlots {
    table: Vec<RatingSums>,
    far: BTreeMap<i32, RatingSums>,
}

impl SumSlots {
    /// Largest table. All MovieLens ids and all days before 2100 have room in it.
    const LONGEST: usize = 1 << 22;

    /// Returns the place of a number in a table, if it can have one.
    pub(super) fn place(number: i32) -> Option<usize> {
        usize::try_from(number).ok().filter(|&at| at < Self::LONGEST)
    }

    /// Adds a rating to the sums of a number.
    #[inline]
    pub(super) fn add(&mut self, number: i32, stars: f32) {
        match Self::place(number).and_then(|at| self.table.get_mut(at)) {
            Some(sums) => sums.add(stars),
            None => self.slot(number).add(stars),
        }
    }

    #[cold]
    pub(super) fn slot(&mut self, number: i32) -> &mut RatingSums {
        match Self::place(number) {
            Some(at) => {
                if self.table.len() <= at {
                    self.table.resize((at + 1).next_power_of_two(), RatingSums::default());
                }
                &mut self.table[at]
            }
            None => self.far.entry(number).or_default(),
        }
    }

    pub(super) fn merge(&mut self, mut later: Self) {
        if self.table.len() < later.table.len() {
            std::mem::swap(&mut self.table, &mut later.table);
        }
        self.table.iter_mut().zip(&later.table).for_each(|(sums, later)| sums.merge(later));
        for (number, sums) in later.far {
            self.far.entry(number).or_default().merge(&sums);
        }
    }

    /// Returns the numbers that have ratings, ascending.
    pub(super) fn into_sorted(mut self) -> Vec<(i32, RatingSums)> {
        let after = self.far.split_off(&0);
        let all = self.far.into_iter().chain((0..).zip(self.table)).chain(after);
        all.filter(|(_, sums)| sums.n > 0).collect()
    }
}
