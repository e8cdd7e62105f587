//! Movies by id: titles, years, genres and identifiers elsewhere, column by column, so that those
//! of a large model are open in a moment.

use std::collections::BTreeSet;
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, Int16Array, Int32Array, RecordBatch, StringArray, UInt32Array,
};
use arrow::compute::take;
use arrow::datatypes::{Int16Type, Int32Type};
use rayon::prelude::*;

use crate::dataset::ids::{MovieId, position};
use crate::io::batches;
use crate::io::columns::{LinkColumns, MovieColumns};
use crate::io::keys::Keys;
use crate::io::values::parse_id;
use crate::schema;
use crate::suggest::did_you_mean;

/// MovieLens' way to say that a movie has no genre.
pub const NO_GENRES: &str = "(no genres listed)";

/// One movie.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Movie<'a> {
    /// Title with its year; empty where it is not known.
    pub title: &'a str,
    /// Year of release.
    pub release_year: Option<i16>,
    /// Genres joined by `|`.
    pub genres: &'a str,
    /// IMDb number.
    pub imdb_id: Option<&'a str>,
    /// TMDb number.
    pub tmdb_id: Option<i32>,
    /// What the id stands for, where ids are keys.
    pub key: Option<&'a str>,
}

/// No movie has that genre.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "no movie is of the genre `{genre}`{}; known are {}",
    did_you_mean(.genre, .known.iter().map(String::as_str)),
    .known.join(", ")
)]
pub struct UnknownGenre {
    /// The genre as typed.
    pub genre: String,
    /// All genres.
    pub known: Vec<String>,
}

/// Movies in ascending order of their ids.
#[derive(Debug, Clone, PartialEq)]
pub struct Movies {
    ids: Vec<i32>,
    /// In the order of ids, as the five below.
    title: StringArray,
    release_year: Int16Array,
    genres: StringArray,
    imdb_id: StringArray,
    tmdb_id: Int32Array,
    key: StringArray,
}

impl Default for Movies {
    fn default() -> Self {
        Self::new(MovieColumns::default(), None)
    }
}

impl Movies {
    /// Takes over the columns of `movies` and, where there are any, of `links`; of a repeated id,
    /// the first row counts.
    #[must_use]
    pub fn new(movies: MovieColumns, links: Option<&LinkColumns>) -> Self {
        let n = movies.movie_id.len();
        let key = match &movies.movie_key {
            Some(keys) => StringArray::from_iter_values(keys),
            None => StringArray::new_null(n),
        };
        let mut all = Self {
            title: StringArray::from_iter_values(&movies.title),
            release_year: movies.release_year.into(),
            genres: StringArray::from_iter_values(&movies.genres),
            imdb_id: StringArray::new_null(n),
            tmdb_id: Int32Array::new_null(n),
            key,
            ids: movies.movie_id,
        };
        all.sort();
        all.link(links);
        all
    }

    /// Takes over a batch of [`schema::movies`], as [`Self::new`] does.
    #[must_use]
    pub fn from_batch(
        batch: &RecordBatch,
        keys: Option<&ArrayRef>,
        links: Option<&LinkColumns>,
    ) -> Self {
        let n = batch.num_rows();
        let mut columns = batch.columns()[..4].to_vec();
        columns.push(Arc::new(StringArray::new_null(n)));
        columns.push(Arc::new(Int32Array::new_null(n)));
        let mut all = Self::from_arrays(&columns, keys);
        all.sort();
        all.link(links);
        all
    }

    fn sort(&mut self) {
        if !self.ids.is_sorted_by(|a, b| a < b) {
            let mut rows: Vec<u32> = (0..self.len() as u32).collect();
            rows.sort_by_key(|&row| self.ids[row as usize]); // stable: the first of equal ids stays first
            rows.dedup_by_key(|row| self.ids[*row as usize]);
            let ids = rows.iter().map(|&row| self.ids[row as usize]).collect();
            *self = self.rows(ids, &rows.into());
        }
    }

    fn link(&mut self, links: Option<&LinkColumns>) {
        let Some(links) = links else { return };
        let mut row_of = vec![None; self.len()];
        for (row, &id) in links.movie_id.iter().enumerate() {
            if let Some(at) = position(&self.ids, id) {
                row_of[at as usize] = Some(row);
            }
        }
        let imdb = row_of.iter().map(|row| row.and_then(|row| links.imdb_id[row].as_deref()));
        self.imdb_id = imdb.collect();
        self.tmdb_id = row_of.iter().map(|row| row.and_then(|row| links.tmdb_id[row])).collect();
    }

