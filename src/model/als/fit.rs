//! Fits both sides in turn.

use rayon::prelude::*;

use crate::dataset::matrix::InteractionMatrix;
use crate::linalg::dense::Matrix;
use crate::linalg::sparse::CsrView;
use crate::model::OnIteration;
use crate::model::algorithm::Algorithm;
use crate::model::als::half_step::{AlsHalfStep, RowErrors, SolvedSide};
use crate::model::als::implicit_terms::{implicit_factors, implicit_penalty};
use crate::model::als::params::{AlsParams, Feedback, RowSolver};
use crate::model::als::user_prior::{UserPosterior, UserPrior};
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
    let alternated = alternate(matrix, params, mean, warm, on_iteration)?;
    let AlternatedFactors { mut users, items, losses, squared_error, .. } = alternated;
    let variance = squared_error / matrix.n_ratings() as f64;
    let user_prior = match params.biases {
        true => UserPrior::estimate(&users, params.factors + 1, mean, variance),
        false => None,
    };
    if let Some(prior) = &user_prior {
        let posterior = UserPosterior::new(prior, mean)
            .map_err(|_| ModelError::Singular { side: "user", id: None })?;
        posterior
            .solve_all(&items, matrix.by_user(), &mut users)
            .map_err(|row| singular_user(matrix, row))?;
    }
    Ok(FittedFactors { users, items, losses, user_prior })
}

fn singular_user(matrix: &InteractionMatrix, row: usize) -> ModelError {
    ModelError::Singular { side: "user", id: Some(matrix.user_ids[row]) }
}

/// Where the iterations have ended: a point at which the last loss is the objective's value.
#[derive(Debug)]
struct AlternatedFactors {
    users: Matrix,
    items: Matrix,
    /// Factors t of the users, by which items say who has rated them.
    user_terms: Option<Matrix>,
    /// Factors z of the items.
    item_terms: Option<Matrix>,
    losses: Vec<f64>,
    /// Σ of the squared errors of ratings, or of all cells of implicit feedback.
    squared_error: f64,
}

