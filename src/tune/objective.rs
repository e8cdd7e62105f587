//! How good parameters are: a figure on validation ratings.

use std::cmp::Ordering;

use crate::dataset::{Dataset, Movies, Ratings};
use crate::eval::protocol::{EvaluationProtocol, ItemBackground, evaluate};
use crate::eval::ranking::{RankingMetric, RelevanceGain, less_is_better};
use crate::eval::split::{Method, split};
use crate::eval::systems::ModelSystem;
use crate::io::values::Scale;
use crate::model::AlgorithmParams;
use crate::model::train::{TrainedModel, TrainingData};
use crate::model::warm::StartFactors;
use crate::progress::Silent;
use crate::tune::TuneError;

/// A figure to tune for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TunedMetric {
    name: String,
    /// Length at which lists are cut; `None` for a figure of predicted ratings.
    cut: Option<usize>,
}

/// Figures of predicted ratings.
const ERRORS: [&str; 4] = ["rmse", "mae", "user_rmse", "user_mae"];
/// The figure of all scores.
const AUC: &str = "auc";

impl TunedMetric {
    /// Takes the name of a figure, as `evaluate` has it.
    ///
    /// # Errors
    /// If there is no such figure.
    pub fn new(name: &str) -> Result<Self, TuneError> {
        let metric = |cut| Ok(Self { name: name.into(), cut });
        if ERRORS.contains(&name) {
            return metric(None);
        }
        if name == AUC {
            return metric(Some(1));
        }
        let parts = name.split_once('@').and_then(|(of, k)| Some((of, k.parse::<usize>().ok()?)));
        match parts {
            Some((of, k)) if k > 0 && RankingMetric::ALL.iter().any(|one| one.name() == of) => {
                metric(Some(k))
            }
            _ => {
                let of_lists =
                    RankingMetric::ALL.iter().map(|metric| format!("{}@k", metric.name()));
                let all = ERRORS.into_iter().chain([AUC]).map(String::from).chain(of_lists);
                let known = all.collect::<Vec<_>>().join(", ");
                Err(TuneError::UnknownMetric { name: name.into(), known })
            }
        }
    }

    /// Returns the name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Orders values, the better first.
    #[must_use]
    pub fn compare(&self, a: f64, b: f64) -> Ordering {
        if self.less_is_better() { a.total_cmp(&b) } else { b.total_cmp(&a) }
    }

    /// Whether less is better.
    #[must_use]
    pub fn less_is_better(&self) -> bool {
        less_is_better(&self.name)
    }

    fn is_of_lists(&self) -> bool {
        self.cut.is_some()
    }

    fn protocol(&self, scale: Scale) -> EvaluationProtocol {
        EvaluationProtocol {
            cuts: self.cut.into_iter().collect(),
            // Where only errors count, nothing has to be ranked.
            relevant_from: if self.is_of_lists() { scale.liked_from() } else { f32::INFINITY },
            gain: RelevanceGain::Binary,
        }
    }
}

/// Divisions of the ratings, and the figure that is measured on each.
#[derive(Debug)]
pub struct Objective {
    divisions: Vec<Division>,
    /// The figure.
    pub metric: TunedMetric,
    protocol: EvaluationProtocol,
}

#[derive(Debug)]
struct Division {
    train: TrainingData,
    fold_in: Option<Ratings>,
    validation: Ratings,
}

impl Objective {
    /// Divides the ratings by each of some methods.
    ///
    /// # Errors
    /// If a part would be empty.
    pub fn new(
        dataset: &Dataset,
        movies: Option<&Movies>,
        methods: &[Method],
        metric: TunedMetric,
    ) -> Result<Self, TuneError> {
        let mut divisions = Vec::new();
        for method in methods {
            split(&dataset.ratings, &dataset.sidecar, method, |parts| -> Result<(), TuneError> {
                let sidecar = dataset.sidecar.clone();
                let train = Dataset { ratings: parts.train, sidecar, duplicates: 0 };
                divisions.push(Division {
                    train: TrainingData::new(&train, movies)?,
                    fold_in: parts.fold_in,
                    validation: parts.test,
                });
                Ok(())
            })?;
        }
        let protocol = metric.protocol(dataset.sidecar.history.scale.unwrap_or_default());
        Ok(Self { divisions, metric, protocol })
    }

    /// Fits a model to each division, from the factors of `starts` where there are some; returns
    /// the mean of the figure and the factors.
    ///
    /// # Errors
    /// If a model cannot be fitted, or does not have the figure.
    pub fn measure(
        &self,
        algorithm: &AlgorithmParams,
        starts: Vec<Option<StartFactors>>,
    ) -> Result<(f64, Vec<Option<StartFactors>>), TuneError> {
        let for_lists = self.metric.is_of_lists();
        let (mut sum, mut factors) = (0.0, Vec::new());
        let starts = starts.into_iter().chain(std::iter::repeat_with(|| None));
        for (division, start) in self.divisions.iter().zip(starts) {
            let trained = division.train.fit(algorithm.clone(), start, for_lists, &Silent)?;
            sum += self.figure(&trained, division)?;
            factors.push(trained.start_factors());
        }
        Ok((sum / self.divisions.len() as f64, factors))
    }

    fn figure(&self, trained: &TrainedModel, division: &Division) -> Result<f64, TuneError> {
        let model = trained.model()?;
        let Self { protocol, metric, .. } = self;
        let system = ModelSystem::new(
            &model,
            division.fold_in.as_ref(),
            protocol.longest(),
            protocol.relevant_from,
        );
        let outcome =
            evaluate(&system, &division.validation, &ItemBackground::default(), protocol)?;
        let figures = outcome.figures();
        let found = figures.iter().find(|(name, value)| name == metric.name() && value.is_finite());
        let no_figure = || TuneError::NoFigure { name: metric.name().into() };
        found.map(|(_, value)| *value).ok_or_else(no_figure)
    }
}