    /// Takes over the columns movie_id, title, release_year, genres, imdb_id and tmdb_id, and keys
    /// where there are some; the ids ascend.
    #[must_use]
    pub fn from_arrays(columns: &[ArrayRef], keys: Option<&ArrayRef>) -> Self {
        let text = |at: usize| columns[at].as_string::<i32>().clone();
        let ids = columns[0].as_primitive::<Int32Type>().values().to_vec();
        let key = match keys {
            Some(keys) => keys.as_string::<i32>().clone(),
            None => StringArray::new_null(ids.len()),
        };
        Self {
            ids,
            title: text(1),
            release_year: columns[2].as_primitive::<Int16Type>().clone(),
            genres: text(3),
            imdb_id: text(4),
            tmdb_id: columns[5].as_primitive::<Int32Type>().clone(),
            key,
        }
    }

    /// Returns the columns that [`Self::from_arrays`] takes, and the keys.
    #[must_use]
    pub fn arrays(&self) -> (Vec<ArrayRef>, Option<ArrayRef>) {
        let columns: Vec<ArrayRef> = vec![
            Arc::new(Int32Array::from(self.ids.clone())),
            Arc::new(self.title.clone()),
            Arc::new(self.release_year.clone()),
            Arc::new(self.genres.clone()),
            Arc::new(self.imdb_id.clone()),
            Arc::new(self.tmdb_id.clone()),
        ];
        (columns, self.keyed().then(|| Arc::new(self.key.clone()) as ArrayRef))
    }

    /// Returns a batch of [`schema::movies`], with keys where there are some.
    #[must_use]
    pub fn to_batch(&self) -> RecordBatch {
        let (columns, keys) = self.arrays();
        batches::with_movie_keys(batches::batch(schema::movies(), columns[..4].to_vec()), keys)
    }

    /// Returns some rows, or where an index is null, an empty one.
    fn rows(&self, ids: Vec<i32>, rows: &UInt32Array) -> Self {
        let taken = |array: &dyn Array| take(array, rows, None).expect("the rows are within");
        // A title that is null is an empty one; no difference shall be seen.
        let text = |array: &StringArray| -> StringArray {
            let taken = taken(array);
            taken.as_string::<i32>().iter().map(|text| Some(text.unwrap_or_default())).collect()
        };
        Self {
            ids,
            title: text(&self.title),
            release_year: taken(&self.release_year).as_primitive::<Int16Type>().clone(),
            genres: text(&self.genres),
            imdb_id: taken(&self.imdb_id).as_string::<i32>().clone(),
            tmdb_id: taken(&self.tmdb_id).as_primitive::<Int32Type>().clone(),
            key: taken(&self.key).as_string::<i32>().clone(),
        }
    }

    /// Returns the number of movies.
    #[must_use]
    pub fn len(&self) -> usize {
        self.ids.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.ids.is_empty()
    }

    /// Returns all ids, ascending.
    #[must_use]
    pub fn ids(&self) -> &[i32] {
        &self.ids
    }

    /// Returns the genres of the movie at a place of [`Self::ids`], joined by `|`.
    #[must_use]
    pub fn genres_at(&self, at: usize) -> &str {
        text(&self.genres, at).unwrap_or_default()
    }

