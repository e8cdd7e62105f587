//! Text tables for people: columns fitted to the width of the terminal.
//!
//! Numbers, headers and bars are never cut. Where the columns are too wide, texts are, with `…`:
//! first those that say least, which are left out before the others are cut to few letters. If that
//! is not enough, columns are left out from the right. What is left out is named below the table.

use unicode_width::UnicodeWidthStr;

use crate::plot::beginning;

/// Where the values of a column stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum CellAlignment {
    Left,
    Right,
}

/// How much of a column must be seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Keep {
    /// It is cut before all others, and left out before any.
    Least,
    /// It may be cut.
    Some,
    /// It is whole, or left out.
    Whole,
}

/// A column of texts.
#[derive(Debug, Clone)]
pub(super) struct GridColumn {
    pub(super) header: String,
    pub(super) align: CellAlignment,
    pub(super) keep: Keep,
    pub(super) cells: Vec<String>,
}

/// Blanks between two columns.
const GAP: usize = 2;
/// Width below which a text that is cut says nothing.
const NARROWEST: usize = 12;
/// Width down to which texts are cut before what says least is left out.
const COMFORTABLE: usize = 30;

impl GridColumn {
    fn width(&self) -> usize {
        let widths = self.cells.iter().map(|cell| cell.width());
        widths.fold(self.header.width(), usize::max)
    }
}

/// Renders columns of equal length within `width` columns of a terminal, or as wide as they are.
pub(super) fn render(mut columns: Vec<GridColumn>, width: Option<usize>, headers: bool) -> String {
    let mut left_out = Vec::new();
    let widths = loop {
        match width {
            None => break natural(&columns),
            Some(width) => match fitted(&columns, width) {
                Ok(widths) => break widths,
                Err(at) => left_out.push(columns.remove(at).header),
            },
        }
    };
    let rows = columns.iter().map(|column| column.cells.len()).max().unwrap_or(0);
    let mut text = String::new();
    if headers {
        line(&mut text, &columns, &widths, |column| &column.header);
    }
    for row in 0..rows {
        line(&mut text, &columns, &widths, |column| &column.cells[row]);
    }
    left_out.retain(|header| !header.is_empty());
    if !left_out.is_empty() {
        text.push_str(&cut(
            &format!("(no room for {})", left_out.join(", ")),
            width.unwrap_or(usize::MAX),
        ));
        text.push('\n');
    }
    text
}

/// Returns the widths of columns that fit `width` together, or the column to leave out.
fn fitted(columns: &[GridColumn], width: usize) -> Result<Vec<usize>, usize> {
    let mut widths = natural(columns);
    let least = |at: &usize| columns[*at].keep == Keep::Least;
    if shrink(columns, &mut widths, width, Keep::Least, NARROWEST)
        || shrink(columns, &mut widths, width, Keep::Some, COMFORTABLE)
    {
        return Ok(widths);
    }
    if let Some(at) = (0..columns.len()).rfind(least) {
        return Err(at);
    }
    match shrink(columns, &mut widths, width, Keep::Some, NARROWEST) || columns.len() == 1 {
        true => Ok(widths),
        false => Err(columns.len() - 1),
    }
}

fn natural(columns: &[GridColumn]) -> Vec<usize> {
    columns.iter().map(GridColumn::width).collect()
}

/// Cuts the columns that are to be kept so, the widest most, down to `narrowest`, until all fit;
/// returns whether they do.
fn shrink(
    columns: &[GridColumn],
    widths: &mut [usize],
    width: usize,
    keep: Keep,
    narrowest: usize,
) -> bool {
    let gaps = GAP * columns.len().saturating_sub(1);
    loop {
        if widths.iter().sum::<usize>() + gaps <= width {
            return true;
        }
        let can_shrink = |at: &usize| {
            columns[*at].keep == keep && widths[*at] > narrowest.max(columns[*at].header.width())
        };
        let Some(at) = (0..columns.len()).filter(can_shrink).max_by_key(|&at| widths[at]) else {
            return false;
        };
        widths[at] -= 1;
    }
}

fn line<'a>(
    text: &mut String,
    columns: &'a [GridColumn],
    widths: &[usize],
    cell: impl Fn(&'a GridColumn) -> &'a str,
) {
    let start = text.len();
    for (at, (column, &width)) in columns.iter().zip(widths).enumerate() {
        let value = cut(cell(column), width);
        let blanks = " ".repeat(width - value.width().min(width));
        if at > 0 {
            text.push_str(&" ".repeat(GAP));
        }
        match column.align {
            CellAlignment::Left => text.extend([value.as_str(), &blanks]),
            CellAlignment::Right => text.extend([blanks.as_str(), &value]),
        }
    }
    text.truncate(text[start..].trim_end().len() + start);
    text.push('\n');
}

/// Cuts a text to a width, its last column being `…`.
pub(super) fn cut(text: &str, width: usize) -> String {
    match beginning(text, width) {
        None => text.to_string(),
        Some(_) if width == 0 => String::new(),
        Some(beginning) => format!("{}…", beginning.trim_end()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn column(header: &str, align: CellAlignment, keep: Keep, cells: &[&str]) -> GridColumn {
        let cells = cells.iter().map(|cell| cell.to_string()).collect();
        GridColumn { header: header.into(), align, keep, cells }
    }

    fn columns() -> Vec<GridColumn> {
        vec![
            column("rank", CellAlignment::Right, Keep::Whole, &["1", "10"]),
            column(
                "title",
                CellAlignment::Left,
                Keep::Some,
                &["The Lord of the Rings (2001)", "Up"],
            ),
            column(
                "genres",
                CellAlignment::Left,
                Keep::Least,
                &["Action|Adventure|Fantasy", "Drama"],
            ),
            column("score", CellAlignment::Right, Keep::Whole, &["3.142", "-12.500"]),
            column("", CellAlignment::Left, Keep::Whole, &["█████", ""]),
        ]
    }

    #[test]
    fn numbers_headers_and_bars_are_whole_at_any_width() {
        for width in 20..100 {
            let text = render(columns(), Some(width), true);
            assert!(text.lines().all(|line| line.width() <= width), "{width}\n{text}");
            for whole in ["rank", "10"] {
                assert!(text.contains(whole), "{width}\n{text}");
            }
            for (number, header) in [("-12.500", "score"), ("█████", "")] {
                let is_shown = text.contains(number);
                assert_eq!(is_shown, text.contains(number) && text.contains(header), "{width}");
            }
        }
    }

    #[test]
    fn genres_are_cut_before_titles() {
        let text = render(columns(), Some(65), true);
        assert!(text.contains("The Lord of the Rings (2001)") && text.contains('…'), "{text}");
        let text = render(columns(), Some(50), true);
        assert!(text.contains("(no room for genres)") || text.contains("…"), "{text}");
        assert!(render(columns(), None, true).lines().all(|line| !line.contains('…')));
    }

    #[test]
    fn texts_are_cut_by_what_they_take_on_screen() {
        assert_eq!(cut("Amélie", 6), "Amélie");
        assert_eq!(cut("Amélie", 4), "Amé…");
        assert_eq!(cut("千と千尋", 5), "千と…");
        assert_eq!(cut("The Lord", 5), "The…");
        assert_eq!(cut("x", 0), "");
    }
}
