//! Answers to many users, a JSON line each, as they come: one process stays warm for thousands of
//! queries a second.

use std::io::{self, BufRead};

use rayon::prelude::*;
use serde::Serialize;
use serde_json::Value;

use crate::cli::error::Result;
use crate::cli::output::LineSink;
use crate::cli::recommend::audience::JsonLines;
use crate::cli::recommend::resolve::{OnBadRating, resolve};
use crate::cli::recommend::rows::RankedList;
use crate::dataset::ids::ItemIx;
use crate::io::IoError;
use crate::io::profiles;
use crate::io::values::Scale;
use crate::model::finder::MovieFinder;
use crate::model::query::Recommendation;
use crate::model::ranker::Ranker;
use crate::model::{Model, TargetUser};

/// Lines that are answered together, so that the last of them need not wait long for the first.
const TOGETHER: usize = 256;

/// The answer to one user.
#[derive(Serialize)]
struct AnswerLine<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<&'a Value>,
    recommendations: Vec<AnswerRow<'a>>,
}

/// What could not be answered.
#[derive(Serialize)]
struct FailureLine<'a> {
    line: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<&'a Value>,
    error: String,
}

#[derive(Serialize)]
struct AnswerRow<'a> {
    rank: usize,
    movie_id: i32,
    #[serde(skip_serializing_if = "Option::is_none")]
    movie_key: Option<&'a str>,
    title: Option<&'a str>,
    genres: Option<&'a str>,
    score: Option<f32>,
    predicted_rating: Option<f32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    base_score: Option<f32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    because: Option<Vec<ReasonRow<'a>>>,
}

#[derive(Serialize)]
struct ReasonRow<'a> {
    movie_id: i32,
    title: &'a str,
    rating: f32,
    contribution: f32,
}

/// Somebody who asked.
struct ParsedLine {
    id: Option<Value>,
    ratings: Vec<(ItemIx, f32)>,
}

/// A line that could not be understood: the id, as far as there is one, and what is wrong.
type RefusedLine = (Option<Value>, String);

/// A line of the output, and whether it is an answer.
type OutputLine = (bool, Vec<u8>);

/// Answers lines with lists.
pub(super) struct JsonLinesServer<'a> {
    model: &'a Model,
    ranker: Ranker<'a>,
    on_error: OnBadRating,
    ratings_scale: Option<Scale>,
    explain: Option<usize>,
    finder: MovieFinder<'a>,
}

impl<'a> JsonLinesServer<'a> {
    pub(super) fn new(
        model: &'a Model,
        ranker: Ranker<'a>,
        on_error: OnBadRating,
        ratings_scale: Option<Scale>,
        explain: Option<usize>,
    ) -> Self {
        let finder = MovieFinder::new(&model.catalogue);
        Self { model, ranker, on_error, ratings_scale, explain, finder }
    }

    /// Answers all lines, in their order; returns how many there were and how many could not be
    /// answered.
    pub(super) fn run(&self, lines: JsonLines, out: &mut LineSink) -> Result<(u64, u64)> {
        let JsonLines { mut begun, mut rest } = lines;
        let (mut n, mut failed) = (0, 0);
        loop {
            let (whole, text) = next_lines(&mut begun, &mut rest)
                .map_err(|error| IoError::named("the JSON lines".into())(error))?;
            for lines in text.split(|&byte| byte == b'\n').collect::<Vec<_>>().chunks(TOGETHER) {
                let answers = self.answers(n, lines);
                n += lines.len() as u64;
                for answer in answers.into_iter().flatten() {
                    let (ok, line) = answer;
                    failed += u64::from(!ok);
                    out.write(&line)?;
                }
                out.flush()?;
            }
            // The empty piece behind a final line end, or of no text at all, is no line.
            n -= u64::from(text.is_empty() || text.ends_with(b"\n"));
            if !whole {
                return Ok((n, failed));
            }
        }
    }

    /// Returns the answer to each line that is not blank, and whether it is one.
    fn answers(&self, before: u64, lines: &[&[u8]]) -> Vec<Option<OutputLine>> {
        let asked: Vec<Option<std::result::Result<ParsedLine, RefusedLine>>> = lines
            .par_iter()
            .map(|line| {
                let blank = line.iter().all(u8::is_ascii_whitespace);
                (!blank).then(|| self.understand(line))
            })
            .collect();
        let people: Vec<TargetUser<'_>> = asked
            .iter()
            .flatten()
            .flatten()
            .map(|asked| TargetUser { user: None, ratings: &asked.ratings })
            .collect();
        let mut lists = self.ranker.for_users(&people).into_iter();
        let paired: Vec<_> = asked
            .iter()
            .map(|one| match one {
                Some(Ok(_)) => lists.next(),
                Some(Err(_)) | None => None,
            })
            .collect();
        let lines = asked.par_iter().zip(paired).enumerate().map(|(at, (asked, list))| {
            let line = before + at as u64 + 1;
            let asked = match asked.as_ref()? {
                Ok(asked) => asked,
                Err((id, error)) => return Some(failure(line, id.as_ref(), error.clone())),
            };
            let list = list.expect("a list for each person");
            Some(match list {
                Ok(list) => self.answer(line, asked, list),
                Err(error) => failure(line, asked.id.as_ref(), error.to_string()),
            })
        });
        lines.collect()
    }

