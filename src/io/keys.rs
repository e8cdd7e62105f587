//! Ids that are no 32-bit numbers (user names, ISBNs): numbered from 1 in order of first
//! appearance.

use std::collections::HashMap;

use indexmap::IndexSet;
use rayon::prelude::*;
use xxhash_rust::xxh3::Xxh3DefaultBuilder;

use crate::io::error::IoError;
use crate::io::values::{is_missing, parse_id};

/// Keys of some ids, by ascending id.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Keys {
    /// Ids, ascending.
    pub ids: Vec<i32>,
    /// What each stands for.
    pub keys: Vec<String>,
}

impl Keys {
    /// Puts pairs in order; of a repeated id, the first pair counts.
    #[must_use]
    pub fn new(mut pairs: Vec<(i32, String)>) -> Self {
        pairs.sort_by_key(|(id, _)| *id);
        pairs.dedup_by_key(|(id, _)| *id);
        let (ids, keys) = pairs.into_iter().unzip();
        Self { ids, keys }
    }

    /// Returns the key of an id.
    #[must_use]
    pub fn get(&self, id: i32) -> Option<&str> {
        self.ids.binary_search(&id).ok().map(|at| &*self.keys[at])
    }

    /// Returns the id of a key, which takes time in proportion to the keys: many are found by an
    /// [`IdResolver`].
    #[must_use]
    pub fn find(&self, key: &str) -> Option<i32> {
        let find = |key: &str| self.keys.iter().position(|other| other == key);
        find(key).or_else(|| find(&canonical(key)?)).map(|at| self.ids[at])
    }
}

/// Returns the key that a field spells: `7` for `7.0`, which pandas makes of it, and other texts
/// unchanged.
#[must_use]
pub fn key_of(text: &[u8]) -> &[u8] {
    // Only a zero may end such a number.
    match text.last() {
        Some(b'0') if text.contains(&b'.') && parse_id(text).is_ok() => {
            &text[..text.iter().position(|&byte| byte == b'.').unwrap_or(text.len())]
        }
        _ => text,
    }
}

/// Returns the canonical spelling of a number (`7` for `7.0`), where a text is a number spelled
/// otherwise.
fn canonical(text: &str) -> Option<String> {
    let id = parse_id(text.as_bytes()).ok()?.to_string();
    (id != text).then_some(id)
}

/// Translates ids as people and files spell them to those that stand for them in data.
///
/// In data with keys, an id is a key, whether it looks like a number or not; the number that stands
/// for a key inside is never compared with anything from outside.
pub struct IdResolver<'a> {
    keys: Option<HashMap<&'a str, i32>>,
}

impl<'a> IdResolver<'a> {
    /// Prepares the translation to data with these keys, or with numeric ids.
    #[must_use]
    pub fn new(keys: Option<&'a Keys>) -> Self {
        let map = |keys: &'a Keys| {
            keys.keys.iter().map(String::as_str).zip(keys.ids.iter().copied()).collect()
        };
        Self { keys: keys.map(map) }
    }

    /// Returns the id of a text; `None` for a key that the data does not have.
    ///
    /// # Errors
    /// With what is wrong, if ids are numbers and the text is none.
    pub fn resolve(&self, text: &str) -> Result<Option<i32>, &'static str> {
        match &self.keys {
            None => parse_id(text.as_bytes()).map(Some),
            Some(keys) => {
                let id = keys.get(text).copied();
                Ok(id.or_else(|| keys.get(canonical(text)?.as_str()).copied()))
            }
        }
    }
}

/// What the ids of a file of movies or users become.
pub enum IdMapping<'a> {
    /// Ids of an ingest, in which new keys get new numbers.
    Import(&'a mut Ids),
    /// Ids of data that is there; rows of others are left out.
    Existing(&'a IdResolver<'a>),
}

impl IdMapping<'_> {
    /// Returns the id of a field; `None` where the data does not have it.
    ///
    /// # Errors
    /// With what is wrong with the field.
    pub fn map(&mut self, text: &str) -> Result<Option<i32>, &'static str> {
        match self {
            Self::Existing(resolver) => resolver.resolve(text),
            Self::Import(ids) => match ids.index() {
                Some(_) if text.is_empty() => Err("is missing"),
                Some(index) => Ok(Some(index.number(key_of(text.as_bytes())))),
                None => parse_id(text.as_bytes()).map(Some),
            },
        }
    }
}

/// Numbers keys as they appear.
#[derive(Debug, Clone, Default)]
pub struct KeyIndex(IndexSet<Vec<u8>, Xxh3DefaultBuilder>);

impl KeyIndex {
    /// Returns the number of a key, a new one where it has not been seen before.
    pub fn number(&mut self, key: &[u8]) -> i32 {
        let at = self.0.get_index_of(key).unwrap_or_else(|| self.0.insert_full(key.to_vec()).0);
        i32::try_from(at + 1).expect("memory ends long before the numbers do")
    }

    /// Goes through the keys in the order of their numbers.
    pub fn iter(&self) -> impl Iterator<Item = &[u8]> {
        self.0.iter().map(Vec::as_slice)
    }

    /// Returns the number of keys.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns all keys as text: UTF-8, or where one is not, Latin-1.
    #[must_use]
    pub fn to_keys(&self) -> Keys {
        Keys {
            ids: (1..=self.0.len() as i32).collect(),
            keys: self.iter().map(|key| text_of(key.to_vec())).collect(),
        }
    }
}

