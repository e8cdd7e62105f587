//! Movies by id: titles, years, genres, identifiers elsewhere, and how a title as typed finds its movie.

use std::collections::BTreeSet;

use crate::dataset::ids::{MovieId, position};
use crate::io::columns::{LinkColumns, MovieColumns};
use crate::io::keys::Keys;

/// MovieLens' way to say that a movie has no genre.
pub const NO_GENRES: &str = "(no genres listed)";

/// One movie.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Movie {
    /// Title with its year.
    pub title: String,
    /// Year of release.
    pub release_year: Option<i16>,
    /// Genres joined by `|`.
    pub genres: String,
    /// IMDb number.
    pub imdb_id: Option<String>,
    /// TMDb number.
    pub tmdb_id: Option<i32>,
    /// What the id stands for, where ids are keys.
    pub key: Option<String>,
}

/// Movies in ascending order of their ids.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Movies {
    ids: Vec<i32>,
    movies: Vec<Movie>,
}

/// Why a title names no single movie.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum TitleError {
    /// No movie has that title.
    #[error("no movie is called `{title}`")]
    Unknown {
        /// The title as typed.
        title: String,
    },
    /// Several movies fit.
    #[error("`{title}` fits several movies: {}", shown(.candidates))]
    Ambiguous {
        /// The title as typed.
        title: String,
        /// All that fit, by id.
        candidates: Vec<(MovieId, String)>,
    },
}

fn shown(candidates: &[(MovieId, String)]) -> String {
    const SHOWN: usize = 12;
    let mut text: Vec<String> =
        candidates.iter().take(SHOWN).map(|(id, title)| format!("\n  {id}  {title}")).collect();
    if candidates.len() > SHOWN {
        text.push(format!("\n  and {} more", candidates.len() - SHOWN));
    }
    text.concat()
}

impl Movies {
    /// Takes over the columns of `movies` and, where there are any, of `links`; of a repeated id, the
    /// first row counts.
    #[must_use]
    pub fn new(movies: MovieColumns, links: Option<&LinkColumns>) -> Self {
        let n = movies.movie_id.len();
        let keys =
            movies.movie_key.map_or(vec![None; n], |keys| keys.into_iter().map(Some).collect());
        let rows = movies.title.into_iter().zip(movies.release_year).zip(movies.genres).zip(keys);
        let mut all: Vec<(i32, Movie)> = movies
            .movie_id
            .into_iter()
            .zip(rows)
            .map(|(id, (((title, release_year), genres), key))| {
                (id, Movie { title, release_year, genres, key, ..Movie::default() })
            })
            .collect();
        all.sort_by_key(|(id, _)| *id); // stable: the first of equal ids stays first
        all.dedup_by_key(|(id, _)| *id);
        let (ids, movies) = all.into_iter().unzip();
        let mut movies = Self { ids, movies };
        if let Some(links) = links {
            let rows = links.movie_id.iter().zip(&links.imdb_id).zip(&links.tmdb_id);
            for ((&id, imdb_id), tmdb_id) in rows {
                if let Some(at) = position(&movies.ids, id) {
                    movies.movies[at as usize].imdb_id.clone_from(imdb_id);
                    movies.movies[at as usize].tmdb_id = *tmdb_id;
                }
            }
        }
        movies
    }

    /// Returns the number of movies.
    #[must_use]
    pub fn len(&self) -> usize {
        self.ids.len()
    }

    /// Tells whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.ids.is_empty()
    }

    /// Returns all ids, ascending.
    #[must_use]
    pub fn ids(&self) -> &[i32] {
        &self.ids
    }

    /// Returns a movie by its raw id.
    #[must_use]
    pub fn get(&self, id: MovieId) -> Option<&Movie> {
        position(&self.ids, id.0).map(|at| &self.movies[at as usize])
    }

    /// Goes through all movies by ascending id.
    pub fn iter(&self) -> impl Iterator<Item = (MovieId, &Movie)> {
        self.ids.iter().map(|&id| MovieId(id)).zip(&self.movies)
    }

    /// Returns the movies of `ids`, with empty titles where one is not known.
    #[must_use]
    pub fn select(&self, ids: &[i32]) -> Self {
        let movies = ids.iter().map(|&id| self.get(MovieId(id)).cloned().unwrap_or_default());
        Self { ids: ids.to_vec(), movies: movies.collect() }
    }

    /// Returns plain columns.
    #[must_use]
    pub fn columns(&self) -> MovieColumns {
        MovieColumns {
            movie_id: self.ids.clone(),
            title: self.movies.iter().map(|movie| movie.title.clone()).collect(),
            release_year: self.movies.iter().map(|movie| movie.release_year).collect(),
            genres: self.movies.iter().map(|movie| movie.genres.clone()).collect(),
            movie_key: self.movies.iter().map(|movie| movie.key.clone()).collect(),
        }
    }

    /// Tells whether ids stand for keys.
    #[must_use]
    pub fn keyed(&self) -> bool {
        self.movies.iter().any(|movie| movie.key.is_some())
    }

    /// Returns the keys of all movies, where they have some.
    #[must_use]
    pub fn keys(&self) -> Option<Keys> {
        let pairs = self.iter().filter_map(|(id, movie)| Some((id.0, movie.key.clone()?)));
        self.keyed().then(|| Keys::new(pairs.collect()))
    }

    /// Returns the movie of a key.
    #[must_use]
    pub fn by_key(&self, key: &str) -> Option<MovieId> {
        self.iter().find(|(_, movie)| movie.key.as_deref() == Some(key)).map(|(id, _)| id)
    }

    /// Returns the names of all genres.
    #[must_use]
    pub fn genres(&self) -> BTreeSet<&str> {
        self.movies.iter().flat_map(Movie::genre_list).collect()
    }

    /// Finds the movie that a title as typed means.
    ///
    /// Upper case, punctuation and the year do not matter, nor where the article stands (`Matrix, The`
    /// is `the matrix`). The whole title beats one without its year, which beats a title that merely
    /// contains the words; the first of these levels at which anything fits decides.
    ///
    /// # Errors
    /// If no movie fits, or several do.
    pub fn find(&self, title: &str) -> Result<MovieId, TitleError> {
        let wanted = normal(title);
        let levels: [&dyn Fn(&str) -> bool; 3] = [
            &|candidate| normal(candidate) == wanted,
            &|candidate| normal(without_year(candidate)) == wanted,
            &|candidate| format!(" {} ", normal(candidate)).contains(&format!(" {wanted} ")),
        ];
        for fits in levels {
            let found: Vec<(MovieId, String)> = self
                .iter()
                .filter(|(_, movie)| !wanted.is_empty() && fits(&movie.title))
                .map(|(id, movie)| (id, movie.title.clone()))
                .collect();
            match &found[..] {
                [] => {}
                [(id, _)] => return Ok(*id),
                _ => {
                    let title = title.into();
                    return Err(TitleError::Ambiguous { title, candidates: found });
                }
            }
        }
        Err(TitleError::Unknown { title: title.into() })
    }
}

