//! Models of user and item factors: a score is the inner product of both, and more where the model
//! predicts ratings.

use std::fmt;

use crate::dataset::ids::{ItemIx, UserId};
use crate::linalg::dense::{Matrix, scores};
use crate::linalg::topk::{ScoredIndex, top};
use crate::model::error::ModelError;
use crate::model::explain::Explanation;
use crate::model::factor_state::{RatingUnit, UnitConversion};
use crate::model::factors::{Factors, cosine, cosines};
use crate::model::query::RankBy;
use crate::model::ranking::StarRanking;
use crate::model::recommender::{
    ExplainScores, ItemScores, Recommender, ScoreItems, ScoreKind, SimilarItems, SimilarUsers,
    TargetUser,
};

/// Solves for the factors of a new user, given the item factors: what tells one algorithm from
/// another once it is fitted.
pub trait FoldIn: fmt::Debug + Send + Sync {
    /// Returns the rank k; stored rows may have bias columns behind it.
    fn rank(&self) -> usize;

    /// Returns what an inner product means, if it is no predicted rating.
    fn preference_kind(&self) -> Option<ScoreKind>;

    /// Whether trained user factors say anything; the factors of a user without any positive
    /// feedback are zero.
    fn is_informative(&self, _factors: &[f32]) -> bool {
        true
    }

    /// Returns the factors of a new user; `None` if none of the ratings counts.
    ///
    /// # Errors
    /// If the equations of the user cannot be solved.
    fn fold_in(
        &self,
        items: &Matrix,
        ratings: &[(ItemIx, f32)],
    ) -> Result<Option<Vec<f32>>, ModelError>;

    /// Splits the inner products of a new user with some items into the contributions of ratings.
    ///
    /// # Errors
    /// If the equations of the user cannot be solved.
    fn contributions(
        &self,
        items: &Matrix,
        ratings: &[(ItemIx, f32)],
        explained: &[ItemIx],
    ) -> Result<Vec<Explanation>, ModelError>;

    /// Returns the item factors that similarities are the cosines of.
    fn similarity_factors<'a>(&'a self, items: &'a Matrix) -> &'a Matrix {
        items
    }
}

/// A fitted model of user and item factors.
#[derive(Debug)]
pub struct FactorModel {
    fold_in: Box<dyn FoldIn>,
    units: UnitConversion,
    users: Factors,
    items: Matrix,
    ranking: StarRanking,
}

impl FactorModel {
    /// Joins the factors, of which `users` may hold only those to be asked for.
    pub(crate) fn new(
        fold_in: Box<dyn FoldIn>,
        units: UnitConversion,
        users: Factors,
        items: Matrix,
        ranking: StarRanking,
    ) -> Self {
        Self { fold_in, units, users, items, ranking }
    }

    /// Returns the factors of the users that the model was opened for, in fitted units.
    #[must_use]
    pub fn users(&self) -> &Factors {
        &self.users
    }

    /// Returns the factors of all items, in fitted units.
    #[must_use]
    pub fn items(&self) -> &Matrix {
        &self.items
    }

    /// Returns the rank k: a row's leading entries; biases stand behind them.
    #[must_use]
    pub fn rank(&self) -> usize {
        self.fold_in.rank()
    }

    /// Replaces the users by others, whose factors are those of a model directory.
    pub(crate) fn set_users(&mut self, mut users: Factors) {
        self.units.convert_users(&mut users.vectors, RatingUnit::Fitted);
        self.users = users;
    }

    /// Returns how predicted ratings rank; `None` if inner products are no predicted ratings.
    #[must_use]
    pub fn star_ranking(&self) -> Option<&StarRanking> {
        self.fold_in.preference_kind().is_none().then_some(&self.ranking)
    }

    /// Returns the ratings of the data for a fitted one, where inner products are ratings.
    #[must_use]
    pub fn rating_unit(&self) -> f32 {
        self.star_ranking().map_or(1.0, StarRanking::unit)
    }

