//! Pictures of models.

use crate::plot::{Axis, Figure, Marks, Panel, PlotLine};

/// Draws the loss after each iteration.
#[must_use]
pub fn training(name: &str, losses: &[f64]) -> Figure {
    let points = losses.iter().enumerate().map(|(at, &loss)| ((at + 1) as f64, Some(loss)));
    let line = PlotLine { name: "loss".into(), points: points.collect() };
    let loss = Axis::number("loss (the objective that is minimised)");
    Figure {
        title: format!("Training of {name}"),
        note: match (losses.first(), losses.last()) {
            (Some(first), Some(last)) => {
                format!("{} iterations, from {first:.6e} to {last:.6e}", losses.len())
            }
            _ => "This kind of model is not trained in iterations.".into(),
        },
        panels: vec![Panel {
            x: Axis::number("iteration"),
            y: loss,
            marks: Marks::Lines(vec![line]),
        }],
    }
}
