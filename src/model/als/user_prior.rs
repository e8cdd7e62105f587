//! A Gaussian prior of user factors, and the factors that it makes of a user's ratings.
//!
//! With a penalty λ√n, three ratings of a new user would be fitted as if nothing else were known of
//! people. So x = (p, b) of every user is drawn from N(m, Σ) with the mean and covariance of the
//! training users, and ratings from N(μ + b_i + x·(q_i, 1), σ²): the factors are the posterior
//! mean,
//!
//! (Σ⁻¹ + XᵀX/σₙ²) x = Σ⁻¹m + Xᵀy/σₙ²
//!
//! with rows (q_i, 1) of X and y = r − μ − b_i (the user step of Bayesian matrix factorization,
//! Salakhutdinov & Mnih 2008, with hyperparameters by moments). Many ratings of one user err
//! together, as the model is wrong about the user and not about single ratings; so σₙ² = σ²√(1 +
//! n/50) of the residual variance σ² of training, and Σ grows less important as the penalty does.
//!
//! RMSE of `als` on ml-latest-small and MovieLens 100K, 10 % held out at random, mean of three
//! splits each: penalised users 0.8307 and 0.8909, σₙ² = σ² 0.8346 and 0.8891, as here 0.8231 and
//! 0.8833. The same for items does worse (0.8258 and 0.8837 at best).

use rayon::prelude::*;

use crate::linalg::cholesky;
use crate::linalg::dense::Matrix;
use crate::linalg::gram::NormalEquations;
use crate::linalg::sparse::CsrView;
use crate::model::als::half_step::SingularRow;
use crate::model::explain::FoldInEquations;

/// Ratings from which on errors are taken to be common to most of a user's ratings.
const COMMON_FROM: f64 = 50.0;

/// Mean and covariance of [factors, bias] over users, and the variance of what they leave of a
/// rating.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct UserPrior {
    /// m.
    pub(crate) mean: Vec<f64>,
    /// Σ, symmetric, row after row.
    pub(crate) covariance: Vec<f64>,
    /// σ².
    pub(crate) residual_variance: f64,
}

impl UserPrior {
    /// Estimates the prior from users whose first `n` entries are factors and bias, of which `mu`
    /// is in the last; `None` where there is nothing to estimate from.
    ///
    /// n + 1 more users of the average variance, independent in all entries, keep Σ regular where
    /// there are hardly more users than entries.
    pub(crate) fn estimate(
        users: &Matrix,
        n: usize,
        mu: f64,
        residual_variance: f64,
    ) -> Option<Self> {
        let count = users.rows as f64;
        let entry = |row: &[f32], i: usize| match i + 1 == n {
            true => f64::from(row[i]) - mu,
            false => f64::from(row[i]),
        };
        let mut mean = vec![0.0; n];
        for row in users.iter_rows() {
            (0..n).for_each(|i| mean[i] += entry(row, i) / count);
        }
        let mut covariance = vec![0.0; n * n];
        let mut centred = vec![0.0; n];
        for row in users.iter_rows() {
            (0..n).for_each(|i| centred[i] = entry(row, i) - mean[i]);
            for (sums, &x) in covariance.chunks_exact_mut(n).zip(&centred) {
                sums.iter_mut().zip(&centred).for_each(|(sum, y)| *sum += x * y);
            }
        }
        let average = (0..n).map(|i| covariance[i * n + i]).sum::<f64>() / (count * n as f64);
        let more = n as f64 + 1.0;
        (0..n).for_each(|i| covariance[i * n + i] += more * average);
        covariance.iter_mut().for_each(|sum| *sum /= count + more);
        let is_known = average > 0.0 && average.is_finite() && residual_variance > 0.0;
        is_known.then_some(Self { mean, covariance, residual_variance })
    }

    /// Returns the prior of factors that are `factor` times as large, and biases and ratings `unit`
    /// times.
    pub(crate) fn rescaled(&self, factor: f64, unit: f64) -> Self {
        let n = self.mean.len();
        let scale = |i: usize| if i + 1 == n { unit } else { factor };
        let covariance = self.covariance.iter().enumerate();
        Self {
            mean: self.mean.iter().enumerate().map(|(i, x)| scale(i) * x).collect(),
            covariance: covariance.map(|(at, x)| scale(at / n) * scale(at % n) * x).collect(),
            residual_variance: unit * unit * self.residual_variance,
        }
    }

    /// Returns the prior as rows (m_i, Σ_i), as a model directory has it.
    pub(crate) fn to_rows(&self) -> Matrix {
        let n = self.mean.len();
        let rows = self.mean.iter().zip(self.covariance.chunks_exact(n));
        let entries = rows.flat_map(|(mean, row)| std::iter::once(mean).chain(row));
        Matrix { rows: n, cols: n + 1, data: entries.map(|&x| x as f32).collect() }
    }

    /// Returns the prior as it is when it comes back from a file.
    pub(crate) fn rounded(&self) -> Self {
        Self::from_rows(&self.to_rows(), self.residual_variance as f32)
    }

    /// Takes the rows of [`Self::to_rows`].
    pub(crate) fn from_rows(rows: &Matrix, residual_variance: f32) -> Self {
        Self {
            mean: rows.iter_rows().map(|row| f64::from(row[0])).collect(),
            covariance: rows
                .iter_rows()
                .flat_map(|row| row[1..].iter().map(|&x| f64::from(x)))
                .collect(),
            residual_variance: residual_variance.into(),
        }
    }
}

/// A prior made ready to solve for users, given the items.
#[derive(Debug, Clone)]
pub(crate) struct UserPosterior {
    /// σ²Σ⁻¹, symmetric, row after row.
    precision: Vec<f64>,
    /// σ²Σ⁻¹m.
    linear: Vec<f64>,
    /// μ.
    mu: f64,
}

