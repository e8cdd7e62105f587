//! From errors to messages, hints and exit codes.

use std::io;

use crate::dataset::DatasetError;
use crate::dataset::expr::ExprError;
use crate::dataset::titles::TitleError;
use crate::eval::split::SplitError;
use crate::io::IoError;
use crate::io::error::os_text;
use crate::model::ModelError;

/// What a command returns.
pub(crate) type Result<T> = anyhow::Result<T>;

/// The command line as a whole makes no sense, although each argument does.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub(crate) struct UsageError {
    message: String,
}

/// Returns an error that ends the program with 2.
pub(crate) fn usage(message: impl Into<String>) -> anyhow::Error {
    UsageError { message: message.into() }.into()
}

/// Message of a result without rows, where some were asked for.
pub(crate) const EMPTY: &str = "the result is empty (--fail-if-empty)";

/// Returns the error of an expression that cannot be understood.
pub(crate) fn wrong_expression(error: ExprError) -> anyhow::Error {
    usage(format!("--where: {error}"))
}

/// A threshold that somebody set was missed.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub(crate) struct ThresholdMissed {
    message: String,
}

/// Returns an error that ends the program with 3.
pub(crate) fn missed(message: impl Into<String>) -> anyhow::Error {
    ThresholdMissed { message: message.into() }.into()
}

/// An error as it is told: what went wrong with its causes, a hint where there is one, and the exit
/// code.
pub(crate) struct ErrorReport {
    pub(crate) message: String,
    pub(crate) hint: Option<&'static str>,
    pub(crate) code: u8,
}

/// Puts an error into words.
pub(crate) fn tell(error: &anyhow::Error) -> ErrorReport {
    const COULD_NOT: u8 = 1;
    const WRONG_COMMAND_LINE: u8 = 2;
    const MISSED: u8 = 3;
    let mut message = error.to_string();
    let mut last = message.clone();
    for cause in error.chain().skip(1) {
        let system = cause.downcast_ref::<io::Error>();
        // A missing directory is named in place of the missing file.
        if system.is_some_and(|error| error.kind() == io::ErrorKind::NotFound)
            && last.ends_with("does not exist")
        {
            continue;
        }
        let cause = system.map_or_else(|| cause.to_string(), os_text);
        // Some errors repeat their cause in their own text.
        if !last.contains(&cause) {
            message.push_str(&format!(": {cause}"));
        }
        last = cause;
    }
    let is_usage = |cause: &IoError| matches!(cause, IoError::SameOutput { .. });
    let code = if error.is::<UsageError>() || error.downcast_ref().is_some_and(is_usage) {
        WRONG_COMMAND_LINE
    } else if error.is::<ThresholdMissed>() {
        MISSED
    } else {
        COULD_NOT
    };
    ErrorReport { message, hint: hint(error), code }
}

fn hint(error: &anyhow::Error) -> Option<&'static str> {
    for cause in error.chain() {
        match cause.downcast_ref::<DatasetError>() {
            Some(DatasetError::Io(IoError::BadField { column, value, problem, .. })) => {
                return hint_of_value(column, value, problem);
            }
            Some(DatasetError::Io(IoError::BadValue(bad))) => {
                return hint_of_value(bad.column, &bad.value, &bad.problem);
            }
            Some(DatasetError::Io(IoError::MissingColumn { .. })) => {
                return Some(
                    "`mvrec ingest --columns user=NAME,movie=NAME,rating=NAME` names them",
                );
            }
            Some(DatasetError::NoMovies) => {
                return Some(
                    "give them with --movies PATH (a dataset, movies.parquet or movies.csv)",
                );
            }
            Some(DatasetError::NotADataset { .. }) => {
                return Some("`mvrec ingest DIR -o DATASET` makes one of a MovieLens folder");
            }
            _ => {}
        }
        match cause.downcast_ref::<TitleError>() {
            Some(TitleError::Ambiguous { .. }) => {
                return Some("give the title with its year, or the id as id:ID");
            }
            Some(TitleError::Uncertain { .. }) => {
                return Some("give that title with its year, or the id as id:ID");
            }
            Some(TitleError::Unknown { .. }) => {
                return Some(
                    "only movies that were rated are known here; `mvrec search` finds titles",
                );
            }
            None => {}
        }
        match cause.downcast_ref::<ModelError>() {
            Some(ModelError::Unary) => {
                return Some(
                    "`mvrec train als --feedback implicit`, cosine and popularity take unary feedback",
                );
            }
            Some(ModelError::Negative { .. }) => {
                return Some(
                    "als and cosine take negative ratings; or shift the scale to begin at 0",
                );
            }
            Some(ModelError::NoPositives { .. }) => {
                return Some("--positive-from sets the threshold");
            }
            _ => {}
        }
        if let Some(SplitError::EmptyPart { .. }) = cause.downcast_ref() {
            return Some("give more ratings, or another share, date or number for the part");
        }
        if let Some(ModelError::UnknownUser { .. }) = cause.downcast_ref::<ModelError>() {
            return Some("for somebody new, give ratings with --rate MOVIE=STARS");
        }
    }
    None
}

/// Returns what helps with a value that cannot be used.
fn hint_of_value(column: &str, value: &str, problem: &str) -> Option<&'static str> {
    let says = |words: &[&str]| words.iter().any(|word| problem.contains(word));
    let is_number = |value: &str| value.parse().is_ok_and(f32::is_finite);
    match column {
        "user" | "movie" if says(&["whole number", "32 bits", "leading zeros"]) => {
            Some("if ids are text here, ingest them with --text-ids")
        }
        "timestamp" if says(&["date"]) => {
            Some("give the form of the times with --time-format, such as %d/%m/%Y")
        }
        "rating" if value.contains(',') && is_number(&value.replacen(',', ".", 1)) => {
            Some("read a comma in numbers with --decimal-comma")
        }
        "rating" if is_number(value) => {
            Some("for another rating scale, use `mvrec ingest --scale MIN..MAX`")
        }
        _ => None,
    }
}
