//! How far a mean over users can be trusted, and whether two systems differ.
//!
//! Chance is seeded and drawn per replicate, so that the number of threads does not change a
//! figure.

use rand::{Rng, RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;
use serde::Serialize;

use crate::linalg::quantile::quantile;

/// Replicates of the permutation test.
const PERMUTATIONS: usize = 10_000;

fn stream(seed: u64, replicate: usize) -> ChaCha8Rng {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    rng.set_stream(replicate as u64);
    rng
}

/// Draws users with replacement, `replicates` times; returns how often each was drawn.
fn resample(n_users: usize, rng: &mut impl Rng) -> Vec<u32> {
    let mut times = vec![0; n_users];
    for _ in 0..n_users {
        times[rng.random_range(0..n_users)] += 1;
    }
    times
}

/// Returns percentile intervals of 95 % by the bootstrap over users (Efron & Tibshirani 1993,
/// chapter 13), one for each of the figures that `statistic` computes from how often each user was
/// drawn.
///
/// A figure that is not a number in a replicate is left out of its interval.
#[must_use]
pub fn bootstrap(
    n_users: usize,
    replicates: usize,
    seed: u64,
    statistic: impl Fn(&[u32]) -> Vec<f64> + Sync,
) -> Vec<Option<(f64, f64)>> {
    let drawn: Vec<Vec<f64>> = (0..replicates)
        .into_par_iter()
        .map(|replicate| statistic(&resample(n_users, &mut stream(seed, replicate))))
        .collect();
    let n_figures = drawn.first().map_or(0, Vec::len);
    let interval = |figure: usize| {
        let mut values: Vec<f64> = drawn.iter().map(|row| row[figure]).collect();
        values.retain(|value| value.is_finite());
        values.sort_unstable_by(f64::total_cmp);
        let at = |q| quantile(values.len(), |at| values[at], q);
        (!values.is_empty()).then(|| (at(0.025), at(0.975)))
    };
    (0..n_figures).map(interval).collect()
}

/// Difference of two systems over the users that both were measured on.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct PairedTest {
    /// Users measured on both.
    pub users: usize,
    /// Mean of the differences, second less first.
    pub difference: f64,
    /// p-value of the Wilcoxon signed-rank test, two-sided.
    pub wilcoxon_p: f64,
    /// p-value of the paired permutation test of the mean, two-sided.
    pub permutation_p: f64,
}

/// Tests differences per user against no difference.
#[must_use]
pub fn paired(differences: &[f64], seed: u64) -> PairedTest {
    let n = differences.len();
    PairedTest {
        users: n,
        difference: if n == 0 { 0.0 } else { differences.iter().sum::<f64>() / n as f64 },
        wilcoxon_p: wilcoxon(differences),
        permutation_p: permutation(differences, seed),
    }
}

/// Wilcoxon's signed-rank test: zeros are left out, equal sizes share their ranks, and the sum of
/// ranks is taken as normal with the variance that ties leave (Wilcoxon 1945; Lehmann 1975).
fn wilcoxon(differences: &[f64]) -> f64 {
    let mut sizes: Vec<(f64, bool)> =
        differences.iter().filter(|&&d| d != 0.0).map(|&d| (d.abs(), d > 0.0)).collect();
    let n = sizes.len() as f64;
    if sizes.is_empty() {
        return 1.0;
    }
    sizes.sort_unstable_by(|a, b| a.0.total_cmp(&b.0));
    let (mut positive, mut ties, mut before) = (0.0, 0.0, 0);
    for equal in sizes.chunk_by(|a, b| a.0 == b.0) {
        let t = equal.len() as f64;
        let rank = before as f64 + (t + 1.0) / 2.0;
        positive += rank * equal.iter().filter(|(_, up)| *up).count() as f64;
        ties += t * t * t - t;
        before += equal.len();
    }
    let mean = n * (n + 1.0) / 4.0;
    let variance = n * (n + 1.0) * (2.0 * n + 1.0) / 24.0 - ties / 48.0;
    two_sided((positive - mean) / variance.sqrt())
}

