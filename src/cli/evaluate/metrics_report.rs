//! What `mvrec evaluate` tells.

use std::sync::Arc;

use arrow::array::{ArrayRef, Float64Array, Int32Array, Int64Array, RecordBatch, StringArray};
use serde_json::{Map, Value, json};

use crate::cli::error::usage;
use crate::cli::evaluate::EvaluateArgs;
use crate::cli::ui::Ui;
use crate::dataset::Dataset;
use crate::eval::compare::{SystemComparison, UserFigures};
use crate::eval::protocol::EvaluationOutcome;
use crate::eval::ranking::RankingMetric;
use crate::plot;
use crate::plot::compare::{Measure, comparison};
use crate::suggest::did_you_mean;

/// One thing that was measured.
pub(super) struct MeasuredSystem {
    pub(super) name: String,
    pub(super) per_user: UserFigures,
    /// What came out, unless the figures of users were read from a file.
    pub(super) outcome: Option<EvaluationOutcome>,
    pub(super) figures: Vec<MetricValue>,
}

/// A figure of the whole.
pub(super) struct MetricValue {
    pub(super) name: String,
    pub(super) value: Option<f64>,
    pub(super) interval: Option<(f64, f64)>,
    /// How it differs from fold to fold.
    pub(super) spread: Option<FoldSpread>,
}

/// A figure in each fold.
pub(super) struct FoldSpread {
    values: Vec<Option<f64>>,
    /// Standard deviation; none where a fold lacks the figure.
    pub(super) deviation: Option<f64>,
}

impl MetricValue {
    /// Takes a figure in each fold; of one that a fold lacks, there is no mean.
    pub(super) fn over_folds(name: String, values: Vec<Option<f64>>) -> Self {
        let known: Option<Vec<f64>> = values.iter().copied().collect();
        let moments = known.map(|known| {
            let n = known.len() as f64;
            let mean = known.iter().sum::<f64>() / n;
            let squares: f64 = known.iter().map(|x| (x - mean).powi(2)).sum();
            (mean, (squares / (n - 1.0)).sqrt())
        });
        let (value, deviation) = moments.unzip();
        Self { name, value, interval: None, spread: Some(FoldSpread { values, deviation }) }
    }
}

/// How the figures beside the ranking metrics come about.
const DEFINITIONS: [(&str, &str); 11] = [
    (
        "candidates",
        "all movies of the model that the user has not rated before; of lists, what is in them",
    ),
    (
        "means",
        "over the users with a relevant test rating; a user of whom the system knows nothing counts as 0",
    ),
    (
        "rmse, mae",
        "over all test ratings; one of a movie that the model does not know is predicted by the user's mean",
    ),
    ("user_rmse, user_mae", "of each user's test ratings, then the mean over users"),
    (
        "auc",
        "chance that a relevant candidate has a higher score than another one; equal scores count as half",
    ),
    (
        "novelty@k",
        "mean of -log2 of the share of training users that have rated a listed movie, then the mean over lists",
    ),
    ("popularity@k", "mean of that share, then the mean over lists"),
    (
        "diversity@k",
        "mean over pairs of a list of 1 - Jaccard overlap of their genres, then the mean over lists",
    ),
    ("coverage@k", "share of the movies of the training data that are in any list"),
    ("gini@k", "Gini coefficient of how often each movie of the training data is listed"),
    ("interval", "95 %, percentiles of the bootstrap over users"),
];

impl EvaluateArgs {
    /// Returns all that is told in JSON: the figures, how they are defined, and the comparisons.
    pub(super) fn object(
        &self,
        measured: &[MeasuredSystem],
        comparisons: &[SystemComparison],
        test: Option<&Dataset>,
    ) -> Map<String, Value> {
        let protocol = self.protocol(test);
        let mut definitions = Map::new();
        for metric in RankingMetric::ALL {
            definitions
                .insert(format!("{}@k", metric.name()), json!(metric.definition(protocol.gain)));
        }
        for (name, definition) in DEFINITIONS {
            definitions.insert(name.into(), json!(definition));
        }
        let systems: Vec<Value> = measured.iter().map(MeasuredSystem::object).collect();
        let mut object = Map::new();
        if let Some(test) = test {
            let stars = &test.ratings.columns().rating;
            let relevant = stars.iter().filter(|&&stars| stars >= protocol.relevant_from).count();
            let users = test.ratings.user_ids().len();
            object.insert(
                "test".into(),
                json!({ "ratings": test.ratings.len(), "users": users, "relevant": relevant,
                        "relevant_from": protocol.relevant_from }),
            );
        }
        object.insert("systems".into(), systems.into());
        if self.compare {
            let named = comparisons.iter().map(|comparison| {
                let mut value = json!(comparison);
                value["systems"] = json!([measured[0].name, measured[comparison.other].name]);
                value
            });
            object.insert("comparisons".into(), named.collect());
        }
        object.insert("definitions".into(), definitions.into());
        object
    }
}

