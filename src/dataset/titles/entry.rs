//! Compares the titles of one movie with a typed title.

use strsim::damerau_levenshtein;

use crate::dataset::movies::without_year;
use crate::dataset::titles::canonical::{bare, canonical, is_equal, numerals, spellings_of};
use crate::io::table::release_year;

/// How closely a movie matches a typed title, the closest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum TitleMatch {
    /// Title and year.
    WithYear,
    /// Title; no year was typed.
    Title,
    /// Title but for an article in front.
    Bare,
    /// Title, and a year that is off by one.
    NearYear,
    /// A part of the title between separators.
    Part {
        /// Whether this is enough to mean the movie if it is the only one.
        certain: bool,
    },
    /// The title contains it, word for word.
    Phrase {
        /// Whether this is enough to mean the movie if it is the only one.
        certain: bool,
    },
    /// The title has all of its words in any order.
    Words,
    /// One of the titles has this edit distance (insertion, deletion, substitution, transposition).
    Typo {
        /// Edit distance.
        edits: u8,
        /// Whether this is enough to mean the movie if it is the only one.
        certain: bool,
    },
}

impl TitleMatch {
    /// Returns a word for reports.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::WithYear | Self::Title | Self::Bare | Self::NearYear => "title",
            Self::Part { .. } | Self::Phrase { .. } => "phrase",
            Self::Words => "words",
            Self::Typo { .. } => "typo",
        }
    }

    /// Whether the typed title is that of the movie.
    #[must_use]
    pub fn is_exact(self) -> bool {
        matches!(self, Self::WithYear | Self::Title | Self::Bare)
    }

    /// Whether a movie that matches so, as the only one, is meant.
    #[must_use]
    pub fn is_certain(self) -> bool {
        match self {
            Self::WithYear | Self::Title | Self::Bare | Self::NearYear => true,
            Self::Part { certain } | Self::Phrase { certain } | Self::Typo { certain, .. } => {
                certain
            }
            Self::Words => false,
        }
    }
}

/// A typed title, interpreted as title and year.
pub(super) struct TitleQuery {
    title: String,
    n_letters: usize,
    n_words: usize,
    year: Option<i16>,
    /// Bit set of the letters a to z.
    letters: u32,
}

/// Returns the bit set of the letters a to z in a text.
fn letters_of(text: &str) -> u32 {
    let letters = text.bytes().filter(u8::is_ascii_alphabetic);
    letters.fold(0, |set, byte| set | 1 << (byte.to_ascii_lowercase() - b'a'))
}

impl TitleQuery {
    /// Interprets a typed title: with its year in parentheses or as its last word, or without.
    pub(super) fn interpretations(text: &str) -> Vec<Self> {
        let text = text.trim();
        let stem = without_year(text);
        if let Some(year) = release_year(text) {
            return Self::new(stem, Some(year)).into_iter().collect();
        }
        let last = text.rsplit_once(' ').and_then(|(rest, last)| {
            let year = release_year(&format!("({last})"))?;
            Self::new(rest, Some(year))
        });
        Self::new(text, None).into_iter().chain(last).collect()
    }

    fn new(title: &str, year: Option<i16>) -> Option<Self> {
        let title = canonical(title);
        let n_words = bare(&title).split(' ').count();
        let n_letters = title.chars().filter(|c| *c != ' ').count();
        let letters = letters_of(&title);
        (n_letters > 0).then_some(Self { title, n_letters, n_words, year, letters })
    }

    /// Returns the title in canonical form.
    pub(super) fn title(&self) -> &str {
        &self.title
    }

    /// Whether the letters and the year of a raw title allow for a typo.
    pub(super) fn may_be_typo_of(&self, title: &str) -> bool {
        if self.n_letters < 4 {
            return false;
        }
        let years = self.year.zip(release_year(title));
        if years.is_some_and(|(own, other)| own.abs_diff(other) > 1) {
            return false;
        }
        // Two edits add or replace two letters at most.
        const MOST: u32 = 2;
        !title.is_ascii() || (self.letters & !letters_of(title)).count_ones() <= MOST
    }
}

/// Rejects most raw titles without computing their canonical form.
pub(super) struct TitlePrefilter {
    /// Spellings of a word of the query and their letters; each matching title contains one. Empty
    /// if there is no such word.
    spellings: Vec<(u32, String)>,
}

impl TitlePrefilter {
    pub(super) fn new(query: &TitleQuery) -> Self {
        let words = bare(&query.title).split(' ').map(spellings_of);
        // The longest word rejects most titles.
        let least = |spellings: &Vec<String>| spellings.iter().map(String::len).min().unwrap_or(0);
        let spellings = words.max_by_key(least).unwrap_or_default().into_iter();
        Self { spellings: spellings.map(|text| (letters_of(&text), text)).collect() }
    }

    /// Whether a raw title may match; `buffer` is reused.
    pub(super) fn may_match(&self, buffer: &mut String, title: &str) -> bool {
        if self.spellings.is_empty() || !title.is_ascii() {
            return true;
        }
        let letters = letters_of(title);
        if self.spellings.iter().all(|(own, _)| own & !letters != 0) {
            return false;
        }
        // Words may be written as one, as two or with punctuation in between.
        buffer.clear();
        let letters = title.bytes().filter(u8::is_ascii_alphanumeric);
        buffer.extend(letters.map(|byte| char::from(byte.to_ascii_lowercase())));
        self.spellings.iter().any(|(_, spelling)| buffer.contains(spelling.as_str()))
    }
}

