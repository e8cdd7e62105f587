//! Non-negative matrix factorization.
//!
//! **Masked**: Σ over the rated cells of (r − x_u·y_i)² + λ Σ n_u |x_u|² + λ Σ n_i |y_i|², x, y ≥ 0
//! — the objective of Spark's `ALS` with `nonnegative`. **Filled**: every cell without a rating
//! counts as V, and n is the number of cells of the row — the objective of scikit-learn's `NMF` on
//! the dense matrix, whose `alpha_W` is λ and whose loss is half of this one.
//!
//! Both are fitted by coordinate descent (HALS, Cichocki & Phan 2009) on one side at a time, users
//! first as in scikit-learn, and with several sweeps over each row's coordinates, since they cost
//! less than its equations (accelerated HALS, Gillis & Glineur 2012): on 0.9 million ratings 9
//! iterations reach the loss that takes scikit-learn, which sweeps once, 42. The filled matrix is
//! V·1·1ᵀ + S with S sparse and never made dense: a row of it needs only S and the sums of the
//! other side, and the quadratic part is the same for all rows, so that an iteration costs
//! O(ratings · k + (users + items) · k²). In the masked case each row has a quadratic part of its
//! own: O(ratings · k²).
//!
//! After the last iteration each user's vector is solved to the end, as a new user's is.

mod algorithm;
mod fit;
mod fold_in;
mod half_step;
mod params;
mod start;

pub use algorithm::Nmf;
pub use fit::fit;
pub use fold_in::NmfFoldIn;
pub use params::{NmfInit, NmfParams};