    /// Returns the factors of a user: trained, or folded in; `None` if no rating counts.
    ///
    /// # Errors
    /// If the fold-in equations cannot be solved.
    pub fn user_factors(&self, user: TargetUser<'_>) -> Result<Option<Vec<f32>>, ModelError> {
        match user.user.and_then(|user| self.users.get(user.0)) {
            Some(factors) => Ok(self.fold_in.is_informative(factors).then(|| factors.to_vec())),
            None => self.fold_in.fold_in(&self.items, user.ratings),
        }
    }

    /// Returns the item embeddings, a row per item; `None` if the model does not rank by them.
    #[must_use]
    pub fn embeddings(&self) -> Option<&Matrix> {
        self.star_ranking()?.embeddings()
    }

    /// Appends a user's profile to its factors, as the embeddings stand behind the item factors.
    #[must_use]
    pub fn ranking_vector(&self, user: TargetUser<'_>, factors: &[f32]) -> Vec<f32> {
        let mut vector = factors.to_vec();
        match self.star_ranking().and_then(|ranking| ranking.profile(user.ratings)) {
            Some(profile) => vector.extend(profile),
            None => vector.resize(factors.len() + self.embeddings().map_or(0, |z| z.cols), 0.0),
        }
        vector
    }
}

impl ScoreItems for FactorModel {
    fn score(&self, user: TargetUser<'_>) -> Result<ItemScores, ModelError> {
        let (mut score, mut rating) = (vec![f32::NAN; self.items.rows], None);
        if let Some(factors) = self.user_factors(user)? {
            scores(&self.items.data, &factors, &mut score);
            if let Some(ranking) = self.star_ranking() {
                rating = Some(score.iter().map(|product| ranking.unit() * product).collect());
                if let Some((z, profile)) = ranking.embeddings().zip(ranking.profile(user.ratings))
                {
                    let mut nearness = vec![0.0; z.rows];
                    scores(&z.data, &profile, &mut nearness);
                    score.iter_mut().zip(nearness).for_each(|(score, near)| *score += near);
                }
            }
        }
        Ok(ItemScores { score, rating })
    }

    fn score_kind(&self) -> ScoreKind {
        self.fold_in.preference_kind().unwrap_or_else(|| self.ranking.score_kind())
    }

    fn predicts_ratings(&self) -> bool {
        self.star_ranking().is_some()
    }
}

impl ExplainScores for FactorModel {
    fn explain(
        &self,
        user: TargetUser<'_>,
        items: &[ItemIx],
        rank_by: RankBy,
    ) -> Result<Vec<Explanation>, ModelError> {
        let mut explanations = self.fold_in.contributions(&self.items, user.ratings, items)?;
        let Some(ranking) = self.star_ranking() else { return Ok(explanations) };
        if rank_by == RankBy::Predicted {
            for explanation in &mut explanations {
                let values = explanation.contributions.iter_mut().chain([&mut explanation.base]);
                values.for_each(|value| *value *= ranking.unit());
            }
            return Ok(explanations);
        }
        for (item, explanation) in items.iter().zip(&mut explanations) {
            let nearness = ranking.contributions(user.ratings, *item);
            let sums = explanation.contributions.iter_mut().zip(nearness);
            sums.for_each(|(sum, contribution)| *sum += contribution);
        }
        Ok(explanations)
    }
}

/// The cosine of the item factors, and of the embeddings where there are some, shrunk for items
/// with few ratings.
impl SimilarItems for FactorModel {
    fn similarities(&self, item: ItemIx) -> Vec<f32> {
        let factors = self.fold_in.similarity_factors(&self.items);
        let mut similarity = cosines(factors, self.rank(), factors.row(item.at()));
        if let Some(ranking) = self.star_ranking() {
            ranking.complete_similarities(item, &mut similarity);
        }
        self.ranking.trust_similarities(&mut similarity);
        similarity
    }

