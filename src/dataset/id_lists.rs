//! Lists of users or movies that commands take as conditions.

use std::path::Path;

use crate::dataset::Dataset;
use crate::dataset::error::DatasetError;
use crate::dataset::load::load;
use crate::io::IoError;
use crate::io::id_list::{IdSide, ListedId, read_ids};
use crate::io::keys::{IdResolver, Keys};
use crate::io::source::Source;
use crate::progress::Progress;

/// Ids of a list, in ascending order, and those that the data does not have.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct IdList {
    /// Ids, ascending.
    pub ids: Vec<i32>,
    /// Spellings of ids that are no keys of the data.
    pub unknown: Vec<String>,
}

/// Loads a list of ids for data with these keys, or with numeric ids: a text with an id a line, a
/// column of a table, JSON, Parquet, or all of a dataset.
///
/// # Errors
/// If the file cannot be read, has no such column, an id is no number where ids are numbers, or the
/// data has none of them.
pub fn load_ids(
    path: &Path,
    side: IdSide,
    keys: Option<&Keys>,
    progress: &dyn Progress,
) -> Result<IdList, DatasetError> {
    let file = path.display().to_string();
    let listed = if path.is_dir() {
        ids_of_dataset(path, side, progress)?
    } else {
        read_ids(Source::open(path)?, side)?
    };
    let resolver = IdResolver::new(keys);
    let mut list = IdList::default();
    for ListedId { text, line } in listed {
        match resolver.resolve(&text) {
            Ok(Some(id)) => list.ids.push(id),
            Ok(None) => list.unknown.push(text),
            Err(problem) => {
                let (column, problem) = (side.column(), problem.into());
                return Err(IoError::BadField { file, line, column, value: text, problem }.into());
            }
        }
    }
    if list.ids.is_empty() && !list.unknown.is_empty() {
        return Err(DatasetError::UnknownIds { file, side: side.column(), ids: list.unknown });
    }
    list.ids.sort_unstable();
    list.ids.dedup();
    Ok(list)
}

/// Returns the ids of a dataset as it spells them.
fn ids_of_dataset(
    path: &Path,
    side: IdSide,
    progress: &dyn Progress,
) -> Result<Vec<ListedId>, DatasetError> {
    let Dataset { ratings, sidecar, .. } = load(path, progress)?;
    let (ids, keys) = match side {
        IdSide::User => (ratings.user_ids(), sidecar.user_keys.clone()),
        IdSide::Movie => (ratings.movie_ids(), sidecar.movie_keys()),
    };
    let spelled = |id: i32| match &keys {
        Some(keys) => keys.get(id).unwrap_or_default().to_string(),
        None => id.to_string(),
    };
    let listed = ids.into_iter().zip(1..);
    Ok(listed.map(|(id, line)| ListedId { text: spelled(id), line }).collect())
}
