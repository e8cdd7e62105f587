//! From text to [`Expr`].
//!
//! ```text
//! expression := conjunction ("or" conjunction)*
//! conjunction := negation ("and" negation)*
//! negation := "not"* ( "(" expression ")" | test )
//! test := field op value | field "not"? "in" "(" value ("," value)* ")"
//!       | field "not"? "like" text | field "not"? "between" value "and" value
//! ```

use std::ops::Range;

use winnow::ascii::{Caseless, multispace0};
use winnow::combinator::{
    alt, cut_err, delimited, eof, not, opt, peek, preceded, repeat, separated, terminated,
};
use winnow::error::{ContextError, ErrMode, StrContext, StrContextValue};
use winnow::prelude::*;
use winnow::stream::{LocatingSlice, Location};
use winnow::token::{take_till, take_while};

use super::{Expr, ExprError, Field, Op, Test, Value};
use crate::io::time;
use crate::suggest::did_you_mean;

type ExprInput<'a> = LocatingSlice<&'a str>;

/// Reads an expression.
///
/// # Errors
/// At the first place that does not fit, with what was expected there.
pub fn parse(text: &str) -> Result<Expr, ExprError> {
    /// Parentheses nest by recursion, and the stack has an end.
    const MOST_PARENTHESES: usize = 200;
    if let Some((at, _)) = text.match_indices('(').nth(MOST_PARENTHESES) {
        let problem = format!("there are more than {MOST_PARENTHESES} parentheses");
        return Err(ExprError::new(text, at..at + 1, problem));
    }
    let whole = terminated(
        preceded(multispace0, expression),
        cut_err(eof.context(expected("`and`, `or` or the end"))),
    );
    let mut whole = whole;
    whole.parse(LocatingSlice::new(text)).map_err(|error| {
        let at = error.offset();
        let wanted: Vec<String> = error
            .inner()
            .context()
            .filter_map(|context| match context {
                StrContext::Expected(StrContextValue::Description(what)) => Some(what.to_string()),
                _ => None,
            })
            .collect();
        let wanted = wanted.first().map_or("a condition such as `rating >= 4`", String::as_str);
        let rest = &text[at..];
        let word = rest.find(|c: char| c.is_whitespace() || "()<>=!~,".contains(c));
        let length = word.unwrap_or(rest.len()).max(rest.chars().next().map_or(0, char::len_utf8));
        let suggestion = match wanted == FIELDS {
            true => did_you_mean(&rest[..length], Field::ALL.map(|(name, _)| name)),
            false => String::new(),
        };
        ExprError::new(text, at..at + length, format!("expected {wanted}{suggestion}"))
    })
}

const FIELDS: &str = "a field: rating, date, year, user, movie, released, genre, title, user_ratings or movie_ratings";

fn expected(what: &'static str) -> StrContext {
    StrContext::Expected(StrContextValue::Description(what))
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// A word of the language, with the blanks behind it.
fn keyword<'a>(word: &'static str) -> impl Parser<ExprInput<'a>, (), ErrMode<ContextError>> {
    (Caseless(word), not(take_while(1, is_word)), multispace0).void()
}

/// A sign of the language, with the blanks behind it.
fn sign<'a>(sign: &'static str) -> impl Parser<ExprInput<'a>, (), ErrMode<ContextError>> {
    (sign, multispace0).void()
}

fn expression(input: &mut ExprInput<'_>) -> ModalResult<Expr> {
    let or = alt((keyword("or"), sign("||")));
    let parts: Vec<Expr> = separated(1.., conjunction, or).parse_next(input)?;
    Ok(joined(parts, Expr::Or))
}

fn conjunction(input: &mut ExprInput<'_>) -> ModalResult<Expr> {
    let and = alt((keyword("and"), sign("&&")));
    let parts: Vec<Expr> = separated(1.., cut_err(negation), and).parse_next(input)?;
    Ok(joined(parts, Expr::And))
}

fn joined(mut parts: Vec<Expr>, join: fn(Vec<Expr>) -> Expr) -> Expr {
    if parts.len() == 1 { parts.remove(0) } else { join(parts) }
}

fn negation(input: &mut ExprInput<'_>) -> ModalResult<Expr> {
    let bang = ("!", not("="), multispace0).void();
    let nots: usize = repeat(0.., alt((keyword("not"), bang))).parse_next(input)?;
    let close = sign(")").context(expected("`)`, `and` or `or`"));
    let inner = delimited(sign("("), expression, cut_err(close));
    let inner = alt((inner, test)).parse_next(input)?;
    Ok(if nots % 2 == 1 { Expr::Not(Box::new(inner)) } else { inner })
}

