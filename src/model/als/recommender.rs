//! A fitted ALS model, asked.

use std::sync::OnceLock;

use crate::dataset::ids::ItemIx;
use crate::linalg::dense::Matrix;
use crate::model::als::half_step::{AlsHalfStep, Shared, SolvedSide};
use crate::model::als::params::{AlsParams, Feedback, Solver};
use crate::model::error::ModelError;
use crate::model::explain::Explanation;
use crate::model::factors::Factors;
use crate::model::ranking::StarRanking;
use crate::model::recommend::RankBy;
use crate::model::{
    Factored, Person, Recommender, Scores, score_by_vectors, similar_by_vectors,
    similarity_by_vectors, similarity_of_vectors,
};

/// How a new person's vector is found: the parameters of training and the mean rating.
#[derive(Debug, Clone)]
pub struct FoldIn {
    /// Parameters of training.
    pub params: AlsParams,
    /// Mean rating μ that the biases are relative to; 0 without biases.
    pub mean: f64,
    /// Ratings of the data for one that was fitted.
    pub unit: f32,
}

/// A fitted ALS model.
#[derive(Debug)]
pub struct AlsModel {
    fold_in: FoldIn,
    users: Factors,
    items: Matrix,
    ranking: StarRanking,
    shared: OnceLock<Shared>,
}

impl AlsModel {
    /// Joins the vectors, of which `users` may hold only those to be asked for.
    #[must_use]
    pub fn new(fold_in: FoldIn, users: Factors, items: Matrix, ranking: StarRanking) -> Self {
        Self { fold_in, users, items, ranking, shared: OnceLock::new() }
    }

    /// Tells whether a rating counts.
    fn counts(&self, stars: f32) -> bool {
        let params = &self.fold_in.params;
        params.feedback == Feedback::Explicit || stars >= params.positive_from
    }

    /// Returns the ratings of a person that count.
    fn counted(&self, person: Person<'_>) -> (Vec<u32>, Vec<f32>) {
        let counted = person.ratings.iter().filter(|(_, stars)| self.counts(*stars));
        counted.map(|&(item, stars)| (item.0, stars / self.fold_in.unit)).unzip()
    }

    /// Returns the step that solves a person's row.
    fn step(&self) -> AlsHalfStep<'_> {
        let FoldIn { params, mean, .. } = &self.fold_in;
        let shared =
            self.shared.get_or_init(|| Shared::new(params, *mean, SolvedSide::Users, &self.items));
        AlsHalfStep::with(params, *mean, SolvedSide::Users, &self.items, shared)
    }
}

impl Factored for AlsModel {
    fn users(&self) -> &Factors {
        &self.users
    }

    fn items(&self) -> &Matrix {
        &self.items
    }

    fn factors(&self) -> usize {
        self.fold_in.params.factors
    }

    fn ranking(&self) -> &StarRanking {
        &self.ranking
    }

    fn predicts_ratings(&self) -> bool {
        self.fold_in.params.feedback == Feedback::Explicit
    }

    fn vector(&self, person: Person<'_>) -> Result<Option<Vec<f32>>, ModelError> {
        let params = &self.fold_in.params;
        if let Some(vector) = person.user.and_then(|user| self.users.get(user.0)) {
            // The zero vector is that of a user who liked nothing.
            let liked = params.feedback == Feedback::Explicit || vector.iter().any(|&x| x != 0.0);
            return Ok(liked.then(|| vector.to_vec()));
        }
        let (items, stars) = self.counted(person);
        if items.is_empty() && params.feedback == Feedback::Implicit {
            return Ok(None);
        }
        let step = self.step();
        let mut vector = vec![0.0; self.items.cols];
        step.solve_row(Solver::Cholesky, &mut step.scratch(), &items, &stars, &mut vector)
            .map_err(|_| ModelError::Singular { side: "user", id: None })?;
        Ok(Some(vector))
    }
}

impl Recommender for AlsModel {
    fn score(&self, person: Person<'_>) -> Result<Scores, ModelError> {
        score_by_vectors(self, person)
    }

    fn similar(&self, item: ItemIx) -> Result<Vec<f32>, ModelError> {
        Ok(similar_by_vectors(self, item))
    }

    fn similarity(&self, a: ItemIx, b: ItemIx) -> Option<f32> {
        Some(similarity_by_vectors(self, a, b))
    }

    fn explain(
        &self,
        person: Person<'_>,
        items: &[ItemIx],
        rank_by: RankBy,
    ) -> Result<Vec<Explanation>, ModelError> {
        let (rated, stars) = self.counted(person);
        let parts = self.step().parts(&rated, &stars, items);
        let parts = parts.ok_or(ModelError::Singular { side: "user", id: None })?;
        let FoldIn { params, mean, .. } = &self.fold_in;
        let own = |item: ItemIx| match params.biases {
            true => *mean as f32 + self.items.row(item.at())[params.factors + 1],
            false => 0.0,
        };
        let explain = |(&item, parts): (&ItemIx, Vec<f32>)| {
            let mut parts = parts.into_iter();
            let part = |&(_, stars): &(ItemIx, f32)| match self.counts(stars) {
                true => parts.next().expect("a part for each rating that counts"),
                false => 0.0,
            };
            Explanation { parts: person.ratings.iter().map(part).collect(), base: own(item) }
        };
        let products = items.iter().zip(parts).map(explain).collect();
        Ok(self.with_ranking(person, items, products, rank_by))
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
        match self.fold_in.params.feedback {
            Feedback::Explicit => self.ranking.meaning(),
            Feedback::Implicit => {
                "strength of preference: 1 for what people like to see, 0 for the rest"
            }
        }
    }

    fn similarity_meaning(&self) -> &'static str {
        similarity_of_vectors(self)
    }
}
