//! From [`Expr`] to an answer for each rating.

use std::ops::Range;

use super::{Expr, ExprError, Field, Op, Test, Value};
use crate::dataset::ids::{IdLookup, MovieId};
use crate::dataset::movies::{Movie, Movies};
use crate::io::columns::NO_TIME;
use crate::io::keys::Keys;
use crate::io::time;

/// How many ratings each id has, by ascending id.
#[derive(Debug, Clone, Default)]
pub struct Counts {
    /// Ids, ascending.
    pub ids: Vec<i32>,
    /// Ratings of each.
    pub counts: Vec<u64>,
}

/// What is known of the data beside the ratings.
#[derive(Debug, Clone, Copy, Default)]
pub struct Known<'a> {
    /// Titles, years and genres.
    pub movies: Option<&'a Movies>,
    /// Names of users that are no numbers.
    pub user_keys: Option<&'a Keys>,
    /// Names of movies that are no numbers.
    pub movie_keys: Option<&'a Keys>,
    /// Ratings of users and of movies, where the expression asks for them.
    pub counts: Option<(&'a Counts, &'a Counts)>,
}

/// An expression that is ready to be asked of ratings.
#[derive(Debug)]
pub struct Plan(Node);

/// A comparison that fails where a value is not known.
type TruthValue = Option<bool>;

#[derive(Debug)]
enum Node {
    And(Vec<Self>),
    Or(Vec<Self>),
    Not(Box<Self>),
    /// Ratings.
    Stars {
        op: Op,
        values: Vec<f32>,
    },
    /// Time, by the milliseconds that each value covers.
    Time {
        op: Op,
        values: Vec<Range<i64>>,
    },
    /// What is the same for all ratings of a user or of a movie.
    PerId {
        of_user: bool,
        lookup: IdLookup,
        truths: Vec<TruthValue>,
    },
    /// Ids themselves.
    Id {
        of_user: bool,
        op: Op,
        values: Vec<f64>,
    },
}

impl Plan {
    /// Checks an expression against what is known of the data; `text` is the expression as typed.
    ///
    /// # Errors
    /// If a value is not of the kind that its field has, is no genre or key of the data, or if
    /// there are no movies to ask.
    pub fn new(text: &str, expr: &Expr, known: &Known<'_>) -> Result<Self, ExprError> {
        node(text, expr, known).map(Self)
    }

    /// Whether a rating is kept.
    #[must_use]
    pub fn keeps(&self, user: i32, movie: i32, rating: f32, time_ms: i64) -> bool {
        self.0.truth(&RatingRow { user, movie, rating, time_ms }) == Some(true)
    }

    /// Returns milliseconds outside of which nothing is kept.
    #[must_use]
    pub fn period(&self) -> Option<Range<i64>> {
        self.0.period()
    }
}

struct RatingRow {
    user: i32,
    movie: i32,
    rating: f32,
    time_ms: i64,
}

impl Node {
    fn truth(&self, row: &RatingRow) -> TruthValue {
        match self {
            Self::And(parts) => {
                let mut all = Some(true);
                for part in parts {
                    match part.truth(row) {
                        Some(false) => return Some(false),
                        None => all = None,
                        Some(true) => {}
                    }
                }
                all
            }
            Self::Or(parts) => {
                let mut any = Some(false);
                for part in parts {
                    match part.truth(row) {
                        Some(true) => return Some(true),
                        None => any = None,
                        Some(false) => {}
                    }
                }
                any
            }
            Self::Not(inner) => inner.truth(row).map(|truth| !truth),
            Self::Stars { op, values } => Some(compare(*op, row.rating, values)),
            Self::Time { .. } if row.time_ms == NO_TIME => None,
            Self::Time { op, values } => Some(within(*op, row.time_ms, values)),
            Self::PerId { of_user, lookup, truths } => {
                let id = if *of_user { row.user } else { row.movie };
                lookup.get(id).and_then(|at| truths[at as usize])
            }
            Self::Id { of_user, op, values } => {
                let id = if *of_user { row.user } else { row.movie };
                Some(compare(*op, f64::from(id), values))
            }
        }
    }

