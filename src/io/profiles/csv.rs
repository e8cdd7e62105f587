//! Profiles from delimited text with a header.

use csv::{Position, ReaderBuilder};

use crate::io::error::IoError;
use crate::io::keys::text_of;
use crate::io::profiles::{IMDB, LETTERBOXD, MovieName, RatedMovie, TMDB, TRAKT, UserProfile};
use crate::io::text::Delimiter;

/// Reads a profile from text with a header: a column for the movie (its id, IMDb or TMDB id, or
/// title), one for the rating, and perhaps one for the year. Rows without a rating were only seen.
///
/// # Errors
/// If no column names a movie, or a rating is no number.
pub fn from_csv(file: &str, bytes: &[u8]) -> Result<UserProfile, IoError> {
    const ID: [&str; 4] = ["movie_id", "movieId", "movie", "item_id"];
    const IMDB_ID: [&str; 3] = ["const", "imdb_id", "imdb id"];
    const TMDB_ID: [&str; 2] = ["tmdb_id", "tmdb id"];
    const TITLE: [&str; 2] = ["title", "name"];
    // A site's own mean may stand in `rating` beside it.
    const RATING: [&str; 5] = ["your rating", "your_rating", "rating", "stars", "trakt_rating"];
    const YEAR: [&str; 3] = ["year", "release date", "release_date"];
    const DATE: [&str; 5] = ["watched date", "date rated", "rated_at", "date", "timestamp"];
    const SKIPPED_TYPES: [&str; 6] =
        ["tv episode", "tv series", "tv mini series", "video game", "show", "tv"];

    let failed = |error: csv::Error| {
        let line = error.position().map_or(0, Position::line);
        match error.into_kind() {
            csv::ErrorKind::Io(source) => IoError::System { file: file.into(), source },
            _ => IoError::BadLine {
                file: file.into(),
                line,
                problem: "cannot be read as CSV".into(),
            },
        }
    };
    let text = text_of(bytes.to_vec());
    let text = text.trim_start_matches('\u{feff}').trim_start();
    if text.is_empty() {
        return Err(IoError::Empty { file: file.into() });
    }
    let delimiter = match Delimiter::detect(text.lines().next().unwrap_or_default().as_bytes()) {
        Delimiter::Byte(byte) => byte,
        Delimiter::TwoColons | Delimiter::Blanks => b',',
    };
    let mut reader =
        ReaderBuilder::new().flexible(true).delimiter(delimiter).from_reader(text.as_bytes());
    let header: Vec<String> =
        reader.headers().map_err(failed)?.iter().map(|name| name.trim().to_string()).collect();
    let at = |names: &[&str]| {
        names.iter().find_map(|name| header.iter().position(|own| own.eq_ignore_ascii_case(name)))
    };
    let (id, imdb_id, tmdb_id, title) = (at(&ID), at(&IMDB_ID), at(&TMDB_ID), at(&TITLE));
    if [id, imdb_id, tmdb_id, title].iter().all(Option::is_none) {
        let found = header.clone();
        return Err(IoError::MissingColumn { file: file.into(), column: "movie", found });
    }
    let (rating, year, date) = (at(&RATING), at(&YEAR), at(&DATE));
    let kind = at(&["title type", "type"]);
    let export = if at(&["const"]).is_some() {
        Some(IMDB)
    } else if at(&["letterboxd uri"]).is_some() {
        Some(LETTERBOXD)
    } else if at(&["trakt_id"]).is_some() || at(&["trakt_rating"]).is_some() {
        Some(TRAKT)
    } else if at(&["tmdb id"]).is_some() {
        Some(TMDB)
    } else {
        None
    };
    let mut profile = UserProfile { export, ..UserProfile::default() };
    for record in reader.records() {
        let record = record.map_err(failed)?;
        let field = |at: Option<usize>| {
            let text = record.get(at?).unwrap_or_default().trim();
            (!text.is_empty()).then(|| text.to_string())
        };
        let is_other = |kind: String| SKIPPED_TYPES.contains(&&*kind.to_lowercase());
        if field(kind).is_some_and(is_other) {
            continue;
        }
        let movie = MovieName {
            typed: None,
            id: field(id),
            imdb_id: field(imdb_id),
            tmdb_id: field(tmdb_id),
            title: field(title),
            year: field(year).map(|year| year.chars().take(4).collect()),
        };
        if movie.is_empty() {
            continue;
        }
        let line = record.position().map_or(0, Position::line);
        let place = Some(format!("{file}:{line}"));
        let date = field(date);
        let value = field(rating);
        let rating = match &value {
            None => f32::NAN,
            Some(value) => value.parse().map_err(|_| IoError::BadField {
                file: file.into(),
                line,
                column: "rating",
                value: value.clone(),
                problem: "is not a number".into(),
            })?,
        };
        let rated = RatedMovie { movie, rating, date, place };
        if value.is_some() { profile.ratings.push(rated) } else { profile.seen.push(rated) }
    }
    Ok(profile)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pairs(profile: &UserProfile) -> Vec<(String, f32)> {
        profile.ratings.iter().map(|rated| (rated.movie.to_string(), rated.rating)).collect()
    }

    #[test]
    fn exports_of_other_sites_are_recognized() {
        let text = "Date,Name,Year,Letterboxd URI,Rating\n2020-01-01,Alien,1979,x,4.5\n2020-01-02,Heat,1995,y,\n";
        let one = from_csv("ratings.csv", text.as_bytes()).unwrap();
        assert_eq!(one.ratings[0].place.as_deref(), Some("ratings.csv:2"));
        assert_eq!(pairs(&one), [("Alien (1979)".to_string(), 4.5)]);
        assert_eq!((one.seen.len(), one.export), (1, Some(LETTERBOXD)));
        let text = "Const,Your Rating,Date Rated,Title,Title Type,IMDb Rating,Year\ntt0078748,10,2020-01-01,Alien,Movie,8.5,1979\ntt1,9,2020-01-01,Friends,TV Series,9,1994\n";
        let one = from_csv("imdb.csv", text.as_bytes()).unwrap();
        assert_eq!((pairs(&one).len(), one.export), (1, Some(IMDB)));
        assert_eq!(one.ratings[0].movie.imdb_id.as_deref(), Some("tt0078748"));
        for text in ["\u{feff}movieId;rating\n1;3\n", "movieId\trating\n1\t3\n"] {
            let one = from_csv("r.csv", text.as_bytes()).unwrap();
            assert_eq!(pairs(&one), [("1".to_string(), 3.0)]);
            assert_eq!(one.ratings[0].movie.id.as_deref(), Some("1"));
        }
    }

    #[test]
    fn missing_columns_and_bad_ratings_are_errors() {
        let error = |text: &str| from_csv("r.csv", text.as_bytes()).unwrap_err().to_string();
        assert_eq!(error("movie,rating\n1,3\n2,x\n"), "r.csv:3: rating `x` is not a number");
        assert_eq!(error("rating\n1\n"), "r.csv: no column for the movie; found `rating`");
        assert_eq!(error(""), "r.csv: the file is empty");
    }
}
