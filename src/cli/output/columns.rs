//! Columns of reports.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, Float32Array, Float64Array, Int32Array, Int64Array, RecordBatch, StringArray,
};

/// A column: its name, its values, and whether some may be missing.
pub(crate) type ReportColumn<'a> = (&'a str, ArrayRef, bool);

/// Joins columns of equal length.
pub(crate) fn rows_of<'a>(columns: impl IntoIterator<Item = ReportColumn<'a>>) -> RecordBatch {
    RecordBatch::try_from_iter_with_nullable(columns).expect("columns of equal length")
}

/// Makes a column of ids, ranks or other numbers of 32 bits.
pub(crate) fn ids(name: &str, values: impl Iterator<Item = i32>) -> ReportColumn<'_> {
    (name, Arc::new(Int32Array::from_iter_values(values)), false)
}

/// Makes a column of counts.
pub(crate) fn counts(name: &str, values: impl Iterator<Item = u64>) -> ReportColumn<'_> {
    let values = values.map(|n| i64::try_from(n).expect("memory ends before the counts do"));
    (name, Arc::new(Int64Array::from_iter_values(values)), false)
}

/// Makes a column of figures.
pub(crate) fn figures(name: &str, values: impl Iterator<Item = f64>) -> ReportColumn<'_> {
    (name, Arc::new(Float64Array::from_iter_values(values)), false)
}

/// Makes a column of figures of which some may not exist.
pub(crate) fn some_figures(
    name: &str,
    values: impl Iterator<Item = Option<f64>>,
) -> ReportColumn<'_> {
    (name, Arc::new(Float64Array::from_iter(values)), true)
}

/// Makes a column of what a model says.
pub(crate) fn scores(name: &str, values: impl Iterator<Item = Option<f32>>) -> ReportColumn<'_> {
    (name, Arc::new(Float32Array::from_iter(values)), true)
}

/// Makes a column of texts.
pub(crate) fn texts<'a>(
    name: &'a str,
    values: impl Iterator<Item = impl AsRef<str>>,
) -> ReportColumn<'a> {
    (name, Arc::new(StringArray::from_iter_values(values)), false)
}

/// Makes a column of texts of which some may not be known.
pub(crate) fn some_texts<'a>(
    name: &'a str,
    values: impl Iterator<Item = Option<impl AsRef<str>>>,
) -> ReportColumn<'a> {
    (name, Arc::new(StringArray::from_iter(values)), true)
}
