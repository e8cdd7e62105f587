//! Records of delimited text: where each ends, and its fields.
//!
//! RFC 4180, and what people make of it. A quote opens a field only at the field's beginning
//! (blanks before it aside), and protects delimiters and line ends until the closing quote; `""`
//! and `\"` inside stand for a quote. A closing quote that is followed by anything but a delimiter
//! or the record's end shows that the opening one was no such thing: then the record is malformed
//! and ends with its first line, so that one stray quote never swallows the rows below it.

use std::borrow::Cow;

use crate::io::text::delimiter::Delimiter;

/// End of a record, counted from its beginning.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum RecordEnd {
    /// Behind the line end, or at the end of the text where no line end follows.
    At(usize),
    /// A quoted field is still open at the end of the text.
    Open,
}

/// Why the fields of a record cannot be told apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::io) struct MalformedRecord;

impl std::fmt::Display for MalformedRecord {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a quoted field does not end as it should")
    }
}

/// Finds the end of the record that begins `text`; quotes count only where `quoting` names the
/// delimiter of the fields.
pub(super) fn record_end(text: &[u8], quoting: Option<u8>) -> RecordEnd {
    let line_end = memchr::memchr(b'\n', text).map_or(text.len(), |newline| newline + 1);
    let Some(delimiter) = quoting else { return RecordEnd::At(line_end) };
    if memchr::memchr(b'"', &text[..line_end]).is_none() {
        return RecordEnd::At(line_end);
    }
    let mut at = 0;
    loop {
        let start = skip_blanks(text, at, delimiter);
        at = match text.get(start) {
            Some(b'"') => match closing_quote(text, start + 1, |byte| byte == delimiter) {
                QuotedRecord::Closed { after, .. } => after,
                QuotedRecord::Open => return RecordEnd::Open,
                QuotedRecord::Malformed => return RecordEnd::At(line_end),
            },
            _ => memchr::memchr2(delimiter, b'\n', &text[start..])
                .map_or(text.len(), |found| start + found),
        };
        match text.get(at) {
            None => return RecordEnd::At(text.len()),
            Some(b'\n') => return RecordEnd::At(at + 1),
            Some(_) => at += 1,
        }
    }
}

/// Returns the length of the record that begins `text`, whose text is all there is: an open quote
/// is a stray one, and its record a line.
pub(super) fn record_length(text: &[u8], quoting: Option<u8>) -> usize {
    match record_end(text, quoting) {
        RecordEnd::At(end) => end,
        RecordEnd::Open => memchr::memchr(b'\n', text).map_or(text.len(), |newline| newline + 1),
    }
}

enum QuotedRecord {
    /// `quote` is the closing quote's index, `after` that of the delimiter or line end behind it.
    Closed {
        quote: usize,
        after: usize,
    },
    Open,
    Malformed,
}

/// Finds the quote that closes the field whose content begins at `from`.
fn closing_quote(text: &[u8], from: usize, is_delimiter: impl Fn(u8) -> bool) -> QuotedRecord {
    let mut at = from;
    loop {
        let Some(quote) = memchr::memchr(b'"', &text[at..]).map(|found| at + found) else {
            return QuotedRecord::Open;
        };
        if text.get(quote + 1) == Some(&b'"') {
            at = quote + 2;
            continue;
        }
        let blanks = text[quote + 1..].iter();
        let blanks = blanks.take_while(|&&b| matches!(b, b' ' | b'\t' | b'\r') && !is_delimiter(b));
        let after = quote + 1 + blanks.count();
        match text.get(after) {
            None | Some(b'\n') => return QuotedRecord::Closed { quote, after },
            Some(&byte) if is_delimiter(byte) => return QuotedRecord::Closed { quote, after },
            Some(_) if quote > from && text[quote - 1] == b'\\' => at = quote + 1,
            Some(_) => return QuotedRecord::Malformed,
        }
    }
}

fn skip_blanks(text: &[u8], from: usize, delimiter: u8) -> usize {
    let is_blank = |byte: &&u8| matches!(**byte, b' ' | b'\t') && **byte != delimiter;
    from + text[from..].iter().take_while(is_blank).count()
}

/// Splits a record with quotes into its fields, without the quotes.
pub(super) fn quoted_fields(
    record: &[u8],
    delimiter: Delimiter,
) -> Result<Vec<Cow<'_, [u8]>>, MalformedRecord> {
    match delimiter {
        Delimiter::Byte(byte) => split_quoted(record, byte, |other| other == byte),
        Delimiter::Blanks => split_quoted(record, b'\n', |byte| matches!(byte, b' ' | b'\t')),
        // Quotes are text in such files, but for those around a whole field.
        Delimiter::TwoColons => Ok(split_pairs(record).map(unwrap_quotes).collect()),
    }
}

