//! Rows that are rejected instead of ending the work.

use std::collections::BTreeMap;
use std::io::Write;

use crate::io::error::IoError;

/// A row of a text that could not be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RejectedRow {
    /// File or stream, as the user named it.
    pub file: String,
    /// Line, counted from 1.
    pub line: u64,
    /// What is wrong with it, the same words for the same kind of fault.
    pub reason: String,
    /// The row.
    pub text: String,
}

/// What is done with bad rows: kept here up to a limit, or refused at the first.
///
/// The default refuses.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RejectedRows {
    limit: Option<usize>,
    rows: Vec<RejectedRow>,
}

impl RejectedRows {
    /// Refuses the first bad row.
    #[must_use]
    pub fn fail() -> Self {
        Self { limit: None, rows: Vec::new() }
    }

    /// Puts up to `limit` bad rows aside.
    #[must_use]
    pub fn skip(limit: usize) -> Self {
        Self { limit: Some(limit), rows: Vec::new() }
    }

    /// Whether bad rows are rejected.
    #[must_use]
    pub fn skips(&self) -> bool {
        self.limit.is_some()
    }

    /// Returns what was rejected.
    #[must_use]
    pub fn rows(&self) -> &[RejectedRow] {
        &self.rows
    }

    /// Puts the row of an error aside; gives errors back that are none of a single row.
    ///
    /// # Errors
    /// If bad rows are refused, this one is over the limit, or the error is of another kind.
    pub fn take(&mut self, error: IoError, text: &str) -> Result<(), IoError> {
        let (Some(limit), Some((file, line, reason))) = (self.limit, error.bad_row()) else {
            return Err(error);
        };
        if self.rows.len() >= limit {
            return Err(IoError::TooManyBadRows { limit, last: Box::new(error) });
        }
        self.rows.push(RejectedRow { file: file.into(), line, reason, text: text.into() });
        Ok(())
    }

    /// Counts the rows by reason.
    #[must_use]
    pub fn by_reason(&self) -> BTreeMap<&str, usize> {
        let mut counts = BTreeMap::new();
        for row in &self.rows {
            *counts.entry(row.reason.as_str()).or_default() += 1;
        }
        counts
    }

    /// Writes the rows as CSV: file, line, reason, text.
    ///
    /// # Errors
    /// If writing fails.
    pub fn write(&self, out: impl Write, name: &str) -> Result<(), IoError> {
        let failed =
            |error: csv::Error| IoError::Encode { file: name.into(), source: error.into() };
        let mut out = csv::Writer::from_writer(out);
        out.write_record(["file", "line", "reason", "text"]).map_err(failed)?;
        for row in &self.rows {
            let line = row.line.to_string();
            out.write_record([&row.file, &line, &row.reason, &row.text]).map_err(failed)?;
        }
        out.flush().map_err(IoError::named(name.into()))
    }
}
