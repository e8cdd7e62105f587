//! Profiles from delimited text with a header.

use csv::{Position, ReaderBuilder, StringRecord};

use crate::io::error::IoError;
use crate::io::keys::text_of;
use crate::io::profiles::{
    ExportFormat, IMDB, LETTERBOXD, MovieName, RatedMovie, TMDB, TRAKT, UserProfile,
};
use crate::io::text::Delimiter;

/// Positions of the columns that a profile has.
struct ProfileColumns {
    id: Option<usize>,
    imdb_id: Option<usize>,
    tmdb_id: Option<usize>,
    title: Option<usize>,
    year: Option<usize>,
    rating: Option<usize>,
    date: Option<usize>,
    title_type: Option<usize>,
    /// The site whose export has such columns.
    export: Option<ExportFormat>,
}

impl ProfileColumns {
    /// Finds the columns by their usual names, in any case; returns `None` if none names a movie.
    fn find(header: &[String]) -> Option<Self> {
        let at = |names: &[&str]| {
            let position = |name| header.iter().position(|own| own.eq_ignore_ascii_case(name));
            names.iter().find_map(|name| position(name))
        };
        let has = |name: &str| at(&[name]).is_some();
        let export = match () {
            () if has("const") => Some(IMDB),
            () if has("letterboxd uri") => Some(LETTERBOXD),
            () if has("trakt_id") || has("trakt_rating") => Some(TRAKT),
            () if has("tmdb id") => Some(TMDB),
            () => None,
        };
        let columns = Self {
            id: at(&["movie_id", "movieId", "movie", "item_id"]),
            imdb_id: at(&["const", "imdb_id", "imdb id"]),
            tmdb_id: at(&["tmdb_id", "tmdb id"]),
            title: at(&["title", "name"]),
            year: at(&["year", "release date", "release_date"]),
            // A site's own mean may stand in `rating` beside it.
            rating: at(&["your rating", "your_rating", "rating", "stars", "trakt_rating"]),
            date: at(&["watched date", "date rated", "rated_at", "date", "timestamp"]),
            title_type: at(&["title type", "type"]),
            export,
        };
        let names = [columns.id, columns.imdb_id, columns.tmdb_id, columns.title];
        names.iter().any(Option::is_some).then_some(columns)
    }
}

/// A row of a profile.
struct ProfileRow<'a> {
    columns: &'a ProfileColumns,
    record: &'a StringRecord,
    file: &'a str,
}

impl ProfileRow<'_> {
    fn field(&self, at: Option<usize>) -> Option<String> {
        let text = self.record.get(at?).unwrap_or_default().trim();
        (!text.is_empty()).then(|| text.to_string())
    }

    /// Whether it is of a series, an episode or a game.
    fn is_no_movie(&self) -> bool {
        const OTHER_TYPES: [&str; 6] =
            ["tv episode", "tv series", "tv mini series", "video game", "show", "tv"];
        let is_other = |title_type: String| OTHER_TYPES.contains(&&*title_type.to_lowercase());
        self.field(self.columns.title_type).is_some_and(is_other)
    }

    fn movie(&self) -> MovieName {
        let columns = self.columns;
        MovieName {
            typed: None,
            id: self.field(columns.id),
            imdb_id: self.field(columns.imdb_id),
            tmdb_id: self.field(columns.tmdb_id),
            title: self.field(columns.title),
            year: self.field(columns.year).map(|year| year.chars().take(4).collect()),
        }
    }

    fn line(&self) -> u64 {
        self.record.position().map_or(0, Position::line)
    }

    /// Returns the rating; `None` if there is none.
    fn rating(&self) -> Result<Option<f32>, IoError> {
        let Some(value) = self.field(self.columns.rating) else { return Ok(None) };
        value.parse().map(Some).map_err(|_| IoError::BadField {
            file: self.file.into(),
            line: self.line(),
            column: "rating",
            value,
            problem: "is not a number".into(),
        })
    }
}

/// Reads a profile from text with a header: a column for the movie (its id, IMDb or TMDB id, or
/// title), one for the rating, and perhaps one for the year. Rows without a rating were only seen.
///
/// # Errors
/// If no column names a movie, or a rating is no number.
pub fn from_csv(file: &str, bytes: &[u8]) -> Result<UserProfile, IoError> {
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
    let header = reader.headers().map_err(failed)?.iter();
    let header: Vec<String> = header.map(|name| name.trim().to_string()).collect();
    let Some(columns) = ProfileColumns::find(&header) else {
        let (file, column) = (file.into(), "movie");
        return Err(IoError::MissingColumn { file, column, found: header });
    };
    let mut profile = UserProfile { export: columns.export, ..UserProfile::default() };
    for record in reader.records() {
        let row = ProfileRow { columns: &columns, record: &record.map_err(failed)?, file };
        let movie = row.movie();
        if row.is_no_movie() || movie.is_empty() {
            continue;
        }
        let (date, place) = (row.field(columns.date), Some(format!("{file}:{}", row.line())));
        match row.rating()? {
            Some(rating) => profile.ratings.push(RatedMovie { movie, rating, date, place }),
            None => profile.seen.push(RatedMovie { movie, rating: f32::NAN, date, place }),
        }
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
