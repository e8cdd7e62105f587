//! Conditions on ratings as an expression: `rating >= 4 and released >= 1990 and genre = "Drama"`.
//!
//! As in SQL, a comparison with something that is not known (a rating without a timestamp, a title
//! without a year) is neither true nor false, and only what is true is kept.

mod parse;
mod plan;

use std::fmt;
use std::ops::Range;

pub use parse::parse;
pub use plan::{Counts, Known, Plan};

/// What a condition may be on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Field {
    /// Ratings.
    Rating,
    /// When it was given.
    Date,
    /// Year in which it was given, in UTC.
    Year,
    /// User, by id or key.
    User,
    /// Movie, by id or key.
    Movie,
    /// Year of release.
    Released,
    /// Genres; a movie has several.
    Genre,
    /// Title.
    Title,
    /// Ratings of the user in the whole input.
    UserRatings,
    /// Ratings of the movie in the whole input.
    MovieRatings,
}

impl Field {
    /// Every field by its name.
    pub const ALL: [(&'static str, Self); 10] = [
        ("rating", Self::Rating),
        ("date", Self::Date),
        ("year", Self::Year),
        ("user", Self::User),
        ("movie", Self::Movie),
        ("released", Self::Released),
        ("genre", Self::Genre),
        ("title", Self::Title),
        ("user_ratings", Self::UserRatings),
        ("movie_ratings", Self::MovieRatings),
    ];

    /// Further names, those of columns in files.
    const ALIASES: [(&'static str, Self); 6] = [
        ("user_id", Self::User),
        ("movie_id", Self::Movie),
        ("timestamp", Self::Date),
        ("rating_timestamp", Self::Date),
        ("release_year", Self::Released),
        ("genres", Self::Genre),
    ];

    /// Returns the field of a name, upper and lower case being the same.
    fn from_name(name: &str) -> Option<Self> {
        let mut names = Self::ALL.into_iter().chain(Self::ALIASES);
        names.find(|(known, _)| name.eq_ignore_ascii_case(known)).map(|(_, field)| field)
    }
}

/// How a field is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Op {
    /// `=`, `==`, `in (…)`: equal to one of the values.
    Is,
    /// `!=`, `<>`, `not in (…)`: equal to none of them.
    IsNot,
    /// `<`
    Less,
    /// `<=`
    AtMost,
    /// `>`
    More,
    /// `>=`
    AtLeast,
    /// `~`: contains one of the texts, upper and lower case being the same.
    Contains,
    /// `like`: matches one of the patterns of SQL, `%` standing for any text and `_` for a letter,
    /// upper and lower case being the same.
    Like,
}

/// A value as typed.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// A number.
    Number(f64),
    /// Milliseconds that a date or time covers: all of the day, or one second.
    Time(Range<i64>),
    /// Text in quotes.
    Text(String),
}

/// One comparison.
#[derive(Debug, Clone, PartialEq)]
pub struct Test {
    /// What is compared.
    pub field: Field,
    /// How.
    pub op: Op,
    /// With what; more than one in a list.
    pub values: Vec<Value>,
    /// Where it stands in the text, in bytes.
    pub place: Range<usize>,
}

/// An expression.
#[derive(Debug, Clone, PartialEq)]
pub enum Expr {
    /// True if all are.
    And(Vec<Self>),
    /// True if one is.
    Or(Vec<Self>),
    /// True if it is false.
    Not(Box<Self>),
    /// A comparison.
    Test(Test),
}

impl Expr {
    /// Whether a test of one of these fields is in it.
    #[must_use]
    pub fn asks(&self, fields: &[Field]) -> bool {
        match self {
            Self::And(parts) | Self::Or(parts) => parts.iter().any(|part| part.asks(fields)),
            Self::Not(inner) => inner.asks(fields),
            Self::Test(test) => fields.contains(&test.field),
        }
    }
}

/// What is wrong with an expression, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExprError {
    /// The expression.
    pub text: String,
    /// The place, in bytes.
    pub place: Range<usize>,
    /// What is wrong.
    pub problem: String,
}

impl ExprError {
    fn new(text: &str, place: Range<usize>, problem: impl Into<String>) -> Self {
        Self { text: text.into(), place, problem: problem.into() }
    }
}

impl std::error::Error for ExprError {}

impl fmt::Display for ExprError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let chars =
            |range: Range<usize>| self.text.get(range).map_or(0, |part| part.chars().count());
        let indent = " ".repeat(chars(0..self.place.start));
        let marks = "^".repeat(chars(self.place.clone()).max(1));
        let line: String =
            self.text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
        write!(f, "{}\n  {line}\n  {indent}{marks}", self.problem)
    }
}
