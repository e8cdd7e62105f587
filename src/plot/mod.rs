//! From reports to pictures: a [`Figure`] says what is to be seen, and is drawn as SVG or PNG, as
//! an interactive page, or with the characters of a terminal.
//!
//! All pictures look the same: the colours are those of Okabe & Ito (2008, "Color Universal
//! Design"), which people with any kind of colour vision tell apart.

pub mod compare;
pub mod dashboard;
mod draw;
pub mod model;
mod page;
pub mod stats;
mod terminal;
mod ticks;
pub mod tune;

use std::path::Path;

use serde::Serialize;

pub use page::{figure_page, report_page};
pub(crate) use terminal::beginning;
pub use terminal::{eighths, to_text};

/// A picture: a title and panels, one below the other.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Figure {
    /// What is shown.
    pub title: String,
    /// A line below the title: what was left out, or how a figure is meant. May be empty.
    pub note: String,
    /// From top to bottom.
    pub panels: Vec<FigurePanel>,
}

/// One chart.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct FigurePanel {
    /// Horizontal axis.
    pub x: FigureAxis,
    /// Vertical axis; of bars, which lie, it has no numbers.
    pub y: FigureAxis,
    /// What is drawn.
    pub marks: PanelMarks,
}

/// What an axis measures.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct FigureAxis {
    /// Name and unit.
    pub label: String,
    /// How its numbers are read.
    pub kind: ScaleKind,
}

/// How the numbers of an axis are read.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum ScaleKind {
    /// As they are.
    Number,
    /// As days since 1970.
    Day,
    /// As places in a list of names: the first is at 0.5.
    Names(Vec<String>),
}

/// Shapes of a chart.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum PanelMarks {
    /// Lying bars, from top to bottom, each with its name.
    Bars(Vec<HistogramBar>),
    /// Standing bars.
    Columns(Vec<PlotColumn>),
    /// Lines; a point without a value is a gap.
    Lines(Vec<PlotLine>),
}

/// A lying bar.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct HistogramBar {
    /// What it stands for.
    pub name: String,
    /// Its length.
    pub value: f64,
    /// Where the value may truly lie.
    pub interval: Option<(f64, f64)>,
    /// What is written at its end.
    pub text: String,
}

/// A standing bar.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct PlotColumn {
    /// Left side.
    pub from: f64,
    /// Right side.
    pub to: f64,
    /// Its height.
    pub value: f64,
}

/// A line.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PlotLine {
    /// What it stands for.
    pub name: String,
    /// Place and value of its points, from left to right.
    pub points: Vec<(f64, Option<f64>)>,
}

impl FigureAxis {
    /// An axis of numbers.
    #[must_use]
    pub fn number(label: &str) -> Self {
        Self { label: label.into(), kind: ScaleKind::Number }
    }

    /// An axis of days.
    #[must_use]
    pub fn day(label: &str) -> Self {
        Self { label: label.into(), kind: ScaleKind::Day }
    }

    /// An axis of names.
    #[must_use]
    pub fn names(label: &str, names: Vec<String>) -> Self {
        Self { label: label.into(), kind: ScaleKind::Names(names) }
    }
}

impl FigurePanel {
    /// Lying bars, whose lengths `x` measures.
    #[must_use]
    pub fn bars(x: FigureAxis, bars: Vec<HistogramBar>) -> Self {
        Self { x, y: FigureAxis::number(""), marks: PanelMarks::Bars(bars) }
    }

    /// A standing bar for each name.
    #[must_use]
    pub fn named_columns(
        x: &str,
        y: FigureAxis,
        named: impl IntoIterator<Item = (String, f64)>,
    ) -> Self {
        let (names, values): (Vec<String>, Vec<f64>) = named.into_iter().unzip();
        let columns = values.into_iter().enumerate().map(|(at, value)| PlotColumn {
            from: at as f64 + 0.1,
            to: at as f64 + 0.9,
            value,
        });
        Self { x: FigureAxis::names(x, names), y, marks: PanelMarks::Columns(columns.collect()) }
    }

    /// Whether there is nothing to draw.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        match &self.marks {
            PanelMarks::Bars(bars) => bars.is_empty(),
            PanelMarks::Columns(columns) => columns.is_empty(),
            PanelMarks::Lines(lines) => {
                lines.iter().all(|line| line.points.iter().all(|point| point.1.is_none()))
            }
        }
    }

    /// Returns the smallest and the largest number of each axis that is to be seen; `None` if
    /// there are no shapes.
    fn ranges(&self) -> Option<((f64, f64), (f64, f64))> {
        let hull = |values: &mut dyn Iterator<Item = f64>| {
            values.filter(|value| value.is_finite()).fold(
                None,
                |hull: Option<(f64, f64)>, value| {
                    let (low, high) = hull.unwrap_or((value, value));
                    Some((low.min(value), high.max(value)))
                },
            )
        };
        match &self.marks {
            PanelMarks::Bars(bars) => {
                let ends = |bar: &HistogramBar| {
                    [bar.value, bar.interval.map_or(bar.value, |(_, high)| high)]
                };
                let x = hull(&mut bars.iter().flat_map(ends).chain([0.0]))?;
                Some((x, (0.0, bars.len() as f64)))
            }
            PanelMarks::Columns(columns) => {
                let x = match &self.x.kind {
                    ScaleKind::Names(names) => (0.0, names.len() as f64),
                    _ => hull(&mut columns.iter().flat_map(|c| [c.from, c.to]))?,
                };
                let y = hull(&mut columns.iter().map(|column| column.value).chain([0.0]))?;
                Some((x, y))
            }
            PanelMarks::Lines(lines) => {
                let points = || lines.iter().flat_map(|line| &line.points);
                let known = || points().filter_map(|&(x, y)| Some((x, y?)));
                let x = hull(&mut known().map(|(x, _)| x))?;
                let (low, high) = hull(&mut known().map(|(_, y)| y))?;
                // Lines need not begin at zero, but they need room.
                let room = if high > low { 0.05 * (high - low) } else { 0.5 };
                Some((x, (low - room, high + room)))
            }
        }
    }
}

/// Formats of files that a figure can be drawn to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PlotFormat {
    /// Scalable vector graphics.
    Svg,
    /// A raster image, at two pixels for each unit of length.
    Png,
    /// A page that stands alone and tells figures where the pointer is.
    Html,
}

impl PlotFormat {
    /// Tells the format from the ending of a file's name.
    #[must_use]
    pub fn from_path(path: &Path) -> Option<Self> {
        match path.extension()?.to_str()?.to_ascii_lowercase().as_str() {
            "svg" => Some(Self::Svg),
            "png" => Some(Self::Png),
            "html" | "htm" => Some(Self::Html),
            _ => None,
        }
    }
}

impl Figure {
    /// Draws the figure.
    #[must_use]
    pub fn draw(&self, format: PlotFormat) -> Vec<u8> {
        match format {
            PlotFormat::Svg => draw::svg(self).into_bytes(),
            PlotFormat::Png => draw::png(self),
            PlotFormat::Html => figure_page(self).into_bytes(),
        }
    }
}
