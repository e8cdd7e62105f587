//! Rows for people, and values that a cell can hold.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch, StringArray};
use arrow::datatypes::{DataType, Field, Float32Type, Float64Type, Int32Type};
use arrow::util::display::{ArrayFormatter, FormatOptions};

use crate::cli::output::grid::{CellAlignment, GridColumn, Keep, render};
use crate::cli::output::terminal_width;
use crate::dataset::titles::spoken_title;
use crate::io::printable::printable;

/// Name of the metadata of a column of numbers that are texts already.
pub(crate) const IS_NUMBER: &str = "number";

/// Returns the width of the terminal at stdout, or what `COLUMNS` says; `None` where neither is
/// known.
pub(super) fn width() -> Option<usize> {
    let named = || std::env::var("COLUMNS").ok()?.parse().ok();
    terminal_width().or_else(named).filter(|&width| width > 0)
}

/// Renders rows within `width` columns: numbers rounded and to the right, titles as people write
/// them, columns without any value left out.
pub(super) fn table(rows: &RecordBatch, width: Option<usize>) -> String {
    let schema = rows.schema();
    let is_shown =
        |at: &usize| rows.num_rows() == 0 || rows.column(*at).null_count() < rows.num_rows();
    let columns = (0..rows.num_columns()).filter(is_shown).map(|at| {
        let (field, array) = (schema.field(at), rows.column(at));
        let is_number = is_number(field);
        GridColumn {
            header: field.name().clone(),
            align: if is_number { CellAlignment::Right } else { CellAlignment::Left },
            keep: match field.name().as_str() {
                "genres" => Keep::Least,
                // Stars or bars.
                "" => Keep::Whole,
                _ if is_number => Keep::Whole,
                _ => Keep::Some,
            },
            cells: (0..rows.num_rows()).map(|row| cell(field, array, row)).collect(),
        }
    });
    render(columns.collect(), width, true)
}

fn is_number(field: &Field) -> bool {
    field.data_type().is_numeric() || field.metadata().contains_key(IS_NUMBER)
}

fn cell(field: &Field, array: &dyn Array, row: usize) -> String {
    const DECIMALS: usize = 3;
    if array.is_null(row) {
        return String::new();
    }
    match array.data_type() {
        DataType::Float32 => {
            format!("{:.DECIMALS$}", array.as_primitive::<Float32Type>().value(row))
        }
        DataType::Float64 => {
            format!("{:.DECIMALS$}", array.as_primitive::<Float64Type>().value(row))
        }
        DataType::List(_) => printable(&reasons(array, row, spoken_title)).into_owned(),
        DataType::Utf8 => {
            let text = printable(array.as_string::<i32>().value(row));
            if field.name() == "title" { spoken_title(&text) } else { text.into_owned() }
        }
        _ => ArrayFormatter::try_new(array, &FormatOptions::default())
            .map_or_else(|_| String::new(), |formatter| formatter.value(row).to_string()),
    }
}

/// Renders reasons as `Alien +0.31, Heat -0.05`: from lists of movie_id, title, rating and
/// contribution; `title` changes the titles.
fn reasons(array: &dyn Array, row: usize, title: impl Fn(&str) -> String) -> String {
    let list = array.as_list::<i32>().value(row);
    let list = list.as_struct();
    let column = |name: &str| list.column_by_name(name).expect("a list of reasons");
    let ids = column("movie_id").as_primitive::<Int32Type>();
    let titles = column("title").as_string::<i32>();
    let parts = column("contribution").as_primitive::<Float32Type>();
    let texts = (0..list.len()).map(|at| {
        let title = match titles.value(at) {
            "" => format!("movie {}", ids.value(at)),
            text => title(text),
        };
        format!("{title} {:+.2}", parts.value(at))
    });
    texts.collect::<Vec<_>>().join(", ")
}

/// Returns rows whose lists are texts, for formats that have no lists.
pub(super) fn with_plain_cells(rows: &RecordBatch) -> RecordBatch {
    let schema = rows.schema();
    let plain = |array: &ArrayRef| match array.data_type() {
        DataType::List(_) => {
            let texts =
                (0..array.len()).map(|row| Some(reasons(array, row, |title| title.to_string())));
            Arc::new(texts.collect::<StringArray>())
        }
        _ => array.clone(),
    };
    let columns = schema.fields().iter().zip(rows.columns());
    let columns = columns.map(|(field, array)| (field.name(), plain(array), field.is_nullable()));
    RecordBatch::try_from_iter_with_nullable(columns).expect("columns of equal length")
}