impl MeasuredSystem {
    /// Says what deserves attention.
    pub(super) fn tell(&self, ui: &Ui) {
        let Some(outcome) = &self.outcome else { return };
        let name = &self.name;
        if outcome.unknown_users > 0 {
            let (unknown, users) = (outcome.unknown_users, outcome.users.len());
            ui.alert(&format!(
                "{name}: nothing is known of {unknown} of the {users} users: their lists count as empty"
            ));
        }
        if outcome.known_rows > 0 {
            let (known, all) = (outcome.known_rows, outcome.users.iter().map(|user| user.n_test));
            ui.alert(&format!(
                "{name}: it has been trained on {known} of the {} test ratings: those movies cannot be listed, \
                 and their errors are too small",
                all.sum::<usize>()
            ));
        }
        if outcome.cold_rows > 0 {
            let cold = outcome.cold_rows;
            ui.say(&format!(
                "{name}: {cold} test ratings are of movies that it does not know: predicted by the user's mean"
            ));
        }
    }

    fn object(&self) -> Value {
        let figures: Map<String, Value> = self
            .figures
            .iter()
            .map(|figure| {
                let mut value = json!({ "value": figure.value });
                if let Some(interval) = figure.interval {
                    value["interval"] = json!(interval);
                }
                if let Some(spread) = &figure.spread {
                    value["standard_deviation"] = json!(spread.deviation);
                    value["folds"] = json!(spread.values);
                }
                (figure.name.clone(), value)
            })
            .collect();
        let mut object = json!({ "name": self.name });
        if let Some(outcome) = &self.outcome {
            let relevant = outcome.users.iter().filter(|user| user.n_relevant > 0).count();
            object["users"] = json!(outcome.users.len());
            object["users_with_relevant"] = json!(relevant);
            object["unknown_users"] = json!(outcome.unknown_users);
            object["cold_ratings"] = json!(outcome.cold_rows);
            object["ratings_trained_on"] = json!(outcome.known_rows);
        }
        if !self.figures.is_empty() {
            object["figures"] = figures.into();
        }
        object
    }
}

fn table(columns: Vec<(&str, ArrayRef, bool)>) -> RecordBatch {
    RecordBatch::try_from_iter_with_nullable(columns).expect("columns of equal length")
}

fn texts<'a>(values: impl Iterator<Item = &'a str>) -> ArrayRef {
    Arc::new(StringArray::from_iter_values(values))
}

fn numbers(values: impl Iterator<Item = Option<f64>>) -> ArrayRef {
    Arc::new(Float64Array::from_iter(values))
}

/// Returns a row for each system and metric; with comparisons, how far that is from the first
/// system.
pub(super) fn figure_rows(
    measured: &[MeasuredSystem],
    comparisons: Option<&[SystemComparison]>,
) -> RecordBatch {
    let named = measured.iter().enumerate();
    let rows: Vec<FigureRow<'_>> =
        named.flat_map(|(at, one)| one.rows(at, comparisons.unwrap_or_default())).collect();
    let number = |of: fn(&FigureRow<'_>) -> Option<f64>| numbers(rows.iter().map(of));
    let mut columns = vec![
        ("system", texts(rows.iter().map(|row| row.system)), false),
        ("metric", texts(rows.iter().map(|row| row.metric)), false),
        ("value", number(|row| row.value), true),
        ("low", number(|row| Some(row.interval?.0)), true),
        ("high", number(|row| Some(row.interval?.1)), true),
    ];
    if rows.iter().any(|row| row.deviation.is_some()) {
        columns.push(("standard_deviation", number(|row| row.deviation), true));
    }
    if comparisons.is_some() {
        let first = rows.iter().map(|row| row.comparison.map(|_| measured[0].name.as_str()));
        let users = rows.iter().map(|row| Some(row.comparison?.paired.users as i64));
        columns.extend([
            ("compared_with", Arc::new(first.collect::<StringArray>()) as ArrayRef, true),
            ("users", Arc::new(users.collect::<Int64Array>()) as ArrayRef, true),
            ("difference", number(|row| Some(row.comparison?.paired.difference)), true),
            ("difference_low", number(|row| Some(row.comparison?.interval?.0)), true),
            ("difference_high", number(|row| Some(row.comparison?.interval?.1)), true),
            ("wilcoxon_p", number(|row| Some(row.comparison?.paired.wilcoxon_p)), true),
            ("permutation_p", number(|row| Some(row.comparison?.paired.permutation_p)), true),
            ("wilcoxon_holm", number(|row| Some(row.comparison?.wilcoxon_holm)), true),
            ("permutation_holm", number(|row| Some(row.comparison?.permutation_holm)), true),
        ]);
    }
    table(columns)
}

/// A figure of a system, and how it compares with that of the first one.
pub(super) struct FigureRow<'a> {
    system: &'a str,
    pub(super) metric: &'a str,
    pub(super) value: Option<f64>,
    interval: Option<(f64, f64)>,
    pub(super) deviation: Option<f64>,
    pub(super) comparison: Option<&'a SystemComparison>,
}