    fn understand(&self, line: &[u8]) -> std::result::Result<ParsedLine, RefusedLine> {
        let value: Value =
            serde_json::from_slice(line).map_err(|error| (None, error.to_string()))?;
        let profile =
            profiles::from_json(&value).map_err(|error| (value.get("id").cloned(), error))?;
        let resolved =
            resolve(self.model, &self.finder, &profile, self.on_error, self.ratings_scale);
        match resolved {
            Ok(resolved) => Ok(ParsedLine { id: profile.id, ratings: resolved.ratings }),
            Err(error) => Err((profile.id, error.to_string())),
        }
    }

    fn answer(&self, line: u64, asked: &ParsedLine, list: Vec<Recommendation>) -> OutputLine {
        let mut list = RankedList::new(None, list);
        if let Some(n) = self.explain {
            let person = TargetUser { user: None, ratings: &asked.ratings };
            list = match list.explained(self.model, person, n, self.ranker.rank_by()) {
                Ok(list) => list,
                Err(error) => return failure(line, asked.id.as_ref(), error.to_string()),
            };
        }
        let catalogue = &self.model.catalogue;
        let known = |text: &'a str, title: &str| Some(text).filter(|_| !title.is_empty());
        let row = |(at, row): (usize, &Recommendation)| {
            let movie = catalogue.movie(row.item);
            let reasons = list.reasons.as_ref().map(|reasons| &reasons[at]);
            let because = reasons.map(|reasons| {
                let reason = |&(item, rating, contribution): &(ItemIx, f32, f32)| ReasonRow {
                    movie_id: catalogue.id(item).0,
                    title: catalogue.movie(item).title,
                    rating,
                    contribution,
                };
                reasons.strongest.iter().map(reason).collect()
            });
            AnswerRow {
                rank: at + 1,
                movie_id: catalogue.id(row.item).0,
                movie_key: movie.key,
                title: known(movie.title, movie.title),
                genres: known(movie.genres, movie.title),
                score: row.score,
                predicted_rating: row.rating,
                base_score: reasons.map(|reasons| reasons.base),
                because,
            }
        };
        let recommendations = list.rows.iter().enumerate().map(row).collect();
        (true, line_of(&AnswerLine { id: asked.id.as_ref(), recommendations }))
    }
}

fn failure(line: u64, id: Option<&Value>, error: String) -> OutputLine {
    (false, line_of(&FailureLine { line, id, error }))
}

fn line_of(value: &impl Serialize) -> Vec<u8> {
    let mut line = serde_json::to_vec(value).expect("texts and numbers");
    line.push(b'\n');
    line
}

/// Takes as many whole lines as are there without waiting, at least one; returns false with those
/// that end the input.
fn next_lines(begun: &mut Vec<u8>, rest: &mut dyn BufRead) -> io::Result<(bool, Vec<u8>)> {
    const LONGEST: usize = 16 << 20;
    loop {
        if let Some(end) = begun.iter().rposition(|&byte| byte == b'\n') {
            let tail = begun.split_off(end + 1);
            return Ok((true, std::mem::replace(begun, tail)));
        }
        if begun.len() > LONGEST {
            let problem = format!("a line has more than {} MiB", LONGEST >> 20);
            return Err(io::Error::new(io::ErrorKind::InvalidData, problem));
        }
        let buffer = rest.fill_buf()?;
        if buffer.is_empty() {
            return Ok((false, std::mem::take(begun)));
        }
        let n = buffer.len();
        begun.extend_from_slice(buffer);
        rest.consume(n);
    }
}

#[cfg(test)]
mod tests {
    use std::io::BufReader;

    use super::*;

    #[test]
    fn lines_are_taken_as_they_come() {
        let mut rest = BufReader::with_capacity(4, &b"ab\ncd\nefgh"[..]);
        let mut begun = b"x\ny".to_vec();
        let mut taken = Vec::new();
        loop {
            let (whole, text) = next_lines(&mut begun, &mut rest).unwrap();
            taken.push(String::from_utf8(text).unwrap());
            if !whole {
                break;
            }
        }
        assert_eq!(taken, ["x\n", "yab\n", "cd\n", "efgh"]);
        let mut endless = BufReader::new(io::repeat(b'{'));
        assert!(next_lines(&mut Vec::new(), &mut endless).is_err());
    }
}
