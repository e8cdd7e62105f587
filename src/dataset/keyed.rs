//! Makes the ids of one set of ratings those of another, by the keys that both have.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};

use crate::dataset::error::DatasetError;
use crate::dataset::load::Dataset;
use crate::dataset::ratings::{Duplicates, Ratings};
use crate::io::columns::RatingColumns;
use crate::io::keys::Keys;

/// Returns the numbers of another set by those of this one; what the other one lacks gets numbers that it does not use.
/// Nothing, where ids are numbers in both.
///
/// # Errors
/// If ids are keys here and numbers there.
pub fn numbers(
    own: Option<&Keys>,
    other: Option<&Keys>,
    side: &'static str,
) -> Result<Option<HashMap<i32, i32>>, DatasetError> {
    let (own, other) = match (own, other) {
        (None, None) => return Ok(None),
        (Some(own), Some(other)) => (own, other),
        (None, Some(_)) | (Some(_), None) => return Err(DatasetError::OtherIds { side }),
    };
    let known: HashMap<&str, i32> =
        other.keys.iter().map(String::as_str).zip(other.ids.iter().copied()).collect();
    let free = other.ids.last().map_or(1, |last| last.saturating_add(1));
    let mut unknown = free..=i32::MAX;
    let number = |key: &String| known.get(key.as_str()).copied().or_else(|| unknown.next());
    let ids = own.ids.iter().copied();
    Ok(Some(ids.zip(own.keys.iter().map(number)).filter_map(|(id, n)| Some((id, n?))).collect()))
}

/// Returns the ratings with the ids of `users` and `movies`, and the way back for users: new id to old one.
///
/// # Errors
/// If ids are keys here and numbers there.
pub fn translate<'a>(
    data: &'a Dataset,
    users: Option<&Keys>,
    movies: Option<&Keys>,
) -> Result<(Cow<'a, Ratings>, BTreeMap<i32, i32>), DatasetError> {
    let user_numbers = numbers(data.sidecar.user_keys.as_ref(), users, "users")?;
    let movie_numbers = numbers(data.sidecar.movie_keys().as_ref(), movies, "movies")?;
    if user_numbers.is_none() && movie_numbers.is_none() {
        return Ok((Cow::Borrowed(&data.ratings), BTreeMap::new()));
    }
    let number = |numbers: &Option<HashMap<i32, i32>>, id: i32| {
        numbers.as_ref().and_then(|numbers| numbers.get(&id)).copied().unwrap_or(id)
    };
    let columns = data.ratings.columns();
    let rows: RatingColumns = (0..columns.len())
        .map(|row| {
            let user = number(&user_numbers, columns.user_id[row]);
            let movie = number(&movie_numbers, columns.movie_id[row]);
            (user, movie, columns.rating[row], columns.time_ms[row])
        })
        .collect();
    let back = user_numbers.iter().flatten().map(|(&old, &new)| (new, old)).collect();
    Ok((Cow::Owned(Ratings::new(rows, Duplicates::Last).0), back))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dataset::sidecar::Sidecar;

    #[test]
    fn keys_meet_and_strangers_get_numbers_of_their_own() {
        let keys = |pairs: &[(i32, &str)]| {
            Keys::new(pairs.iter().map(|&(id, key)| (id, key.to_string())).collect())
        };
        let rows = [(1, 7, 3.0, 0), (2, 7, 4.0, 0), (3, 8, 5.0, 0)].into_iter().collect();
        let data = Dataset {
            ratings: Ratings::new(rows, Duplicates::Last).0,
            sidecar: Sidecar {
                user_keys: Some(keys(&[(1, "ann"), (2, "bob"), (3, "cy")])),
                ..Sidecar::default()
            },
            duplicates: 0,
        };
        let others = keys(&[(1, "cy"), (5, "ann")]);
        let (ratings, back) = translate(&data, Some(&others), None).unwrap();
        assert_eq!(ratings.columns().user_id, [1, 5, 6]);
        assert_eq!(ratings.columns().rating, [5.0, 3.0, 4.0]);
        assert_eq!(back, BTreeMap::from([(1, 3), (5, 1), (6, 2)]));
        assert!(matches!(translate(&data, None, None), Err(DatasetError::OtherIds { .. })));
    }
}
