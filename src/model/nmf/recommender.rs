//! A fitted NMF model, asked.

use std::sync::OnceLock;

use crate::dataset::ids::ItemIx;
use crate::linalg::dense::{Matrix, scores};
use crate::model::catalogue::Catalogue;
use crate::model::error::ModelError;
use crate::model::factors::{Factors, cosines};
use crate::model::nmf::half_step::{Depth, Filled, HalfStep};
use crate::model::nmf::params::NmfParams;
use crate::model::popularity::Evidence;
use crate::model::{Person, Recommender, Scores};

/// A fitted NMF model.
#[derive(Debug)]
pub struct Nmf {
    params: NmfParams,
    users: Factors,
    items: Matrix,
    evidence: Evidence,
    filled: OnceLock<Option<Filled>>,
}

impl Nmf {
    /// Joins the vectors, of which `users` may hold only those to be asked for.
    #[must_use]
    pub fn new(params: NmfParams, users: Factors, items: Matrix, catalogue: &Catalogue) -> Self {
        let evidence = Evidence::of(catalogue);
        Self { params, users, items, evidence, filled: OnceLock::new() }
    }

    /// Returns the vector of a person: the trained one, or one row solved from the ratings.
    fn vector(&self, person: Person<'_>) -> Vec<f32> {
        if let Some(vector) = person.user.and_then(|user| self.users.get(user.0)) {
            return vector.to_vec();
        }
        let filled = self.filled.get_or_init(|| Filled::of(&self.params, &self.items));
        let step = HalfStep::with_filled(&self.params, &self.items, filled);
        let (items, stars): (Vec<u32>, Vec<f32>) =
            person.ratings.iter().map(|&(item, stars)| (item.0, stars)).unzip();
        let mut vector = vec![0.0; self.items.cols];
        step.improve_row(&mut step.scratch(), &items, &stars, Depth::End, &mut vector);
        vector
    }
}

impl Recommender for Nmf {
    fn score(&self, person: Person<'_>) -> Result<Scores, ModelError> {
        let mut score = vec![0.0; self.items.rows];
        scores(&self.items.data, &self.vector(person), &mut score);
        Ok(match self.params.fill {
            // Cells that nobody rated have pulled the values to V: they rank, but are no stars.
            Some(_) => Scores { score, rating: None },
            None => self.evidence.rank(score),
        })
    }

    fn similar(&self, item: ItemIx) -> Result<Vec<f32>, ModelError> {
        Ok(cosines(&self.items, self.items.cols, item))
    }

    fn score_meaning(&self) -> &'static str {
        match self.params.fill {
            Some(_) => "reconstructed value of the filled matrix",
            None => Evidence::MEANING,
        }
    }

    fn likeness_meaning(&self) -> &'static str {
        "cosine of the movies' vectors"
    }
}
