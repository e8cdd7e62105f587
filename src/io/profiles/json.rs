//! Profiles from JSON.

use serde_json::{Map, Value};

use crate::io::profiles::{MovieName, RatedMovie, TMDB, TRAKT, UserProfile};

/// Reads a profile from JSON: `{"Alien": 5, "49": 1}`, or the same under `ratings` beside an `id`;
/// an array of objects with `movie_id` or `title`, and `rating`; Trakt's arrays of
/// `{"rating": 9, "movie": {"title": …, "ids": {…}}}`; TMDB's `{"results": […]}`.
///
/// # Errors
/// With what is wrong, if it is none of these.
pub fn from_json(value: &Value) -> Result<UserProfile, String> {
    match value {
        Value::Array(rows) => from_rows(rows),
        Value::Object(object) => {
            if let Some(Value::Array(rows)) = object.get("results") {
                let profile = from_rows(rows)?;
                return Ok(UserProfile { export: Some(TMDB), ..profile });
            }
            let profile = match object.get("ratings") {
                Some(Value::Array(rows)) => from_rows(rows)?,
                Some(Value::Object(ratings)) => from_object(ratings)?,
                Some(other) => return Err(format!("expected movies and ratings, not `{other}`")),
                None => from_object(object)?,
            };
            let id = object.get("ratings").and_then(|_| object.get("id").cloned());
            Ok(UserProfile { id, ..profile })
        }
        other => Err(format!("expected an object of movies and ratings, not {other}")),
    }
}

/// Whether a value is one of many queries, rather than one user's movies and ratings.
#[must_use]
pub fn is_query(value: &Value) -> bool {
    value.get("ratings").is_some()
}

fn from_object(object: &Map<String, Value>) -> Result<UserProfile, String> {
    let rated = |(movie, value): (&String, &Value)| {
        let rating = value.as_f64().ok_or_else(|| format!("`{movie}` has no number of stars"))?;
        let movie = MovieName::typed(movie);
        Ok(RatedMovie { movie, rating: rating as f32, date: None, place: None })
    };
    let ratings = object.iter().map(rated).collect::<Result<_, String>>()?;
    Ok(UserProfile { ratings, ..UserProfile::default() })
}

fn from_rows(rows: &[Value]) -> Result<UserProfile, String> {
    let mut profile = UserProfile::default();
    for row in rows {
        let object = row.as_object().ok_or_else(|| format!("`{row}` is not an object"))?;
        let nested = object.get("movie").and_then(Value::as_object);
        if nested.is_some() {
            profile.export = Some(TRAKT);
        } else if object.get("type").is_some_and(|kind| kind != "movie") {
            continue; // a show or an episode
        }
        let movie = named(nested.unwrap_or(object));
        if movie.is_empty() {
            return Err(format!("`{row}` names no movie"));
        }
        let value = object.get("rating").or_else(|| object.get("stars"));
        let is_history = nested.is_some() && value.is_none();
        let date = ["rated_at", "last_watched_at", "watched_at", "date"];
        let date = date.iter().find_map(|key| object.get(*key)?.as_str());
        let rating = match value.and_then(Value::as_f64) {
            Some(rating) => rating as f32,
            None if is_history => f32::NAN,
            None => return Err(format!("`{movie}` has no number of stars")),
        };
        let rated = RatedMovie { movie, rating, date: date.map(String::from), place: None };
        if is_history { profile.seen.push(rated) } else { profile.ratings.push(rated) }
    }
    Ok(profile)
}

fn named(object: &Map<String, Value>) -> MovieName {
    let text = |object: &Map<String, Value>, keys: &[&str]| {
        let value = keys.iter().find_map(|key| object.get(*key))?;
        match value {
            Value::String(text) => Some(text.clone()).filter(|text| !text.is_empty()),
            Value::Number(number) => Some(number.to_string()),
            _ => None,
        }
    };
    let ids = object.get("ids").and_then(Value::as_object).unwrap_or(object);
    // TMDB's own lists call its id `id`, and have a date of release.
    let is_tmdb = object.contains_key("release_date");
    let year = text(object, &["year", "release_date"]);
    MovieName {
        typed: text(object, &["movie"]),
        id: text(object, &["movie_id", "movieId"]),
        imdb_id: text(ids, &["imdb", "imdb_id"]),
        tmdb_id: text(ids, &["tmdb", "tmdb_id"])
            .or_else(|| is_tmdb.then(|| text(object, &["id"])).flatten()),
        title: text(object, &["title", "name"]),
        year: year.map(|year| year.chars().take(4).collect()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn pairs(profile: &UserProfile) -> Vec<(String, f32)> {
        profile.ratings.iter().map(|rated| (rated.movie.to_string(), rated.rating)).collect()
    }

    #[test]
    fn objects_queries_and_rows_are_profiles() {
        let one = from_json(&json!({"Alien": 5, "49": 1.5})).unwrap();
        let expected = vec![("Alien".to_string(), 5.0), ("49".to_string(), 1.5)];
        assert_eq!((pairs(&one), one.id.clone()), (expected, None));
        let query = json!({"id": "anna", "ratings": {"Alien": 5}});
        assert!(is_query(&query) && !is_query(&json!({"Alien": 5})));
        let one = from_json(&query).unwrap();
        let expected = vec![("Alien".to_string(), 5.0)];
        assert_eq!((pairs(&one), one.id.clone()), (expected, Some(json!("anna"))));
        let rows = json!([{"movie_id": 3, "rating": 4}, {"title": "Alien", "stars": 2.5}]);
        let expected = [("3".to_string(), 4.0), ("Alien".to_string(), 2.5)];
        assert_eq!(pairs(&from_json(&rows).unwrap()), expected);
        for bad in [
            json!(5),
            json!({"Alien": "x"}),
            json!({"ratings": 3}),
            json!([3]),
            json!([{"rating": 3}]),
        ] {
            assert!(from_json(&bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn trakt_and_tmdb_are_recognized() {
        let trakt = json!([
            {"rated_at": "2020-01-01T00:00:00.000Z", "rating": 9, "type": "movie", "movie":
                {"title": "Alien", "year": 1979, "ids": {"trakt": 1, "imdb": "tt0078748", "tmdb": 348}}},
            {"rating": 7, "type": "show", "show": {"title": "Lost"}},
        ]);
        let one = from_json(&trakt).unwrap();
        assert_eq!(
            (pairs(&one), one.export),
            (vec![("Alien (1979)".to_string(), 9.0)], Some(TRAKT))
        );
        assert_eq!(one.ratings[0].movie.tmdb_id.as_deref(), Some("348"));
        let tmdb = json!({"page": 1, "results": [
            {"id": 348, "title": "Alien", "release_date": "1979-05-25", "rating": 8.0, "vote_average": 8.1}]});
        let one = from_json(&tmdb).unwrap();
        assert_eq!(
            (pairs(&one), one.export),
            (vec![("Alien (1979)".to_string(), 8.0)], Some(TMDB))
        );
        assert_eq!(one.ratings[0].movie.tmdb_id.as_deref(), Some("348"));
    }
}
