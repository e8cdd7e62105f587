//! What an algorithm has to provide: parameters, a fit, and the way back from a model directory.
//!
//! Its parameters implement [`Algorithm`], and a line in the table of [`crate::model`] makes it
//! known to everything else.

use std::fmt::Debug;
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;

use crate::dataset::matrix::InteractionMatrix;
use crate::io::IoError;
use crate::io::values::Scale;
use crate::model::catalogue::ItemCatalogue;
use crate::model::error::ModelError;
use crate::model::folder::ModelFolder;
use crate::model::recommender::Recommender;
use crate::model::seen::SeenRatings;
use crate::model::warm::StartFactors;
use crate::progress::Progress;

/// An algorithm with its parameters.
pub trait Algorithm: Debug + Send + Sync {
    /// Returns its name on the command line and in `model.json`.
    fn name(&self) -> &'static str;

    /// Checks the ranges of all parameters.
    ///
    /// # Errors
    /// At the first parameter out of its range.
    fn validate(&self) -> Result<(), ModelError>;

    /// Returns the names of the parameters that have no effect beside the others.
    fn unused_parameters(&self) -> &'static [&'static str] {
        &[]
    }

    /// Returns the figure to tune for unless told, as `evaluate` names it.
    fn tuned_metric(&self) -> &'static str {
        "ndcg@10"
    }

    /// Returns the parameters that are worth searching, by their names, with the values to try as
    /// [`ParameterRange`](crate::tune::space::ParameterRange) reads them.
    fn search_space(&self) -> &'static [(&'static str, &'static str)];

    /// Returns about how many bytes a fit takes for so many users and items beside the ratings.
    fn bytes(&self, users: usize, items: usize) -> u64;

    /// Returns the number of iterations, for the fit to set if it ended early; `None` if the
    /// algorithm does not iterate.
    fn iterations_mut(&mut self) -> Option<&mut usize> {
        None
    }

    /// Returns the width of the factors that a fit can start from; `None` if it cannot.
    fn warm_start_width(&self) -> Option<usize> {
        None
    }

    /// Whether a model scores with the ratings of all users, whoever it is opened for.
    fn needs_all_users(&self) -> bool {
        false
    }

    /// Fits a model.
    ///
    /// # Errors
    /// If the algorithm cannot learn from such ratings, or their equations cannot be solved.
    fn fit(&self, training: TrainingSet<'_>) -> Result<FitResult, ModelError>;

    /// Reads what [`ModelState::write`] has written.
    ///
    /// # Errors
    /// If a file cannot be read or contradicts another one.
    fn open(&self, source: &ModelSource<'_>) -> Result<Box<dyn ModelState>, ModelError>;
}

/// What an algorithm is fitted to.
pub struct TrainingSet<'a> {
    /// The ratings.
    pub ratings: &'a InteractionMatrix,
    /// Ratings that can be given.
    pub scale: Scale,
    /// Factors to start from.
    pub start: Option<StartFactors>,
    /// Whether lists will be asked for: without, what only they need is left out.
    pub for_lists: bool,
    /// Where iterations are reported, and whether to stop after one is asked.
    pub progress: &'a dyn Progress,
}

impl<'a> TrainingSet<'a> {
    /// Announces the iterations; returns what is called after each with its index, from 1, and the
    /// loss.
    pub(crate) fn begin(
        &self,
        iterations: usize,
    ) -> impl FnMut(usize, f64) -> ControlFlow<()> + use<'a> {
        let progress = self.progress;
        progress.begin("training", "iterations", Some(iterations as u64));
        move |iteration, loss| {
            progress.advance(1);
            progress.note(&format!("iteration {iteration}: loss {loss:.6e}"));
            if progress.stops() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        }
    }
}

/// What a fit results in.
#[derive(Debug)]
pub struct FitResult {
    /// What was learnt.
    pub state: Box<dyn ModelState>,
    /// Value of the objective after each iteration.
    pub losses: Vec<f64>,
    /// Rank of the item embeddings; 0 without any.
    pub embedding_rank: usize,
    /// Variance of the errors of fitted ratings; with a prior of the users only.
    pub residual_variance: Option<f32>,
}

impl FitResult {
    /// Returns the result of an algorithm without iterations, embeddings and prior.
    pub(crate) fn new(state: Box<dyn ModelState>) -> Self {
        Self { state, losses: Vec::new(), embedding_rank: 0, residual_variance: None }
    }
}

/// What a model has learnt: the part of a model directory that is the algorithm's own.
pub trait ModelState: Debug + Send + Sync {
    /// Writes the files into a model directory, the checksum of whose `model.json` is given.
    ///
    /// # Errors
    /// If a file cannot be written.
    fn write(&self, folder: &Path, model: &str) -> Result<(), IoError>;

    /// Makes a model that can be asked.
    ///
    /// # Errors
    /// If the items are not those of the catalogue; the error names the file in the directory.
    fn into_recommender(
        self: Box<Self>,
        context: &ModelContext<'_>,
    ) -> Result<Box<dyn Recommender>, ModelError>;

    /// Returns factors that another fit to the same ratings can start from; `None` without any.
    fn start_factors(&self) -> Option<StartFactors> {
        None
    }

    /// Returns a copy.
    fn boxed_clone(&self) -> Box<dyn ModelState>;
}

/// A model directory that is being opened.
#[derive(Debug, Clone, Copy)]
pub struct ModelSource<'a> {
    /// The directory.
    pub folder: &'a ModelFolder,
    /// Raw ids of the users to open it for, ascending; `None` for all.
    pub users: Option<&'a [i32]>,
    /// Rank of the item embeddings; 0 without any.
    pub embedding_rank: usize,
    /// Variance of the errors of fitted ratings; with a prior of the users only.
    pub residual_variance: Option<f32>,
}

/// What a model shares with all others: the training data in brief.
#[derive(Debug, Clone, Copy)]
pub struct ModelContext<'a> {
    /// Mean rating of the training data.
    pub mean: f64,
    /// Ratings that can be given.
    pub scale: Scale,
    /// The items, with their numbers of ratings.
    pub catalogue: &'a Arc<ItemCatalogue>,
    /// Ratings of the users.
    pub seen: &'a Arc<SeenRatings>,
}

/// Declares the algorithms: each a variant of `AlgorithmParams` with the type of its parameters,
/// which implements [`Algorithm`].
macro_rules! algorithms {
    ($($(#[$doc:meta])* $name:ident($params:ty),)*) => {
        /// An algorithm with its parameters, as `model.json` has it.
        #[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
        #[serde(tag = "algorithm", content = "parameters", rename_all = "lowercase")]
        pub enum AlgorithmParams {
            $($(#[$doc])* $name($params),)*
        }

        $(
            impl From<$params> for AlgorithmParams {
                fn from(params: $params) -> Self {
                    Self::$name(params)
                }
            }
        )*

        impl std::ops::Deref for AlgorithmParams {
            type Target = dyn Algorithm;

            fn deref(&self) -> &Self::Target {
                match self {
                    $(Self::$name(params) => params,)*
                }
            }
        }

        impl std::ops::DerefMut for AlgorithmParams {
            fn deref_mut(&mut self) -> &mut Self::Target {
                match self {
                    $(Self::$name(params) => params,)*
                }
            }
        }
    };
}

pub(crate) use algorithms;