/// Permutation test: how often random signs give a mean at least as far from 0, the observed one
/// included (Phipson & Smyth 2010).
fn permutation(differences: &[f64], seed: u64) -> f64 {
    /// Sums of the same numbers in another order differ by this, relative to the sum of their
    /// sizes.
    const ROUNDING: f64 = 1e-12;
    let observed = differences.iter().sum::<f64>().abs();
    let size: f64 = differences.iter().map(|d| d.abs()).sum();
    let far = (0..PERMUTATIONS)
        .into_par_iter()
        .filter(|&replicate| {
            let mut rng = stream(seed, replicate);
            let mut sum = 0.0;
            for chunk in differences.chunks(64) {
                let mut signs: u64 = rng.random();
                for d in chunk {
                    sum += if signs & 1 == 0 { *d } else { -d };
                    signs >>= 1;
                }
            }
            sum.abs() >= observed - ROUNDING * size
        })
        .count();
    (far + 1) as f64 / (PERMUTATIONS + 1) as f64
}

/// Adjusts p-values for being several (Holm 1979): in the order given.
#[must_use]
pub fn holm(p: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..p.len()).collect();
    order.sort_by(|&a, &b| p[a].total_cmp(&p[b]));
    let mut adjusted = vec![0.0; p.len()];
    let mut largest = 0.0_f64;
    for (place, at) in order.into_iter().enumerate() {
        largest = largest.max(((p.len() - place) as f64 * p[at]).min(1.0));
        adjusted[at] = largest;
    }
    adjusted
}

/// Returns the chance that a standard normal value is at least as far from 0.
fn two_sided(z: f64) -> f64 {
    libm::erfc(z.abs() / std::f64::consts::SQRT_2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wilcoxon_by_hand() {
        // Sizes 1, 2, 2, 3 have ranks 1, 2.5, 2.5, 4; the negative one is of size 1: W+ = 9, mean
        // 5, variance 4·5·9/24 − 6/48 = 7.375.
        let p = wilcoxon(&[2.0, -1.0, 0.0, 2.0, 3.0]);
        assert!((p - two_sided(4.0 / 7.375_f64.sqrt())).abs() < 1e-12, "{p}");
        assert!((wilcoxon(&[0.0, 0.0]) - 1.0).abs() < 1e-12);
        assert!((wilcoxon(&[1.0, -1.0]) - 1.0).abs() < 1e-12);
    }

    #[test]
    fn permutation_finds_what_is_there_and_nothing_else() {
        let shifted: Vec<f64> = (0..100).map(|i| f64::from(i % 7) - 2.0).collect();
        let balanced: Vec<f64> = (0..100).map(|i| f64::from(i % 2) - 0.5).collect();
        assert!(permutation(&shifted, 1) < 0.001);
        assert!((permutation(&balanced, 1) - 1.0).abs() < 1e-12);
        // Three equal differences: 2 of the 8 signs are as far.
        let p = permutation(&[1.0, 1.0, 1.0], 1);
        assert!((p - 0.25).abs() < 0.02, "{p}");
    }

    #[test]
    fn holm_steps_down() {
        let adjusted = holm(&[0.01, 0.04, 0.03, 0.9]);
        for (found, wanted) in adjusted.iter().zip([0.04, 0.09, 0.09, 0.9]) {
            assert!((found - wanted).abs() < 1e-12, "{adjusted:?}");
        }
    }

    #[test]
    fn the_bootstrap_covers_the_mean_of_its_sample() {
        let values: Vec<f64> = (0..400).map(|i| f64::from(i % 10)).collect();
        let mean = |times: &[u32]| {
            let sum: f64 = values.iter().zip(times).map(|(v, &t)| v * f64::from(t)).sum();
            vec![sum / 400.0, f64::NAN]
        };
        let intervals = bootstrap(400, 500, 1, mean);
        let (low, high) = intervals[0].unwrap();
        // The standard error is 2.87 / 20 = 0.144, and 4.5 ± 1.96 of it are 4.22 and 4.78.
        assert!((low - 4.22).abs() < 0.05 && (high - 4.78).abs() < 0.05, "{low} {high}");
        assert_eq!(intervals[1], None);
        assert_eq!(bootstrap(400, 500, 1, mean), intervals);
    }
}
