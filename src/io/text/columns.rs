//! Which column is the user, the movie, the rating and the time.

use std::str::FromStr;

use crate::io::error::{IoError, shown};
use crate::io::text::delimiter::Delimiter;
use crate::io::values::Scale;

/// Field roles, in the order of a file without a header.
pub(in crate::io) const ROLES: [&str; 4] = ["user", "movie", "rating", "timestamp"];
pub(in crate::io) const USER: usize = 0;
pub(in crate::io) const MOVIE: usize = 1;
pub(in crate::io) const RATING: usize = 2;
pub(in crate::io) const TIMESTAMP: usize = 3;

/// Usual names of each role in [`normalized`] form; of several that are there, the first counts: a
/// key before the number that mvrec gave it.
const ALIASES: [&[&str]; 4] = [
    &[
        "userkey",
        "user",
        "userid",
        "uid",
        "username",
        "reviewer",
        "reviewerid",
        "customer",
        "customerid",
        "visitorid",
    ],
    &[
        "moviekey",
        "movie",
        "movieid",
        "item",
        "itemid",
        "iid",
        "sid",
        "product",
        "productid",
        "book",
        "bookid",
        "isbn",
        "asin",
        "animeid",
        "trackid",
        "artistid",
    ],
    &["rating", "weight", "value", "score", "stars", "overall", "bookrating", "userrating"],
    &[
        "timestamp",
        "ratingtimestamp",
        "datetime",
        "ts",
        "unixreviewtime",
        "unixtimestamp",
        "unixtime",
        "eventtime",
        "interactiontime",
        "ratingtime",
        "reviewtime",
        "ratedat",
        "createdat",
        "watchedat",
        "time",
        "daterated",
        "ratingdate",
        "reviewdate",
        "dateadded",
        "watcheddate",
        "date",
    ],
];

/// Names of columns that hold a date whose time of day may stand in a column of its own, and names
/// of those.
const DATES: [&str; 4] = ["date", "ratingdate", "reviewdate", "daterated"];
const TIMES_OF_DAY: [&str; 5] = ["time", "timeofday", "ratingtime", "reviewtime", "hour"];

/// Columns that mvrec writes beside the keys, which say the same.
const NUMBERED: [(&str, &str); 2] = [("userid", "userkey"), ("movieid", "moviekey")];

/// What a user says of a file, where telling it from the content is not enough.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct TextOptions {
    /// Columns of the roles.
    pub columns: TextColumns,
    /// What stands between fields.
    pub delimiter: Option<Delimiter>,
    /// Ratings that can be given.
    pub scale: Scale,
    /// Keeps the ids of users and of movies as text even where they look like numbers.
    pub text_ids: [bool; 2],
    /// Reads `2,5` as two and a half.
    pub decimal_comma: bool,
    /// Form of points in time, as `strftime` writes it.
    pub time_format: Option<String>,
    /// Stops after about this many rows of each file.
    pub limit: Option<usize>,
}

/// TextColumns that were named for the four roles: `user=reader,movie=isbn,rating=3`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TextColumns {
    chosen: [Option<String>; 4],
    needs_rating: bool,
}

impl FromStr for TextColumns {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut columns = Self::default();
        for pair in text.split(',') {
            let (role, column) = pair
                .split_once('=')
                .ok_or_else(|| format!("`{pair}` is not ROLE=COLUMN, such as user=reader"))?;
            let at = ROLES
                .iter()
                .position(|known| *known == role.trim())
                .ok_or_else(|| format!("`{role}` is none of {}", ROLES.join(", ")))?;
            if columns.chosen[at].replace(column.trim().into()).is_some() {
                return Err(format!("`{role}` is given twice"));
            }
        }
        Ok(columns)
    }
}

impl TextColumns {
    /// Names the column of the rating.
    #[must_use]
    pub fn with_rating(mut self, column: &str) -> Self {
        self.chosen[RATING] = Some(column.into());
        self
    }

    /// Takes a missing column of ratings for an error, and not for unary feedback.
    #[must_use]
    pub fn requiring_rating(mut self) -> Self {
        self.needs_rating = true;
        self
    }

