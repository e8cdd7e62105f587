//! Recommenders: what they are asked, what they answer, and how each is fitted, saved and opened.

pub mod algorithm;
pub mod als;
pub mod builders;
pub mod candidates;
pub mod catalogue;
pub mod cosine;
pub mod ease;
pub mod embeddings;
mod error;
pub mod explain;
pub mod factor_model;
mod factor_state;
pub mod factors;
pub mod finder;
pub mod folder;
pub mod info;
pub mod nmf;
pub mod open;
pub mod popularity;
pub mod query;
pub mod ranker;
pub mod ranking;
pub mod recommender;
mod rerank;
pub mod seen;
pub mod spark;
pub mod svd;
pub mod train;
pub mod warm;

use std::ops::ControlFlow;

use crate::model::algorithm::{Algorithm, algorithms};

pub use als::Als;
pub use builders::FittedModel;
pub use cosine::Cosine;
pub use ease::Ease;
pub use error::ModelError;
pub use nmf::Nmf;
pub use open::{Model, UserSelection};
pub use popularity::Popularity;
pub use recommender::{ItemScores, Recommender, ScoreKind, TargetUser};
pub use rerank::RerankOptions;
pub use svd::Svd;
pub use train::train;

algorithms! {
    /// Matrix factorization by alternating least squares.
    Als(als::AlsParams),
    /// Non-negative matrix factorization.
    Nmf(nmf::NmfParams),
    /// Scaled truncated SVD.
    Svd(svd::SvdParams),
    /// Weights between items, in closed form.
    Ease(ease::EaseParams),
    /// Neighbourhoods by cosine similarity.
    Cosine(cosine::CosineParams),
    /// The baseline.
    Popularity(popularity::PopularityParams),
}

/// Called after each iteration with its index, from 1, and the loss; may end the fitting.
pub type OnIteration<'a> = &'a mut dyn FnMut(usize, f64) -> ControlFlow<()>;
