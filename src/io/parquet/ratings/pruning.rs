//! Predicate pushdown on time: row groups and pages whose statistics exclude a period are skipped,
//! and of the others, columns beside the time are decoded for selected rows only.

use std::ops::Range;

use arrow::array::{Array, AsArray, BooleanArray};
use arrow::buffer::BooleanBuffer;
use arrow::datatypes::{DataType, TimeUnit, TimestampMillisecondType};
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{
    ArrowPredicateFn, ParquetRecordBatchReader, RowFilter, RowSelection, RowSelector,
};
use parquet::file::metadata::{ColumnChunkMetaData, RowGroupMetaData};
use parquet::file::page_index::column_index::ColumnIndexMetaData;
use parquet::file::statistics::Statistics;

use crate::io::error::IoError;
use crate::io::parquet::ratings::RatingColumnReader;
use crate::io::parquet::read::ParquetFile;
use crate::io::text::TIMESTAMP;

/// Whether the place of a leaf is that of its column, as it is in a table of ratings.
pub(super) fn is_flat(group: &RowGroupMetaData) -> bool {
    let schema = group.schema_descr();
    schema.num_columns() == schema.root_schema().get_fields().len()
}

/// Whether values from `min` to `max`, as far as they are known, may lie in a period.
fn overlap(period: &Range<i64>, min: Option<&i64>, max: Option<&i64>) -> bool {
    min.is_none_or(|min| *min < period.end) && max.is_none_or(|max| *max >= period.start)
}

impl RatingColumnReader {
    /// Returns the column of timestamps where only some are wanted and they are stored as
    /// milliseconds.
    pub(super) fn timed(&self, file: &ParquetFile) -> Option<(usize, Range<i64>)> {
        let at = self.positions[TIMESTAMP]?;
        let stored = file.schema().fields().get(at)?.data_type();
        let ms = matches!(stored, DataType::Timestamp(TimeUnit::Millisecond, _));
        Some((at, self.period.clone().filter(|_| ms)?))
    }

    /// Tells from its statistics whether a row group may hold wanted times.
    pub(super) fn may_hold(&self, group: &RowGroupMetaData) -> bool {
        let Some((at, period)) = self.positions[TIMESTAMP].zip(self.period.as_ref()) else {
            return true;
        };
        match group
            .columns()
            .get(at)
            .filter(|_| is_flat(group))
            .and_then(ColumnChunkMetaData::statistics)
        {
            Some(Statistics::Int64(times)) => overlap(period, times.min_opt(), times.max_opt()),
            _ => true,
        }
    }

    /// Returns the rows of the pages of a row group that may hold wanted times, where the file
    /// tells.
    fn pages(
        &self,
        file: &ParquetFile,
        group: usize,
        at: usize,
        period: &Range<i64>,
    ) -> Option<RowSelection> {
        let metadata = file.metadata.metadata();
        let index = metadata.page_index_for_row_group(group);
        let group = metadata.row_group(group);
        let ColumnIndexMetaData::INT64(times) =
            index.column_index(at).filter(|_| is_flat(group))?
        else {
            return None;
        };
        let starts: Vec<i64> =
            index.page_locations(at)?.iter().map(|page| page.first_row_index).collect();
        let ends = starts.iter().skip(1).copied().chain([group.num_rows()]);
        let pages = starts.iter().zip(ends).enumerate().map(|(page, (start, end))| {
            let rows = (end - start).max(0) as usize;
            match !times.is_null_page(page)
                && overlap(period, times.min_value(page), times.max_value(page))
            {
                true => RowSelector::select(rows),
                false => RowSelector::skip(rows),
            }
        });
        Some(pages.collect())
    }

    /// Returns the reader of a row group; where times are wanted, it passes over rows without
    /// looking at their other columns.
    pub(super) fn reader(
        &self,
        file: &ParquetFile,
        group: usize,
    ) -> Result<ParquetRecordBatchReader, IoError> {
        let mut builder = file.builder(&self.projection(file), Some(&[group]))?;
        if let Some((at, period)) = self.timed(file) {
            if let Some(pages) = self.pages(file, group, at, &period) {
                builder = builder.with_row_selection(pages);
            }
            let mask = ProjectionMask::roots(file.metadata.parquet_schema(), [at]);
            let wanted = ArrowPredicateFn::new(mask, move |batch| {
                let times = batch.column(0).as_primitive::<TimestampMillisecondType>();
                let width = if period.is_empty() { 0 } else { period.end.abs_diff(period.start) };
                let values = times.values();
                // One comparison and no branch: a time before the period wraps around to a large
                // number.
                let within = |at: usize| (values[at].wrapping_sub(period.start) as u64) < width;
                let wanted = BooleanBuffer::collect_bool(values.len(), within);
                Ok(BooleanArray::new(wanted, times.nulls().cloned()))
            });
            builder = builder.with_row_filter(RowFilter::new(vec![Box::new(wanted)]));
        }
        builder.build().map_err(file.corrupt())
    }
}
