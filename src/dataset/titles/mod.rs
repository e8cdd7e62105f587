//! How a title as people write it finds its movie.
//!
//! Upper case, accents, punctuation and the year do not matter, nor where the article stands
//! (`Matrix, The` is `the matrix`), nor which of a movie's titles it is (`Spirited Away (Sen to
//! Chihiro no kamikakushi)`). The closest way in which anything fits decides, see [`Fit`].

use std::borrow::Cow;
use std::cmp::Reverse;

use rayon::prelude::*;
use strsim::damerau_levenshtein;
use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

use crate::dataset::ids::MovieId;
use crate::dataset::movies::{Movies, without_year};
use crate::io::values::parse_id;

/// How closely a movie fits a title as typed, the closest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fit {
    /// It is the title with its year.
    WithYear,
    /// It is the title, or one of its titles, without the year.
    Title,
    /// It is so but for an article in front.
    Bare,
    /// The title contains it, word for word.
    Phrase,
    /// The title has all of its words, somewhere.
    Words,
    /// One of the titles differs by this many letters: left out, put in, another, or two swapped.
    Typo(u8),
}

impl Fit {
    /// Returns a word for the output.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::WithYear | Self::Title | Self::Bare => "title",
            Self::Phrase => "phrase",
            Self::Words => "words",
            Self::Typo(_) => "typo",
        }
    }
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

/// A movie's titles in [`normal`] form.
struct Entry {
    /// The whole title, then those in it: the one before any bracket, and one of each bracket.
    titles: Vec<String>,
    /// The year of release, as it stands in the title.
    year: String,
}

impl Entry {
    fn new(title: &str) -> Self {
        let stem = without_year(title);
        let mut titles = vec![normal(stem)];
        for part in stem.split(['(', ')']).filter(|part| part.len() < stem.len()) {
            let part = part.trim();
            let part =
                ["a.k.a. ", "aka "].iter().find_map(|also| part.strip_prefix(also)).unwrap_or(part);
            let part = normal(part);
            if !part.is_empty() && !titles.contains(&part) {
                titles.push(part);
            }
        }
        let year = title[stem.len()..].chars().filter(char::is_ascii_digit).collect();
        Self { titles, year }
    }

    fn fit(&self, wanted: &Wanted) -> Option<Fit> {
        let is = |title: &String| *title == wanted.whole;
        let with_year = |title: &String| {
            wanted.whole.strip_prefix(title.as_str()).and_then(|rest| rest.strip_prefix(' '))
                == Some(&self.year)
        };
        if !self.year.is_empty() && self.titles.iter().any(with_year) {
            return Some(Fit::WithYear);
        }
        if self.titles.iter().any(is) {
            return Some(Fit::Title);
        }
        if self.titles.iter().any(|title| bare(title) == bare(&wanted.whole)) {
            return Some(Fit::Bare);
        }
        let whole = &self.titles[0];
        if whole.contains(&wanted.whole) && padded(whole).contains(&padded(&wanted.whole)) {
            return Some(Fit::Phrase);
        }
        let own = |word: &str| whole.split(' ').any(|own| own == word);
        let mut words = wanted.whole.split(' ');
        let all = words.clone().all(|word| own(word) || word == self.year);
        // A year alone is no title.
        (all && words.any(own)).then_some(Fit::Words)
    }

    /// Returns in how few letters one of the titles differs, if they are few enough for a slip of
    /// the pen.
    fn typos(&self, wanted: &Wanted) -> Option<Fit> {
        let most = match wanted.letters {
            0..4 => return None,
            4..8 => 1,
            _ => 2,
        };
        let distance = |title: &String| {
            let (own, typed) = (bare(title), bare(&wanted.whole));
            // Another number is another film of the series.
            let near = own.chars().count().abs_diff(typed.chars().count()) <= most
                && numbers(own).eq(numbers(typed));
            let distance = near.then(|| damerau_levenshtein(own, typed))?;
            (distance <= most).then_some(distance as u8)
        };
        self.titles.iter().filter_map(distance).min().map(Fit::Typo)
    }
}

/// A title as typed.
struct Wanted {
    whole: String,
    letters: usize,
}

