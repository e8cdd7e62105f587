//! Systems side by side: a row each, a column per metric.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, StringArray};
use arrow::datatypes::{DataType, Field, Schema};
use indexmap::IndexSet;

use crate::cli::error::Result;
use crate::cli::evaluate::EvaluateArgs;
use crate::cli::evaluate::metrics_report::{MeasuredSystem, unknown_metric};
use crate::cli::output::IS_NUMBER;
use crate::dataset::Dataset;
use crate::eval::compare::SystemComparison;
use crate::eval::ranking::less_is_better;

/// Meaning of the mark.
pub(super) const LEGEND: &str = "▲ best of the column";
const BEST: char = '▲';
const SIGNIFICANT: char = '*';
/// Significance level.
const LEVEL: f64 = 0.05;
/// Metrics of a table where none are named; `@` stands for the shortest cutoff.
const USUAL: [&str; 7] = ["ndcg@", "recall@", "map@", "hit_rate@", "coverage@", "rmse", "mae"];

impl EvaluateArgs {
    /// Returns the table of all systems, the best first.
    ///
    /// # Errors
    /// If there is no figure to sort by.
    pub(super) fn leaderboard(
        &self,
        measured: &[MeasuredSystem],
        comparisons: &[SystemComparison],
        test: Option<&Dataset>,
    ) -> Result<RecordBatch> {
        let values: Vec<Vec<LeaderboardCell<'_>>> =
            measured.iter().enumerate().map(|(at, one)| one.cells(at, comparisons)).collect();
        let names: IndexSet<&str> = values.iter().flatten().map(|cell| cell.name).collect();
        let mut names: Vec<&str> = names.into_iter().collect();
        if self.metrics.is_empty() {
            let cut = self.protocol(test).shortest();
            let usual: Vec<&str> = USUAL
                .iter()
                .filter_map(|usual| {
                    let named = if usual.ends_with('@') {
                        format!("{usual}{cut}")
                    } else {
                        usual.to_string()
                    };
                    names.iter().copied().find(|name| *name == named)
                })
                .collect();
            names = if usual.is_empty() { names } else { usual };
        }
        let cell = |at: usize, name: &str| values[at].iter().find(|cell| cell.name == name);
        let value = |at: usize, name: &str| cell(at, name)?.value;
        let sort = match &self.sort {
            Some(metric) if !values.iter().flatten().any(|cell| cell.name == metric) => {
                return Err(unknown_metric("--sort", metric, measured));
            }
            Some(metric) => Some(metric.as_str()),
            None => names.first().copied(),
        };
        let mut order: Vec<usize> = (0..measured.len()).collect();
        if let Some(metric) = sort {
            let key = |at: &usize| value(*at, metric).map_or(f64::INFINITY, |x| x * sign(metric));
            order.sort_by(|a, b| key(a).total_cmp(&key(b)));
        }
        let systems = order.iter().map(|&at| measured[at].name.as_str());
        let mut fields = vec![Field::new("system", DataType::Utf8, false)];
        let mut columns: Vec<ArrayRef> = vec![Arc::new(StringArray::from_iter_values(systems))];
        for name in names {
            let known = order.iter().filter_map(|&at| value(at, name));
            let best = known.min_by(|a, b| (a * sign(name)).total_cmp(&(b * sign(name))));
            let cells: Vec<Option<String>> = order
                .iter()
                .map(|&at| {
                    let cell = cell(at, name)?;
                    Some(marked(cell, cell.value?, measured.len() > 1 && cell.value == best))
                })
                .collect();
            let number = HashMap::from([(IS_NUMBER.to_string(), String::new())]);
            fields.push(Field::new(name, DataType::Utf8, true).with_metadata(number));
            columns.push(Arc::new(aligned(cells)));
        }
        Ok(RecordBatch::try_new(Arc::new(Schema::new(fields)), columns)?)
    }
}

/// A metric of a system.
struct LeaderboardCell<'a> {
    name: &'a str,
    value: Option<f64>,
    /// Standard deviation over folds.
    deviation: Option<f64>,
    /// Whether the value differs significantly from the first system's.
    is_significant: bool,
}

impl MeasuredSystem {
    fn cells<'a>(
        &'a self,
        at: usize,
        comparisons: &'a [SystemComparison],
    ) -> Vec<LeaderboardCell<'a>> {
        let rows = self.rows(at, comparisons).into_iter();
        let cells = rows.map(|row| {
            let is_significant = row.comparison.is_some_and(|found| found.wilcoxon_holm < LEVEL);
            let (name, value, deviation) = (row.metric, row.value, row.deviation);
            LeaderboardCell { name, value, deviation, is_significant }
        });
        cells.collect()
    }
}

/// Returns 1 where less is better, else -1.
fn sign(metric: &str) -> f64 {
    if less_is_better(metric) { 1.0 } else { -1.0 }
}

fn marked(cell: &LeaderboardCell<'_>, value: f64, is_best: bool) -> String {
    const DECIMALS: usize = 4;
    let mut text = format!("{value:.DECIMALS$}");
    if let Some(deviation) = cell.deviation {
        text.push_str(&format!(" ± {deviation:.DECIMALS$}"));
    }
    text.extend(cell.is_significant.then_some(SIGNIFICANT));
    text.extend(is_best.then_some(BEST));
    text
}

/// Pads texts so that their digits stand one below the other, whatever marks follow them.
fn aligned(cells: Vec<Option<String>>) -> StringArray {
    let marks = |text: &str| text.chars().filter(|c| [SIGNIFICANT, BEST].contains(c)).count();
    let most = cells.iter().flatten().map(|text| marks(text)).max().unwrap_or(0);
    let pad = |text: String| format!("{text}{}", " ".repeat(most - marks(&text)));
    cells.into_iter().map(|cell| cell.map(pad)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_stand_behind_aligned_digits() {
        let cell = |deviation, is_significant| LeaderboardCell {
            name: "rmse",
            value: None,
            deviation,
            is_significant,
        };
        let cells = vec![
            Some(marked(&cell(None, true), 0.5, true)),
            Some(marked(&cell(None, false), 0.25, false)),
            None,
        ];
        let cells = aligned(cells);
        assert_eq!((cells.value(0), cells.value(1)), ("0.5000*▲", "0.2500  "));
        assert_eq!(marked(&cell(Some(0.01), false), 0.5, true), "0.5000 ± 0.0100▲");
        assert_eq!((sign("rmse"), sign("gini@10"), sign("ndcg@10")), (1.0, 1.0, -1.0));
    }
}