/// Solves both sides in turn.
fn alternate(
    matrix: &InteractionMatrix,
    params: &AlsParams,
    mean: f64,
    warm: Option<StartFactors>,
    on_iteration: OnIteration<'_>,
) -> Result<AlternatedFactors, ModelError> {
    let singular_user = |row: usize| singular_user(matrix, row);
    let StartFactors { users, items } = match warm {
        Some(mut warm) => {
            // Users are folded in first, so that those unknown to the model have factors, too.
            complete_biases(&mut warm, params, mean);
            let terms = implicit_factors(params, &warm.users, matrix.by_item());
            let step = AlsHalfStep::new(params, mean, SolvedSide::Users, &warm.items, terms);
            solve_side(&step, params.solver, matrix.by_user(), &mut warm.users)
                .map_err(singular_user)?;
            warm
        }
        None => StartFactors {
            users: start(matrix.n_users(), params, mean),
            items: Matrix::zeros(matrix.n_items(), params.width()),
        },
    };
    let losses = Vec::with_capacity(params.iterations);
    let (user_terms, item_terms) = (None, None);
    let mut fit =
        AlternatedFactors { users, items, user_terms, item_terms, losses, squared_error: 0.0 };
    for iteration in 1..=params.iterations {
        let terms = implicit_factors(params, &fit.items, matrix.by_user());
        let step = AlsHalfStep::new(params, mean, SolvedSide::Items, &fit.users, terms);
        let errors =
            solve_side(&step, params.solver, matrix.by_item(), &mut fit.items).map_err(|row| {
                ModelError::Singular { side: "movie", id: Some(matrix.movie_ids[row]) }
            })?;
        // What the users' pass does not change of the objective.
        let item_penalty = penalty(&step, matrix.by_item(), &fit.items) + errors.implicit;
        fit.user_terms = step.into_implicit_factors();
        let terms = implicit_factors(params, &fit.users, matrix.by_item());
        let step = AlsHalfStep::new(params, mean, SolvedSide::Users, &fit.items, terms);
        let mut solve_users = |solver| {
            let errors = solve_side(&step, solver, matrix.by_user(), &mut fit.users)
                .map_err(singular_user)?;
            let penalty = item_penalty + penalty(&step, matrix.by_user(), &fit.users);
            let loss = errors.fitted + errors.implicit + penalty;
            fit.squared_error = errors.fitted;
            if loss.is_finite() { Ok(loss) } else { Err(ModelError::Diverged { iteration, loss }) }
        };
        let last = iteration == params.iterations;
        let loss = solve_users(if last { RowSolver::Cholesky } else { params.solver })?;
        fit.losses.push(loss);
        let stops = on_iteration(iteration, loss).is_break();
        if stops && !last && params.solver != RowSolver::Cholesky {
            let loss = solve_users(RowSolver::Cholesky)?;
            fit.losses.pop();
            fit.losses.push(loss);
        }
        fit.item_terms = step.into_implicit_factors();
        if stops {
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

/// Solves all rows of a side; returns the squared errors, or the first row that is singular.
fn solve_side(
    step: &AlsHalfStep<'_>,
    solver: RowSolver,
    ratings: CsrView<'_>,
    out: &mut Matrix,
) -> Result<RowErrors, usize> {
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
    let errors: Vec<Result<RowErrors, usize>> = jobs
        .into_par_iter()
        .map_init(
            || step.scratch(),
            |scratch, (first, rows)| {
                let mut sum = RowErrors::default();
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
    errors.into_iter().try_fold(RowErrors::default(), |mut sum, errors| {
        sum += errors?;
        Ok(sum)
    })
}

/// Returns the regularization term of a side, with that of the implicit factors beside it.
fn penalty(step: &AlsHalfStep<'_>, ratings: CsrView<'_>, rows: &Matrix) -> f64 {
    let squares = rows.iter_rows().enumerate();
    let squares = squares
        .map(|(i, row)| step.row_regularization(ratings.len(i)) * step.penalised_length(row));
    squares.sum::<f64>() + implicit_penalty(step.implicit_factors())
}

#[cfg(test)]
mod tests {
    use std::ops::ControlFlow;

    use super::*;
    use crate::dataset::ratings::{DuplicatePolicy, Ratings};
    use crate::linalg::dense::dot;

    fn ratings() -> InteractionMatrix {
        let rows = (0..25).flat_map(|user| {
            (0..18)
                .filter(move |item| (user * 5 + item * 7) % 4 != 0)
                .map(move |item| (user, item, 0.5 + ((user * item) % 10) as f32 * 0.5, 0))
        });
        InteractionMatrix::new(&Ratings::new(rows.collect(), DuplicatePolicy::Last).0)
    }

    /// The objective of the module, summed up plainly over ratings, rows and all cells.
    fn plain_objective(
        matrix: &InteractionMatrix,
        params: &AlsParams,
        fit: &AlternatedFactors,
    ) -> f64 {
        let (k, mean) = (params.factors, matrix.mean());
        let square = |x: f64| x * x;
        let length = |row: &[f32]| row.iter().map(|&x| square(f64::from(x))).sum::<f64>();
        let size = |n: usize| params.regularization * (n as f64).sqrt();
        let mut sum = 0.0;
        for (u, user) in fit.users.iter_rows().enumerate() {
            let (rated, values) = matrix.by_user().row(u);
            sum += size(rated.len()) * (length(&user[..k]) + square(f64::from(user[k]) - mean));
            for (i, item) in fit.items.iter_rows().enumerate() {
                let at = rated.binary_search(&(i as u32)).ok();
                if let Some(at) = at {
                    sum += square(f64::from(values[at] - dot(user, item)));
                }
                let target = if at.is_some() { 1.0 } else { 0.0 };
                let (z, t) = (fit.item_terms.as_ref().unwrap(), fit.user_terms.as_ref().unwrap());
                let products = [dot(&user[..k], z.row(i)), dot(&item[..k], t.row(u))];
                let errors = products.map(|product| square(target - f64::from(product)));
                sum += params.implicit_weight * errors.iter().sum::<f64>();
            }
        }
        for (i, item) in fit.items.iter_rows().enumerate() {
            let n = matrix.by_item().len(i);
            sum += size(n) * (length(&item[..k]) + square(f64::from(item[k + 1])));
        }
        let terms = fit.item_terms.iter().chain(&fit.user_terms);
        sum + terms.map(|terms| 100.0 * length(&terms.data)).sum::<f64>()
    }

    #[test]
    fn the_loss_is_the_objective_and_falls() {
        let matrix = ratings();
        for solver in [RowSolver::Cholesky, RowSolver::Cg { steps: 3 }] {
            let params = AlsParams { factors: 5, solver, ..AlsParams::explicit() };
            let mut on_iteration = |_, _| ControlFlow::Continue(());
            let fit = alternate(&matrix, &params, matrix.mean(), None, &mut on_iteration).unwrap();
            let (loss, plain) =
                (fit.losses.last().unwrap(), plain_objective(&matrix, &params, &fit));
            assert!((loss - plain).abs() < 1e-4 * plain, "{loss} for {plain}");
            assert!(fit.losses.is_sorted_by(|a, b| *b <= a * (1.0 + 1e-6)), "{:?}", fit.losses);
            assert!(fit.squared_error > 0.0 && fit.squared_error < *loss);
        }
    }
}