    fn period(&self) -> Option<Range<i64>> {
        match self {
            Self::And(parts) => parts
                .iter()
                .filter_map(Self::period)
                .reduce(|a, b| a.start.max(b.start)..a.end.min(b.end)),
            Self::Time { op, values } => {
                let value = values.first()?;
                match op {
                    Op::Is => Some(
                        values.iter().map(|value| value.start).min()?
                            ..values.iter().map(|value| value.end).max()?,
                    ),
                    Op::Less => Some(i64::MIN..value.start),
                    Op::AtMost => Some(i64::MIN..value.end),
                    Op::More => Some(value.end..i64::MAX),
                    Op::AtLeast => Some(value.start..i64::MAX),
                    Op::IsNot | Op::Contains | Op::Like => None,
                }
            }
            _ => None,
        }
    }
}

/// Compares with the first value, or for [`Op::Is`] and [`Op::IsNot`] with all.
fn compare<T: PartialOrd + Copy>(op: Op, own: T, values: &[T]) -> bool {
    let first = values[0];
    match op {
        Op::Is | Op::Contains | Op::Like => values.contains(&own),
        Op::IsNot => !values.contains(&own),
        Op::Less => own < first,
        Op::AtMost => own <= first,
        Op::More => own > first,
        Op::AtLeast => own >= first,
    }
}

fn within(op: Op, ms: i64, values: &[Range<i64>]) -> bool {
    let first = &values[0];
    match op {
        Op::Is | Op::Contains | Op::Like => values.iter().any(|value| value.contains(&ms)),
        Op::IsNot => !values.iter().any(|value| value.contains(&ms)),
        Op::Less => ms < first.start,
        Op::AtMost => ms < first.end,
        Op::More => ms >= first.end,
        Op::AtLeast => ms >= first.start,
    }
}

fn node(text: &str, expr: &Expr, known: &Known<'_>) -> Result<Node, ExprError> {
    let all = |parts: &[Expr]| {
        parts.iter().map(|part| node(text, part, known)).collect::<Result<Vec<_>, _>>()
    };
    Ok(match expr {
        Expr::And(parts) => Node::And(all(parts)?),
        Expr::Or(parts) => Node::Or(all(parts)?),
        Expr::Not(inner) => Node::Not(Box::new(node(text, inner, known)?)),
        Expr::Test(test) => test_node(test, known)
            .map_err(|problem| ExprError::new(text, test.place.clone(), problem))?,
    })
}

