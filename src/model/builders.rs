//! Models in a line each, for users of the library: parameters one by one, then
//! [`fit`](Als::fit).

use std::ops::Deref;
use std::path::Path;

use crate::dataset::Dataset;
use crate::model::als::AlsParams;
use crate::model::cosine::{Between, CosineParams};
use crate::model::error::ModelError;
use crate::model::info::Algorithm;
use crate::model::nmf::NmfParams;
use crate::model::open::Model;
use crate::model::popularity::PopularityParams;
use crate::model::train::{Trained, train};
use crate::progress::{Progress, Silent};

/// A model that has been fitted: it can be asked as a [`Model`], and saved.
#[derive(Debug)]
pub struct FittedModel {
    trained: Trained,
    model: Model,
}

impl FittedModel {
    fn new(
        dataset: &Dataset,
        algorithm: Algorithm,
        progress: &dyn Progress,
    ) -> Result<Self, ModelError> {
        let movies = dataset.sidecar.movies();
        let trained = train(dataset, movies.as_ref(), algorithm, progress)?;
        Ok(Self { model: trained.model()?, trained })
    }

    /// Writes a model directory; a model that is there is replaced.
    ///
    /// # Errors
    /// If something else is there, or a file cannot be written.
    pub fn save(&self, folder: impl AsRef<Path>) -> Result<(), ModelError> {
        self.trained.save(folder)
    }
}

impl Deref for FittedModel {
    type Target = Model;

    fn deref(&self) -> &Model {
        &self.model
    }
}

/// Declares setters of parameters, and `fit`.
macro_rules! builder {
    ($name:ident, $algorithm:ident, { $($(#[$doc:meta])* $field:ident: $type:ty),* $(,)? }) => {
        impl $name {
            $(
                $(#[$doc])*
                #[must_use]
                pub fn $field(mut self, $field: $type) -> Self {
                    self.0.$field = $field;
                    self
                }
            )*

            /// Fits the model to the ratings of a dataset.
            ///
            /// # Errors
            /// If a parameter is out of its range, or the data has nothing to learn from.
            pub fn fit(&self, dataset: &Dataset) -> Result<FittedModel, ModelError> {
                self.fit_with(dataset, &Silent)
            }

            /// Fits the model and reports progress.
            ///
            /// # Errors
            /// As [`Self::fit`].
            pub fn fit_with(
                &self,
                dataset: &Dataset,
                progress: &dyn Progress,
            ) -> Result<FittedModel, ModelError> {
                FittedModel::new(dataset, Algorithm::$algorithm(self.0.clone()), progress)
            }
        }
    };
}

/// Matrix factorization by alternating least squares.
#[derive(Debug, Clone, PartialEq)]
pub struct Als(AlsParams);

impl Als {
    /// Starts from the defaults for ratings, which the model predicts.
    #[must_use]
    pub fn explicit() -> Self {
        Self(AlsParams::explicit())
    }

    /// Starts from the defaults for choices, by which the model ranks.
    #[must_use]
    pub fn implicit() -> Self {
        Self(AlsParams::implicit())
    }
}

builder!(Als, Als, {
    /// Sets the rank of the factor matrices.
    factors: usize,
    /// Sets the number of passes over users and items.
    iterations: usize,
    /// Sets the regularization λ.
    regularization: f64,
    /// Sets whether users and items have biases (explicit).
    biases: bool,
    /// Sets the random seed.
    seed: u64,
});

/// Non-negative matrix factorization.
#[derive(Debug, Clone, PartialEq)]
pub struct Nmf(NmfParams);

impl Nmf {
    /// Starts from the defaults for the rated cells alone.
    #[must_use]
    pub fn masked() -> Self {
        Self(NmfParams::masked())
    }

    /// Starts from the defaults for a matrix whose unrated cells count as `fill`.
    #[must_use]
    pub fn filled(fill: f32) -> Self {
        Self(NmfParams::filled(fill))
    }
}

builder!(Nmf, Nmf, {
    /// Sets the rank of the factor matrices.
    factors: usize,
    /// Sets the number of passes over users and items.
    iterations: usize,
    /// Sets the regularization λ.
    regularization: f64,
    /// Sets the random seed.
    seed: u64,
});

/// Nearest neighbours by cosine similarity.
#[derive(Debug, Clone, PartialEq)]
pub struct Cosine(CosineParams);

impl Cosine {
    /// Starts from the defaults for neighbours of movies or of users.
    #[must_use]
    pub fn between(between: Between) -> Self {
        Self(CosineParams { between, ..CosineParams::default() })
    }
}

builder!(Cosine, Cosine, {
    /// Sets how many neighbours of each are kept.
    neighbors: usize,
    /// Sets the number of common ratings at which a similarity is halved.
    shrinkage: f64,
    /// Sets whether ratings are taken relative to their user's mean.
    center: bool,
});

/// Number of ratings, and damped biases: the baseline.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Popularity(PopularityParams);

builder!(Popularity, Popularity, {
    /// Sets the number of ratings that biases are damped by.
    damping: f64,
});
