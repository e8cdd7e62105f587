//! The scaled SVD as one of the algorithms.

use rayon::prelude::*;

use crate::dataset::ids::ItemIx;
use crate::dataset::matrix::InteractionMatrix;
use crate::io::values::Scale;
use crate::linalg::dense::Matrix;
use crate::model::algorithm::{
    Algorithm, FitResult, ModelContext, ModelSource, ModelState, TrainingSet,
};
use crate::model::als::UserPrior;
use crate::model::builders::builder;
use crate::model::embeddings::{self, column_scale, divide_by_scales};
use crate::model::error::{ModelError, check};
use crate::model::factor_model::FoldIn;
use crate::model::factor_state::{self, FactorAlgorithm, UnitConversion};
use crate::model::factors::{self, FittedFactors};
use crate::model::svd::fold_in::SvdFoldIn;
use crate::model::svd::params::SvdParams;

impl Algorithm for SvdParams {
    fn name(&self) -> &'static str {
        "svd"
    }

    fn validate(&self) -> Result<(), ModelError> {
        check((1..=4096).contains(&self.factors), "factors", "from 1 to 4096", self.factors)?;
        check(self.exponent.is_finite(), "exponent", "a number", self.exponent)?;
        let share = (0.0..=1.0).contains(&self.noise_share);
        check(share, "noise-share", "from 0 to 1", self.noise_share)
    }

    fn search_space(&self) -> &'static [(&'static str, &'static str)] {
        &[("factors", "32,64,96,128,192,256"), ("exponent", "0..0.5"), ("noise_share", "0..1")]
    }

    fn bytes(&self, users: usize, items: usize) -> u64 {
        factors::bytes(users + items, self.factors + 32)
    }

    fn fit(&self, training: TrainingSet<'_>) -> Result<FitResult, ModelError> {
        factor_state::fit(self, training)
    }

    fn open(&self, source: &ModelSource<'_>) -> Result<Box<dyn ModelState>, ModelError> {
        factor_state::open(self, source)
    }
}

impl FactorAlgorithm for SvdParams {
    fn rank(&self) -> usize {
        self.factors
    }

    fn predicts_ratings(&self) -> bool {
        false
    }

    fn fits_ratings(&self) -> bool {
        false
    }

    fn check_ratings(&self, _ratings: &InteractionMatrix, _scale: Scale) -> Result<(), ModelError> {
        Ok(())
    }

    fn fit_factors(
        &self,
        ratings: &InteractionMatrix,
        _units: UnitConversion,
        training: TrainingSet<'_>,
    ) -> Result<FittedFactors, ModelError> {
        training.progress.begin("decomposing the ratings", "ratings", None);
        let (by_user, by_item, k) = (ratings.by_user(), ratings.by_item(), self.factors);
        let mut items = embeddings::fit(ratings, training.scale, self);
        let scales: Vec<f32> = (0..ratings.n_items())
            .map(|item| column_scale(by_item.len(item) as u32, self.exponent))
            .collect();
        divide_by_scales(&mut items, &scales);
        let fold_in = SvdFoldIn::new(k, training.scale, scales.into_iter());
        let mut users = Matrix::zeros(ratings.n_users(), k);
        users.data.par_chunks_exact_mut(k).enumerate().for_each(|(user, out)| {
            let (rated, values) = by_user.row(user);
            let rated = rated.iter().map(|&item| ItemIx(item)).zip(values.iter().copied());
            out.copy_from_slice(&fold_in.solve(&items, &rated.collect::<Vec<_>>()));
        });
        Ok(FittedFactors { users, items, losses: Vec::new(), user_prior: None })
    }

    fn fold_in(
        &self,
        context: &ModelContext<'_>,
        _units: UnitConversion,
        _prior: Option<&UserPrior>,
    ) -> Result<Box<dyn FoldIn>, ModelError> {
        let counts = context.catalogue.n_ratings.iter();
        let scales = counts.map(|&n| column_scale(n, self.exponent));
        Ok(Box::new(SvdFoldIn::new(self.factors, context.scale, scales)))
    }
}

/// The scaled truncated SVD, which ranks.
#[derive(Debug, Clone, PartialEq)]
pub struct Svd(SvdParams);

impl Svd {
    /// Starts from the defaults.
    #[must_use]
    pub fn scaled() -> Self {
        Self(SvdParams::default())
    }
}

builder!(Svd, {
    /// Sets the rank of the decomposition.
    factors: usize,
    /// Sets the exponent by which popularity is scaled down.
    exponent: f64,
    /// Sets the random seed.
    seed: u64,
});
