//! Fits both sides in turn.

use std::ops::ControlFlow;

use rayon::prelude::*;

use crate::dataset::matrix::InteractionMatrix;
use crate::linalg::dense::Matrix;
use crate::linalg::sparse::CsrView;
use crate::model::OnIteration;
use crate::model::algorithm::Algorithm;
use crate::model::error::ModelError;
use crate::model::factors::FittedFactors;
use crate::model::nmf::half_step::{NmfHalfStep, NmfScratch};
use crate::model::nmf::params::NmfParams;
use crate::model::nmf::start::start;
use crate::model::warm::StartFactors;

/// Fits a model, from the start that the parameters name or from another model; the objective is
/// that of the [module](crate::model::nmf).
///
/// With no iterations the result is the start itself.
///
/// # Errors
/// If a parameter is out of its range or there is nothing to learn from.
pub fn fit(
    matrix: &InteractionMatrix,
    params: &NmfParams,
    warm: Option<StartFactors>,
    on_iteration: OnIteration<'_>,
) -> Result<FittedFactors, ModelError> {
    params.validate()?;
    if matrix.n_ratings() == 0 {
        return Err(ModelError::NoRatings);
    }
    let StartFactors { users, items } = warm.unwrap_or_else(|| {
        let (users, items) = start(matrix, params);
        StartFactors { users, items }
    });
    let mut fit = FittedFactors {
        users,
        items,
        losses: Vec::with_capacity(params.iterations),
        user_prior: None,
    };
    let cells = squares_of_cells(matrix, params);
    for iteration in 1..=params.iterations {
        let step = NmfHalfStep::new(params, &fit.items);
        over_rows(&step, &mut fit.users, |scratch, first, rows| {
            step.improve(scratch, matrix.by_user(), first, rows)
        });
        let user_penalty = penalty(&step, params, matrix.by_user(), &fit.users);
        let step = NmfHalfStep::new(params, &fit.users);
        let rest = over_rows(&step, &mut fit.items, |scratch, first, rows| {
            step.improve(scratch, matrix.by_item(), first, rows)
        });
        if params.fill.is_some() {
            // Powers of two change no digit of a factor.
            balance(&mut fit.users, &mut fit.items, |ratio| {
                libm::exp2(libm::round(libm::log2(ratio)))
            });
        }
        let loss = cells + rest + user_penalty;
        if !loss.is_finite() {
            return Err(ModelError::Diverged { iteration, loss });
        }
        fit.losses.push(loss);
        if let ControlFlow::Break(()) = on_iteration(iteration, loss) {
            break;
        }
    }
    if params.iterations > 0 {
        let step = NmfHalfStep::new(params, &fit.items);
        over_rows(&step, &mut fit.users, |scratch, first, rows| {
            for (i, row) in rows.chunks_exact_mut(fit.items.cols).enumerate() {
                let (indices, values) = matrix.by_user().row(first + i);
                step.solve(scratch, indices, values, row);
            }
            0.0
        });
        if params.fill.is_some() {
            balance(&mut fit.users, &mut fit.items, |ratio| ratio);
        }
    }
    Ok(fit)
}

/// Scales each component so that both of its columns have the same root mean square, `rounded`;
/// their product stays, and the penalties of a filled matrix do not grow. Without it, unused
/// components drift to the limits of the numbers.
fn balance(users: &mut Matrix, items: &mut Matrix, rounded: impl Fn(f64) -> f64) {
    let of_users = column_rms(users);
    let of_items = column_rms(items);
    let ratios = of_users.iter().zip(&of_items).map(|(&of_users, &of_items)| {
        // A component of which one side is zero may be used again.
        if of_users > 0.0 && of_items > 0.0 { rounded((of_items / of_users).sqrt()) } else { 1.0 }
    });
    let ratios: Vec<f64> = ratios.collect();
    let scale = |side: &mut Matrix, factor: &(dyn Fn(f64) -> f64 + Sync)| {
        let k = side.cols;
        side.data.par_chunks_mut(ROWS * k).for_each(|rows| {
            for row in rows.chunks_exact_mut(k) {
                for (x, &ratio) in row.iter_mut().zip(&ratios) {
                    *x = (f64::from(*x) * factor(ratio)) as f32;
                }
            }
        });
    };
    scale(users, &|ratio| ratio);
    scale(items, &|ratio| 1.0 / ratio);
}

