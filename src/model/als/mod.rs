//! Matrix factorization by alternating least squares.
//!
//! **Explicit feedback** minimizes, over user vectors x, item vectors y and biases b,
//!
//! Σ (r − μ − b_u − b_i − x_u·y_i)² + λ Σ n_u^ν (|x_u|² + b_u²) + λ Σ n_i^ν (|y_i|² + b_i²)
//! + w Σ_all (δ − x_u·z_i)² + w Σ_all (δ − y_i·t_u)² + 100 Σ |z_i|² + 100 Σ |t_u|²
//!
//! where n is the number of ratings of the row (with ν = 1 ALS-WR, Zhou et al. 2008; without biases
//! and w it is the objective of Spark's `ALS`), δ is 1 where there is a rating and 0 elsewhere, and
//! the terms in w make factors say who has rated what (see `implicit_terms`). RMSE on a random
//! tenth of ml-latest-small and of MovieLens 100K: ν = 1, w = 0, λ = 0.1: 0.834 and 0.904; ν = ½, λ
//! = 1.2, w = 0: 0.833 and 0.904; w = 1: 0.824 and 0.891; users solved under their prior in the end
//! (see `user_prior`): 0.817 and 0.882.
//!
//! **Implicit feedback** minimizes
//!
//! Σ_liked w (1 − x_u·y_i)² + α₀ Σ_all (x_u·y_i)² + λ Σ (n_u + α₀|I|)^ν |x_u|² + λ Σ (n_i +
//! α₀|U|)^ν |y_i|²
//!
//! (iALS as in Rendle et al. 2021, where w = 1); the weights of Hu, Koren & Volinsky 2008 are an
//! option.
//!
//! Given one side, each row of the other solves its own k × k system by Cholesky: an iteration
//! costs O(ratings · k² + (users + items) · k³). Items go first, so that in the end each user's
//! vector is what a new user with the same ratings would get. Conjugate gradients from
//! the last iteration's vector (Takács, Pilászy & Tikk 2011) are the faster choice where k is
//! large. Updating blocks of the vector in turn (iALS++, Rendle et al. 2021) was tried and is not
//! here: on 0.9 million ratings with k = 64 and w = 10, blocks of 8, 16 and 32 stood at a loss of
//! 2.650, 2.623 and 2.605 million after 8 iterations, three steps of conjugate gradients at 2.603
//! and exact rows at 2.602, and blocks of 16 and more cost more than those three steps.

mod algorithm;
mod fit;
mod fold_in;
mod half_step;
mod implicit_terms;
mod params;
mod user_prior;

pub use algorithm::Als;
pub use fit::fit;
pub use fold_in::AlsFoldIn;
pub use params::{AlsParams, CG_STEPS, ConfidenceWeighting, Feedback, RowSolver};
pub(crate) use user_prior::UserPrior;
