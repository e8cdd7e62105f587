//! What counts in the order of a list besides the scores: how different its movies are, and how
//! well known.

use crate::dataset::ids::ItemIx;
use crate::linalg::topk::ScoredIndex;
use crate::model::Model;
use crate::model::candidates::GenreSets;

/// How the best movies are put in order.
///
/// Of the best [`RerankOptions::pool`] movies, one after another is chosen that has the highest
/// (1 − d) · (s − p · b) − d · m: s is its score, from 0 to 1 within the pool; b the logarithm of
/// its number of ratings, from 0 to 1; m how much it is like the one most like it of those chosen
/// before. That is maximal marginal relevance (Carbonell & Goldstein 1998). Likeness is that of the
/// model, or, where it has none, the overlap of genres.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct RerankOptions {
    /// Share d of diversity, from 0 to 1.
    pub diversify: f32,
    /// Penalty p of popularity, from 0 on; at 1 it weighs as much as the score.
    pub popularity_penalty: f32,
}

impl RerankOptions {
    fn is_idle(self) -> bool {
        self.diversify == 0.0 && self.popularity_penalty == 0.0
    }

    /// Returns how many of the best movies a list of `n` is chosen from.
    #[must_use]
    pub fn pool(self, n: usize) -> usize {
        const LEAST: usize = 100;
        const TIMES: usize = 10;
        if self.is_idle() { n } else { n.saturating_mul(TIMES).max(LEAST) }
    }

    /// Chooses `n` of the pool, whose best is first; the scores stay what they are.
    pub(crate) fn choose<'a>(
        self,
        model: &Model,
        genres: impl FnOnce() -> &'a GenreSets,
        mut pool: Vec<ScoredIndex>,
        n: usize,
    ) -> Vec<ScoredIndex> {
        if self.is_idle() || pool.len() < 2 || n == 0 {
            pool.truncate(n);
            return pool;
        }
        let (best, worst) = (pool[0].score, pool[pool.len() - 1].score);
        let width = if best > worst { best - worst } else { 1.0 };
        let known = |one: &ScoredIndex| {
            libm::log1p(model.catalogue.n_ratings[one.ix as usize].into()) as f32
        };
        let best_known = pool.iter().map(known).fold(f32::MIN_POSITIVE, f32::max);
        let relevance = |one: &ScoredIndex| {
            (one.score - worst) / width - self.popularity_penalty * known(one) / best_known
        };
        let mut left: Vec<(ScoredIndex, f32, f32)> =
            pool.iter().map(|one| (*one, relevance(one), 0.0)).collect();
        let genres = genres();
        let similar_items = model.recommender.similar_items();
        let like = |a: ItemIx, b: ItemIx| {
            let similarity = similar_items.and_then(|items| items.similarity(a, b));
            similarity.unwrap_or_else(|| genres.overlap(a, b))
        };
        let mut chosen: Vec<ScoredIndex> = Vec::with_capacity(n.min(left.len()));
        while chosen.len() < n && !left.is_empty() {
            let value = |(_, relevance, like): &(ScoredIndex, f32, f32)| {
                (1.0 - self.diversify) * relevance - self.diversify * like
            };
            // Of equal ones the first wins, which has the higher score.
            let mut first = 0;
            for at in 1..left.len() {
                if value(&left[at]) > value(&left[first]) {
                    first = at;
                }
            }
            let (one, ..) = left.remove(first);
            if self.diversify > 0.0 {
                for (other, _, most) in &mut left {
                    *most = most.max(like(ItemIx(one.ix), ItemIx(other.ix)));
                }
            }
            chosen.push(one);
        }
        chosen
    }
}