impl MeasuredSystem {
    /// Returns the names of the metrics: of figures of users, those that a mean can be formed of.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        let user_rows = self.per_user.figures.iter().map(|(name, _)| name.as_str());
        let user_rows = user_rows.filter(|_| self.outcome.is_none());
        self.figures.iter().map(|figure| figure.name.as_str()).chain(user_rows)
    }

    /// Returns the value of a metric.
    pub(super) fn value(&self, metric: &str) -> Option<f64> {
        self.figures.iter().find(|figure| figure.name == metric)?.value
    }

    /// Keeps some metrics, in the order of their names.
    pub(super) fn select(&mut self, names: &[String]) {
        let place = |name: &str| names.iter().position(|kept| kept == name);
        self.figures.retain(|figure| place(&figure.name).is_some());
        self.figures.sort_by_key(|figure| place(&figure.name));
        self.per_user.figures.retain(|(name, _)| place(name).is_some());
        self.per_user.figures.sort_by_key(|(name, _)| place(name));
    }

    /// Returns the figures of the system at `at`; where only figures of users were read, their mean
    /// over the users that are compared.
    pub(super) fn rows<'a>(
        &'a self,
        at: usize,
        comparisons: &'a [SystemComparison],
    ) -> Vec<FigureRow<'a>> {
        let of = |metric: &str| {
            comparisons.iter().find(|row| row.metric == metric && (at == 0 || row.other == at))
        };
        let row = |metric, value, interval| FigureRow {
            system: &self.name,
            metric,
            value,
            interval,
            deviation: None,
            comparison: of(metric).filter(|_| at > 0),
        };
        if !self.figures.is_empty() {
            let figure_row = |one: &'a MetricValue| FigureRow {
                deviation: one.spread.as_ref().and_then(|spread| spread.deviation),
                ..row(&one.name, one.value, one.interval)
            };
            return self.figures.iter().map(figure_row).collect();
        }
        let figures = self.per_user.figures.iter();
        let compared = figures.filter_map(|(metric, _)| {
            let comparison = of(metric)?;
            let mean = if at == 0 { comparison.first } else { comparison.second };
            Some(row(metric, Some(mean), None))
        });
        compared.collect()
    }
}

/// Returns the error for a metric that was not measured.
pub(super) fn unknown_metric(
    option: &str,
    metric: &str,
    measured: &[MeasuredSystem],
) -> anyhow::Error {
    let mut names: Vec<&str> = measured.iter().flat_map(MeasuredSystem::names).collect();
    names.sort_unstable();
    names.dedup();
    let suggestion = did_you_mean(metric, names.iter().copied());
    usage(format!(
        "{option}: there is no figure `{metric}`{suggestion}; there are {}",
        names.join(", ")
    ))
}

/// Draws what was measured, or of figures read from files what was compared: of ranking metrics
/// those of the shortest lists.
pub(super) fn figure(
    measured: &[MeasuredSystem],
    comparisons: &[SystemComparison],
    cut: usize,
) -> plot::Figure {
    let shown = |metric: &str| metric.split_once('@').is_none_or(|(_, k)| k == cut.to_string());
    let figures = measured.iter().flat_map(|one| one.figures.iter().map(move |f| (&one.name, f)));
    let measures =
        figures.filter(|(_, figure)| shown(&figure.name)).filter_map(|(name, figure)| {
            let (metric, system, interval) = (figure.name.clone(), name.clone(), figure.interval);
            Some(Measure { metric, system, value: figure.value?, interval })
        });
    let mut measures: Vec<Measure> = measures.collect();
    let unmeasured = |at: usize| measured[at].outcome.is_none();
    for row in comparisons.iter().filter(|row| shown(&row.metric)) {
        let mean = |at: usize, value: f64| Measure {
            metric: row.metric.clone(),
            system: measured[at].name.clone(),
            value,
            interval: None,
        };
        let means = [(0, row.first), (row.other, row.second)];
        let new = means.into_iter().filter(|(at, _)| unmeasured(*at)).map(|(at, x)| mean(at, x));
        let new: Vec<Measure> = new.filter(|one| !measures.contains(one)).collect();
        measures.extend(new);
    }
    let note = if measured.iter().any(|one| one.outcome.is_some()) {
        "Lines are intervals of 95 %, by the bootstrap over users."
    } else {
        ""
    };
    comparison(&measures, note)
}

/// Returns a row for each user.
pub(super) fn user_rows(measured: &MeasuredSystem) -> RecordBatch {
    let users = measured.outcome.iter().flat_map(|outcome| &outcome.users);
    let ids = users.clone().map(|user| user.user);
    let tests = users.clone().map(|user| user.n_test as i64);
    let relevant = users.clone().map(|user| user.n_relevant as i64);
    let mut columns: Vec<(&str, ArrayRef, bool)> = vec![
        ("user_id", Arc::new(Int32Array::from_iter_values(ids)), false),
        ("n_test", Arc::new(Int64Array::from_iter_values(tests)), false),
        ("n_relevant", Arc::new(Int64Array::from_iter_values(relevant)), false),
    ];
    for (name, values) in &measured.per_user.figures {
        let values = values.iter().map(|&value| Some(value).filter(|value| value.is_finite()));
        columns.push((name, numbers(values), true));
    }
    table(columns)
}
