//! Conjugate gradients for (G + Σ w f fᵀ + ρI) x = b over rows f, without the matrix (Hestenes &
//! Stiefel 1952).

use crate::linalg::dense::{Matrix, dot};
use crate::linalg::gram::copy_rows;
use crate::linalg::simd::{LANES, SimdLanes, dispatch, vectors, vectors_mut};

/// Working memory: the rows, copied together, and some vectors.
#[derive(Debug, Clone, Default)]
pub struct ConjugateGradient {
    k: usize,
    stride: usize,
    rows: Vec<f32>,
    residual: Vec<f32>,
    direction: Vec<f32>,
    image: Vec<f32>,
    b: Vec<f32>,
    x: Vec<f32>,
}

/// The fixed part of the equations.
#[derive(Debug, Clone, Copy)]
pub struct FixedTerms<'a> {
    /// G over all or the first unknowns, as [`padded`](crate::linalg::gram::padded) makes it, or
    /// nothing.
    pub gram: &'a [f32],
    /// What b is before any row is added, for the first unknowns.
    pub b: &'a [f32],
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
            b: vector.clone(),
            x: vector,
        }
    }

    /// Takes the first entries of the rows `indices` of `source`, and a 1 for each unknown that
    /// these leave.
    pub fn take(&mut self, source: &Matrix, indices: &[u32], features: usize) {
        self.rows.resize(indices.len() * self.stride, 0.0);
        copy_rows(source, indices, features, self.stride, &mut self.rows);
        for row in self.rows.chunks_exact_mut(self.stride) {
            row[features..self.k].fill(1.0);
            row[self.k..].fill(0.0);
        }
    }

    /// Improves `x` by `steps` steps and returns xᵀA x − 2 bᵀx without ρ, where b is the fixed
    /// one and Σ t f; `weights` are 1 where there are none.
    pub fn improve(
        &mut self,
        fixed: FixedTerms<'_>,
        weights: &[f32],
        targets: &[f32],
        steps: usize,
        x: &mut [f32],
    ) -> f64 {
        let Self { k, rows, residual, direction, image, b, x: padded, .. } = self;
        let k = *k;
        padded[..k].copy_from_slice(x);
        // r = b − A x, whose two parts run over the same rows.
        image.fill(0.0);
        b.fill(0.0);
        b[..fixed.b.len()].copy_from_slice(fixed.b);
        apply(rows, weights, targets, padded, image, b);
        fixed_part(fixed, padded, image);
        let linear = |x: &[f32], b: &[f32]| -> f64 {
            x.iter().zip(b).map(|(&x, &b)| f64::from(x) * f64::from(b)).sum()
        };
        let differences = b.iter().zip(&*image).map(|(b, ax)| b - ax);
        residual.iter_mut().zip(differences).for_each(|(r, difference)| *r = difference);
        direction.copy_from_slice(residual);
        let mut length = dot(residual, residual);
        for _ in 0..steps {
            if length < 1e-20 {
                break;
            }
            image.fill(0.0);
            apply(rows, weights, &[], direction, image, &mut []);
            fixed_part(fixed, direction, image);
            let step = length / dot(direction, image);
            padded.iter_mut().zip(&*direction).for_each(|(x, &p)| *x += step * p);
            residual.iter_mut().zip(&*image).for_each(|(r, &ap)| *r -= step * ap);
            let next = dot(residual, residual);
            let keep = next / length;
            direction.iter_mut().zip(&*residual).for_each(|(p, &r)| *p = r + keep * *p);
            length = next;
        }
        x.copy_from_slice(&padded[..k]);
        // A x = b − r.
        let (with_b, with_r) = (linear(padded, b), linear(padded, residual));
        -with_b - with_r - f64::from(fixed.ridge) * linear(padded, padded)
    }
}

fn fixed_part(fixed: FixedTerms<'_>, x: &[f32], out: &mut [f32]) {
    let n = fixed.gram.len().isqrt();
    times(fixed.gram, &x[..n], &mut out[..n]);
    out.iter_mut().zip(x).for_each(|(out, &x)| *out += fixed.ridge * x);
}

#[inline(always)]
fn times_body<L: SimdLanes>(gram: &[f32], x: &[f32], out: &mut [f32]) {
    let mut first = 0;
    while first + 4 * LANES <= x.len() {
        times_part::<L, 4>(gram, x, first / LANES, out);
        first += 4 * LANES;
    }
    while first < x.len() {
        times_part::<L, 1>(gram, x, first / LANES, out);
        first += LANES;
    }
}

/// As [`times`], for `P` vectors of the result from `first` on, which stay in registers.
#[inline(always)]
fn times_part<L: SimdLanes, const P: usize>(
    gram: &[f32],
    x: &[f32],
    first: usize,
    out: &mut [f32],
) {
    let mut sums = [L::splat(0.0); P];
    // Symmetric: columns are rows.
    for (row, &x) in vectors(gram).chunks_exact(x.len() / LANES).zip(x) {
        let x = L::splat(x);
        for (sum, row) in sums.iter_mut().zip(&row[first..first + P]) {
            *sum = L::load(row).mul_add(x, *sum);
        }
    }
    for (out, sum) in vectors_mut(out)[first..first + P].iter_mut().zip(sums) {
        sum.add_to(out);
    }
}