    /// Finds the columns of the roles among `names`: the chosen one by its number from 1 or its
    /// name, else by the usual names. Upper case and punctuation do not matter, nor a type
    /// behind a colon (`user_id:token`, as RecBole writes).
    #[must_use]
    pub fn find(&self, names: &[String]) -> [Option<usize>; 4] {
        std::array::from_fn(|role| match &self.chosen[role] {
            None => {
                let usual = |alias: &&str| names.iter().position(|name| normalized(name) == *alias);
                ALIASES[role].iter().find_map(usual)
            }
            Some(chosen) => match self.number(role) {
                Some(at) => Some(at).filter(|&at| at < names.len()),
                None => names.iter().position(|name| name == chosen),
            },
        })
    }

    /// Finds the columns of the roles among `names`; a rating or a timestamp that was not chosen
    /// may be missing.
    ///
    /// # Errors
    /// If a column that was chosen is not there, or none is for the user or the movie.
    pub fn find_all(&self, file: &str, names: Vec<String>) -> Result<[Option<usize>; 4], IoError> {
        let positions = self.find(&names);
        let required = |role: usize| {
            role <= MOVIE || self.chosen[role].is_some() || (role == RATING && self.needs_rating)
        };
        match (0..ROLES.len()).find(|&role| required(role) && positions[role].is_none()) {
            None => Ok(positions),
            Some(role) => {
                Err(IoError::MissingColumn { file: file.into(), column: ROLES[role], found: names })
            }
        }
    }

    /// Returns the position, from 0, of a role whose column was given by its number.
    pub(super) fn number(&self, role: usize) -> Option<usize> {
        self.chosen[role].as_ref()?.parse::<usize>().ok()?.checked_sub(1)
    }

    /// Whether nobody has chosen any.
    pub(super) fn is_empty(&self) -> bool {
        self.chosen.iter().all(Option::is_none)
    }

    /// Finds a date and a time of day in two columns, where nobody has chosen the timestamp.
    pub(super) fn date_and_time(&self, names: &[String]) -> Option<(usize, usize)> {
        let find = |wanted: &[&str]| {
            wanted
                .iter()
                .find_map(|wanted| names.iter().position(|name| normalized(name) == *wanted))
        };
        match self.chosen[TIMESTAMP] {
            None => Some((find(&DATES)?, find(&TIMES_OF_DAY)?)),
            Some(_) => None,
        }
    }
}

/// Returns lower case, letters and digits only, without RecBole's type.
pub(in crate::io) fn normalized(name: &str) -> String {
    let name = name.split(':').next().unwrap_or_default();
    name.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

/// Returns the columns of a header that no role uses, but for row numbers without a name, and for
/// the numbers that mvrec writes beside keys.
pub(in crate::io) fn unused(names: &[String], used: &[usize]) -> Vec<String> {
    let has = |wanted: &str| names.iter().any(|name| normalized(name) == wanted);
    let says_the_same =
        |name: &str| NUMBERED.iter().any(|(number, key)| normalized(name) == *number && has(key));
    let of_no_use = names
        .iter()
        .enumerate()
        .filter(|(at, name)| !used.contains(at) && !name.is_empty() && !says_the_same(name));
    of_no_use.map(|(_, name)| name.clone()).collect()
}

/// Says which columns are not used, and how the time is named where it may be one of them.
pub(in crate::io) fn remarks(unused: &[String], positions: [Option<usize>; 4]) -> Vec<String> {
    const SHOWN: usize = 12;
    let mut remarks = Vec::new();
    if positions[RATING].is_none() {
        remarks.push(
            "no column of ratings: each row counts as a rating of 1 (unary feedback); \
             --columns rating=NAME names one"
                .into(),
        );
    }
    if !unused.is_empty() {
        let mut names: Vec<String> =
            unused.iter().take(SHOWN).map(|name| format!("`{}`", shown(name))).collect();
        if unused.len() > SHOWN {
            names.push(format!("and {} more", unused.len() - SHOWN));
        }
        let time = match positions[TIMESTAMP] {
            Some(_) => "",
            None => "; no time is known: --columns timestamp=NAME names its column",
        };
        remarks.push(format!("columns not used: {}{time}", names.join(", ")));
    }
    remarks
}

/// Returns of users and of movies whether the name of their column says that they are keys.
pub(super) fn keyed(names: &[String], positions: [Option<usize>; 4]) -> [bool; 2] {
    [USER, MOVIE]
        .map(|role| positions[role].is_some_and(|at| normalized(&names[at]).ends_with("key")))
}