/// Returns all movies that fit a title as typed in the closest way in which any does, by ascending
/// id.
#[must_use]
pub fn closest(movies: &Movies, title: &str) -> Vec<(MovieId, Fit)> {
    let found = search(movies, title);
    let Some(best) = found.iter().map(|(_, fit)| *fit).min() else { return Vec::new() };
    found.into_iter().filter(|(_, fit)| *fit == best).collect()
}

/// Returns all movies that fit a title as typed in some way, by ascending id; slips of the pen are
/// looked for only where nothing else fits.
#[must_use]
pub fn search(movies: &Movies, title: &str) -> Vec<(MovieId, Fit)> {
    let whole = typed(title);
    if whole.is_empty() {
        return Vec::new();
    }
    let wanted = Wanted { letters: whole.chars().count(), whole };
    let may_fit = MayFit::new(&wanted.whole);
    let found = all_that(movies, |lower, title| {
        if may_fit.tells(lower, title) { Entry::new(title).fit(&wanted) } else { None }
    });
    if !found.is_empty() {
        return found;
    }
    all_that(movies, |_, title| Entry::new(title).typos(&wanted))
}

/// Finds the movie that an id, a key or a title as typed means; `is_known` tells which ids count,
/// `n_ratings` how well known a movie is.
///
/// # Errors
/// If no movie fits, or several do; the best known are listed first.
pub fn find(
    movies: &Movies,
    text: &str,
    is_known: impl Fn(MovieId) -> bool,
    n_ratings: impl Fn(MovieId) -> u64,
) -> Result<MovieId, TitleError> {
    let text = text.trim();
    let id = match movies.keyed() {
        true => movies.by_key(text),
        false => parse_id(text.as_bytes()).ok().map(MovieId),
    };
    if let Some(id) = id.filter(|id| is_known(*id)) {
        return Ok(id);
    }
    let mut found: Vec<MovieId> = closest(movies, text).into_iter().map(|(id, _)| id).collect();
    match found[..] {
        [] => Err(TitleError::Unknown { title: text.into() }),
        [id] => Ok(id),
        _ => {
            found.sort_by_key(|id| Reverse(n_ratings(*id)));
            let title = |id| movies.get(id).map_or("", |movie| movie.title).to_string();
            let candidates = found.into_iter().map(|id| (id, title(id))).collect();
            Err(TitleError::Ambiguous { title: text.into(), candidates })
        }
    }
}

/// Asks of every title on all threads; `fit` gets some memory to work in.
fn all_that(
    movies: &Movies,
    fit: impl Fn(&mut String, &str) -> Option<Fit> + Sync,
) -> Vec<(MovieId, Fit)> {
    const AT_A_TIME: usize = 1 << 10;
    let titled = movies.par_iter().with_min_len(AT_A_TIME);
    let found = titled.map_init(String::new, |lower, (id, movie)| {
        let some = !movie.title.is_empty();
        some.then(|| fit(lower, movie.title)).flatten().map(|fit| (id, fit))
    });
    found.flatten_iter().collect()
}

/// Tells at a glance of most titles that they cannot fit, which saves bringing all of them to
/// [`normal`] form.
struct MayFit {
    /// A word that every title that fits has.
    word: String,
}

impl MayFit {
    fn new(wanted: &str) -> Self {
        let words = bare(wanted).split(' ');
        Self { word: words.max_by_key(|word| word.len()).unwrap_or_default().to_string() }
    }

    fn tells(&self, lower: &mut String, title: &str) -> bool {
        // Letters that are brought to another form, or left out, may hide the word.
        if !title.is_ascii() || title.contains('\'') {
            return true;
        }
        lower.clear();
        lower.push_str(title);
        lower.make_ascii_lowercase();
        lower.contains(&self.word)
    }
}

fn padded(text: &str) -> String {
    format!(" {text} ")
}

/// Leaves out an English article in front.
fn bare(title: &str) -> &str {
    ["the ", "a ", "an "].iter().find_map(|article| title.strip_prefix(article)).unwrap_or(title)
}

