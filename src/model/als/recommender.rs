//! A fitted ALS model, asked.

use std::sync::OnceLock;

use crate::dataset::ids::ItemIx;
use crate::linalg::dense::{Matrix, scores};
use crate::model::als::half_step::{HalfStep, Shared, Side};
use crate::model::als::params::{AlsParams, Feedback, Solver};
use crate::model::catalogue::Catalogue;
use crate::model::error::ModelError;
use crate::model::factors::{Factors, cosines};
use crate::model::popularity::Evidence;
use crate::model::{Person, Recommender, Scores};

/// How a new person's vector is found: the parameters of training and the mean rating.
#[derive(Debug, Clone)]
pub struct FoldIn {
    /// Parameters of training.
    pub params: AlsParams,
    /// Mean rating μ that the biases are relative to; 0 without biases.
    pub mean: f64,
}

/// A fitted ALS model.
#[derive(Debug)]
pub struct Als {
    fold_in: FoldIn,
    users: Factors,
    items: Matrix,
    evidence: Evidence,
    shared: OnceLock<Shared>,
}

impl Als {
    /// Joins the vectors, of which `users` may hold only those to be asked for.
    #[must_use]
    pub fn new(fold_in: FoldIn, users: Factors, items: Matrix, catalogue: &Catalogue) -> Self {
        let evidence = Evidence::of(catalogue);
        Self { fold_in, users, items, evidence, shared: OnceLock::new() }
    }

    /// Returns the vector of a person: the trained one, or one row solved from the ratings; `None` where
    /// nothing that was rated counts.
    fn vector(&self, person: Person<'_>) -> Result<Option<Vec<f32>>, ModelError> {
        let FoldIn { params, mean } = &self.fold_in;
        let counts = |stars: f32| match params.feedback {
            Feedback::Explicit => true,
            Feedback::Implicit => stars >= params.positive_from,
        };
        if let Some(vector) = person.user.and_then(|user| self.users.get(user.0)) {
            // The zero vector is that of a user who liked nothing.
            let liked = params.feedback == Feedback::Explicit || vector.iter().any(|&x| x != 0.0);
            return Ok(liked.then(|| vector.to_vec()));
        }
        let (items, stars): (Vec<u32>, Vec<f32>) = person
            .ratings
            .iter()
            .filter(|(_, stars)| counts(*stars))
            .map(|&(item, stars)| (item.0, stars))
            .unzip();
        if items.is_empty() && params.feedback == Feedback::Implicit {
            return Ok(None);
        }
        let shared =
            self.shared.get_or_init(|| Shared::new(params, *mean, Side::Users, &self.items));
        let step = HalfStep::with(params, *mean, Side::Users, &self.items, shared);
        let mut vector = vec![0.0; self.items.cols];
        step.solve_row(Solver::Cholesky, &mut step.scratch(), &items, &stars, &mut vector)
            .map_err(|_| ModelError::Singular { side: "user", id: None })?;
        Ok(Some(vector))
    }
}

impl Recommender for Als {
    fn score(&self, person: Person<'_>) -> Result<Scores, ModelError> {
        let mut score = vec![f32::NAN; self.items.rows];
        if let Some(vector) = self.vector(person)? {
            scores(&self.items.data, &vector, &mut score);
        }
        Ok(match self.fold_in.params.feedback {
            Feedback::Implicit => Scores { score, rating: None },
            Feedback::Explicit => self.evidence.rank(score),
        })
    }

    fn similar(&self, item: ItemIx) -> Result<Vec<f32>, ModelError> {
        Ok(cosines(&self.items, self.fold_in.params.factors, item))
    }

    fn score_meaning(&self) -> &'static str {
        match self.fold_in.params.feedback {
            Feedback::Explicit => Evidence::MEANING,
            Feedback::Implicit => {
                "strength of preference: 1 for what people like to see, 0 for the rest"
            }
        }
    }

    fn likeness_meaning(&self) -> &'static str {
        "cosine of the movies' vectors"
    }
}
