//! A fitted NMF model, asked.

use std::sync::OnceLock;

use crate::dataset::ids::ItemIx;
use crate::linalg::dense::Matrix;
use crate::model::error::ModelError;
use crate::model::explain::Explanation;
use crate::model::factors::{Factors, cosine, cosines};
use crate::model::nmf::fit::column_rms;
use crate::model::nmf::half_step::{Filled, NmfHalfStep};
use crate::model::nmf::params::NmfParams;
use crate::model::ranking::StarRanking;
use crate::model::recommend::RankBy;
use crate::model::{
    Factored, Person, Recommender, Scores, score_by_vectors, similar_by_vectors,
    similarity_by_vectors, similarity_of_vectors,
};

/// A fitted NMF model.
#[derive(Debug)]
pub struct NmfModel {
    params: NmfParams,
    users: Factors,
    items: Matrix,
    ranking: StarRanking,
    /// Ratings of the data for one that was fitted.
    unit: f32,
    filled: OnceLock<Option<Filled>>,
    /// Item factors of a filled matrix, each component scaled by the size of its user factors.
    scaled_items: OnceLock<Matrix>,
}

impl NmfModel {
    /// Joins the vectors, of which `users` may hold only those to be asked for.
    #[must_use]
    pub fn new(params: NmfParams, users: Factors, items: Matrix, ranking: StarRanking) -> Self {
        let unit = ranking.unit();
        Self {
            params: params.in_units(unit),
            users,
            items,
            ranking,
            unit,
            filled: OnceLock::new(),
            scaled_items: OnceLock::new(),
        }
    }

    /// Returns the item factors of a filled matrix, scaled so that a component counts for the
    /// similarity of items as it does for the reconstructed matrix; `None` for a masked one.
    fn scaled_items(&self) -> Option<&Matrix> {
        self.params.fill?;
        Some(self.scaled_items.get_or_init(|| {
            // In a balanced model the user factors of a component are as large as its item factors.
            let rms = column_rms(&self.items);
            let mut scaled = self.items.clone();
            for row in scaled.data.chunks_exact_mut(scaled.cols) {
                row.iter_mut().zip(&rms).for_each(|(x, &rms)| *x = (f64::from(*x) * rms) as f32);
            }
            scaled
        }))
    }

    /// Returns the items that a person has rated, and the ratings as they are fitted.
    fn split(&self, ratings: &[(ItemIx, f32)]) -> (Vec<u32>, Vec<f32>) {
        ratings.iter().map(|&(item, stars)| (item.0, stars / self.unit)).unzip()
    }

    /// Returns the step that solves a person's row.
    fn step(&self) -> NmfHalfStep<'_> {
        let filled = self.filled.get_or_init(|| Filled::new(&self.params, &self.items));
        NmfHalfStep::with_filled(&self.params, &self.items, filled)
    }

    fn solve(&self, person: Person<'_>) -> Vec<f32> {
        let step = self.step();
        let (items, stars) = self.split(person.ratings);
        let mut vector = vec![0.0; self.items.cols];
        step.solve(&mut step.scratch(), &items, &stars, &mut vector);
        vector
    }
}

impl Factored for NmfModel {
    fn users(&self) -> &Factors {
        &self.users
    }

    fn items(&self) -> &Matrix {
        &self.items
    }

    fn factors(&self) -> usize {
        self.items.cols
    }

    fn ranking(&self) -> &StarRanking {
        &self.ranking
    }

    fn predicts_ratings(&self) -> bool {
        // Cells that nobody rated have pulled the values of a filled matrix to V: they rank, but
        // predict no rating.
        self.params.fill.is_none()
    }

    fn vector(&self, person: Person<'_>) -> Result<Option<Vec<f32>>, ModelError> {
        let known = person.user.and_then(|user| self.users.get(user.0));
        Ok(Some(known.map_or_else(|| self.solve(person), <[f32]>::to_vec)))
    }
}

impl Recommender for NmfModel {
    fn score(&self, person: Person<'_>) -> Result<Scores, ModelError> {
        score_by_vectors(self, person)
    }

    fn similar(&self, item: ItemIx) -> Result<Vec<f32>, ModelError> {
        match self.scaled_items() {
            Some(items) => {
                let mut similarity = cosines(items, items.cols, item.at());
                self.ranking.trust_similarities(&mut similarity);
                Ok(similarity)
            }
            None => Ok(similar_by_vectors(self, item)),
        }
    }

    fn similarity(&self, a: ItemIx, b: ItemIx) -> Option<f32> {
        Some(match self.scaled_items() {
            Some(items) => self.ranking.trust(b) * cosine(items, items.cols, a.at(), b.at()),
            None => similarity_by_vectors(self, a, b),
        })
    }

    fn explain(
        &self,
        person: Person<'_>,
        items: &[ItemIx],
        rank_by: RankBy,
    ) -> Result<Vec<Explanation>, ModelError> {
        let (rated, stars) = self.split(person.ratings);
        let solution = self.solve(person);
        let parts = self.step().parts(&rated, &stars, &solution, items);
        let parts = parts.ok_or(ModelError::Singular { side: "user", id: None })?;
        let products = parts.into_iter().map(|(base, parts)| Explanation { base, parts });
        Ok(self.with_ranking(person, items, products.collect(), rank_by))
    }

    fn prepare(&self) {
        let _ = self.step();
    }

    fn take_users(&mut self, users: Factors) {
        self.users = users;
    }

    fn factored(&self) -> Option<&dyn Factored> {
        Some(self)
    }

    fn score_meaning(&self) -> &'static str {
        match self.params.fill {
            Some(_) => "reconstructed value of the filled matrix",
            None => self.ranking.meaning(),
        }
    }

    fn similarity_meaning(&self) -> &'static str {
        similarity_of_vectors(self)
    }
}