/// Returns bytes as UTF-8, or else as Latin-1, in which each byte is the code point of that number.
#[must_use]
pub fn text_of(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes)
        .unwrap_or_else(|error| error.into_bytes().into_iter().map(char::from).collect())
}

/// What the ids of one side, users or movies, are in all sources of one `ingest`.
#[derive(Debug, Clone, Default)]
pub enum Ids {
    /// The first source will tell.
    #[default]
    Unknown,
    /// Whole numbers of 32 bits, kept as they are.
    Numbers,
    /// Anything else.
    Keys(KeyIndex),
}

impl Ids {
    /// Takes note of what the ids of one more source are.
    ///
    /// # Errors
    /// If they were of the other kind before.
    pub fn settle(&mut self, file: &str, side: &'static str, keyed: bool) -> Result<(), IoError> {
        match (&self, keyed) {
            (Self::Unknown, true) => *self = Self::Keys(KeyIndex::default()),
            (Self::Unknown, false) => *self = Self::Numbers,
            (Self::Numbers, false) | (Self::Keys(_), true) => {}
            (Self::Numbers, true) | (Self::Keys(_), false) => {
                return Err(IoError::MixedIds { file: file.into(), side, keyed });
            }
        }
        Ok(())
    }

    /// Returns the keys and their numbers, where ids are keys.
    pub fn index(&mut self) -> Option<&mut KeyIndex> {
        match self {
            Self::Keys(index) => Some(index),
            Self::Unknown | Self::Numbers => None,
        }
    }

    /// Returns the keys, where ids are keys.
    #[must_use]
    pub fn to_keys(&self) -> Option<Keys> {
        match self {
            Self::Keys(index) => Some(index.to_keys()),
            Self::Unknown | Self::Numbers => None,
        }
    }
}

/// A sample of the ids of one side, by which they are settled to be numbers or keys.
#[derive(Debug, Clone, Copy, Default)]
pub struct IdSample {
    ids: usize,
    words: usize,
    has_other_digits: bool,
}

impl IdSample {
    /// Ids in the sample.
    pub const SIZE: usize = 1000;

    /// Adds an id; one that is missing says nothing.
    pub fn add(&mut self, id: &[u8]) {
        if is_missing(id) {
            return;
        }
        self.ids += 1;
        if parse_id(id).is_ok() {
            return;
        }
        let digits = id.strip_prefix(b"-").unwrap_or(id).iter();
        match digits.clone().all(u8::is_ascii_digit) {
            true => self.has_other_digits = true,
            // A fraction is no name but a mistake, which its row tells.
            false => self.words += usize::from(!is_decimal(id)),
        }
    }

    /// Whether the ids are keys: most of them are words, or one is a whole number that 32 bits do
    /// not keep, so that `007` and `7` are two.
    #[must_use]
    pub fn is_keyed(&self) -> bool {
        2 * self.words > self.ids || self.has_other_digits
    }
}

fn is_decimal(id: &[u8]) -> bool {
    let number = std::str::from_utf8(id).ok().and_then(|id| id.parse::<f64>().ok());
    id.contains(&b'.') && number.is_some_and(f64::is_finite)
}

/// Gives ids that were numbered within a part the numbers of the whole.
pub(super) fn renumber(column: &mut [i32], part: &KeyIndex, whole: &mut Ids) {
    let Some(whole) = whole.index() else { return };
    let numbers: Vec<i32> = part.iter().map(|key| whole.number(key)).collect();
    column.par_iter_mut().for_each(|id| *id = numbers[*id as usize - 1]);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_resolve_by_the_keys_of_the_data_and_never_by_their_numbers() {
        let keys =
            Keys::new(vec![(1, "20".into()), (2, "1".into()), (3, "007".into()), (4, "al".into())]);
        let keyed = IdResolver::new(Some(&keys));
        for (text, id) in [
            ("20", Some(1)),
            ("1", Some(2)),
            ("1.0", Some(2)),
            ("007", Some(3)),
            ("7", None),
            ("al", Some(4)),
            ("3", None),
        ] {
            assert_eq!(keyed.resolve(text), Ok(id), "{text}");
            assert_eq!(keys.find(text), id, "{text}");
        }
        let numeric = IdResolver::new(None);
        assert_eq!(numeric.resolve("7.0"), Ok(Some(7)));
        assert!(numeric.resolve("al").is_err() && numeric.resolve("007").is_err());
    }

    #[test]
    fn whole_floats_spell_the_key_of_their_number() {
        for (text, key) in [
            ("7.0", "7"),
            ("-7.00", "-7"),
            ("7", "7"),
            ("1.5", "1.5"),
            ("v1.0", "v1.0"),
            ("007.0", "007.0"),
        ] {
            assert_eq!(key_of(text.as_bytes()), key.as_bytes(), "{text}");
        }
    }

    #[test]
    fn a_sample_of_ids_tells_numbers_from_keys() {
        let keyed = |ids: &[&str]| {
            let mut sample = IdSample::default();
            ids.iter().for_each(|id| sample.add(id.as_bytes()));
            sample.is_keyed()
        };
        assert!(!keyed(&["1", "2.0", "x"]) && !keyed(&[]) && !keyed(&["NA", "NA", "1"]));
        assert!(!keyed(&["1.2", "1.7"]));
        assert!(
            keyed(&["1", "x", "y"]) && keyed(&["1", "2", "007"]) && keyed(&["1", "9000000000"])
        );
    }
}
