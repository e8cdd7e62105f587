//! Title search: finds the movie that a typed title means.
//!
//! Titles are compared in canonical form, with and without an article in
//! front, against the whole title, its alternative titles (`Spirited Away (Sen to Chihiro no
//! kamikakushi)`) and its parts (`The Empire Strikes Back`). The closest [`TitleMatch`] decides. A
//! title that is merely similar to the only candidate is not taken for it: absent films would
//! resolve to their sequels.

mod canonical;
mod entry;
mod index;
mod spoken;

use std::cmp::Reverse;

use rayon::prelude::*;

use crate::dataset::ids::MovieId;
use crate::dataset::movies::Movies;
use crate::dataset::titles::entry::{TitleEntry, TitlePrefilter, TitleQuery};
use crate::io::values::parse_id;

pub use entry::TitleMatch;
pub use index::TitleIndex;
pub use spoken::spoken_title;

/// A title that names no single movie.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TitleError {
    /// No movie has that title.
    #[error("no movie is called `{title}`")]
    Unknown {
        /// The title as typed.
        title: String,
    },
    /// One movie is similar, but not enough so to be certain.
    #[error("no movie is called `{title}`; did you mean `{candidate}` (id {id})?")]
    Uncertain {
        /// The title as typed.
        title: String,
        /// Id of the similar movie.
        id: MovieId,
        /// Its title.
        candidate: String,
    },
    /// Several movies match.
    #[error("`{title}` fits several movies: {}", shown(.candidates))]
    Ambiguous {
        /// The title as typed.
        title: String,
        /// All candidates, those with most ratings first.
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

/// Keeps the movies of the closest match.
fn closest_of(mut found: Vec<(MovieId, TitleMatch)>) -> Vec<(MovieId, TitleMatch)> {
    let best = found.iter().map(|(_, matched)| *matched).min();
    found.retain(|(_, matched)| Some(*matched) == best);
    found
}

/// Returns all movies that match a typed title, by ascending id. Typos are considered only if
/// nothing else matches.
#[must_use]
pub fn search(movies: &Movies, title: &str) -> Vec<(MovieId, TitleMatch)> {
    let queries = TitleQuery::interpretations(title);
    let prefilters: Vec<TitlePrefilter> = queries.iter().map(TitlePrefilter::new).collect();
    let found = matches(movies, |buffer, title| {
        if !prefilters.iter().any(|prefilter| prefilter.may_match(buffer, title)) {
            return None;
        }
        let entry = TitleEntry::new(title);
        queries.iter().filter_map(|query| entry.matches(query)).min()
    });
    if !found.is_empty() {
        return found;
    }
    matches(movies, |_, title| {
        let mut near = queries.iter().filter(|query| query.may_be_typo_of(title)).peekable();
        near.peek()?;
        let entry = TitleEntry::new(title);
        near.filter_map(|query| entry.typos(query)).min()
    })
}

/// A movie that was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FoundMovie {
    /// Its id.
    pub id: MovieId,
    /// How the title matched; `None` if an id was given.
    pub title_match: Option<TitleMatch>,
}

impl FoundMovie {
    /// Whether the title was not exactly that of the movie.
    #[must_use]
    pub fn is_guess(self) -> bool {
        self.title_match.is_some_and(|title_match| !title_match.is_exact())
    }
}

/// Movies to find one among.
#[derive(Clone, Copy)]
pub struct TitleLookup<'a> {
    /// The movies.
    pub movies: &'a Movies,
    /// Index of their titles, which pays for many lookups.
    pub index: Option<&'a TitleIndex>,
    /// Whether a movie counts.
    pub is_known: &'a dyn Fn(MovieId) -> bool,
    /// Number of ratings, by which candidates are sorted.
    pub n_ratings: &'a dyn Fn(MovieId) -> u64,
}

