//! The audience of a list: known users, new users with ratings of their own, or the neighbours of a
//! movie or user.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;

use serde_json::Value;

use crate::cli::error::Result;
use crate::io::IoError;
use crate::io::profiles::{self, UserProfile};
use crate::io::source::{STDIN, Source, SourceKind, read_small};
use crate::model::UserSelection;

/// Who gets a list, as far as the command line alone tells; ratings of one new user are read.
pub(super) enum Audience<'a> {
    /// Users of the training data.
    Users(UserSelection),
    /// One new user.
    NewUser(UserProfile),
    /// Many new users, as JSON lines.
    JsonLines(JsonLines),
    /// Many new users, as a dataset or file of ratings.
    NewUsers(&'a Path),
    /// Movies similar to one.
    SimilarTo(&'a str),
    /// Users similar to one.
    SimilarUsers(i32),
}

/// JSON lines, of which some may have been read already.
pub(super) struct JsonLines {
    pub(super) begun: Vec<u8>,
    pub(super) rest: Box<dyn BufRead + Send>,
}

/// Reads the ratings of one user, or tells that there are many.
pub(super) fn read_new_users(path: &Path) -> Result<Audience<'_>> {
    if path.is_dir() {
        return Ok(Audience::NewUsers(path));
    }
    let (name, mut reader): (String, Box<dyn BufRead + Send>) = if path.as_os_str() == STDIN {
        // Whoever waits for an answer before writing on must not be waited for.
        ("<stdin>".into(), Box::new(BufReader::with_capacity(1 << 20, io::stdin())))
    } else {
        let source = Source::open(path)?;
        if source.kind == SourceKind::Parquet {
            return Ok(Audience::NewUsers(path));
        }
        if source.kind == SourceKind::Zip {
            let file = File::open(path).map_err(IoError::at(path))?;
            return Ok(Audience::NewUser(profiles::from_zip(&source.name, file)?));
        }
        (source.name, Box::new(BufReader::with_capacity(1 << 20, source.reader)))
    };
    let failed = |error: io::Error| IoError::named(name.clone())(error);
    let bad = |problem: String| anyhow::anyhow!("{name}: {problem}");
    let mut begun = Vec::new();
    read_line(&mut reader, &mut begun).map_err(failed)?;
    match begun.first() {
        None => Err(IoError::Empty { file: name }.into()),
        Some(b'{' | b'[') => {
            if let Ok(value) = serde_json::from_slice::<Value>(&begun) {
                let before = begun.len();
                if !profiles::is_query(&value) {
                    read_line(&mut reader, &mut begun).map_err(failed)?;
                }
                return if profiles::is_query(&value) || begun.len() > before {
                    Ok(Audience::JsonLines(JsonLines { begun, rest: reader }))
                } else {
                    new_user_from_value(&value, &name)
                };
            }
            let all = read_small((&begun[..]).chain(reader), &name)?;
            let value = serde_json::from_slice(&all).map_err(|error| bad(error.to_string()))?;
            new_user_from_value(&value, &name)
        }
        Some(_) => {
            let bytes = read_small((&begun[..]).chain(reader), &name)?;
            Ok(Audience::NewUser(profiles::from_csv(&name, &bytes)?))
        }
    }
}

/// Makes one user of a JSON value from a file.
fn new_user_from_value<'a>(value: &Value, file: &str) -> Result<Audience<'a>> {
    let mut profile =
        profiles::from_json(value).map_err(|problem| anyhow::anyhow!("{file}: {problem}"))?;
    let rated = profile.ratings.iter_mut().chain(&mut profile.seen);
    rated.for_each(|rated| rated.place = Some(file.to_string()));
    Ok(Audience::NewUser(profile))
}

/// Adds the next line that is not blank.
fn read_line(reader: &mut (impl BufRead + ?Sized), to: &mut Vec<u8>) -> io::Result<()> {
    const LONGEST_LINE: u64 = 64 << 20;
    loop {
        let before = to.len();
        match (&mut *reader).take(LONGEST_LINE).read_until(b'\n', to)? as u64 {
            0 => return Ok(()),
            LONGEST_LINE => {
                let problem = format!("a line has more than {} MiB", LONGEST_LINE >> 20);
                return Err(io::Error::new(io::ErrorKind::InvalidData, problem));
            }
            _ => {}
        }
        if to[before..].iter().any(|byte| !byte.is_ascii_whitespace()) {
            let blanks = to[before..].iter().take_while(|byte| byte.is_ascii_whitespace()).count();
            to.drain(before..before + blanks);
            return Ok(());
        }
        to.truncate(before);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blank_lines_are_passed_over() {
        let mut reader = BufReader::new(&b"\n  \n {\"a\":1}\n\n\n{}\n"[..]);
        let mut lines = Vec::new();
        read_line(&mut reader, &mut lines).unwrap();
        assert_eq!(lines, b"{\"a\":1}\n");
        read_line(&mut reader, &mut lines).unwrap();
        read_line(&mut reader, &mut lines).unwrap();
        assert_eq!(lines, b"{\"a\":1}\n{}\n");
    }
}