fn test(input: &mut ExprInput<'_>) -> ModalResult<Expr> {
    let start = input.current_token_start();
    let field = terminated(field, multispace0).parse_next(input)?;
    let one = || cut_err(terminated(value, multispace0));
    let list = || {
        let open = sign("(").context(expected("`(` and a list of values"));
        let close = sign(")").context(expected("`,` or `)`"));
        let many = separated(1.., terminated(value, multispace0), sign(","));
        cut_err(preceded(open, terminated(many, close)))
    };
    let is_negated = opt(keyword("not")).parse_next(input)?.is_some();
    let word = alt((
        keyword("in").value(Word::In),
        keyword("like").value(Word::Like),
        keyword("between").value(Word::Between),
    ));
    let word = match is_negated {
        true => {
            Some(cut_err(word.context(expected("`in`, `like` or `between`"))).parse_next(input)?)
        }
        false => opt(word).parse_next(input)?,
    };
    let tests: Vec<(Op, Vec<Value>)> = match word {
        Some(Word::In) => {
            let op = if is_negated { Op::IsNot } else { Op::Is };
            vec![(op, list().parse_next(input)?)]
        }
        Some(Word::Like) => vec![(Op::Like, vec![one().parse_next(input)?])],
        Some(Word::Between) => {
            let lowest = one().parse_next(input)?;
            let and = keyword("and").context(expected("`and` and the highest value"));
            let highest = preceded(cut_err(and), one()).parse_next(input)?;
            vec![(Op::AtLeast, vec![lowest]), (Op::AtMost, vec![highest])]
        }
        None => {
            let what = expected("one of `=` `!=` `<` `<=` `>` `>=` `~` `in` `like` `between`");
            let op = cut_err(operator.context(what)).parse_next(input)?;
            vec![(op, vec![one().parse_next(input)?])]
        }
    };
    // The blanks behind the last value do not belong to the test.
    let place = start..input.previous_token_end();
    let test = |(op, values)| Expr::Test(Test { field, op, values, place: place.clone() });
    let expr = joined(tests.into_iter().map(test).collect(), Expr::And);
    let negates = is_negated && word != Some(Word::In);
    Ok(if negates { Expr::Not(Box::new(expr)) } else { expr })
}

/// An operator that is a word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Word {
    In,
    Like,
    Between,
}

fn field(input: &mut ExprInput<'_>) -> ModalResult<Field> {
    let name = peek(take_while(1.., is_word)).parse_next(input)?;
    let Some(field) = Field::from_name(name) else {
        let mut error = ContextError::new();
        error.push(expected(FIELDS));
        return Err(ErrMode::Cut(error));
    };
    take_while(1.., is_word).void().parse_next(input)?;
    Ok(field)
}

fn operator(input: &mut ExprInput<'_>) -> ModalResult<Op> {
    let op = alt((
        alt(("==", "=")).value(Op::Is),
        alt(("!=", "<>")).value(Op::IsNot),
        "<=".value(Op::AtMost),
        ">=".value(Op::AtLeast),
        "<".value(Op::Less),
        ">".value(Op::More),
        "~".value(Op::Contains),
    ));
    terminated(op, multispace0).parse_next(input)
}

fn value(input: &mut ExprInput<'_>) -> ModalResult<Value> {
    let quoted = |quote: &'static str, c: char| delimited(quote, take_till(0.., c), quote);
    let text =
        alt((quoted("\"", '"'), quoted("'", '\''))).map(|text: &str| Value::Text(text.into()));
    let what = "a number, a date such as 2019-07-01, or text in quotes";
    alt((text, number_or_time)).context(expected(what)).parse_next(input)
}

fn number_or_time(input: &mut ExprInput<'_>) -> ModalResult<Value> {
    let part = |c: char| c.is_ascii_alphanumeric() || "+-.:".contains(c);
    take_while(1.., part)
        .verify_map(|text: &str| match text.parse::<f64>() {
            Ok(number) if number.is_finite() => Some(Value::Number(number)),
            _ => times(text).map(Value::Time),
        })
        .parse_next(input)
}

