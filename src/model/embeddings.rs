//! What people rate together, as a vector of each item.
//!
//! The vectors are the leading right singular vectors of the matrix that has a one where a user has
//! rated an item (PureSVD, Cremonesi, Koren & Turrin 2010): items are near each other that the same
//! people have rated, whatever they thought of them. Stars tell little of that, but it is most
//! of what people rate next.
//!
//! Singular values that chance alone would make say nothing. How large those are is told by the
//! smallest one found, s, and a vector whose own is σ counts 1 − 0.8 s²/σ² (shrinkage of singular
//! values, as in Gavish & Donoho 2017): little where people rate by popularity alone. It is not all
//! of s, since in real data that still holds something: of 0.6, 0.8 and 1, this was the compromise
//! between real data and such.

use crate::dataset::matrix::Interactions;
use crate::linalg::dense::Matrix;
use crate::linalg::svd;

/// Length of the vectors.
pub(crate) const FACTORS: usize = 32;

/// Returns the vectors, items × [`FACTORS`]; of a small matrix the last entries are zero.
pub(crate) fn fit(matrix: &Interactions) -> Matrix {
    const SEED: u64 = 0;
    const OF_CHANCE: f64 = 0.8;
    let (users, items) = (matrix.n_users(), matrix.n_items());
    let by_user = |x: &Matrix| matrix.by_user().times(x, |_| 1.0);
    let by_item = |x: &Matrix| matrix.by_item().times(x, |_| 1.0);
    // All vectors that there are would tell each item from any other, and put none near another.
    let factors = FACTORS.min(users.min(items).div_ceil(3));
    let found = svd::randomised(users, items, factors, SEED, by_user, by_item);
    let smallest = found.s.last().copied().unwrap_or(0.0);
    let weight = |s: f64| match s > 0.0 {
        true => (1.0 - OF_CHANCE * (smallest / s).powi(2)).sqrt() as f32,
        false => 0.0,
    };
    let weights: Vec<f32> = found.s.iter().map(|&s| weight(s)).collect();
    let mut vectors = Matrix::zeros(items, FACTORS);
    for (to, from) in vectors.data.chunks_exact_mut(FACTORS).zip(found.v.iter_rows()) {
        for ((to, from), weight) in to.iter_mut().zip(from).zip(&weights) {
            *to = from * weight;
        }
    }
    vectors
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dataset::ratings::{Duplicates, Ratings};
    use crate::linalg::dense::dot;

    #[test]
    fn what_the_same_people_rate_is_near() {
        // Two groups of users who rate items of their own, and one user who has rated one item of
        // each.
        let mut rows = Vec::new();
        for user in 0..20 {
            let group = user % 2;
            for item in 0..10 {
                if (user + item) % 3 != 0 {
                    rows.push((user, 10 * group + item, 3.0, 0));
                }
            }
        }
        rows.extend([(20, 0, 5.0, 0), (20, 10, 1.0, 0)]);
        let ratings = Ratings::new(rows.into_iter().collect(), Duplicates::Last).0;
        let matrix = Interactions::new(&ratings);
        let vectors = fit(&matrix);
        assert_eq!((vectors.rows, vectors.cols), (20, FACTORS));
        let leading = |item: usize| &vectors.row(item)[..2];
        for item in 1..10 {
            let (own, other) =
                (dot(leading(0), leading(item)), dot(leading(0), leading(10 + item)));
            assert!(own > 0.01 && other.abs() < own / 4.0, "item {item}: {own} {other}");
        }
    }
}
