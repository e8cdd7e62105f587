//! Conjugate gradients for (G + Σ w f fᵀ + ρI) x = b over rows f, without the matrix (Hestenes & Stiefel 1952).

use crate::linalg::dense::Matrix;
use crate::linalg::gram::copy_rows;
use crate::linalg::simd::{LANES, Lanes, dispatch, vectors, vectors_mut};

/// Working memory: the rows, copied together, and some vectors.
#[derive(Debug, Clone, Default)]
pub struct ConjugateGradient {
    k: usize,
    stride: usize,
    rows: Vec<f32>,
    residual: Vec<f32>,
    direction: Vec<f32>,
    image: Vec<f32>,
    x: Vec<f32>,
}

/// The fixed part of the matrix.
#[derive(Debug, Clone, Copy)]
pub struct Fixed<'a> {
    /// G as [`gram`](crate::linalg::gram::gram) makes it, or nothing.
    pub gram: &'a [f32],
    /// ρ.
    pub ridge: f32,
}

impl ConjugateGradient {
    /// Makes room for `k` unknowns.
    #[must_use]
    pub fn new(k: usize) -> Self {
        let stride = k.next_multiple_of(LANES);
        let vector = vec![0.0; stride];
        Self {
            k,
            stride,
            rows: Vec::new(),
            residual: vector.clone(),
            direction: vector.clone(),
            image: vector.clone(),
            x: vector,
        }
    }

    /// Takes the first entries of the rows `indices` of `source`, and a 1 for each unknown that these leave.
    pub fn take(&mut self, source: &Matrix, indices: &[u32], features: usize) {
        self.rows.resize(indices.len() * self.stride, 0.0);
        copy_rows(source, indices, features, self.stride, &mut self.rows);
        for row in self.rows.chunks_exact_mut(self.stride) {
            row[features..self.k].fill(1.0);
            row[self.k..].fill(0.0);
        }
    }

    /// Improves `x` by `steps` steps and returns xᵀA x − 2 bᵀx without ρ, where b is Σ t f; `weights` are 1 where there are
    /// none.
    pub fn improve(
        &mut self,
        fixed: Fixed<'_>,
        weights: &[f32],
        targets: &[f32],
        steps: usize,
        x: &mut [f32],
    ) -> f64 {
        let Self { k, stride, rows, residual, direction, image, x: padded } = self;
        let (k, stride) = (*k, *stride);
        padded[..k].copy_from_slice(x);
        // r = b − A x, whose two parts run over the same rows.
        image.fill(0.0);
        apply(rows, weights, padded, image);
        fixed_part(fixed, padded, image);
        residual.fill(0.0);
        for (row, &target) in rows.chunks_exact(stride).zip(targets) {
            residual.iter_mut().zip(row).for_each(|(sum, &value)| *sum += target * value);
        }
        let linear = |x: &[f32], b: &[f32]| -> f64 {
            x.iter().zip(b).map(|(&x, &b)| f64::from(x) * f64::from(b)).sum()
        };
        let b = residual.clone();
        residual.iter_mut().zip(&*image).for_each(|(r, &ax)| *r -= ax);
        direction.copy_from_slice(residual);
        let mut length = linear(residual, residual);
        for _ in 0..steps {
            if length < 1e-20 {
                break;
            }
            image.fill(0.0);
            apply(rows, weights, direction, image);
            fixed_part(fixed, direction, image);
            let step = (length / linear(direction, image)) as f32;
            padded.iter_mut().zip(&*direction).for_each(|(x, &p)| *x += step * p);
            residual.iter_mut().zip(&*image).for_each(|(r, &ap)| *r -= step * ap);
            let next = linear(residual, residual);
            let keep = (next / length) as f32;
            direction.iter_mut().zip(&*residual).for_each(|(p, &r)| *p = r + keep * *p);
            length = next;
        }
        x.copy_from_slice(&padded[..k]);
        // A x = b − r.
        let (with_b, with_r) = (linear(padded, &b), linear(padded, residual));
        -with_b - with_r - f64::from(fixed.ridge) * linear(padded, padded)
    }
}

fn fixed_part(fixed: Fixed<'_>, x: &[f32], out: &mut [f32]) {
    if !fixed.gram.is_empty() {
        times(fixed.gram, x, out);
    }
    out.iter_mut().zip(x).for_each(|(out, &x)| *out += fixed.ridge * x);
}

#[inline(always)]
fn times_body<L: Lanes>(gram: &[f32], x: &[f32], out: &mut [f32]) {
    // Symmetric: columns are rows.
    let out = vectors_mut(out);
    for (row, &x) in vectors(gram).chunks_exact(out.len()).zip(x) {
        let x = L::splat(x);
        for (out, row) in out.iter_mut().zip(row) {
            L::load(row).mul_add(x, L::load(out)).store(out);
        }
    }
}

dispatch! {
    /// Adds G x to `out`.
    fn times(gram: &[f32], x: &[f32], out: &mut [f32]) = times_body
}

#[inline(always)]
fn apply_body<L: Lanes>(rows: &[f32], weights: &[f32], x: &[f32], out: &mut [f32]) {
    let (x, out) = (vectors(x), vectors_mut(out));
    for (at, row) in vectors(rows).chunks_exact(x.len()).enumerate() {
        let mut sum = L::splat(0.0);
        for (row, x) in row.iter().zip(x) {
            sum = L::load(row).mul_add(L::load(x), sum);
        }
        let weight = weights.get(at).copied().unwrap_or(1.0);
        let scale = L::splat(weight * sum.sum());
        for (row, out) in row.iter().zip(&mut *out) {
            L::load(row).mul_add(scale, L::load(out)).store(out);
        }
    }
}

dispatch! {
    /// Adds Σ w (f·x) f to `out`.
    fn apply(rows: &[f32], weights: &[f32], x: &[f32], out: &mut [f32]) = apply_body
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::linalg::gram::{NormalEquations, gram};

    #[test]
    fn enough_steps_give_the_solution() {
        let (k, n) = (19, 50);
        let source = Matrix::gaussian(n, k, 5);
        let ids: Vec<u32> = (0..n as u32).collect();
        let targets: Vec<f32> = ids.iter().map(|i| (i % 5) as f32 - 1.0).collect();
        let weights: Vec<f32> = ids.iter().map(|i| 1.0 + (i % 2) as f32).collect();
        let gram = gram(&source, k, 0.1);
        let mut normal = NormalEquations::new(k);
        normal.reset_to(&gram);
        normal.add(&source, &ids, &weights, &targets);
        normal.solve(0.5).unwrap();
        let mut solver = ConjugateGradient::new(k);
        solver.take(&source, &ids, k);
        let mut x = vec![1.0; k];
        let fixed = Fixed { gram: &gram, ridge: 0.5 };
        let mut before = f64::INFINITY;
        for _ in 0..10 {
            let value = solver.improve(fixed, &weights, &targets, 4, &mut x);
            let length: f64 = x.iter().map(|&x| f64::from(x).powi(2)).sum();
            assert!(value + 0.5 * length <= before + 1e-4, "{value} after {before}");
            before = value + 0.5 * length;
        }
        for (&found, &wanted) in x.iter().zip(normal.b()) {
            assert!((found - wanted).abs() < 1e-4, "{found} for {wanted}");
        }
    }
}
