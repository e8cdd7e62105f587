//! EASE: every movie's rating as a weighted sum of all others', in closed form.
//!
//! With X the users × items matrix of ratings over the highest one, nothing counting as 0, the
//! weights B minimize |X − XB|² + λ|B|² with a diagonal of zeros: B_ij = −P_ij / P_jj with
//! P = (XᵀX + λI)⁻¹ (Steck 2019, Embarrassingly Shallow Autoencoders for Sparse Data, there on ones
//! in place of ratings). A user's score of j is Σ r_i B_ij over the movies i that they have rated.
//!
//! The inverse is dense, so it is taken over the most rated movies alone. Each of the others is
//! regressed, with the same λ, on those of them that are nearest to it by cosine: it is
//! recommended, but ratings of it say nothing. Of each movie's weights those of the largest size
//! are kept.
//!
//! NDCG@10 on ml-latest-small and MovieLens 100K, 10 % held out at random, by λ 50, 100, 200, 400:
//! 0.285, 0.287, 0.283, 0.274 and 0.326, 0.336, 0.338, 0.332; on a million ratings 400 does best,
//! and on 10 million of ML-20M 500 (Steck). The default 25 √(ratings per movie) meets all four: 78,
//! 184, 391 and 559. With λ = 100 on ml-latest-small, all 9,342 movies have 0.287, the 3,000 most
//! rated ones 0.287, and all with the largest 2,000 and 200 weights of each 0.280 and 0.268: few
//! movies with all their weights do better than many with some.

mod algorithm;
mod fit;
mod params;
mod recommender;

pub use algorithm::Ease;
pub use fit::fit;
pub use params::EaseParams;
pub use recommender::EaseModel;
