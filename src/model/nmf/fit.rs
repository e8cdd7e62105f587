//! Fits both sides in turn.

use std::ops::ControlFlow;

use rayon::prelude::*;

use crate::dataset::matrix::Interactions;
use crate::linalg::dense::Matrix;
use crate::linalg::sparse::Csr;
use crate::model::OnIteration;
use crate::model::error::ModelError;
use crate::model::nmf::half_step::{Depth, HalfStep};
use crate::model::nmf::params::NmfParams;
use crate::model::nmf::start::start;
use crate::model::warm::Start;

/// Result of fitting: vectors of both sides and the course of the loss.
#[derive(Debug, Clone)]
pub struct Fit {
    /// Vectors of the users, users × k.
    pub users: Matrix,
    /// Vectors of the items, items × k.
    pub items: Matrix,
    /// Value of the objective after each iteration.
    pub losses: Vec<f64>,
}

/// Fits a model, from the start that the parameters name or from another model; the objective is that of the [module](crate::model::nmf).
///
/// With no iterations the result is the start itself.
///
/// # Errors
/// If a parameter is out of its range or there is nothing to learn from.
pub fn fit(
    matrix: &Interactions,
    params: &NmfParams,
    warm: Option<Start>,
    on_iteration: OnIteration<'_>,
) -> Result<Fit, ModelError> {
    params.validate()?;
    if matrix.n_ratings() == 0 {
        return Err(ModelError::NoRatings);
    }
    let Start { users, items } = warm.unwrap_or_else(|| {
        let (users, items) = start(matrix, params);
        Start { users, items }
    });
    let mut fit = Fit { users, items, losses: Vec::with_capacity(params.iterations) };
    for iteration in 1..=params.iterations {
        let step = HalfStep::new(params, &fit.items);
        improve_side(&step, matrix.by_user(), Depth::Pass, &mut fit.users);
        let user_penalty = penalty(&step, params, matrix.by_user(), &fit.users);
        let step = HalfStep::new(params, &fit.users);
        let rest = improve_side(&step, matrix.by_item(), Depth::Pass, &mut fit.items);
        let loss = rest + user_penalty;
        if !loss.is_finite() {
            return Err(ModelError::Diverged { iteration, loss });
        }
        fit.losses.push(loss);
        if let ControlFlow::Break(()) = on_iteration(iteration, loss) {
            break;
        }
    }
    if params.iterations > 0 {
        let step = HalfStep::new(params, &fit.items);
        improve_side(&step, matrix.by_user(), Depth::End, &mut fit.users);
    }
    Ok(fit)
}

/// Rows that a thread takes at a time; also the unit in which losses are summed.
const ROWS: usize = 32;

/// Improves all rows of a side; returns the sum of their squared errors and penalties.
fn improve_side(step: &HalfStep<'_>, ratings: Csr<'_>, depth: Depth, out: &mut Matrix) -> f64 {
    let k = out.cols;
    let losses: Vec<f64> = out
        .data
        .par_chunks_mut(ROWS * k)
        .enumerate()
        .map_init(
            || step.scratch(),
            |scratch, (block, rows)| {
                let rows = rows.chunks_exact_mut(k).enumerate();
                let improved = rows.map(|(i, row)| {
                    let (indices, values) = ratings.row(block * ROWS + i);
                    step.improve_row(scratch, indices, values, depth, row)
                });
                improved.sum::<f64>()
            },
        )
        .collect();
    losses.into_iter().sum()
}

/// Returns the regularisation term of a side.
fn penalty(step: &HalfStep<'_>, params: &NmfParams, ratings: Csr<'_>, rows: &Matrix) -> f64 {
    let length = |row: &[f32]| row.iter().map(|&x| f64::from(x).powi(2)).sum::<f64>();
    let rows = rows.iter_rows().enumerate();
    rows.map(|(i, row)| params.regularization * step.cells(ratings.len(i)) * length(row)).sum()
}