    /// Returns the movie at a place of [`Self::ids`].
    #[must_use]
    pub fn at(&self, at: usize) -> Movie<'_> {
        Movie {
            title: text(&self.title, at).unwrap_or_default(),
            release_year: self.release_year.is_valid(at).then(|| self.release_year.value(at)),
            genres: self.genres_at(at),
            imdb_id: text(&self.imdb_id, at),
            tmdb_id: self.tmdb_id.is_valid(at).then(|| self.tmdb_id.value(at)),
            key: text(&self.key, at),
        }
    }

    /// Returns a movie by its raw id.
    #[must_use]
    pub fn get(&self, id: MovieId) -> Option<Movie<'_>> {
        position(&self.ids, id.0).map(|at| self.at(at as usize))
    }

    /// Returns the place of each of some movies, whose ids ascend, where it is there.
    pub fn places<'a>(
        &'a self,
        ids: impl Iterator<Item = i32> + 'a,
    ) -> impl Iterator<Item = Option<usize>> + 'a {
        let mut at = 0;
        ids.map(move |id| {
            at += self.ids[at..].iter().take_while(|own| **own < id).count();
            (self.ids.get(at) == Some(&id)).then_some(at)
        })
    }

    /// Goes through all movies by ascending id.
    pub fn iter(&self) -> impl Iterator<Item = (MovieId, Movie<'_>)> {
        self.ids.iter().enumerate().map(|(at, &id)| (MovieId(id), self.at(at)))
    }

    /// Goes through all movies by ascending id, on all threads.
    pub fn par_iter(&self) -> impl IndexedParallelIterator<Item = (MovieId, Movie<'_>)> {
        self.ids.par_iter().enumerate().map(|(at, &id)| (MovieId(id), self.at(at)))
    }

    /// Whether any title is known.
    #[must_use]
    pub fn has_titles(&self) -> bool {
        self.iter().any(|(_, movie)| !movie.title.is_empty())
    }

    /// Returns the movies of `ids`, with empty titles where one is not known.
    #[must_use]
    pub fn select(&self, ids: &[i32]) -> Self {
        let rows = ids.iter().map(|&id| position(&self.ids, id)).collect();
        self.rows(ids.to_vec(), &rows)
    }

    /// Returns these movies with the titles and the rest of `others` where those know them.
    #[must_use]
    pub fn with_titles_of(&self, others: &Self) -> Self {
        let mut movies = MovieColumns::default();
        let mut links = LinkColumns::default();
        for (id, own) in self.iter() {
            let movie = others.get(id).filter(|movie| !movie.title.is_empty()).unwrap_or(own);
            movies.movie_id.push(id.0);
            movies.title.push(movie.title.into());
            movies.release_year.push(movie.release_year);
            movies.genres.push(movie.genres.into());
            links.movie_id.push(id.0);
            links.imdb_id.push(movie.imdb_id.or(own.imdb_id).map(String::from));
            links.tmdb_id.push(movie.tmdb_id.or(own.tmdb_id));
        }
        let key = |(_, movie): (MovieId, Movie<'_>)| movie.key.unwrap_or_default().to_string();
        movies.movie_key = self.keyed().then(|| self.iter().map(key).collect());
        Self::new(movies, Some(&links))
    }

    /// Whether ids stand for keys.
    #[must_use]
    pub fn keyed(&self) -> bool {
        self.key.null_count() < self.len()
    }

    /// Returns the keys of all movies, where they have some.
    #[must_use]
    pub fn keys(&self) -> Option<Keys> {
        let pairs = self.iter().filter_map(|(id, movie)| Some((id.0, movie.key?.to_string())));
        self.keyed().then(|| Keys::new(pairs.collect()))
    }

    /// Returns the movie of an IMDb id, with or without `tt` and leading zeros.
    #[must_use]
    pub fn by_imdb(&self, id: &str) -> Option<MovieId> {
        let wanted = imdb_number(id)?;
        let is = |at: &usize| text(&self.imdb_id, *at).and_then(imdb_number) == Some(wanted);
        Some(MovieId(self.ids[(0..self.ids.len()).find(is)?]))
    }

    /// Returns the movie of a TMDB id.
    #[must_use]
    pub fn by_tmdb(&self, id: i32) -> Option<MovieId> {
        let at = (0..self.ids.len())
            .find(|&at| self.tmdb_id.is_valid(at) && self.tmdb_id.value(at) == id)?;
        Some(MovieId(self.ids[at]))
    }

    /// Returns the movie of an id of the data as text: a string id if movies have them, else a
    /// number, whether there is a movie of it or not.
    #[must_use]
    pub fn by_own_id(&self, text: &str) -> Option<MovieId> {
        match self.keyed() {
            true => self.by_key(text),
            false => parse_id(text.as_bytes()).ok().map(MovieId),
        }
    }

    /// Returns the movie of a string id.
    #[must_use]
    pub fn by_key(&self, key: &str) -> Option<MovieId> {
        self.keys()?.find(key).map(MovieId)
    }

    /// Returns the names of all genres.
    #[must_use]
    pub fn genres(&self) -> BTreeSet<&str> {
        self.iter().flat_map(|(_, movie)| movie.genre_list()).collect()
    }

    /// Checks that each genre is some movie's, so that a typo is no empty result.
    ///
    /// # Errors
    /// At the first one that is not.
    pub fn check_genres(&self, genres: &[String]) -> Result<(), UnknownGenre> {
        if genres.is_empty() {
            return Ok(());
        }
        let known = self.genres();
        match genres.iter().find(|genre| !known.iter().any(|name| name.eq_ignore_ascii_case(genre)))
        {
            None => Ok(()),
            Some(genre) => Err(UnknownGenre {
                genre: genre.clone(),
                known: known.into_iter().map(String::from).collect(),
            }),
        }
    }
}