fn test_node(test: &Test, known: &Known<'_>) -> Result<Node, String> {
    let Test { field, op, values, .. } = test;
    let op = *op;
    let ordered = !matches!(op, Op::Is | Op::IsNot | Op::Contains | Op::Like);
    match field {
        Field::Genre if ordered => {
            return Err("a genre is compared by `=`, `!=`, `in`, `~` or `like`".into());
        }
        Field::Title if ordered => {
            return Err("a title is compared by `=`, `!=`, `in`, `~` or `like`".into());
        }
        Field::Genre | Field::Title => {}
        _ if matches!(op, Op::Contains | Op::Like) => {
            return Err("`~` and `like` are for titles and genres".into());
        }
        _ => {}
    }
    Ok(match field {
        Field::Rating => {
            let values =
                numbers(values, "a rating")?.into_iter().map(|value| value as f32).collect();
            Node::Stars { op, values }
        }
        Field::Date => {
            Node::Time { op, values: values.iter().map(date).collect::<Result<_, _>>()? }
        }
        Field::Year => {
            Node::Time { op, values: values.iter().map(year).collect::<Result<_, _>>()? }
        }
        Field::User => id_node(true, op, values, known.user_keys)?,
        Field::Movie => id_node(false, op, values, known.movie_keys)?,
        Field::UserRatings => count_node(true, op, values, known.counts.map(|counts| counts.0))?,
        Field::MovieRatings => count_node(false, op, values, known.counts.map(|counts| counts.1))?,
        Field::Released => {
            let values = numbers(values, "a year of release")?;
            let truth = |movie: &Movie<'_>| {
                movie.release_year.map(|year| compare(op, f64::from(year), &values))
            };
            movie_node(known, truth)?
        }
        Field::Genre => {
            let values = texts(values, "a genre")?;
            check_genres(op, &values, known)?;
            let has = |movie: &Movie, value: &String| match op {
                Op::Contains => movie.genre_list().any(|genre| contains(genre, value)),
                Op::Like => movie.genre_list().any(|genre| is_like(genre, value)),
                _ => movie.has_genre(value),
            };
            let truth = |movie: &Movie<'_>| {
                Some((op == Op::IsNot) != values.iter().any(|value| has(movie, value)))
            };
            movie_node(known, truth)?
        }
        Field::Title => {
            let values = texts(values, "a title")?;
            let is = |movie: &Movie, value: &String| match op {
                Op::Contains => contains(movie.title, value),
                Op::Like => is_like(movie.title, value),
                _ => movie.title.trim().to_lowercase() == value.trim().to_lowercase(),
            };
            let truth = |movie: &Movie<'_>| {
                Some((op == Op::IsNot) != values.iter().any(|value| is(movie, value)))
            };
            movie_node(known, truth)?
        }
    })
}

fn contains(text: &str, part: &str) -> bool {
    text.to_lowercase().contains(&part.to_lowercase())
}

/// Whether a text matches a pattern of SQL's `LIKE`, upper and lower case being the same.
fn is_like(text: &str, pattern: &str) -> bool {
    let text: Vec<char> = text.to_lowercase().chars().collect();
    let pattern: Vec<char> = pattern.to_lowercase().chars().collect();
    let (mut at, mut next) = (0, 0);
    // The last `%`, and up to where it reaches so far.
    let mut percent: Option<(usize, usize)> = None;
    while at < text.len() {
        match pattern.get(next) {
            Some('%') => {
                percent = Some((next, at));
                next += 1;
            }
            Some(&c) if c == '_' || c == text[at] => (at, next) = (at + 1, next + 1),
            _ => {
                let Some((place, reach)) = &mut percent else { return false };
                *reach += 1;
                (at, next) = (*reach, *place + 1);
            }
        }
    }
    pattern[next..].iter().all(|&c| c == '%')
}

fn numbers(values: &[Value], what: &str) -> Result<Vec<f64>, String> {
    let number = |value: &Value| match value {
        Value::Number(number) => Ok(*number),
        _ => Err(format!("{what} is a number")),
    };
    values.iter().map(number).collect()
}

fn texts(values: &[Value], what: &str) -> Result<Vec<String>, String> {
    let text = |value: &Value| match value {
        Value::Text(text) => Ok(text.clone()),
        _ => Err(format!("{what} is text in quotes")),
    };
    values.iter().map(text).collect()
}

fn date(value: &Value) -> Result<Range<i64>, String> {
    let range = match value {
        Value::Time(range) => Some(range.clone()),
        Value::Text(text) => super::parse::times(text),
        // Seconds since 1970, as in files: from 1973 on, so that no year is taken for them.
        Value::Number(seconds) if (1e8..1e12).contains(seconds) => {
            let ms = (*seconds * 1000.0) as i64;
            Some(ms..ms + 1000)
        }
        Value::Number(_) => None,
    };
    range.ok_or_else(|| {
        "a date looks like 2019-07-01, 2019-07-01T12:00:00Z or 1561939200, seconds since 1970 (or compare `year`)".into()
    })
}

fn year(value: &Value) -> Result<Range<i64>, String> {
    let Value::Number(number) = value else { return Err("a year is a number".into()) };
    let whole = (number.fract() == 0.0 && number.abs() < 1e6).then_some(*number as i32);
    let bounds =
        whole.and_then(|year| time::start_of_year(year).zip(time::start_of_year(year + 1)));
    bounds.map(|(start, end)| start..end).ok_or_else(|| "this is no year of the calendar".into())
}