/// The titles of a movie in canonical form.
pub(super) struct TitleEntry {
    /// The whole title, then its alternatives: the one before any bracket, and one of each bracket.
    titles: Vec<String>,
    /// The raw title before any bracket.
    main: String,
    year: Option<i16>,
}

impl TitleEntry {
    pub(super) fn new(title: &str) -> Self {
        let stem = without_year(title).trim();
        let mut titles = vec![canonical(stem)];
        let mut add = |title: &str| {
            let title = canonical(title);
            if !title.is_empty() && !titles.contains(&title) {
                titles.push(title);
            }
        };
        let mut main = stem;
        for (at, part) in stem.split(['(', ')']).enumerate() {
            let part = part.trim();
            if at == 0 {
                main = part;
            }
            let part =
                ["a.k.a. ", "aka "].iter().find_map(|also| part.strip_prefix(also)).unwrap_or(part);
            if part.len() < stem.len() {
                add(part);
            }
            if let Some((first, second)) = part.split_once(" or: ").or(part.split_once(", or ")) {
                add(first);
                add(second);
            }
        }
        Self { titles, main: main.to_string(), year: release_year(title) }
    }

    /// Returns the titles in canonical form.
    pub(super) fn titles(&self) -> impl Iterator<Item = &str> {
        self.titles.iter().map(String::as_str)
    }

    /// Returns the contiguous runs of segments between separators that are shorter than the title:
    /// index of the first segment, and canonical form.
    fn parts(&self) -> Vec<(usize, String)> {
        const SEPARATORS: [&str; 5] = [": ", " - ", " – ", "/", "; "];
        let mut segments = vec![self.main.as_str()];
        for separator in SEPARATORS {
            segments = segments.into_iter().flat_map(|part| part.split(separator)).collect();
        }
        let mut parts = Vec::new();
        for from in 0..segments.len() {
            for to in from + 1..=segments.len() {
                if to - from < segments.len() {
                    parts.push((from, canonical(&segments[from..to].join(": "))));
                }
            }
        }
        parts
    }

    pub(super) fn matches(&self, query: &TitleQuery) -> Option<TitleMatch> {
        let years_apart = query.year.zip(self.year).map(|(a, b)| a.abs_diff(b));
        if years_apart.is_some_and(|years| years > 1) {
            return None;
        }
        let is_title = self.titles.iter().any(|title| is_equal(title, &query.title));
        let is_bare = self.titles.iter().any(|title| is_equal(bare(title), bare(&query.title)));
        match years_apart {
            Some(0) if is_bare => return Some(TitleMatch::WithYear),
            Some(_) if is_bare => return Some(TitleMatch::NearYear),
            None if is_title => return Some(TitleMatch::Title),
            None if is_bare => return Some(TitleMatch::Bare),
            _ => {}
        }
        let same_year = years_apart == Some(0);
        let parts = self.parts();
        let mut parts = parts.iter();
        if let Some((first, _)) = parts.find(|(_, part)| is_equal(bare(part), bare(&query.title))) {
            // The beginning is the name of a series unless it has a number.
            let is_series = *first == 0 && numerals(&query.title).next().is_none();
            let is_long = query.n_words >= 3 || (same_year && query.n_words >= 2);
            return Some(TitleMatch::Part { certain: is_long && !is_series });
        }
        let padded = |text: &str| format!(" {text} ");
        let wanted = padded(&query.title);
        if let Some(title) = self.titles.iter().find(|title| padded(title).contains(&wanted)) {
            // What goes on behind the typed words is the next film of a series.
            let begins = bare(title).starts_with(bare(&query.title));
            let certain = query.n_words >= 3 && (same_year || (years_apart.is_none() && !begins));
            return Some(TitleMatch::Phrase { certain });
        }
        let whole = &self.titles[0];
        let has = |word: &str| whole.split(' ').any(|own| own == word);
        query.title.split(' ').all(has).then_some(TitleMatch::Words)
    }

    /// Returns the smallest edit distance of a title, if it is small enough for a typo.
    pub(super) fn typos(&self, query: &TitleQuery) -> Option<TitleMatch> {
        let most = match query.n_letters {
            0..4 => return None,
            4..10 => 1,
            _ => 2,
        };
        let typed = bare(&query.title);
        let distance = |title: &String| {
            let own = bare(title);
            // Another number is another film of the series.
            let near =
                own.len().abs_diff(typed.len()) <= 2 * most && numerals(own).eq(numerals(typed));
            let distance = near.then(|| damerau_levenshtein(own, typed))?;
            (distance <= most).then_some(distance)
        };
        let edits = self.titles.iter().filter_map(distance).min()?;
        // Measured by `scripts/check_titles.py`: a film that the catalogue lacks is often one or
        // two letters away from another one.
        let certain = match query.year {
            Some(year) if Some(year) != self.year => false,
            Some(_) => query.n_letters >= if edits < 2 { 6 } else { 12 },
            None => edits < 2 && query.n_letters >= 14,
        };
        let first = |title: &str| bare(title).chars().next();
        let certain = certain && self.titles.iter().any(|own| first(own) == first(&query.title));
        Some(TitleMatch::Typo { edits: edits as u8, certain })
    }
}
