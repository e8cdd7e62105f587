//! Pictures of searches.

use crate::plot::{Figure, FigureAxis, FigurePanel, PanelMarks, PlotLine};

/// Draws the value of each trial that ran to its end, with its number, and the best so far.
#[must_use]
pub fn search(algorithm: &str, metric: &str, values: &[(usize, f64)], lower: bool) -> Figure {
    let mut best = f64::NAN;
    let so_far = values.iter().map(|&(trial, value)| {
        // The first is better than none.
        best = if lower { value.min(best) } else { value.max(best) };
        (trial as f64, Some(best))
    });
    let line = |name: &str, points| PlotLine { name: name.into(), points };
    let all = values.iter().map(|&(trial, value)| (trial as f64, Some(value))).collect();
    let lines = vec![line("best so far", so_far.collect()), line("each trial", all)];
    Figure {
        title: format!("Search of the parameters of {algorithm}"),
        note: format!("{} trials that ran to their end", values.len()),
        panels: vec![FigurePanel {
            x: FigureAxis::number("trial"),
            y: FigureAxis::number(metric),
            marks: PanelMarks::Lines(lines),
        }],
    }
}