/// Splits where `is_delimiter` says; `blanks_but` is the byte that is no blank around fields.
fn split_quoted(
    record: &[u8],
    blanks_but: u8,
    is_delimiter: impl Fn(u8) -> bool + Copy,
) -> Result<Vec<Cow<'_, [u8]>>, MalformedRecord> {
    let joins = is_delimiter(b' ');
    let mut fields = Vec::new();
    let mut at = 0;
    loop {
        let start = skip_blanks(record, at, blanks_but);
        if joins && start == record.len() {
            return Ok(fields);
        }
        at = if record.get(start) == Some(&b'"') {
            match closing_quote(record, start + 1, is_delimiter) {
                QuotedRecord::Closed { quote, after } => {
                    fields.push(unescaped(&record[start + 1..quote]));
                    after
                }
                QuotedRecord::Open | QuotedRecord::Malformed => return Err(MalformedRecord),
            }
        } else {
            let length = record[start..].iter().position(|&byte| is_delimiter(byte));
            let end = length.map_or(record.len(), |length| start + length);
            fields.push(Cow::Borrowed(&record[start..end]));
            end
        };
        match record.get(at) {
            Some(&byte) if is_delimiter(byte) => at += 1,
            // The line end of the record, or the record's end.
            _ => return Ok(fields),
        }
    }
}

/// Replaces `""` and `\"` by the quote they stand for.
fn unescaped(content: &[u8]) -> Cow<'_, [u8]> {
    if !content.contains(&b'"') {
        return Cow::Borrowed(content);
    }
    let mut text = Vec::with_capacity(content.len());
    let mut bytes = content.iter().copied().peekable();
    while let Some(byte) = bytes.next() {
        match (byte, bytes.peek()) {
            (b'"' | b'\\', Some(b'"')) => {
                text.push(b'"');
                bytes.next();
            }
            _ => text.push(byte),
        }
    }
    Cow::Owned(text)
}

fn unwrap_quotes(field: &[u8]) -> Cow<'_, [u8]> {
    match field.trim_ascii() {
        [b'"', content @ .., b'"'] => unescaped(content),
        trimmed => Cow::Borrowed(trimmed),
    }
}

/// Splits at `::`.
pub(super) fn split_pairs(record: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = Some(record);
    std::iter::from_fn(move || {
        let text = rest?;
        match text.windows(2).position(|pair| pair == b"::") {
            Some(at) => {
                rest = Some(&text[at + 2..]);
                Some(&text[..at])
            }
            None => rest.take(),
        }
    })
}

/// Splits at runs of blanks and tabs.
pub(super) fn split_blanks(record: &[u8]) -> impl Iterator<Item = &[u8]> {
    record.split(|byte| matches!(byte, b' ' | b'\t')).filter(|field| !field.is_empty())
}

/// Splits a record into its fields, without quotes and the blanks around them.
///
/// # Errors
/// If a quote opens a field that is not closed as it should be.
pub(in crate::io) fn fields(
    record: &[u8],
    delimiter: Delimiter,
) -> Result<Vec<Cow<'_, [u8]>>, MalformedRecord> {
    let fields: Vec<Cow<'_, [u8]>> = match (record.contains(&b'"'), delimiter) {
        (true, _) => quoted_fields(record, delimiter)?,
        (false, Delimiter::Byte(byte)) => {
            record.split(|&other| other == byte).map(Cow::Borrowed).collect()
        }
        (false, Delimiter::TwoColons) => split_pairs(record).map(Cow::Borrowed).collect(),
        (false, Delimiter::Blanks) => split_blanks(record).map(Cow::Borrowed).collect(),
    };
    Ok(fields.into_iter().map(trimmed).collect())
}

