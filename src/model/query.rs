//! What a list is asked to be, and what it is made of.

use crate::dataset::ids::ItemIx;
use crate::model::rerank::RerankOptions;

/// Which movies may be in a list, how many, and in what order.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Query {
    /// Length of the list.
    pub n: usize,
    /// Lists movies that the user has rated, too.
    pub include_seen: bool,
    /// Items that may be listed, ascending; none named means all.
    pub candidates: Option<Vec<u32>>,
    /// Lists only the genres of what the user has rated highest, see
    /// [`GenreSets::favourites`](crate::model::candidates::GenreSets::favourites).
    pub favourite_genres: bool,
    /// What the list is sorted by.
    pub rank_by: RankBy,
    /// What else counts in the order besides the scores.
    pub rerank: RerankOptions,
}

/// What a list is sorted by.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum RankBy {
    /// The model's score, movies with a predicted dislike last.
    #[default]
    Score,
    /// The predicted rating alone.
    Predicted,
}

impl Query {
    /// Removes items from the candidates, of which there are `n_items` if none are named.
    pub fn leave_out(&mut self, items: &[ItemIx], n_items: usize) {
        if items.is_empty() && self.candidates.is_none() {
            return;
        }
        let mut candidates =
            self.candidates.take().unwrap_or_else(|| (0..n_items as u32).collect());
        candidates.retain(|item| !items.contains(&ItemIx(*item)));
        self.candidates = Some(candidates);
    }
}

/// One movie of a list.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Recommendation {
    /// The movie.
    pub item: ItemIx,
    /// What the model says; `None` where it knows nothing and popularity has filled the list.
    pub score: Option<f32>,
    /// Predicted rating, if the model predicts ratings.
    pub rating: Option<f32>,
}
