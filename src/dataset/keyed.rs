//! Makes the ids of one set of ratings those of another, by the keys that both have.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};

use crate::dataset::Dataset;
use crate::dataset::error::DatasetError;
use crate::dataset::ratings::{DuplicatePolicy, Ratings};
use crate::io::columns::RatingColumns;
use crate::io::keys::{IdResolver, Keys};

/// Returns the ids of another set by those of this one, `ids`, matched by their spelling: keys by
/// key, and a number by the key that is spelled like it. What the other one lacks gets ids that it
/// does not use. `None`, where ids are numbers in both.
///
/// # Errors
/// If ids are keys here and numbers there, and none of the keys is a number.
pub fn remap(
    ids: &[i32],
    own: Option<&Keys>,
    other: Option<&Keys>,
    side: &'static str,
) -> Result<Option<HashMap<i32, i32>>, DatasetError> {
    if own.is_none() && other.is_none() {
        return Ok(None);
    }
    let resolver = IdResolver::new(other);
    let spelled = |id: i32| match own {
        Some(keys) => Cow::Borrowed(keys.get(id).unwrap_or_default()),
        None => Cow::Owned(id.to_string()),
    };
    let resolved: Vec<Option<i32>> =
        ids.iter().map(|&id| resolver.resolve(&spelled(id)).ok().flatten()).collect();
    if own.is_some() != other.is_some() && !ids.is_empty() && resolved.iter().all(Option::is_none) {
        return Err(DatasetError::OtherIds { side });
    }
    // Numbers beyond those of keys, or below all that are likely to be ids.
    let mut unused = match other {
        Some(keys) => keys.ids.last().map_or(1, |last| last.saturating_add(1))..=i32::MAX,
        None => i32::MIN..=i32::MAX,
    };
    let map = ids.iter().zip(resolved).filter_map(|(&id, resolved)| {
        let mapped = resolved.or_else(|| unused.next())?;
        Some((id, mapped))
    });
    Ok(Some(map.collect()))
}

/// Returns the ratings with the ids of `users` and `movies`, and the way back for users: new id to
/// old one.
///
/// # Errors
/// If ids are keys on one side and numbers on the other, and have nothing in common.
pub fn translate<'a>(
    data: &'a Dataset,
    users: Option<&Keys>,
    movies: Option<&Keys>,
) -> Result<(Cow<'a, Ratings>, BTreeMap<i32, i32>), DatasetError> {
    let (user_keys, movie_keys) = (data.sidecar.user_keys.as_ref(), data.sidecar.movie_keys());
    let user_map = remap(&data.ratings.user_ids(), user_keys, users, "users")?;
    let movie_map = remap(&data.ratings.movie_ids(), movie_keys.as_ref(), movies, "movies")?;
    if user_map.is_none() && movie_map.is_none() {
        return Ok((Cow::Borrowed(&data.ratings), BTreeMap::new()));
    }
    let mapped = |map: &Option<HashMap<i32, i32>>, id: i32| {
        map.as_ref().and_then(|map| map.get(&id)).copied().unwrap_or(id)
    };
    let columns = data.ratings.columns();
    let rows: RatingColumns = (0..columns.len())
        .map(|row| {
            let user = mapped(&user_map, columns.user_id[row]);
            let movie = mapped(&movie_map, columns.movie_id[row]);
            (user, movie, columns.rating[row], columns.time_ms[row])
        })
        .collect();
    let back = user_map.iter().flatten().map(|(&old, &new)| (new, old)).collect();
    Ok((Cow::Owned(Ratings::new(rows, DuplicatePolicy::Last).0), back))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dataset::sidecar::DatasetMetadata;

    #[test]
    fn keys_meet_and_strangers_get_numbers_of_their_own() {
        let keys = |pairs: &[(i32, &str)]| {
            Keys::new(pairs.iter().map(|&(id, key)| (id, key.to_string())).collect())
        };
        let rows = [(1, 7, 3.0, 0), (2, 7, 4.0, 0), (3, 8, 5.0, 0)].into_iter().collect();
        let data = Dataset {
            ratings: Ratings::new(rows, DuplicatePolicy::Last).0,
            sidecar: DatasetMetadata {
                user_keys: Some(keys(&[(1, "ann"), (2, "bob"), (3, "cy")])),
                ..DatasetMetadata::default()
            },
            duplicates: 0,
        };
        let others = keys(&[(1, "cy"), (5, "ann")]);
        let (ratings, back) = translate(&data, Some(&others), None).unwrap();
        assert_eq!(ratings.columns().user_id, [1, 5, 6]);
        assert_eq!(ratings.columns().rating, [5.0, 3.0, 4.0]);
        assert_eq!(back, BTreeMap::from([(1, 3), (5, 1), (6, 2)]));
        assert!(matches!(translate(&data, None, None), Err(DatasetError::OtherIds { .. })));
        // Numbers meet the keys that are spelled like them, whatever numbers stand for those.
        let numbers = Dataset { sidecar: DatasetMetadata::default(), ..data };
        let others = keys(&[(1, "3"), (2, "2"), (9, "x")]);
        let (ratings, back) = translate(&numbers, Some(&others), None).unwrap();
        assert_eq!(ratings.columns().user_id, [1, 2, 10]);
        assert_eq!(back, BTreeMap::from([(1, 3), (2, 2), (10, 1)]));
        assert!(matches!(
            translate(&numbers, Some(&keys(&[(1, "al")])), None),
            Err(DatasetError::OtherIds { .. })
        ));
    }
}