/// Removes blanks around a field.
pub(super) fn trimmed(field: Cow<'_, [u8]>) -> Cow<'_, [u8]> {
    match field {
        Cow::Borrowed(field) => Cow::Borrowed(field.trim_ascii()),
        Cow::Owned(field) if field.trim_ascii().len() == field.len() => Cow::Owned(field),
        Cow::Owned(field) => Cow::Owned(field.trim_ascii().to_vec()),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn records(text: &str) -> Vec<&str> {
        let mut rest = text;
        let mut records = Vec::new();
        while !rest.is_empty() {
            let (record, after) = rest.split_at(record_length(rest.as_bytes(), Some(b',')));
            records.push(record.trim_end_matches(['\r', '\n']));
            rest = after;
        }
        records
    }

    #[test]
    fn quoted_newlines_belong_to_their_record_and_stray_quotes_end_with_the_line() {
        for (text, expected) in [
            ("1,2\n3,4\n", vec!["1,2", "3,4"]),
            ("1,\"a\nb\"\n3,4", vec!["1,\"a\nb\"", "3,4"]),
            ("1, \"a\r\n,b\" \r\n3,4\n", vec!["1, \"a\r\n,b\" ", "3,4"]),
            ("\"a \"\"\n\"\" b\",2\n3,4\n", vec!["\"a \"\"\n\"\" b\",2", "3,4"]),
            ("\"a \\\"x\n\\\" b\",2\n3,4\n", vec!["\"a \\\"x\n\\\" b\",2", "3,4"]),
            // A quote inside a field is text.
            ("1,5\" disk\n3,\"4\"\n", vec!["1,5\" disk", "3,\"4\""]),
            // A stray quote at the beginning of a field.
            ("1,\"a\n3,\"b\n5,6\n", vec!["1,\"a", "3,\"b", "5,6"]),
            ("1,\"a\n3,4\n", vec!["1,\"a", "3,4"]),
        ] {
            assert_eq!(records(text), expected, "{text}");
        }
        assert_eq!(record_end(b"1,\"a\nb", Some(b',')), RecordEnd::Open);
        assert_eq!(record_end(b"1,\"a\nb", None), RecordEnd::At(5));
    }

    #[test]
    fn quoted_fields_lose_their_quotes_and_nothing_else() {
        let split = |text: &'static str, delimiter| {
            let fields = fields(text.as_bytes(), delimiter)?;
            let text = |field: Cow<'_, [u8]>| String::from_utf8(field.into_owned()).unwrap();
            Ok(fields.into_iter().map(text).collect::<Vec<_>>())
        };
        for (text, expected) in [
            ("1, \"10\", 5", vec!["1", "10", "5"]),
            ("\"a,\"\"b\"\"\",,\"\"", vec!["a,\"b\"", "", ""]),
            ("\"a \\\"b\\\" c\",5\" disk", vec!["a \"b\" c", "5\" disk"]),
            ("\"back\\\",2", vec!["back\\", "2"]),
        ] {
            assert_eq!(
                split(text, Delimiter::Byte(b',')),
                Ok(expected.into_iter().map(String::from).collect()),
                "{text}"
            );
        }
        assert_eq!(split("1,\"a\"b,2", Delimiter::Byte(b',')), Err(MalformedRecord));
        assert_eq!(split("1\t\t\"a b\"", Delimiter::Byte(b'\t')).unwrap(), ["1", "", "a b"]);
        assert_eq!(split(" \"a b\"  3 4 ", Delimiter::Blanks).unwrap(), ["a b", "3", "4"]);
        assert_eq!(
            split("1::say \"hi\"::\"x\"", Delimiter::TwoColons).unwrap(),
            ["1", "say \"hi\"", "x"]
        );
    }

    proptest! {
        /// The csv crate writes any table; its records and fields come back.
        #[test]
        fn whatever_a_csv_writer_writes_is_read_back(
            rows in proptest::collection::vec(proptest::collection::vec("[ab,;\"\n\r ]{0,6}", 3), 1..8),
            delimiter in proptest::sample::select(vec![b',', b';', b'\t']),
        ) {
            let mut writer = csv::WriterBuilder::new()
                .delimiter(delimiter)
                .quote_style(csv::QuoteStyle::Always)
                .from_writer(Vec::new());
            rows.iter().for_each(|row| writer.write_record(row).unwrap());
            let text = writer.into_inner().unwrap();
            let mut rest = &text[..];
            for row in &rows {
                let (record, after) = rest.split_at(record_length(rest, Some(delimiter)));
                let fields = quoted_fields(record.strip_suffix(b"\n").unwrap(), Delimiter::Byte(delimiter)).unwrap();
                let expected: Vec<&[u8]> = row.iter().map(|field| field.as_bytes()).collect();
                prop_assert_eq!(fields.iter().map(|field| &field[..]).collect::<Vec<_>>(), expected);
                rest = after;
            }
            prop_assert!(rest.is_empty());
        }
    }
}
