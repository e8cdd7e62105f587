//! Matrix factorization by alternating least squares.
//!
//! **Explicit feedback** minimizes, over user vectors x, item vectors y and biases b,
//!
//! Σ (r − μ − b_u − b_i − x_u·y_i)² + λ Σ n_u (|x_u|² + b_u²) + λ Σ n_i (|y_i|² + b_i²)
//!
//! where n is the number of ratings of the row (Zhou et al. 2008, ALS-WR; without biases it is the
//! objective of Spark's `ALS`). **Implicit feedback** minimizes
//!
//! Σ_liked w (1 − x_u·y_i)² + α₀ Σ_all (x_u·y_i)² + λ Σ (n_u + α₀|I|)^ν |x_u|² + λ Σ (n_i +
//! α₀|U|)^ν |y_i|²
//!
//! (iALS as in Rendle et al. 2021, where w = 1); the weights of Hu, Koren & Volinsky 2008 are an
//! option.
//!
//! Given one side, each row of the other solves its own k × k system by Cholesky: an iteration
//! costs O(ratings · k² + (users + items) · k³). Items go first, so that in the end each user's
//! vector is exactly what a new user with the same ratings would get. Conjugate gradients from
//! the last iteration's vector (Takács, Pilászy & Tikk 2011) are the faster choice where k is
//! large. Updating blocks of the vector in turn (iALS++, Rendle et al. 2021) was tried and is not
//! here: on 0.9 million ratings with k = 64 and w = 10, blocks of 8, 16 and 32 stood at a loss of
//! 2.650, 2.623 and 2.605 million after 8 iterations, three steps of conjugate gradients at 2.603
//! and exact rows at 2.602, and blocks of 16 and more cost more than those three steps.

mod algorithm;
mod fit;
mod fold_in;
mod half_step;
mod params;

pub use algorithm::Als;
pub use fit::fit;
pub use fold_in::AlsFoldIn;
pub use params::{AlsParams, CG_STEPS, ConfidenceWeighting, Feedback, RowSolver};
