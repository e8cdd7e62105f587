//! The ratings of one person as a small file: JSON, or text with a header such as other sites
//! export.

use std::io::Read;

use serde_json::{Map, Value};

use crate::io::error::IoError;

/// One person, as a file says it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Profile {
    /// What the person is called, in JSON.
    pub id: Option<Value>,
    /// What was rated.
    pub ratings: Vec<Rated>,
}

/// A movie as it is named, and its stars.
#[derive(Debug, Clone, PartialEq)]
pub struct Rated {
    /// Id or title.
    pub movie: String,
    /// The stars.
    pub stars: f32,
    /// File, and where there are lines, the line.
    pub place: Option<String>,
}

/// Reads a person from JSON: `{"Alien": 5, "49": 1}`, or the same under `ratings` beside an `id`;
/// in place of that object there may be an array of objects with `movie_id` or `title`, and
/// `rating`.
///
/// # Errors
/// With what is wrong, if it is none of these.
pub fn of_json(value: &Value) -> Result<Profile, String> {
    match value {
        Value::Array(_) => Ok(Profile { id: None, ratings: rated(value)? }),
        Value::Object(object) => match object.get("ratings") {
            Some(ratings) => {
                Ok(Profile { id: object.get("id").cloned(), ratings: rated(ratings)? })
            }
            None => Ok(Profile { id: None, ratings: rated(value)? }),
        },
        other => Err(format!("expected an object of movies and stars, not {other}")),
    }
}

/// Tells whether a value is one of many people, rather than one person's movies and stars.
#[must_use]
pub fn is_query(value: &Value) -> bool {
    value.get("ratings").is_some()
}

fn rated(value: &Value) -> Result<Vec<Rated>, String> {
    let stars = |movie: &str, value: Option<&Value>| match value.and_then(Value::as_f64) {
        Some(stars) => Ok(stars as f32),
        None => Err(format!("`{movie}` has no number of stars")),
    };
    match value {
        Value::Object(object) => object
            .iter()
            .map(|(movie, value)| {
                Ok(Rated { movie: movie.clone(), stars: stars(movie, Some(value))?, place: None })
            })
            .collect(),
        Value::Array(rows) => {
            let row = |row: &Value| {
                let object = row.as_object().ok_or_else(|| format!("`{row}` is not an object"))?;
                let movie = named(object).ok_or_else(|| format!("`{row}` names no movie"))?;
                let rating = object.get("rating").or_else(|| object.get("stars"));
                Ok(Rated { stars: stars(&movie, rating)?, movie, place: None })
            };
            rows.iter().map(row).collect()
        }
        other => Err(format!("expected movies and stars, not `{other}`")),
    }
}

fn named(object: &Map<String, Value>) -> Option<String> {
    let value =
        ["movie_id", "movieId", "movie", "title"].iter().find_map(|key| object.get(*key))?;
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

/// Reads a person from text with a header: a column for the movie's id or title, one for the stars,
/// and perhaps one for the year. Rows without stars are passed over.
///
/// # Errors
/// If a column is missing or a row's stars are not a number.
pub fn of_csv(file: &str, reader: impl Read) -> Result<Profile, IoError> {
    const MOVIE: [&str; 4] = ["movie_id", "movieId", "movie", "item_id"];
    const TITLE: [&str; 2] = ["title", "name"];
    const STARS: [&str; 3] = ["rating", "stars", "your rating"];
    let failed = |error: csv::Error| {
        let line = error.position().map_or(0, csv::Position::line);
        match error.into_kind() {
            csv::ErrorKind::Io(source) => IoError::System { file: file.into(), source },
            other => IoError::BadLine {
                file: file.into(),
                line,
                problem: format!("the line cannot be read: {other:?}"),
            },
        }
    };
    let mut reader = csv::ReaderBuilder::new().flexible(true).from_reader(reader);
    let header: Vec<String> = reader
        .headers()
        .map_err(failed)?
        .iter()
        .map(|name| name.trim_start_matches('\u{feff}').trim().to_string())
        .collect();
    let at = |names: &[&str]| {
        names.iter().find_map(|name| header.iter().position(|own| own.eq_ignore_ascii_case(name)))
    };
    let missing =
        |column| IoError::MissingColumn { file: file.into(), column, found: header.clone() };
    let (id, title) = (at(&MOVIE), at(&TITLE));
    let movie = id.or(title).ok_or_else(|| missing("movie"))?;
    let stars = at(&STARS).ok_or_else(|| missing("rating"))?;
    let year = at(&["year"]).filter(|_| id.is_none());
    let mut profile = Profile::default();
    for record in reader.records() {
        let record = record.map_err(failed)?;
        let field = |at: usize| record.get(at).unwrap_or_default().trim();
        if field(stars).is_empty() {
            continue;
        }
        let line = record.position().map_or(0, csv::Position::line);
        let rating: f32 = field(stars).parse().map_err(|_| IoError::BadField {
            file: file.into(),
            line,
            column: "rating",
            value: field(stars).into(),
            problem: "is not a number".into(),
        })?;
        let movie = match year.map(field).filter(|year| !year.is_empty()) {
            Some(year) => format!("{} ({year})", field(movie)),
            None => field(movie).to_string(),
        };
        profile.ratings.push(Rated { movie, stars: rating, place: Some(format!("{file}:{line}")) });
    }
    Ok(profile)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn pairs(profile: &Profile) -> Vec<(&str, f32)> {
        profile.ratings.iter().map(|rated| (rated.movie.as_str(), rated.stars)).collect()
    }

    #[test]
    fn json_in_each_form() {
        let one = of_json(&json!({"Alien": 5, "49": 1.5})).unwrap();
        assert_eq!((pairs(&one), one.id.clone()), (vec![("Alien", 5.0), ("49", 1.5)], None));
        let query = json!({"id": "anna", "ratings": {"Alien": 5}});
        assert!(is_query(&query) && !is_query(&json!({"Alien": 5})));
        let one = of_json(&query).unwrap();
        assert_eq!((pairs(&one), one.id.clone()), (vec![("Alien", 5.0)], Some(json!("anna"))));
        let rows = json!([{"movie_id": 3, "rating": 4}, {"title": "Alien", "stars": 2.5}]);
        assert_eq!(pairs(&of_json(&rows).unwrap()), [("3", 4.0), ("Alien", 2.5)]);
        for bad in [
            json!(5),
            json!({"Alien": "x"}),
            json!({"ratings": 3}),
            json!([3]),
            json!([{"rating": 3}]),
        ] {
            assert!(of_json(&bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn text_as_other_sites_export_it() {
        let text = "Date,Name,Year,Letterboxd URI,Rating\n2020-01-01,Alien,1979,x,4.5\n2020-01-02,Heat,1995,y,\n";
        let one = of_csv("ratings.csv", text.as_bytes()).unwrap();
        assert_eq!(one.ratings[0].place.as_deref(), Some("ratings.csv:2"));
        assert_eq!(pairs(&one), [("Alien (1979)", 4.5)]);
        let text = "\u{feff}movieId,rating\n1,3\n";
        assert_eq!(pairs(&of_csv("r.csv", text.as_bytes()).unwrap()), [("1", 3.0)]);
        let error = |text: &str| of_csv("r.csv", text.as_bytes()).unwrap_err().to_string();
        assert_eq!(error("movie,rating\n1,3\n2,x\n"), "r.csv:3: rating `x` is not a number");
        assert_eq!(error("movie\n1\n"), "r.csv: no column for the rating; found `movie`");
        assert_eq!(error("rating\n1\n"), "r.csv: no column for the movie; found `rating`");
    }
}
