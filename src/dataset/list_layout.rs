//! Recommendation lists without a header: TREC run files, and rows of user, movie and a number.

use std::io::{BufRead, BufReader, Read};
use std::path::Path;

use crate::io::IoError;
use crate::io::source::{STDIN, Source, SourceKind};
use crate::io::text::{Delimiter, TextColumns};

/// Where the columns of a headerless file are.
#[derive(Debug, PartialEq)]
pub(super) struct ListLayout {
    pub(super) columns: TextColumns,
    pub(super) delimiter: Option<Delimiter>,
    /// Whether the number is a rank, and not a score.
    pub(super) is_rank: bool,
}

/// Detects the layout of a headerless file; `None` for anything else.
///
/// # Errors
/// If the file cannot be read.
pub(super) fn detect(path: &Path) -> Result<Option<ListLayout>, IoError> {
    const HEAD: u64 = 256 << 10;
    if path.as_os_str() == STDIN || !path.is_file() {
        return Ok(None);
    }
    let source = Source::open(path)?;
    if source.kind != SourceKind::Text {
        return Ok(None);
    }
    let lines = BufReader::new(source.reader.take(HEAD)).split(b'\n');
    let lines = lines.collect::<Result<Vec<_>, _>>().map_err(IoError::at(path))?;
    let lines: Vec<String> =
        lines.iter().map(|line| String::from_utf8_lossy(line).trim().to_string()).collect();
    Ok(layout_of(&lines))
}

fn layout_of(lines: &[String]) -> Option<ListLayout> {
    let first = lines.first()?;
    let fields: Vec<&str> = first.split_whitespace().collect();
    // query, `Q0`, document, rank, score, run (trec_eval)
    if fields.len() == 6 && fields[1].eq_ignore_ascii_case("q0") {
        let columns = "user=1,movie=3,rating=5".parse().ok()?;
        return Some(ListLayout { columns, delimiter: Some(Delimiter::Blanks), is_rank: false });
    }
    let separator = [',', ';', '\t'].into_iter().find(|separator| first.contains(*separator))?;
    let number = |line: &str| -> Option<(String, f64)> {
        let fields: Vec<&str> = line.split(separator).map(str::trim).collect();
        let value = fields.get(2)?.parse().ok()?;
        (fields.len() == 3).then(|| (fields[0].to_string(), value))
    };
    let rows: Vec<(String, f64)> = lines.iter().map_while(|line| number(line)).collect();
    rows.first()?;
    let columns = "user=1,movie=2,rating=3".parse().ok()?;
    Some(ListLayout { columns, delimiter: None, is_rank: are_ranks(&rows) })
}

/// Whether the numbers of each user are 1, 2, 3 and so on in the order of the file.
fn are_ranks(rows: &[(String, f64)]) -> bool {
    rows.chunk_by(|a, b| a.0 == b.0)
        .all(|rows| rows.iter().zip(1..).all(|((_, number), rank)| *number == f64::from(rank)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headerless_lists_are_detected() {
        let layout = |text: &str| layout_of(&text.lines().map(String::from).collect::<Vec<_>>());
        let is_rank = |text: &str| layout(text).map(|layout| layout.is_rank);
        assert_eq!(is_rank("1,12,0.1\n1,10,0.9\n"), Some(false));
        assert_eq!(is_rank("1,12,3\n1,10,2\n1,11,1\n"), Some(false));
        assert_eq!(is_rank("1;12;1\n1;10;2\n2;12;1\n"), Some(true));
        assert_eq!(is_rank("user,movie,score\n1,2,3\n"), None);
        let trec = layout("1 Q0 10 1 3.5 run\n").unwrap();
        assert_eq!((trec.delimiter, trec.is_rank), (Some(Delimiter::Blanks), false));
        assert_eq!(layout(""), None);
    }
}
