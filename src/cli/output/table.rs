//! Reports as text for people, and values that a cell can hold.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch, StringArray};
use arrow::datatypes::{DataType, Float32Type, Float64Type, Int32Type};
use arrow::util::display::{ArrayFormatter, FormatOptions};
use comfy_table::{CellAlignment, ContentArrangement, Table, presets};
use serde_json::{Map, Value};

use crate::io::printable::printable;

/// Lists the leaves of an object, their names joined by dots.
pub(super) fn flatten(object: &Map<String, Value>) -> Vec<(String, String)> {
    fn visit(name: String, value: &Value, out: &mut Vec<(String, String)>) {
        match value {
            Value::Object(object) => {
                for (key, value) in object {
                    visit(format!("{name}.{key}"), value, out);
                }
            }
            Value::Array(values) if values.iter().any(Value::is_object) => {
                for (i, value) in values.iter().enumerate() {
                    visit(format!("{name}[{i}]"), value, out);
                }
            }
            Value::Array(values) => {
                let texts: Vec<String> = values.iter().map(plain).collect();
                out.push((name, texts.join(" ")));
            }
            _ => out.push((name, plain(value))),
        }
    }
    let mut out = Vec::new();
    for (key, value) in object {
        visit(key.clone(), value, &mut out);
    }
    out
}

fn plain(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => printable(text).into_owned(),
        other => other.to_string(),
    }
}

fn new_table() -> Table {
    let mut table = Table::new();
    table.load_preset(presets::NOTHING);
    if let Some((_, width)) = console::Term::stdout().size_checked() {
        table.set_content_arrangement(ContentArrangement::Dynamic).set_width(width);
    }
    table
}

pub(super) fn property_table(object: &Map<String, Value>) -> String {
    let mut table = new_table();
    for (name, value) in flatten(object) {
        table.add_row([name, value]);
    }
    format!("{table}\n")
}

/// Renders rows for people: figures rounded and to the right, columns without any value left out.
pub(super) fn table(rows: &RecordBatch) -> String {
    let schema = rows.schema();
    let shown: Vec<usize> = (0..rows.num_columns())
        .filter(|&at| rows.num_rows() == 0 || rows.column(at).null_count() < rows.num_rows())
        .collect();
    let mut table = new_table();
    table.set_header(shown.iter().map(|&at| schema.field(at).name()));
    for row in 0..rows.num_rows() {
        table.add_row(shown.iter().map(|&at| cell(rows.column(at), row)));
    }
    for (place, &at) in shown.iter().enumerate() {
        if schema.field(at).data_type().is_numeric()
            && let Some(column) = table.column_mut(place)
        {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    format!("{table}\n")
}

fn cell(array: &dyn Array, row: usize) -> String {
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
        DataType::List(_) => printable(&reasons(array, row)).into_owned(),
        DataType::Utf8 => printable(array.as_string::<i32>().value(row)).into_owned(),
        _ => ArrayFormatter::try_new(array, &FormatOptions::default())
            .map_or_else(|_| String::new(), |formatter| formatter.value(row).to_string()),
    }
}

/// Renders reasons as `Alien +0.31, Heat -0.05`: from lists of movie_id, title, rating and
/// contribution.
fn reasons(array: &dyn Array, row: usize) -> String {
    let list = array.as_list::<i32>().value(row);
    let list = list.as_struct();
    let column = |name: &str| list.column_by_name(name).expect("a list of reasons");
    let ids = column("movie_id").as_primitive::<Int32Type>();
    let titles = column("title").as_string::<i32>();
    let parts = column("contribution").as_primitive::<Float32Type>();
    let texts = (0..list.len()).map(|at| {
        let title = match titles.value(at) {
            "" => format!("movie {}", ids.value(at)),
            title => title.to_string(),
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
            Arc::new((0..array.len()).map(|row| Some(reasons(array, row))).collect::<StringArray>())
        }
        _ => array.clone(),
    };
    let columns = schema.fields().iter().zip(rows.columns());
    let columns = columns.map(|(field, array)| (field.name(), plain(array), field.is_nullable()));
    RecordBatch::try_from_iter_with_nullable(columns).expect("columns of equal length")
}
