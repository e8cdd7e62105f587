//! Draws figures with the characters of a terminal.

use std::fmt::Write;

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use crate::io::printable::printable;
use crate::plot::ticks::{AxisTick, in_full, ticks};
use crate::plot::{Figure, FigurePanel, HistogramBar, PanelMarks, PlotColumn, PlotLine, ScaleKind};

/// Rows of a chart that stands.
const ROWS: usize = 10;
/// Columns that the labels of a vertical axis take.
const LABELS: usize = 9;

/// Draws a figure in `width` columns.
#[must_use]
pub fn to_text(figure: &Figure, width: usize) -> String {
    let width = width.max(40);
    let mut text = String::new();
    for line in [&figure.title, &figure.note] {
        if !line.is_empty() {
            let _ = writeln!(text, "{}", shortened(line, width));
        }
    }
    for panel in &figure.panels {
        text.push('\n');
        text.push_str(&panel_text(panel, width));
    }
    text.split('\n').map(printable).collect::<Vec<_>>().join("\n")
}

fn panel_text(panel: &FigurePanel, width: usize) -> String {
    let Some((x, y)) = panel.ranges().filter(|_| !panel.is_empty()) else {
        return "nothing to show\n".into();
    };
    match &panel.marks {
        PanelMarks::Bars(bars) => heading(&panel.x.label) + &bars_text(bars, width),
        PanelMarks::Columns(columns) => match &panel.x.kind {
            ScaleKind::Names(names) => {
                let named = names.iter().zip(columns);
                let bars: Vec<HistogramBar> =
                    named.map(|(name, column)| bar(name, column.value)).collect();
                heading(&format!("{}, by {}", panel.y.label, panel.x.label))
                    + &bars_text(&bars, width)
            }
            _ => {
                let heights = heights(columns, x, width - LABELS);
                heading(&panel.y.label) + &stand(panel, &heights, x, y, width)
            }
        },
        PanelMarks::Lines(lines) => {
            let one = |line: &PlotLine| {
                let values = averages(line, x, 2 * (width - LABELS));
                let name = format!("{}: {}", panel.y.label, line.name);
                let label = if lines.len() > 1 { &name } else { &panel.y.label };
                heading(label) + &dots(panel, &values, x, y, width)
            };
            lines.iter().map(one).collect::<Vec<_>>().join("\n")
        }
    }
}

fn heading(label: &str) -> String {
    if label.is_empty() { String::new() } else { format!("{label}\n") }
}

fn bar(name: &str, value: f64) -> HistogramBar {
    HistogramBar { name: name.into(), value, interval: None, text: in_full(value) }
}

/// Draws lying bars in eighths of a column.
fn bars_text(bars: &[HistogramBar], width: usize) -> String {
    let names: Vec<String> = bars.iter().map(|bar| shortened(&bar.name, width * 2 / 5)).collect();
    let widest = names.iter().map(|name| name.width()).max().unwrap_or(0);
    let text = bars.iter().map(|bar| bar.text.width()).max().unwrap_or(0);
    let room = width.saturating_sub(widest + text + 3).max(4);
    let most = bars.iter().map(|bar| bar.value).fold(f64::MIN_POSITIVE, f64::max);
    let mut out = String::new();
    for (bar, name) in bars.iter().zip(&names) {
        let pad = " ".repeat(widest - name.width());
        let drawn = eighths(bar.value.max(0.0) / most * room as f64);
        let _ = writeln!(out, "{pad}{name} ▏{drawn} {}", bar.text);
    }
    out
}

/// Draws a length in eighths of a column.
#[must_use]
pub fn eighths(length: f64) -> String {
    const PARTS: [&str; 8] = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"];
    let eighths = (length * 8.0).round() as usize;
    "█".repeat(eighths / 8) + PARTS[eighths % 8]
}

/// Returns the highest column at each place.
fn heights(columns: &[PlotColumn], (low, high): (f64, f64), places: usize) -> Vec<Option<f64>> {
    let mut heights: Vec<Option<f64>> = vec![None; places];
    let place = |x: f64| (x - low) / (high - low).max(f64::MIN_POSITIVE) * places as f64;
    for column in columns {
        let from = (place(column.from).floor() as usize).min(places - 1);
        let to = (place(column.to).ceil() as usize).clamp(from + 1, places);
        for height in &mut heights[from..to] {
            *height = Some(height.unwrap_or(0.0).max(column.value));
        }
    }
    heights
}

