//! What every report on stars adds up.

use rayon::prelude::*;

use crate::dataset::Ratings;
use crate::dataset::ids::Lookup;

/// Number, sum and sum of squares of some ratings.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct Sums {
    pub(super) n: u64,
    pub(super) sum: f64,
    pub(super) squares: f64,
}

impl Sums {
    pub(super) fn add(&mut self, stars: f32) {
        let stars = f64::from(stars);
        self.n += 1;
        self.sum += stars;
        self.squares += stars * stars;
    }

    pub(super) fn join(&mut self, other: &Self) {
        self.n += other.n;
        self.sum += other.sum;
        self.squares += other.squares;
    }

    pub(super) fn mean(&self) -> Option<f64> {
        (self.n > 0).then(|| self.sum / self.n as f64)
    }

    /// Returns the sample standard deviation, which a single rating does not have.
    pub(super) fn deviation(&self) -> Option<f64> {
        let n = self.n as f64;
        let variance = (self.squares - self.sum * self.sum / n) / (n - 1.0);
        (self.n > 1).then(|| variance.max(0.0).sqrt())
    }
}

/// Adds up rows into `slots` sums, each row into the one that `slot` names for it or into none, over blocks of fixed size in
/// order: any number of threads gives the same bits.
pub(super) fn add_up(
    ratings: &Ratings,
    slots: usize,
    slot: impl Fn(usize) -> Option<usize> + Sync,
) -> Vec<Sums> {
    const BLOCK: usize = 1 << 21;
    let stars = &ratings.columns().rating;
    let blocks: Vec<Vec<Sums>> = (0..ratings.len().div_ceil(BLOCK))
        .into_par_iter()
        .map(|block| {
            let mut sums = vec![Sums::default(); slots];
            for (row, &stars) in stars.iter().enumerate().skip(block * BLOCK).take(BLOCK) {
                if let Some(slot) = slot(row) {
                    sums[slot].add(stars);
                }
            }
            sums
        })
        .collect();
    let mut total = vec![Sums::default(); slots];
    for block in blocks {
        total.iter_mut().zip(&block).for_each(|(total, part)| total.join(part));
    }
    total
}

/// Adds up the ratings of each of the movies `ids`, which are all that there are, ascending.
pub(super) fn per_movie(ratings: &Ratings, ids: &[i32]) -> Vec<Sums> {
    let lookup = Lookup::new(ids);
    let movies = &ratings.columns().movie_id;
    add_up(ratings, ids.len(), |row| lookup.get(movies[row]).map(|at| at as usize))
}
