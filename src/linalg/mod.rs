//! Kernels on slices and small views; scratch is handed in, and nothing here knows ratings or ids.

pub mod blocks;
pub mod cg;
pub mod cholesky;
pub mod dense;
mod emulated;
pub mod gram;
pub(crate) mod inverse;
pub mod ldl;
pub mod nnls;
pub mod panels;
pub mod quantile;
mod rank_update;
pub mod score_counts;
pub mod simd;
pub mod sparse;
pub mod svd;
pub mod topk;