/// Returns the number of an IMDb id, with or without `tt` and leading zeros; `None` if it is none.
pub(crate) fn imdb_number(id: &str) -> Option<u64> {
    let digits = id.trim().trim_start_matches("tt");
    let is_number = digits.bytes().all(|byte| byte.is_ascii_digit());
    digits.parse().ok().filter(|&number| is_number && number > 0)
}

/// Returns the genres of a text `A|B` that says some.
pub fn known_genres(genres: &str) -> impl Iterator<Item = &str> {
    genres.split('|').filter(|genre| !genre.is_empty() && *genre != NO_GENRES)
}

/// Returns how much two sets of genres have in common, from 0 to 1 (Jaccard's index); 0 where none
/// is known.
#[must_use]
pub fn genre_overlap<T: PartialEq>(a: &[T], b: &[T]) -> f64 {
    let common = a.iter().filter(|genre| b.contains(genre)).count() as f64;
    let all = (a.len() + b.len()) as f64 - common;
    if all > 0.0 { common / all } else { 0.0 }
}

impl<'a> Movie<'a> {
    /// Goes through the genres.
    pub fn genre_list(&self) -> impl Iterator<Item = &'a str> + use<'a> {
        self.genres.split('|').filter(|genre| !genre.is_empty())
    }

    /// Whether the movie is of a genre, upper and lower case being the same.
    #[must_use]
    pub fn has_genre(&self, genre: &str) -> bool {
        self.genre_list().any(|own| own.eq_ignore_ascii_case(genre))
    }
}

fn text(array: &StringArray, at: usize) -> Option<&str> {
    array.is_valid(at).then(|| array.value(at))
}

/// Cuts the year off the end of a title.
pub(crate) fn without_year(title: &str) -> &str {
    match crate::io::table::release_year(title) {
        Some(_) => title.rfind('(').map_or(title, |at| &title[..at]),
        None => title,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn genres_overlap_by_what_is_known_of_both() {
        let overlap = |a: &str, b: &str| {
            let [a, b] = [a, b].map(|text| known_genres(text).collect::<Vec<_>>());
            genre_overlap(&a, &b)
        };
        assert_eq!(overlap("Drama|War", "War|Comedy"), 1.0 / 3.0);
        assert_eq!(overlap("Drama", "Drama"), 1.0);
        assert_eq!(overlap(NO_GENRES, NO_GENRES), 0.0);
        assert_eq!(overlap("", "Drama"), 0.0);
    }

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
    fn places_of_ascending_ids() {
        let columns = MovieColumns {
            movie_id: vec![9, 3, 5],
            title: vec!["a".into(); 3],
            release_year: vec![None; 3],
            genres: vec![String::new(); 3],
            movie_key: None,
        };
        let movies = Movies::new(columns, None);
        let places = |ids: &[i32]| movies.places(ids.iter().copied()).collect::<Vec<_>>();
        assert_eq!(
            places(&[1, 3, 3, 4, 5, 9, 10]),
            [None, Some(0), Some(0), None, Some(1), Some(2), None]
        );
        assert_eq!(Movies::default().places([1].into_iter()).collect::<Vec<_>>(), [None]);
    }

    #[test]
    fn genres_and_links_belong_to_their_movie() {
        let movies = movies();
        let alien = movies.get(MovieId(5)).unwrap();
        assert_eq!((alien.imdb_id, alien.tmdb_id), (Some("0078748"), Some(348)));
        assert!(alien.has_genre("sci-fi") && !alien.has_genre("sci"));
        assert_eq!(movies.genres().into_iter().collect::<Vec<_>>(), ["Action", "Sci-Fi"]);
        let some = movies.select(&[5, 1000]);
        let titles: Vec<&str> = some.iter().map(|(_, movie)| movie.title).collect();
        assert_eq!((titles, some.at(1).genres), (vec!["Alien (1979)", ""], ""));
        assert_eq!(movies.get(MovieId(9)).unwrap().title, "Twilight (2008)");
        let (columns, keys) = movies.arrays();
        assert_eq!(Movies::from_arrays(&columns, keys.as_ref()), movies);
    }
}