/// Draws standing columns in eighths of a row.
fn stand(
    panel: &FigurePanel,
    heights: &[Option<f64>],
    x: (f64, f64),
    y: (f64, f64),
    width: usize,
) -> String {
    const PARTS: [char; 9] = [' ', '▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
    let rows: Vec<String> = (0..ROWS)
        .map(|row| {
            let floor = (ROWS - 1 - row) as f64;
            let cell = |height: &Option<f64>| {
                let share = height.map_or(0.0, |h| (h - y.0) / (y.1 - y.0).max(f64::MIN_POSITIVE));
                let full = share * ROWS as f64 - floor;
                PARTS[(full * 8.0).round().clamp(0.0, 8.0) as usize]
            };
            heights.iter().map(cell).collect()
        })
        .collect();
    frame(panel, &rows, x, y, width)
}

/// Returns the mean of a line at each place, joined over gaps between neighbours.
fn averages(line: &PlotLine, (low, high): (f64, f64), places: usize) -> Vec<Option<f64>> {
    let mut sums = vec![(0.0, 0); places];
    let place = |x: f64| (x - low) / (high - low).max(f64::MIN_POSITIVE) * (places - 1) as f64;
    let known: Vec<(f64, f64)> =
        line.points.iter().filter_map(|&(at, value)| Some((place(at), value?))).collect();
    for &(at, value) in &known {
        let (sum, n) = &mut sums[at.round() as usize];
        *sum += value;
        *n += 1;
    }
    let mut means: Vec<Option<f64>> =
        sums.iter().map(|&(sum, n)| (n > 0).then(|| sum / f64::from(n))).collect();
    for pair in known.windows(2) {
        let [(from, a), (to, b)] = [pair[0], pair[1]];
        let between = (from.round() as usize + 1).min(places)..to.round() as usize;
        let first = between.start;
        for (at, mean) in means.get_mut(between).unwrap_or_default().iter_mut().enumerate() {
            let share = ((first + at) as f64 - from) / (to - from);
            mean.get_or_insert(a + share * (b - a));
        }
    }
    means
}

/// Draws a line in dots, two by four to a character.
fn dots(
    panel: &FigurePanel,
    values: &[Option<f64>],
    x: (f64, f64),
    y: (f64, f64),
    width: usize,
) -> String {
    const DOTS: [[u32; 4]; 2] = [[0x01, 0x02, 0x04, 0x40], [0x08, 0x10, 0x20, 0x80]];
    let mut cells = vec![vec![0_u32; values.len().div_ceil(2)]; ROWS];
    let level = |value: f64| {
        let share = (value - y.0) / (y.1 - y.0).max(f64::MIN_POSITIVE);
        ((1.0 - share) * (4 * ROWS - 1) as f64).round().clamp(0.0, (4 * ROWS - 1) as f64) as usize
    };
    let mut before: Option<usize> = None;
    for (at, value) in values.iter().enumerate() {
        let Some(level) = value.map(level) else {
            before = None;
            continue;
        };
        // From the neighbour's height on, so that steep parts hold together.
        let from = before.map_or(level, |before| match before.cmp(&level) {
            std::cmp::Ordering::Less => before + 1,
            std::cmp::Ordering::Equal => level,
            std::cmp::Ordering::Greater => before - 1,
        });
        for dot in from.min(level)..=from.max(level) {
            cells[dot / 4][at / 2] |= DOTS[at % 2][dot % 4];
        }
        before = Some(level);
    }
    let blank = char::from_u32(0x2800).unwrap_or(' ');
    let character = |&dots: &u32| match dots {
        0 => ' ',
        dots => char::from_u32(0x2800 + dots).unwrap_or(blank),
    };
    let rows: Vec<String> = cells.iter().map(|row| row.iter().map(character).collect()).collect();
    frame(panel, &rows, x, y, width)
}

/// Puts the labels of both axes around rows.
fn frame(
    panel: &FigurePanel,
    rows: &[String],
    x: (f64, f64),
    y: (f64, f64),
    width: usize,
) -> String {
    let y_ticks = ticks(&panel.y.kind, y.0, y.1, ROWS / 3);
    let row_of = |at: f64| {
        let share = (at - y.0) / (y.1 - y.0).max(f64::MIN_POSITIVE);
        ((1.0 - share) * (ROWS - 1) as f64).round() as usize
    };
    let mut out = String::new();
    for (row, cells) in rows.iter().enumerate() {
        let tick = y_ticks.iter().find(|tick| row_of(tick.at) == row);
        let label = tick.map_or("", |tick| &tick.label);
        let mark = if tick.is_some() { '┤' } else { '│' };
        let _ = writeln!(out, "{label:>7} {mark}{}", cells.trim_end());
    }
    let room = width - LABELS;
    let mut marks = vec!['─'; room];
    let mut labels = vec![' '; width];
    let mut free = 0;
    for AxisTick { at, label } in ticks(&panel.x.kind, x.0, x.1, room / 9) {
        let place =
            ((at - x.0) / (x.1 - x.0).max(f64::MIN_POSITIVE) * (room - 1) as f64).round() as usize;
        marks[place.min(room - 1)] = '┬';
        let start = (LABELS + place)
            .saturating_sub(label.width() / 2)
            .min(width - label.width().min(width));
        if start >= free {
            let cells = labels[start..].iter_mut();
            cells.zip(label.chars()).for_each(|(cell, character)| *cell = character);
            free = start + label.width() + 1;
        }
    }
    let _ = writeln!(out, "{:>7} └{}", "", marks.iter().collect::<String>());
    let labels: String = labels.iter().collect();
    let _ = writeln!(out, "{}", labels.trim_end());
    out
}

/// Cuts a text to a number of columns.
fn shortened(text: &str, width: usize) -> String {
    beginning(text, width).map_or_else(|| text.into(), |beginning| format!("{beginning}…"))
}

/// Returns the beginning of a text that fits `width` columns together with `…`; `None` if the whole
/// text fits.
pub(crate) fn beginning(text: &str, width: usize) -> Option<&str> {
    if text.width() <= width {
        return None;
    }
    let mut used = 0;
    let fits = |&(_, c): &(usize, char)| {
        used += c.width().unwrap_or(0);
        used < width
    };
    let end = text.char_indices().take_while(fits).last().map_or(0, |(at, c)| at + c.len_utf8());
    Some(&text[..end])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plot::FigureAxis;

    #[test]
    fn bars_have_names_and_figures() {
        let bars = vec![
            bar("Drama", 40.0),
            bar("A very long name of a genre indeed", 20.0),
            bar("War", 0.0),
        ];
        let figure = Figure {
            title: "Genres".into(),
            note: String::new(),
            panels: vec![FigurePanel::bars(FigureAxis::number("ratings"), bars)],
        };
        insta::assert_snapshot!(to_text(&figure, 48), @"
        Genres

        ratings
                      Drama ▏████████████████████████ 40
        A very long name o… ▏████████████ 20
                        War ▏ 0
        ");
    }

    #[test]
    fn columns_and_lines_stand_between_axes() {
        let columns = (0..12).map(|at| PlotColumn {
            from: f64::from(at),
            to: f64::from(at + 1),
            value: f64::from(at * at),
        });
        let points = (0..=24).map(|at| (f64::from(at), (at != 12).then(|| f64::from(at % 8))));
        let line = PlotLine { name: "a".into(), points: points.collect() };
        let figure = Figure {
            title: "Shapes".into(),
            note: "of both kinds".into(),
            panels: vec![
                FigurePanel {
                    x: FigureAxis::number(""),
                    y: FigureAxis::number("squares"),
                    marks: PanelMarks::Columns(columns.collect()),
                },
                FigurePanel {
                    x: FigureAxis::number(""),
                    y: FigureAxis::number("saw"),
                    marks: PanelMarks::Lines(vec![line]),
                },
                FigurePanel {
                    x: FigureAxis::number(""),
                    y: FigureAxis::number(""),
                    marks: PanelMarks::Lines(Vec::new()),
                },
            ],
        };
        insta::assert_snapshot!(to_text(&figure, 50), @"
        Shapes
        of both kinds

        squares
                │                                     ████
                │                                  ▂▂▂████
            100 ┤                                  ███████
                │                              ▆▆▆▆███████
                │                           ▂▂▂███████████
             50 ┤                           ██████████████
                │                       ██████████████████
                │                 ▁▁▁█████████████████████
                │             ▃▃▃▃████████████████████████
              0 ┤   ▁▁▁▃▃▃▃▆▆▆████████████████████████████
                └┬────────────────┬───────────────┬───────
                 0                5              10

        saw
                │           ⢀⢄            ⡠⡀           ⢀⢄
                │          ⡠⠃⢸          ⢀⠜ ⡇          ⡠⠃⢸
                │         ⡔⠁ ⢸         ⢠⠊  ⡇         ⡔⠁ ⢸
              5 ┤       ⢀⠎   ⢸        ⡰⠁   ⡇       ⢀⠎   ⢸
                │      ⡠⠊    ⠈⡆     ⢀⠜     ⢱      ⡠⠊    ⠈⡆
                │     ⡔⠁      ⡇    ⢠⠊      ⢸     ⡔⠁      ⡇
                │   ⢀⠎        ⡇   ⡰⠁       ⢸   ⢀⠎        ⡇
                │  ⡠⠃         ⢸ ⢀⠜          ⡇ ⡠⠃         ⢸
                │ ⡜           ⢸⢠⠃           ⡇⡜           ⢸
              0 ┤⠊            ⠘⠁            ⠋            ⠘
                └┬────────────────┬───────────────┬───────
                 0               10              20

        nothing to show
        ");
    }
}
