//! Pictures of evaluations.

use crate::plot::{Figure, FigureAxis, FigurePanel, HistogramBar};

/// A figure of a system.
#[derive(Debug, Clone, PartialEq)]
pub struct Measure {
    /// What was measured, such as `ndcg@10`.
    pub metric: String,
    /// What it was measured of.
    pub system: String,
    /// The figure.
    pub value: f64,
    /// Where it may truly lie.
    pub interval: Option<(f64, f64)>,
}

/// Draws the figures of several systems, a panel for each metric, in the order in which they come
/// first.
#[must_use]
pub fn comparison(measures: &[Measure], note: &str) -> Figure {
    let mut metrics: Vec<&str> = Vec::new();
    for measure in measures {
        if !metrics.contains(&&*measure.metric) {
            metrics.push(&measure.metric);
        }
    }
    let panel = |metric: &str| {
        let bars = measures.iter().filter(|measure| measure.metric == metric).map(|measure| {
            HistogramBar {
                name: measure.system.clone(),
                value: measure.value,
                interval: measure.interval,
                text: format!("{:.4}", measure.value),
            }
        });
        FigurePanel::bars(FigureAxis::number(metric), bars.collect())
    };
    Figure {
        title: "Evaluation".into(),
        note: note.into(),
        panels: metrics.into_iter().map(panel).collect(),
    }
}