impl Movie {
    /// Goes through the genres.
    pub fn genre_list(&self) -> impl Iterator<Item = &str> {
        self.genres.split('|').filter(|genre| !genre.is_empty())
    }

    /// Tells whether the movie is of a genre, upper and lower case being the same.
    #[must_use]
    pub fn has_genre(&self, genre: &str) -> bool {
        self.genre_list().any(|own| own.eq_ignore_ascii_case(genre))
    }
}

fn without_year(title: &str) -> &str {
    match crate::io::table::release_year(title) {
        Some(_) => title.rfind('(').map_or(title, |at| &title[..at]),
        None => title,
    }
}

/// Lower case, words only, the moved article back in front: `Matrix, The (1999)` is `the matrix 1999`.
fn normal(title: &str) -> String {
    const ARTICLES: [&str; 15] = [
        "the", "a", "an", "le", "la", "les", "l'", "il", "el", "los", "las", "der", "die", "das",
        "un",
    ];
    let stem = without_year(title);
    let year = &title[stem.len()..];
    let stem = stem.trim().to_lowercase();
    let moved = stem.rsplit_once(", ").filter(|(_, article)| ARTICLES.contains(article));
    let whole = match moved {
        Some((rest, article)) => format!("{article} {rest} {year}"),
        None => format!("{stem} {year}"),
    };
    let words = whole.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
    words.collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn movies() -> Movies {
        let titles = [
            (3, "Matrix, The (1999)"),
            (1, "Twelve Monkeys (a.k.a. 12 Monkeys) (1995)"),
            (2, "Twilight (1998)"),
            (9, "Twilight (2008)"),
            (4, "Star Wars: Episode IV - A New Hope (1977)"),
            (5, "Alien (1979)"),
            (6, "Alien Nation (1988)"),
            (7, "WALL·E (2008)"),
            (8, "300 (2007)"),
            (9, "a second row of the same id"),
        ];
        let mut columns = MovieColumns::default();
        for (id, title) in titles {
            columns.movie_id.push(id);
            columns.title.push(title.into());
            columns.release_year.push(crate::io::table::release_year(title));
            columns.genres.push("Action|Sci-Fi".into());
        }
        let links = LinkColumns {
            movie_id: vec![5, 77],
            imdb_id: vec![Some("0078748".into()), None],
            tmdb_id: vec![Some(348), None],
        };
        Movies::new(columns, Some(&links))
    }

    #[test]
    fn titles_are_found_as_people_write_them() {
        for (title, id) in [
            ("The Matrix", 3),
            ("matrix, the (1999)", 3),
            ("the matrix (1999)", 3),
            ("matrix", 3),
            ("12 monkeys", 1),
            ("Twilight (2008)", 9),
            ("a new hope", 4),
            ("alien", 5),
            ("wall-e", 7),
            ("300", 8),
        ] {
            assert_eq!(movies().find(title), Ok(MovieId(id)), "{title}");
        }
    }

    #[test]
    fn ambiguous_and_unknown_titles_are_refused() {
        let error = movies().find("twilight").unwrap_err();
        assert_eq!(
            error.to_string(),
            "`twilight` fits several movies: \n  2  Twilight (1998)\n  9  Twilight (2008)"
        );
        for title in ["", "  ", "Solaris", "alie"] {
            assert!(matches!(movies().find(title), Err(TitleError::Unknown { .. })), "{title}");
        }
    }

    #[test]
    fn genres_and_links_belong_to_their_movie() {
        let movies = movies();
        let alien = movies.get(MovieId(5)).unwrap();
        assert_eq!((alien.imdb_id.as_deref(), alien.tmdb_id), (Some("0078748"), Some(348)));
        assert!(alien.has_genre("sci-fi") && !alien.has_genre("sci"));
        assert_eq!(movies.genres().into_iter().collect::<Vec<_>>(), ["Action", "Sci-Fi"]);
        assert_eq!(movies.select(&[5, 1000]).columns().title, ["Alien (1979)", ""]);
    }
}