impl TitleLookup<'_> {
    /// Finds the movie that a typed text means: an id, a string id, an id of IMDb or TMDB
    /// (`tt0133093`, `imdb:133093`, `tmdb:603`), `id:ID`, or a title.
    ///
    /// # Errors
    /// If no movie matches, or several do; a number that is both an id and a title is ambiguous.
    pub fn find(&self, text: &str) -> Result<FoundMovie, TitleError> {
        let text = text.trim();
        let by_id = find_id(self.movies, text).filter(|id| (self.is_known)(*id));
        let Some(id) = by_id else { return self.find_title(text) };
        let is_plain_number = !self.movies.keyed() && parse_id(text.as_bytes()).is_ok();
        let mut titled = if is_plain_number { self.closest(text) } else { Vec::new() };
        titled.retain(|(other, matched)| matched.is_exact() && *other != id);
        if titled.is_empty() {
            return Ok(FoundMovie { id, title_match: None });
        }
        titled.push((id, TitleMatch::Title));
        self.single(text, titled)
    }

    /// Finds the movie of a title, even if the title is a number.
    ///
    /// # Errors
    /// If no movie matches, or several do.
    pub fn find_title(&self, title: &str) -> Result<FoundMovie, TitleError> {
        self.single(title, self.closest(title))
    }

    /// Returns the known movies of the closest match.
    fn closest(&self, title: &str) -> Vec<(MovieId, TitleMatch)> {
        let titled = self.index.map(|index| index.titled(self.movies, title, self.is_known));
        if let Some(titled) = titled.filter(|titled| !titled.is_empty()) {
            return closest_of(titled);
        }
        let mut titled = search(self.movies, title);
        titled.retain(|(id, _)| (self.is_known)(*id));
        closest_of(titled)
    }

    /// Returns the only candidate if it is certain.
    fn single(
        &self,
        text: &str,
        mut titled: Vec<(MovieId, TitleMatch)>,
    ) -> Result<FoundMovie, TitleError> {
        let title = |id| self.movies.get(id).map_or("", |movie| movie.title).to_string();
        match titled[..] {
            [] => Err(TitleError::Unknown { title: text.into() }),
            [(id, title_match)] if title_match.is_certain() => {
                Ok(FoundMovie { id, title_match: Some(title_match) })
            }
            [(id, _)] => {
                Err(TitleError::Uncertain { title: text.into(), id, candidate: title(id) })
            }
            _ => {
                titled.sort_by_key(|(id, _)| Reverse((self.n_ratings)(*id)));
                let candidates = titled.into_iter().map(|(id, _)| (id, title(id))).collect();
                Err(TitleError::Ambiguous { title: text.into(), candidates })
            }
        }
    }
}

/// Returns the movie of an id in any notation.
fn find_id(movies: &Movies, text: &str) -> Option<MovieId> {
    if let Some(id) = movies.by_own_id(text) {
        return Some(id);
    }
    let tt = text.get(..2).unwrap_or_default();
    let (prefix, rest) = text.split_once(':').unwrap_or((tt, text));
    match prefix.to_ascii_lowercase().as_str() {
        "id" => movies.by_own_id(rest.trim()),
        "imdb" | "tt" => movies.by_imdb(rest),
        "tmdb" => movies.by_tmdb(rest.trim().parse().ok()?),
        _ => None,
    }
}