dispatch! {
    /// Adds G x to `out`.
    fn times(gram: &[f32], x: &[f32], out: &mut [f32]) = times_body
}

/// As [`apply`], for vectors of `P` times [`LANES`] entries, which stay in registers.
#[inline(always)]
fn apply_in_registers<L: SimdLanes, const P: usize>(
    rows: &[f32],
    weights: &[f32],
    targets: &[f32],
    x: &[f32],
    out: &mut [f32],
    b: &mut [f32],
) {
    let x: [L; P] = std::array::from_fn(|p| L::load(&vectors(x)[p]));
    let (mut products, mut sums) = ([L::splat(0.0); P], [L::splat(0.0); P]);
    for (at, row) in vectors(rows).as_chunks::<P>().0.iter().enumerate() {
        let row: [L; P] = std::array::from_fn(|p| L::load(&row[p]));
        let mut product = row[0].mul(x[0]);
        for p in 1..P {
            product = row[p].mul_add(x[p], product);
        }
        let weight = weights.get(at).copied().unwrap_or(1.0);
        let scale = L::splat(weight * product.sum());
        for p in 0..P {
            products[p] = row[p].mul_add(scale, products[p]);
        }
        if let Some(&target) = targets.get(at) {
            for p in 0..P {
                sums[p] = row[p].mul_add(L::splat(target), sums[p]);
            }
        }
    }
    vectors_mut(out).iter_mut().zip(products).for_each(|(out, product)| product.add_to(out));
    vectors_mut(b).iter_mut().zip(sums).for_each(|(out, sum)| sum.add_to(out));
}

#[inline(always)]
fn apply_body<L: SimdLanes>(
    rows: &[f32],
    weights: &[f32],
    targets: &[f32],
    x: &[f32],
    out: &mut [f32],
    b: &mut [f32],
) {
    match x.len() / LANES {
        1 => return apply_in_registers::<L, 1>(rows, weights, targets, x, out, b),
        2 => return apply_in_registers::<L, 2>(rows, weights, targets, x, out, b),
        3 => return apply_in_registers::<L, 3>(rows, weights, targets, x, out, b),
        4 => return apply_in_registers::<L, 4>(rows, weights, targets, x, out, b),
        5 => return apply_in_registers::<L, 5>(rows, weights, targets, x, out, b),
        _ => {}
    }
    for (at, row) in rows.chunks_exact(x.len()).enumerate() {
        let mut product = L::splat(0.0);
        for (row, x) in vectors(row).iter().zip(vectors(x)) {
            product = L::load(row).mul_add(L::load(x), product);
        }
        let weight = weights.get(at).copied().unwrap_or(1.0);
        add_scaled::<L>(row, weight * product.sum(), out);
        if let Some(&target) = targets.get(at) {
            add_scaled::<L>(row, target, b);
        }
    }
}

#[inline(always)]
fn add_scaled<L: SimdLanes>(row: &[f32], scale: f32, out: &mut [f32]) {
    let scale = L::splat(scale);
    for (row, out) in vectors(row).iter().zip(vectors_mut(out)) {
        L::load(row).mul_add(scale, L::load(out)).store(out);
    }
}

dispatch! {
    /// Adds Σ w (f·x) f to `out`, and where there are targets Σ t f to `b`.
    fn apply(rows: &[f32], weights: &[f32], targets: &[f32], x: &[f32], out: &mut [f32], b: &mut [f32]) = apply_body
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::linalg::blocks::Threads;
    use crate::linalg::gram::{NormalEquations, gram, padded};

    #[test]
    fn enough_steps_give_the_solution() {
        for (k, n) in [(5, 50), (19, 50), (64, 300), (90, 400)] {
            solves(k, n);
        }
    }

    fn solves(k: usize, n: usize) {
        let source = Matrix::gaussian(n, k, 5);
        let ids: Vec<u32> = (0..n as u32).collect();
        let targets: Vec<f32> = ids.iter().map(|i| (i % 5) as f32 - 1.0).collect();
        let weights: Vec<f32> = ids.iter().map(|i| 1.0 + (i % 2) as f32).collect();
        let gram = padded(&gram(&source, k, Threads::Pool), k, 0.1);
        let mut normal = NormalEquations::new(k);
        normal.reset_to(&gram);
        normal.add(&source, &ids, &weights, &targets);
        normal.solve(0.5).unwrap();
        let mut solver = ConjugateGradient::new(k);
        solver.take(&source, &ids, k);
        let mut x = vec![1.0; k];
        let fixed = FixedTerms { gram: &gram, b: &[], ridge: 0.5 };
        let mut before = f64::INFINITY;
        for _ in 0..40 {
            let value = solver.improve(fixed, &weights, &targets, 4, &mut x);
            let length: f64 = x.iter().map(|&x| f64::from(x).powi(2)).sum();
            assert!(value + 0.5 * length <= before + 1e-4, "{value} after {before}");
            before = value + 0.5 * length;
        }
        for (&found, &wanted) in x.iter().zip(normal.x()) {
            assert!((found - wanted).abs() < 1e-4, "{found} for {wanted}");
        }
    }
}
