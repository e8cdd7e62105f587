//! Loads ratings into memory, or opens them for scans.

use std::path::Path;

use crate::dataset::Dataset;
use crate::dataset::error::DatasetError;
use crate::dataset::input::{InputBody, RatingsInput};
use crate::dataset::list_layout;
use crate::dataset::scan::{self, RatingScan};
use crate::io::IoError;
use crate::io::import_state::ImportState;
use crate::io::text::{Delimiter, TextColumns};
use crate::io::values::Scale;
use crate::progress::Progress;

/// Loads a dataset directory, a ratings file or, for `-`, stdin.
///
/// # Errors
/// If it cannot be read or holds what ratings must not hold.
pub fn load(path: &Path, progress: &dyn Progress) -> Result<Dataset, DatasetError> {
    RatingsInput::open(path)?.load(progress)
}

/// Loads lists of movies: a row per user and movie, whose `rating` is the rank, or where there is
/// no column of that name the score (`score`, Spark's `prediction`, or a usual name of ratings).
/// Returns whether it is the rank.
///
/// # Errors
/// If they cannot be read, or have neither.
pub fn load_lists(path: &Path, progress: &dyn Progress) -> Result<(Dataset, bool), DatasetError> {
    const COLUMNS: [(&str, bool); 3] = [("rank", true), ("score", false), ("prediction", false)];
    let by = |columns: TextColumns, delimiter: Option<Delimiter>| {
        let mut import = ImportState::default();
        import.options.columns = columns;
        import.options.delimiter = delimiter;
        import.options.scale = Scale::any();
        RatingsInput::open(path)?.load_by(&mut import, progress)
    };
    if let Some(layout) = list_layout::detect(path)? {
        return Ok((by(layout.columns, layout.delimiter)?, layout.is_rank));
    }
    for (column, is_rank) in COLUMNS {
        match by(TextColumns::default().with_rating(column), None) {
            Err(DatasetError::Io(IoError::MissingColumn { column: "rating", .. })) => {}
            lists => return Ok((lists?, is_rank)),
        }
    }
    Ok((by(TextColumns::default().requiring_rating(), None)?, false))
}

/// Prepares passes over the ratings of what [`RatingsInput::open`] opens: those of a file that
/// mvrec wrote are read when passes are made, all others now. Many of them are sorted into a
/// temporary file, so that no more memory is needed for more.
///
/// # Errors
/// If they cannot be read or hold what ratings must not hold, or if the temporary file cannot be
/// written.
pub fn scan(path: &Path, progress: &dyn Progress) -> Result<RatingScan, DatasetError> {
    /// Ratings that are held in memory: 90 MB while they are sorted.
    const FEW: u64 = 2 << 20;
    let mut input = RatingsInput::open_ratings(path)?;
    let folder = path.is_dir().then(|| path.to_path_buf());
    let mut duplicates = 0;
    if !input.is_in_order() && input.estimated_rows().is_none_or(|rows| rows > FEW) {
        (input, duplicates) = input.in_order(&std::env::temp_dir(), progress)?;
    }
    match input.body {
        InputBody::Parquet(file) if file.is_in_order() => {
            let scale = input.sidecar.history.scale.unwrap_or_default();
            Ok(RatingScan::new(
                folder,
                input.sidecar,
                duplicates,
                scan::ScanBody::File(file, scale),
            ))
        }
        _ => {
            let Dataset { ratings, sidecar, duplicates } = input.load(progress)?;
            Ok(RatingScan::new(folder, sidecar, duplicates, scan::ScanBody::Memory(ratings)))
        }
    }
}