/// Matches all titles in parallel; `matched` gets a reusable buffer.
fn matches(
    movies: &Movies,
    matched: impl Fn(&mut String, &str) -> Option<TitleMatch> + Sync,
) -> Vec<(MovieId, TitleMatch)> {
    const AT_A_TIME: usize = 1 << 10;
    let titled = movies.par_iter().with_min_len(AT_A_TIME);
    let found = titled.map_init(String::new, |buffer, (id, movie)| {
        let has_title = !movie.title.is_empty();
        has_title.then(|| matched(buffer, movie.title)).flatten().map(|matched| (id, matched))
    });
    found.flatten_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::io::columns::MovieColumns;

    fn closest(movies: &Movies, title: &str) -> Vec<(MovieId, TitleMatch)> {
        closest_of(search(movies, title))
    }

    fn movies() -> Movies {
        let titles = [
            (1, "Twelve Monkeys (a.k.a. 12 Monkeys) (1995)"),
            (2, "Twilight (1998)"),
            (3, "Matrix, The (1999)"),
            (4, "Star Wars: Episode IV - A New Hope (1977)"),
            (5, "Alien (1979)"),
            (6, "Alien Nation (1988)"),
            (7, "WALL·E (2008)"),
            (8, "300 (2007)"),
            (9, "Twilight (2008)"),
            (10, "Matrix Reloaded, The (2003)"),
            (11, "Spirited Away (Sen to Chihiro no kamikakushi) (2001)"),
            (12, "Schindler's List (1993)"),
            (13, "Amelie (Fabuleux destin d'Amélie Poulain, Le) (2001)"),
            (14, "Lord of the Rings: The Return of the King, The (2003)"),
            (15, ""),
            (16, "2012 (2009)"),
        ];
        let mut columns = MovieColumns::default();
        for (id, title) in titles {
            columns.movie_id.push(id);
            columns.title.push(title.into());
            columns.release_year.push(crate::io::table::release_year(title));
            columns.genres.push(String::new());
        }
        Movies::new(columns, None)
    }

    #[test]
    fn titles_are_found_as_people_write_them() {
        let movies = movies();
        for (title, id, fit) in [
            ("The Matrix", 3, TitleMatch::Title),
            ("matrix, the (1999)", 3, TitleMatch::WithYear),
            ("the matrix (1999)", 3, TitleMatch::WithYear),
            ("the matrix 1999", 3, TitleMatch::WithYear),
            ("Matrix", 3, TitleMatch::Bare),
            ("an alien", 5, TitleMatch::Bare),
            ("12 monkeys", 1, TitleMatch::Title),
            ("twelve monkeys (1995)", 1, TitleMatch::WithYear),
            ("Twilight (2008)", 9, TitleMatch::WithYear),
            ("star wars episode 4", 4, TitleMatch::Part { certain: true }),
            ("a new hope", 4, TitleMatch::Part { certain: false }),
            ("the return of the king", 14, TitleMatch::Phrase { certain: true }),
            ("Alien (1980)", 5, TitleMatch::NearYear),
            ("alien", 5, TitleMatch::Title),
            ("wall-e", 7, TitleMatch::Title),
            ("300", 8, TitleMatch::Title),
            ("2012", 16, TitleMatch::Title),
            ("spirited away", 11, TitleMatch::Title),
            ("sen to chihiro no kamikakushi (2001)", 11, TitleMatch::WithYear),
            ("Schindlers List", 12, TitleMatch::Title),
            ("amélie", 13, TitleMatch::Title),
            ("le fabuleux destin d'amelie poulain", 13, TitleMatch::Title),
            ("return of the king lord of the rings", 14, TitleMatch::Words),
            ("rings 2003", 14, TitleMatch::Phrase { certain: false }),
            ("matrx", 3, TitleMatch::Typo { edits: 1, certain: false }),
            ("spirted awya", 11, TitleMatch::Typo { edits: 2, certain: false }),
            ("alie", 5, TitleMatch::Typo { edits: 1, certain: false }),
            ("star wars episode iv a mew hope", 4, TitleMatch::Typo { edits: 1, certain: true }),
        ] {
            assert_eq!(closest(&movies, title), [(MovieId(id), fit)], "{title}");
        }
    }

    #[test]
    fn ambiguous_and_unknown_titles_are_errors() {
        let movies = movies();
        let ids = |title: &str| -> Vec<i32> {
            closest(&movies, title).into_iter().map(|(id, _)| id.0).collect()
        };
        assert_eq!(ids("twilight"), [2, 9]);
        assert_eq!(ids("twlight"), [2, 9]);
        for title in ["", "  ", "(2001)", "Solaris", "ali", "Alien (1981)", "302", "The Matrix 2"] {
            assert!(ids(title).is_empty(), "{title}: {:?}", ids(title));
        }
        let search: Vec<i32> = search(&movies, "alien").into_iter().map(|(id, _)| id.0).collect();
        assert_eq!(search, [5, 6]);
    }

    #[test]
    fn an_index_finds_what_a_search_finds() {
        let movies = movies();
        let index = TitleIndex::new(&movies);
        let lookup = |index| TitleLookup {
            movies: &movies,
            index,
            is_known: &|id| id.0 != 8,
            n_ratings: &|id| id.0 as u64,
        };
        for title in [
            "The Matrix",
            "matrix 1999",
            "matrix (1998)",
            "matrix (1997)",
            "twilight",
            "Twilight (2008)",
            "wall-e",
            "walle",
            "WALL E (2008)",
            "amélie",
            "amelie 2001",
            "300",
            "2012",
            "8",
            "an alien",
            "alie",
            "a new hope",
            "spirted awya",
            "Solaris",
            "",
            "return of the king lord of the rings",
        ] {
            assert_eq!(lookup(Some(&index)).find(title), lookup(None).find(title), "{title}");
        }
    }

    #[test]
    fn an_ambiguous_title_lists_what_it_may_mean() {
        let error = TitleError::Ambiguous {
            title: "twilight".into(),
            candidates: (0..14).map(|id| (MovieId(id), format!("Twilight {id}"))).collect(),
        };
        let text = error.to_string();
        assert!(text.starts_with("`twilight` fits several movies: \n  0  Twilight 0\n"), "{text}");
        assert!(text.ends_with("\n  11  Twilight 11\n  and 2 more"), "{text}");
    }
}