/// Returns the milliseconds of a day, or of a second.
pub(super) fn times(text: &str) -> Option<Range<i64>> {
    const DAY: i64 = 86_400_000;
    let start = time::parse(text)?;
    let length = if text.len() <= "2019-07-01".len() { DAY } else { 1000 };
    Some(start..start + length)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn shown(expr: &Expr) -> String {
        let all = |parts: &[Expr], with: &str| {
            let parts: Vec<String> = parts.iter().map(shown).collect();
            format!("({})", parts.join(with))
        };
        match expr {
            Expr::And(parts) => all(parts, " & "),
            Expr::Or(parts) => all(parts, " | "),
            Expr::Not(inner) => format!("!{}", shown(inner)),
            Expr::Test(test) => format!("{:?} {:?} {:?}", test.field, test.op, test.values),
        }
    }

    #[test]
    fn and_binds_closer_than_or_and_not_closest() {
        for (text, expected) in [
            ("rating>=4", "Rating AtLeast [Number(4.0)]"),
            (
                " RATING >= 4 AND year = 2019 ",
                "(Rating AtLeast [Number(4.0)] & Year Is [Number(2019.0)])",
            ),
            (
                "user = 1 or movie = 2 and not title ~ 'x'",
                "(User Is [Number(1.0)] | (Movie Is [Number(2.0)] & !Title Contains [Text(\"x\")]))",
            ),
            (
                "(user = 1 || movie = 2) && !(rating < 3)",
                "((User Is [Number(1.0)] | Movie Is [Number(2.0)]) & !Rating Less [Number(3.0)])",
            ),
            (
                "genre in (\"War\", 'Drama') and movie not in (1)",
                "(Genre Is [Text(\"War\"), Text(\"Drama\")] & Movie IsNot [Number(1.0)])",
            ),
            ("not not rating <> 5", "Rating IsNot [Number(5.0)]"),
            ("user_id = 1 and Movie_ID = 2", "(User Is [Number(1.0)] & Movie Is [Number(2.0)])"),
            ("title like 'star%'", "Title Like [Text(\"star%\")]"),
            ("title not like 'a_'", "!Title Like [Text(\"a_\")]"),
            (
                "rating between 2 and 4 and timestamp >= 1546300800",
                "((Rating AtLeast [Number(2.0)] & Rating AtMost [Number(4.0)]) & Date AtLeast [Number(1546300800.0)])",
            ),
            (
                "rating not between 2 and 4",
                "!(Rating AtLeast [Number(2.0)] & Rating AtMost [Number(4.0)])",
            ),
            ("date < 1970-01-02", "Date Less [Time(86400000..172800000)]"),
            ("date >= 1970-01-02T00:00:00Z", "Date AtLeast [Time(86400000..86401000)]"),
        ] {
            assert_eq!(parse(text).map(|expr| shown(&expr)), Ok(expected.into()), "{text}");
        }
    }

    #[test]
    fn errors_point_at_the_place() {
        for (text, at, problem) in [
            ("", 0, "expected a condition such as `rating >= 4`"),
            ("rating", 6, "expected one of `=` `!=` `<` `<=` `>` `>=` `~` `in` `like` `between`"),
            ("rating not 4", 11, "expected `in`, `like` or `between`"),
            ("rating between 4 or 5", 17, "expected `and` and the highest value"),
            (
                "ratng >= 4",
                0,
                "expected a field: rating, date, year, user, movie, released, genre, title, user_ratings or movie_ratings; did you mean `rating`?",
            ),
            (
                "rating >= four",
                10,
                "expected a number, a date such as 2019-07-01, or text in quotes",
            ),
            ("rating >= 4 and", 15, "expected a condition such as `rating >= 4`"),
            ("rating >= 4 year = 3", 12, "expected `and`, `or` or the end"),
            ("(rating >= 4", 12, "expected `)`, `and` or `or`"),
            ("genre in \"War\"", 9, "expected `(` and a list of values"),
            ("genre in (\"War\" \"Drama\")", 16, "expected `,` or `)`"),
            (
                "title = \"open",
                8,
                "expected a number, a date such as 2019-07-01, or text in quotes",
            ),
            (
                "stars >= 4",
                0,
                "expected a field: rating, date, year, user, movie, released, genre, title, user_ratings or movie_ratings",
            ),
        ] {
            let error = parse(text).unwrap_err();
            assert_eq!((error.place.start, &*error.problem), (at, problem), "{text}");
        }
        assert_eq!(
            parse("genre = \"é\" and rating = x y").unwrap_err().to_string(),
            "expected a number, a date such as 2019-07-01, or text in quotes\n  genre = \"é\" and rating = x y\n                           ^"
        );
        assert!(parse(&"(".repeat(100_000)).unwrap_err().problem.contains("parentheses"));
        assert!(parse(&"not ".repeat(100_000)).is_err());
    }

    proptest! {
        #[test]
        fn nothing_makes_it_panic(text in "\\PC{0,40}", words in proptest::collection::vec(
            prop_oneof![
                Just("rating"), Just("genre"), Just("date"), Just("not"), Just("and"), Just("or"), Just("in"),
                Just("("), Just(")"), Just(">="), Just("="), Just("!"), Just("~"), Just(","), Just("4"),
                Just("like"), Just("between"), Just("\"x\""), Just("2019-07-01"), Just("'"), Just("é"),
            ], 0..14)
        ) {
            for text in [text, words.join(" "), words.concat()] {
                if let Err(error) = parse(&text) {
                    prop_assert!(error.place.start <= text.len());
                    prop_assert!(!error.to_string().is_empty());
                }
            }
        }
    }
}