/// A test of ids, which are numbers, or where the data has them, keys.
fn id_node(of_user: bool, op: Op, values: &[Value], keys: Option<&Keys>) -> Result<Node, String> {
    let side = if of_user { "user" } else { "movie" };
    let found = |keys: &Keys, text: &str| {
        keys.find(text).map(f64::from).ok_or_else(|| format!("no {side} is called `{text}`"))
    };
    let id = |value: &Value| match (value, keys) {
        (Value::Number(number), None) => Ok(*number),
        (Value::Text(text), None) => Err(format!("`{text}`: a {side} is a number in this data")),
        (Value::Text(text), Some(keys)) => found(keys, text),
        // A number is spelled like the key that it means.
        (Value::Number(number), Some(keys)) => found(keys, &number.to_string()),
        (_, Some(_)) => Err(format!("a {side} is text in quotes in this data")),
        (Value::Time(_), None) => Err(format!("a {side} is a number")),
    };
    if keys.is_some() && !matches!(op, Op::Is | Op::IsNot) {
        return Err(format!("a {side} is compared by `=`, `!=` or `in`"));
    }
    Ok(Node::Id { of_user, op, values: values.iter().map(id).collect::<Result<_, _>>()? })
}

fn count_node(
    of_user: bool,
    op: Op,
    values: &[Value],
    counts: Option<&Counts>,
) -> Result<Node, String> {
    let values = numbers(values, "a count")?;
    let counts = counts.ok_or("the ratings were not counted")?;
    let truths = counts.counts.iter().map(|&n| Some(compare(op, n as f64, &values))).collect();
    Ok(Node::PerId { of_user, lookup: IdLookup::new(&counts.ids), truths })
}

fn movie_node(known: &Known<'_>, truth: impl Fn(&Movie<'_>) -> TruthValue) -> Result<Node, String> {
    let movies = known.movies.ok_or("this needs movies: give them with --movies PATH")?;
    let truths = movies.iter().map(|(MovieId(_), movie)| truth(&movie)).collect();
    Ok(Node::PerId { of_user: false, lookup: IdLookup::new(movies.ids()), truths })
}