/// Goes through the words that are numbers, Arabic or Roman.
fn numbers(title: &str) -> impl Iterator<Item = &str> {
    let roman = |c: char| matches!(c, 'i' | 'v' | 'x');
    title
        .split(' ')
        .filter(move |word| word.chars().any(|c| c.is_ascii_digit()) || word.chars().all(roman))
}

/// Brings a title as typed to [`normal`] form, its year last where it has one.
fn typed(title: &str) -> String {
    let stem = without_year(title);
    let year = normal(&title[stem.len()..]);
    let stem = normal(stem);
    if year.is_empty() { stem } else { format!("{stem} {year}").trim().to_string() }
}

/// Lower case without accents, words only, the moved article back in front: `Misérables, Les` is
/// `les miserables`.
fn normal(title: &str) -> String {
    const ARTICLES: [&str; 16] = [
        "the", "a", "an", "le", "la", "les", "l'", "il", "el", "los", "las", "der", "die", "das",
        "un", "une",
    ];
    let title = title.trim();
    let moved = title
        .rsplit_once(", ")
        .filter(|(_, last)| ARTICLES.iter().any(|article| article.eq_ignore_ascii_case(last)));
    let title = match moved {
        Some((rest, article)) if article.ends_with('\'') => Cow::Owned(format!("{article}{rest}")),
        Some((rest, article)) => Cow::Owned(format!("{article} {rest}")),
        None => Cow::Borrowed(title),
    };
    let mut words = String::with_capacity(title.len());
    let mut apart = false;
    let mut push = |c: char| {
        if c.is_alphanumeric() {
            if apart && !words.is_empty() {
                words.push(' ');
            }
            apart = false;
            words.extend(c.to_lowercase());
        } else if !is_combining_mark(c) && !matches!(c, '\'' | '’') {
            // People leave out an apostrophe and write the word on.
            apart = true;
        }
    };
    if title.is_ascii() {
        title.chars().for_each(&mut push)
    } else {
        title.nfkd().for_each(push)
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::io::columns::MovieColumns;

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
            ("The Matrix", 3, Fit::Title),
            ("matrix, the (1999)", 3, Fit::WithYear),
            ("the matrix (1999)", 3, Fit::WithYear),
            ("the matrix 1999", 3, Fit::WithYear),
            ("Matrix", 3, Fit::Bare),
            ("an alien", 5, Fit::Bare),
            ("12 monkeys", 1, Fit::Title),
            ("twelve monkeys (1995)", 1, Fit::WithYear),
            ("Twilight (2008)", 9, Fit::WithYear),
            ("a new hope", 4, Fit::Phrase),
            ("alien", 5, Fit::Title),
            ("wall-e", 7, Fit::Title),
            ("300", 8, Fit::Title),
            ("2012", 16, Fit::Title),
            ("spirited away", 11, Fit::Title),
            ("sen to chihiro no kamikakushi (2001)", 11, Fit::WithYear),
            ("Schindlers List", 12, Fit::Title),
            ("amélie", 13, Fit::Title),
            ("le fabuleux destin d'amelie poulain", 13, Fit::Title),
            ("return of the king lord of the rings", 14, Fit::Words),
            ("rings 2003", 14, Fit::Words),
            ("matrx", 3, Fit::Typo(1)),
            ("spirted awya", 11, Fit::Typo(2)),
            ("alie", 5, Fit::Typo(1)),
            ("star wars episode iv a mew hope", 4, Fit::Typo(1)),
        ] {
            assert_eq!(closest(&movies, title), [(MovieId(id), fit)], "{title}");
        }
    }

    #[test]
    fn what_fits_several_or_none_is_told_so() {
        let movies = movies();
        let ids = |title: &str| -> Vec<i32> {
            closest(&movies, title).into_iter().map(|(id, _)| id.0).collect()
        };
        assert_eq!(ids("twilight"), [2, 9]);
        assert_eq!(ids("twlight"), [2, 9]);
        for title in ["", "  ", "(2001)", "Solaris", "ali", "Alien (1980)", "302", "The Matrix 2"] {
            assert!(ids(title).is_empty(), "{title}: {:?}", ids(title));
        }
        let search: Vec<i32> = search(&movies, "alien").into_iter().map(|(id, _)| id.0).collect();
        assert_eq!(search, [5, 6]);
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