    fn similarity(&self, a: ItemIx, b: ItemIx) -> Option<f32> {
        let factors = self.fold_in.similarity_factors(&self.items);
        let factor_cosine = cosine(factors, self.rank(), a.at(), b.at());
        let similarity = match self.star_ranking() {
            Some(ranking) => ranking.similarity(factor_cosine, a, b),
            None => factor_cosine,
        };
        Some(self.ranking.trust(b) * similarity)
    }

    fn similarity_kind(&self) -> ScoreKind {
        match self.embeddings() {
            Some(_) => ScoreKind::FactorAndEmbeddingCosine,
            None if self.ranking.has_counts() => ScoreKind::ShrunkFactorCosine,
            None => ScoreKind::FactorCosine,
        }
    }
}

/// The cosine of the user factors, without biases.
impl SimilarUsers for FactorModel {
    fn similar_users(
        &self,
        user: TargetUser<'_>,
        n: usize,
    ) -> Result<Vec<(UserId, f32)>, ModelError> {
        let Some(factors) = self.user_factors(user)? else { return Ok(Vec::new()) };
        let similarity = cosines(&self.users.vectors, self.rank(), &factors).into_iter();
        let id = |row: u32| UserId(self.users.ids[row as usize]);
        let scored = similarity.zip(0..).map(|(score, ix)| ScoredIndex { ix, score });
        let best = top(scored.filter(|other| Some(id(other.ix)) != user.user), n).into_iter();
        Ok(best.map(|other| (id(other.ix), other.score)).collect())
    }
}

impl Recommender for FactorModel {
    fn similar_items(&self) -> Option<&dyn SimilarItems> {
        Some(self)
    }

    fn similar_users(&self) -> Option<&dyn SimilarUsers> {
        Some(self)
    }

    fn factor_model(&self) -> Option<&FactorModel> {
        Some(self)
    }

    fn factor_model_mut(&mut self) -> Option<&mut FactorModel> {
        Some(self)
    }
}

#[cfg(test)]
mod tests {
    use rayon::prelude::*;

    use super::*;
    use crate::io::values::Scale;
    use crate::model::als::{AlsFoldIn, AlsParams};
    use crate::model::catalogue::ItemCatalogue;
    use crate::model::nmf::{NmfFoldIn, NmfParams};

    /// What new users share is computed by whoever comes first while the other threads wait. Were
    /// it computed on the pool, that thread would take the work of one who waits for itself.
    #[test]
    fn new_users_at_once_wait_for_each_other_without_deadlock() {
        const ITEMS: usize = 40_000;
        let pool = rayon::ThreadPoolBuilder::new().num_threads(8).build().unwrap();
        let ratings = [(ItemIx(0), 5.0), (ItemIx(3), 1.0), (ItemIx(8), 4.5)];
        let catalogue = ItemCatalogue::from_ids(&Vec::from_iter(0..ITEMS as i32), None);
        let als = AlsParams { factors: 16, ..AlsParams::implicit() };
        let nmf = NmfParams { factors: 16, ..NmfParams::filled(2.5) };
        for _ in 0..20 {
            let fold_ins: [Box<dyn FoldIn>; 2] = [
                Box::new(AlsFoldIn::new(als.clone(), 0.0, 1.0)),
                Box::new(NmfFoldIn::new(nmf.clone(), 1.0)),
            ];
            for fold_in in fold_ins {
                let items = Matrix::gaussian(ITEMS, 16, 7);
                let ranking = StarRanking::new(&catalogue, Scale::default(), None);
                let units = UnitConversion::identity(16);
                let model = FactorModel::new(fold_in, units, Factors::default(), items, ranking);
                let user = TargetUser { user: None, ratings: &ratings };
                let factors: Vec<_> = pool.install(|| {
                    (0..16)
                        .into_par_iter()
                        .with_max_len(1)
                        .map(|_| model.user_factors(user).unwrap())
                        .collect()
                });
                assert!(factors.iter().all(|one| one == &factors[0]));
            }
        }
    }
}