/// Refuses a genre that no movie has: a typo is no empty result.
fn check_genres(op: Op, values: &[String], known: &Known<'_>) -> Result<(), String> {
    let Some(movies) = known.movies.filter(|_| !matches!(op, Op::Contains | Op::Like)) else {
        return Ok(());
    };
    movies.check_genres(values).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn like_matches_as_sql_does() {
        for (text, pattern, expected) in [
            ("Star Wars (1977)", "star%", true),
            ("Star Wars (1977)", "star", false),
            ("Star Wars (1977)", "%(1977)", true),
            ("Star Wars (1977)", "%wars%", true),
            ("Star Wars (1977)", "_tar%(197_)", true),
            ("Star Wars (1977)", "%x%", false),
            ("aab", "%ab", true),
            ("", "%", true),
            ("", "_", false),
            ("Éa", "é_", true),
        ] {
            assert_eq!(is_like(text, pattern), expected, "{text} {pattern}");
        }
    }
    use crate::dataset::expr::parse;
    use crate::io::columns::MovieColumns;

    fn movies() -> Movies {
        let title = ["Alien (1979)", "Aliens (1986)", "Éloge (x)"].map(String::from).to_vec();
        let genres = ["Horror|Sci-Fi", "Action|Sci-Fi", "Drama"].map(String::from).to_vec();
        let release_year = vec![Some(1979), Some(1986), None];
        let movie_id = vec![1, 2, 3];
        Movies::new(MovieColumns { movie_id, title, release_year, genres, movie_key: None }, None)
    }

    /// Rows of user, movie, ratings and time; movie 9 has no row among the movies.
    const ROWS: [(i32, i32, f32, i64); 5] = [
        (1, 1, 5.0, 0),
        (1, 2, 3.5, 86_400_000),
        (2, 3, 1.0, NO_TIME),
        (2, 9, 4.0, 31_536_000_000),
        (3, 1, 2.0, 31_535_999_999),
    ];

    fn plan(text: &str) -> Result<Plan, String> {
        let movies = movies();
        let users = Counts { ids: vec![1, 2, 3], counts: vec![2, 2, 1] };
        let rated = Counts { ids: vec![1, 2, 3, 9], counts: vec![2, 1, 1, 1] };
        let counts = Some((&users, &rated));
        let known = Known { movies: Some(&movies), counts, ..Known::default() };
        let expr = parse(text).map_err(|error| error.to_string())?;
        Plan::new(text, &expr, &known).map_err(|error| error.problem)
    }

    fn kept(text: &str) -> Vec<usize> {
        let plan = plan(text).unwrap();
        let keeps = |row: &usize| {
            let (user, movie, rating, ms) = ROWS[*row];
            plan.keeps(user, movie, rating, ms)
        };
        (0..ROWS.len()).filter(keeps).collect()
    }

    #[test]
    fn each_test_keeps_what_it_says() {
        for (text, expected) in [
            ("rating >= 3.5", vec![0, 1, 3]),
            ("rating in (1, 5)", vec![0, 2]),
            ("year = 1970", vec![0, 1, 4]),
            ("not year = 1970", vec![3]),
            ("year != 1970", vec![3]),
            ("date > 1970-01-01", vec![1, 3, 4]),
            ("date <= '1970-01-01'", vec![0]),
            ("user = 2 or movie = 2", vec![1, 2, 3]),
            ("released < 1980", vec![0, 4]),
            ("not released < 1980", vec![1]),
            ("genre = 'sci-fi'", vec![0, 1, 4]),
            ("genre != \"Horror\"", vec![1, 2]),
            ("genre ~ 'sci' and rating > 3", vec![0, 1]),
            ("title ~ 'ALIEN'", vec![0, 1, 4]),
            ("title = 'éloge (X)'", vec![2]),
            ("user_ratings >= 2 and movie_ratings = 1", vec![1, 2, 3]),
            ("movie not in (1, 2, 3)", vec![3]),
        ] {
            assert_eq!(kept(text), expected, "{text}");
        }
    }

    #[test]
    fn values_of_a_wrong_type_are_refused() {
        for (text, problem) in [
            ("rating = 'x'", "a rating is a number"),
            ("year = 2019.5", "this is no year of the calendar"),
            (
                "date = 2019",
                "a date looks like 2019-07-01, 2019-07-01T12:00:00Z or 1561939200, seconds since 1970 (or compare `year`)",
            ),
            (
                "genre = 'Opera'",
                "no movie is of the genre `Opera`; known are Action, Drama, Horror, Sci-Fi",
            ),
            ("genre < 'A'", "a genre is compared by `=`, `!=`, `in`, `~` or `like`"),
            ("rating ~ 3", "`~` and `like` are for titles and genres"),
            ("user = 'al'", "`al`: a user is a number in this data"),
            ("title = 3", "a title is text in quotes"),
        ] {
            assert_eq!(plan(text).unwrap_err(), problem, "{text}");
        }
    }

    #[test]
    fn the_period_holds_all_that_is_kept() {
        for text in [
            "year = 1970",
            "year in (1970, 1971) and rating > 1",
            "date > 1970-01-01 and year < 1971",
        ] {
            let plan = plan(text).unwrap();
            let period = plan.period().unwrap();
            for (user, movie, rating, ms) in ROWS {
                assert!(!plan.keeps(user, movie, rating, ms) || period.contains(&ms), "{text}");
            }
        }
        assert_eq!(plan("year = 1970 or rating = 5").unwrap().period(), None);
        assert_eq!(plan("not year = 1970").unwrap().period(), None);
    }
}
