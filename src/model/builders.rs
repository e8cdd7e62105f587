//! Models in a line each, for users of the library: parameters one by one, then
//! [`fit`](crate::Als::fit).

use std::ops::Deref;
use std::path::Path;

use crate::dataset::Dataset;
use crate::model::AlgorithmParams;
use crate::model::error::ModelError;
use crate::model::open::Model;
use crate::model::train::{TrainedModel, train};
use crate::progress::Progress;

/// A model that has been fitted: it can be asked as a [`Model`], and saved.
#[derive(Debug)]
pub struct FittedModel {
    trained: TrainedModel,
    model: Model,
}

impl FittedModel {
    pub(crate) fn new(
        dataset: &Dataset,
        algorithm: AlgorithmParams,
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
    ($name:ident, { $($(#[$doc:meta])* $field:ident: $type:ty),* $(,)? }) => {
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
            pub fn fit(
                &self,
                dataset: &$crate::Dataset,
            ) -> Result<$crate::model::FittedModel, ModelError> {
                self.fit_with(dataset, &$crate::progress::Silent)
            }

            /// Fits the model and reports progress.
            ///
            /// # Errors
            /// As [`Self::fit`].
            pub fn fit_with(
                &self,
                dataset: &$crate::Dataset,
                progress: &dyn $crate::progress::Progress,
            ) -> Result<$crate::model::FittedModel, ModelError> {
                $crate::model::FittedModel::new(dataset, self.0.clone().into(), progress)
            }
        }
    };
}

pub(crate) use builder;