/// Returns the root mean square of each column.
pub(crate) fn column_rms(matrix: &Matrix) -> Vec<f64> {
    let mut squares = vec![0.0; matrix.cols];
    for row in matrix.iter_rows() {
        for (sum, &x) in squares.iter_mut().zip(row) {
            *sum += f64::from(x) * f64::from(x);
        }
    }
    squares.into_iter().map(|sum| (sum / matrix.rows.max(1) as f64).sqrt()).collect()
}

/// Rows that a thread takes at a time; also the unit in which losses are summed.
const ROWS: usize = 32;

/// Lets `improve` work on all rows of a side, some at a time, and on the number of the first of
/// them; returns the sum of what it returns.
fn over_rows(
    step: &NmfHalfStep<'_>,
    out: &mut Matrix,
    improve: impl Fn(&mut NmfScratch, usize, &mut [f32]) -> f64 + Sync,
) -> f64 {
    let blocks = out.data.par_chunks_mut(ROWS * out.cols).enumerate();
    let improved = blocks
        .map_init(|| step.scratch(), |scratch, (block, rows)| improve(scratch, block * ROWS, rows));
    improved.collect::<Vec<f64>>().into_iter().sum()
}

/// Returns the sum of the squares of all cells that count.
fn squares_of_cells(matrix: &InteractionMatrix, params: &NmfParams) -> f64 {
    const BLOCK: usize = 1 << 16;
    let square = |value: f32| f64::from(value) * f64::from(value);
    let sum = |block: &[f32]| block.iter().map(|&value| square(value)).sum::<f64>();
    let rated: Vec<f64> = matrix.by_user().values.par_chunks(BLOCK).map(sum).collect();
    let all = matrix.n_users() as f64 * matrix.n_items() as f64;
    let empty = params.fill.map_or(0.0, |fill| (all - matrix.n_ratings() as f64) * square(fill));
    rated.into_iter().sum::<f64>() + empty
}

/// Returns the regularization term of a side.
fn penalty(step: &NmfHalfStep<'_>, params: &NmfParams, ratings: CsrView<'_>, rows: &Matrix) -> f64 {
    let length = |row: &[f32]| row.iter().map(|&x| f64::from(x).powi(2)).sum::<f64>();
    let rows = rows.iter_rows().enumerate();
    rows.map(|(i, row)| params.row_regularization(step.cells(ratings.len(i))) * length(row)).sum()
}

#[cfg(test)]
mod tests {
    use std::ops::ControlFlow;

    use rand::{RngExt, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    use super::*;
    use crate::dataset::ratings::{DuplicatePolicy, Ratings};

    #[test]
    fn tiny_matrices_with_unused_components_fit_without_overflow() {
        for seed in 0..60 {
            let mut rng = ChaCha8Rng::seed_from_u64(seed);
            let (users, items) = (rng.random_range(1..7), rng.random_range(1..7));
            let mut rows = vec![(0, 0, 3.0, 0)];
            for (user, item) in (0..users).flat_map(|user| (0..items).map(move |item| (user, item)))
            {
                if (user, item) != (0, 0) && rng.random_bool(0.6) {
                    rows.push((user, item, 0.5 * rng.random_range(1..=10) as f32, 0));
                }
            }
            let ratings = Ratings::new(rows.into_iter().collect(), DuplicatePolicy::Last).0;
            let matrix = InteractionMatrix::new(&ratings);
            let params = NmfParams { iterations: 300, ..NmfParams::filled(2.5) };
            let fit = fit(&matrix, &params, None, &mut |_, _| ControlFlow::Continue(()));
            let fit = fit.unwrap_or_else(|error| panic!("seed {seed}: {error}"));
            let values = fit.users.data.iter().chain(&fit.items.data);
            let largest = values.copied().fold(0.0, f32::max);
            assert!(largest < 1e6, "seed {seed}: {largest}");
        }
    }
}
