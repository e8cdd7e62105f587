//! Fits both sides in turn.

use std::ops::ControlFlow;

use rayon::prelude::*;

use crate::dataset::matrix::InteractionMatrix;
use crate::linalg::dense::Matrix;
use crate::linalg::sparse::CsrView;
use crate::model::OnIteration;
use crate::model::algorithm::Algorithm;
use crate::model::als::half_step::{AlsHalfStep, SolvedSide};
use crate::model::als::params::{AlsParams, Feedback, RowSolver};
use crate::model::error::ModelError;
use crate::model::factors::FittedFactors;
use crate::model::warm::StartFactors;

/// Fits a model, from random vectors or those of another one; the objective is that of the
/// [module](crate::model::als).
///
/// # Errors
/// If a parameter is out of its range, there is nothing to learn from, or a row's system is
/// singular.
pub fn fit(
    matrix: &InteractionMatrix,
    params: &AlsParams,
    warm: Option<StartFactors>,
    on_iteration: OnIteration<'_>,
) -> Result<FittedFactors, ModelError> {
    params.validate()?;
    if matrix.n_ratings() == 0 {
        return Err(ModelError::NoRatings);
    }
    let mean = if params.biases { matrix.mean() } else { 0.0 };
    let singular_user =
        |row: usize| ModelError::Singular { side: "user", id: Some(matrix.user_ids[row]) };
    let StartFactors { users, items } = match warm {
        Some(mut warm) => {
            // Users are folded in first, so that those unknown to the model have factors, too.
            complete_biases(&mut warm, params, mean);
            let step = AlsHalfStep::new(params, mean, SolvedSide::Users, &warm.items);
            solve_side(&step, params.solver, matrix.by_user(), &mut warm.users)
                .map_err(singular_user)?;
            warm
        }
        None => StartFactors {
            users: start(matrix.n_users(), params, mean),
            items: Matrix::zeros(matrix.n_items(), params.width()),
        },
    };
    let mut fit = FittedFactors { users, items, losses: Vec::with_capacity(params.iterations) };
    for iteration in 1..=params.iterations {
        let step = AlsHalfStep::new(params, mean, SolvedSide::Items, &fit.users);
        solve_side(&step, params.solver, matrix.by_item(), &mut fit.items).map_err(|row| {
            ModelError::Singular { side: "movie", id: Some(matrix.movie_ids[row]) }
        })?;
        let item_penalty = penalty(&step, matrix.by_item(), &fit.items);
        let step = AlsHalfStep::new(params, mean, SolvedSide::Users, &fit.items);
        let mut solve_users = |solver| {
            let error = solve_side(&step, solver, matrix.by_user(), &mut fit.users)
                .map_err(singular_user)?;
            let loss = error + item_penalty + penalty(&step, matrix.by_user(), &fit.users);
            if loss.is_finite() { Ok(loss) } else { Err(ModelError::Diverged { iteration, loss }) }
        };
        let last = iteration == params.iterations;
        let loss = solve_users(if last { RowSolver::Cholesky } else { params.solver })?;
        fit.losses.push(loss);
        if let ControlFlow::Break(()) = on_iteration(iteration, loss) {
            if !last && params.solver != RowSolver::Cholesky {
                let loss = solve_users(RowSolver::Cholesky)?;
                fit.losses.pop();
                fit.losses.push(loss);
            }
            break;
        }
    }
    Ok(fit)
}

/// Gives rows that a model did not know the columns that carry no bias.
fn complete_biases(start: &mut StartFactors, params: &AlsParams, mean: f64) {
    if params.biases {
        let (k, width) = (params.factors, params.width());
        for row in start.users.data.chunks_exact_mut(width).filter(|row| row[k + 1] == 0.0) {
            (row[k], row[k + 1]) = (mean as f32, 1.0);
        }
        for row in start.items.data.chunks_exact_mut(width) {
            row[k] = 1.0;
        }
    }
}

/// Returns random vectors without biases: explicit ones of about length 1, as Spark's, for with a
/// tenth of it the first iterations hardly move (on 25 million ratings four of them); implicit ones
/// of a tenth, as in Rendle et al. 2021, but positive, since all that is liked should be near 1
/// (1.9 % less loss after 15 iterations on 25 million ratings than from the explicit start).
fn start(n_users: usize, params: &AlsParams, mean: f64) -> Matrix {
    let k = params.factors;
    let random = Matrix::gaussian(n_users, k, params.seed);
    let mut users = Matrix::zeros(n_users, params.width());
    for i in 0..n_users {
        let row = users.row_mut(i);
        for (out, &x) in row.iter_mut().zip(random.row(i)) {
            let x = match params.feedback {
                Feedback::Explicit => x,
                Feedback::Implicit => 0.1 * x.abs(),
            };
            *out = x / (k as f32).sqrt();
        }
        if params.biases {
            row[k] = mean as f32;
            row[k + 1] = 1.0;
        }
    }
    users
}

/// Work that a thread takes at a time, in ratings; also the unit in which losses are summed.
const WORK: usize = 1 << 14;

/// Divides rows into parts of about equal work, whatever the number of threads; returns where each
/// begins, and the end.
fn parts(ratings: CsrView<'_>, work_per_row: usize) -> Vec<usize> {
    let mut bounds = vec![0];
    let mut work = 0;
    for row in 0..ratings.n_rows() {
        work += ratings.len(row) + work_per_row;
        if work >= WORK {
            bounds.push(row + 1);
            work = 0;
        }
    }
    if bounds.last() != Some(&ratings.n_rows()) {
        bounds.push(ratings.n_rows());
    }
    bounds
}

/// Solves all rows of a side; returns the sum of squared errors, or the first row that is singular.
fn solve_side(
    step: &AlsHalfStep<'_>,
    solver: RowSolver,
    ratings: CsrView<'_>,
    out: &mut Matrix,
) -> Result<f64, usize> {
    let width = out.cols;
    // Solving for k unknowns costs about as much as adding k / 3 ratings to the equations.
    let bounds = parts(ratings, width / 3);
    let mut rest = &mut out.data[..];
    let jobs: Vec<(usize, &mut [f32])> = bounds
        .windows(2)
        .map(|part| {
            let rows = rest.split_off_mut(..(part[1] - part[0]) * width);
            (part[0], rows.expect("the parts are of these rows"))
        })
        .collect();
    let losses: Vec<Result<f64, usize>> = jobs
        .into_par_iter()
        .map_init(
            || step.scratch(),
            |scratch, (first, rows)| {
                let mut sum = 0.0;
                for (i, row) in rows.chunks_exact_mut(width).enumerate() {
                    let (indices, values) = ratings.row(first + i);
                    sum += step
                        .solve_row(solver, scratch, indices, values, row)
                        .map_err(|_| first + i)?;
                }
                Ok(sum)
            },
        )
        .collect();
    losses.into_iter().sum()
}

/// Returns the regularization term of a side.
fn penalty(step: &AlsHalfStep<'_>, ratings: CsrView<'_>, rows: &Matrix) -> f64 {
    let rows = rows.iter_rows().enumerate();
    rows.map(|(i, row)| step.row_regularization(ratings.len(i)) * step.penalised_length(row)).sum()
}