/// Working memory of one thread.
#[derive(Debug)]
pub(crate) struct PosteriorScratch {
    normal: NormalEquations,
    targets: Vec<f32>,
    a: Vec<f64>,
}

impl UserPosterior {
    /// Inverts Σ; `mu` is the mean of the ratings.
    ///
    /// # Errors
    /// If Σ is not positive definite.
    pub(crate) fn new(prior: &UserPrior, mu: f64) -> Result<Self, SingularRow> {
        let n = prior.mean.len();
        let mut factor = prior.covariance.clone();
        cholesky::factor(&mut factor, n).map_err(|_| SingularRow)?;
        let mut precision = Vec::with_capacity(n * n);
        for i in 0..n {
            let mut column = vec![0.0; n];
            column[i] = prior.residual_variance;
            cholesky::solve(&factor, &mut column);
            precision.extend(column);
        }
        let mut linear = prior.mean.clone();
        cholesky::solve(&factor, &mut linear);
        linear.iter_mut().for_each(|x| *x *= prior.residual_variance);
        Ok(Self { precision, linear, mu })
    }

    fn unknowns(&self) -> usize {
        self.linear.len()
    }

    pub(crate) fn scratch(&self) -> PosteriorScratch {
        let n = self.unknowns();
        let normal = NormalEquations::new(n);
        PosteriorScratch { normal, targets: Vec::new(), a: vec![0.0; n * n] }
    }

    /// Weight of the prior beside the ratings of a user who has given `n`.
    fn weight(n: usize) -> f64 {
        (1.0 + n as f64 / COMMON_FROM).sqrt()
    }

    /// Solves for a user who has rated `indices` with `values`; a row of `items` is (q, 1, b_i) and
    /// `out` becomes (p, b_u + μ, 1).
    pub(crate) fn solve(
        &self,
        scratch: &mut PosteriorScratch,
        items: &Matrix,
        indices: &[u32],
        values: &[f32],
        out: &mut [f32],
    ) -> Result<(), SingularRow> {
        let n = self.unknowns();
        let weight = Self::weight(indices.len());
        let PosteriorScratch { normal, targets, a } = scratch;
        targets.clear();
        targets.extend(self.targets(items, indices, values));
        normal.reset();
        normal.add(items, indices, &[], targets);
        normal.write_a(a);
        a.iter_mut().zip(&self.precision).for_each(|(a, p)| *a += weight * p);
        cholesky::factor(a, n).map_err(|_| SingularRow)?;
        let b = normal.b().iter().zip(&self.linear);
        let mut x: Vec<f64> = b.map(|(&b, linear)| f64::from(b) + weight * linear).collect();
        cholesky::solve(a, &mut x);
        out.iter_mut().zip(&x).for_each(|(out, &x)| *out = x as f32);
        out[n - 1] = (x[n - 1] + self.mu) as f32;
        out[n] = 1.0;
        Ok(())
    }

    /// Solves for all users.
    pub(crate) fn solve_all(
        &self,
        items: &Matrix,
        ratings: CsrView<'_>,
        users: &mut Matrix,
    ) -> Result<(), usize> {
        let width = users.cols;
        users.data.par_chunks_mut(width).enumerate().try_for_each_init(
            || self.scratch(),
            |scratch, (user, out)| {
                let (indices, values) = ratings.row(user);
                self.solve(scratch, items, indices, values, out).map_err(|_| user)
            },
        )
    }

    /// Returns r − μ − b_i of each rating.
    fn targets(
        &self,
        items: &Matrix,
        indices: &[u32],
        values: &[f32],
    ) -> impl Iterator<Item = f32> {
        let n = self.unknowns();
        let offset = move |item: u32| self.mu as f32 + items.row(item as usize)[n];
        indices.iter().zip(values).map(move |(&item, value)| value - offset(item))
    }

    /// Returns what a user's inner product with each of some items is without ratings, and the
    /// contribution of each rating; `None` if the equations are singular.
    pub(crate) fn contributions(
        &self,
        items: &Matrix,
        indices: &[u32],
        values: &[f32],
        explained: impl Iterator<Item = u32>,
    ) -> Option<Vec<(f32, Vec<f32>)>> {
        let n = self.unknowns();
        let weight = Self::weight(indices.len());
        let features = |item: u32| items.row(item as usize)[..n].iter().map(|&x| f64::from(x));
        let rows: Vec<Vec<f64>> = indices.iter().map(|&item| features(item).collect()).collect();
        let mut a: Vec<f64> = self.precision.iter().map(|p| weight * p).collect();
        for row in &rows {
            for (a, x) in a.chunks_exact_mut(n).zip(row) {
                a.iter_mut().zip(row).for_each(|(a, y)| *a += x * y);
            }
        }
        let equations = FoldInEquations {
            a,
            features: rows.concat(),
            targets: self.targets(items, indices, values).map(f64::from).collect(),
        };
        let explained: Vec<u32> = explained.collect();
        let wanted: Vec<Vec<f64>> =
            explained.iter().map(|&item| features(item).collect()).collect();
        let solved = equations.contributions(&wanted)?;
        let split = |(item, (contributions, z)): (u32, (Vec<f32>, Vec<f64>))| {
            let prior: f64 =
                z.iter().zip(&self.linear).map(|(z, linear)| weight * z * linear).sum();
            let own = self.mu + f64::from(items.row(item as usize)[n]);
            ((own + prior) as f32, contributions)
        };
        Some(explained.into_iter().zip(solved).map(split).collect())
    }
}
