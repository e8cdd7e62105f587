//! Pictures of models.

use crate::plot::{Figure, FigureAxis, FigurePanel, PanelMarks, PlotLine};

/// Draws the loss after each iteration.
#[must_use]
pub fn training(name: &str, losses: &[f64]) -> Figure {
    let points = losses.iter().enumerate().map(|(at, &loss)| ((at + 1) as f64, Some(loss)));
    let line = PlotLine { name: "loss".into(), points: points.collect() };
    let loss = FigureAxis::number("loss (the objective that is minimised)");
    Figure {
        title: format!("Training of {name}"),
        note: match (losses.first(), losses.last()) {
            (Some(first), Some(last)) => {
                format!("{} iterations, from {first:.6e} to {last:.6e}", losses.len())
            }
            _ => "This kind of model is not trained in iterations.".into(),
        },
        panels: vec![FigurePanel {
            x: FigureAxis::number("iteration"),
            y: loss,
            marks: PanelMarks::Lines(vec![line]),
        }],
    }
}
