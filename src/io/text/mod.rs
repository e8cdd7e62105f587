//! Ratings as text: MovieLens' `ratings.csv`, `ratings.dat`, `u.data` and their kin, RecBole's
//! `.inter`, JSON lines, MatrixMarket, the Netflix Prize.
//!
//! The delimiter, the header, the order of the columns and what the ids are is told from the
//! content, where nobody says it. Whole blocks of lines are parsed on all threads while the next
//! ones are read. What a field may hold is checked on the way.

mod blocks;
mod columns;
mod delimiter;
mod json_lines;
mod layout;
mod lines;
mod plain;
mod preamble;
mod record;

use std::io::Read;

use rayon::prelude::*;

pub(super) use columns::{MOVIE, RATING, ROLES, TIMESTAMP, USER, normalized, remarks, unused};
pub use columns::{TextColumns, TextOptions};
pub use delimiter::Delimiter;
pub(super) use record::fields;

use crate::io::columns::NO_TIME;
use crate::io::error::IoError;
use crate::io::import_state::{ImportState, Sink, later, warn_of_1970};
use crate::io::json_array::ArrayAsLines;
use crate::io::keys::{IdSample, Ids, renumber};
use crate::io::text::blocks::TextBlocks;
use crate::io::text::layout::{Records, TextLayout};
use crate::io::text::lines::{Block, RecordReader};
use crate::io::text::preamble::FilePreamble;
use crate::progress::Progress;

const BLOCKS_PER_THREAD: usize = 2;

/// Hands all ratings of a text to `sink`, in its order and in parts; returns how it was read.
///
/// # Errors
/// If reading fails, if `sink` fails, or at the first record, in the order of the file, that is not
/// a rating and may not be rejected.
pub fn read_ratings(
    file: &str,
    reader: impl Read + Send,
    import: &mut ImportState,
    sink: Sink<'_>,
    progress: &dyn Progress,
) -> Result<String, IoError> {
    let mut blocks = TextBlocks::new(ArrayAsLines::new(reader));
    let options = import.options.clone();
    let Some((layout, mut lines_before)) = detect(file, &mut blocks, &options, progress)? else {
        blocks.finish().map_err(IoError::named(file.into()))?;
        return Err(IoError::Empty { file: file.into() });
    };
    if let Some(header) = layout.header() {
        lines_before += 1 + memchr::memchr_iter(b'\n', header).count() as u64;
    }
    import.unary = layout.is_unary();
    let mut reader = RecordReader::new(&layout, &options, import.rejects.skips());
    reader.keyed = settle_ids(file, &reader, blocks.head(), import)?;
    blocks.set_quoting(reader.quoting());
    let limit = options.limit;
    let per_round = match limit {
        Some(_) => 1,
        None => rayon::current_num_threads() * BLOCKS_PER_THREAD,
    };
    let mut place =
        FilePosition { file, lines_before, n_rows: 0, latest_ms: NO_TIME, headers: 0, movie: None };
    let mut round = blocks.read(1);
    let mut parsed: Vec<(Block, u64)> = Vec::new();
    let parse = |block: &Vec<u8>| (reader.read(block), block.len() as u64);
    // While one round of blocks is passed on, the next is parsed and the one after it is read.
    while !(round.is_empty() && parsed.is_empty()) {
        let before = std::mem::take(&mut parsed);
        if round.len() + before.len() == 1 {
            // The beginning and the end of every file, and all of a small one, are not worth waking
            // threads for.
            place.pass_on(before, import, sink, progress)?;
            parsed = round.iter().map(parse).collect();
            round = blocks.read(per_round);
            continue;
        }
        let (passed, (next, read)) = rayon::join(
            || place.pass_on(before, import, sink, progress),
            || rayon::join(|| round.par_iter().map(parse).collect(), || blocks.read(per_round)),
        );
        passed?;
        (parsed, round) = (next, read);
        if limit.is_some_and(|limit| place.n_rows >= limit) {
            return Ok(layout.shown());
        }
    }
    let lines_before = place.lines_before;
    blocks.finish().map_err(|source| IoError::BadLine {
        file: file.into(),
        line: lines_before + 1,
        problem: source.to_string(),
    })?;
    place.remark(progress);
    Ok(layout.shown())
}

/// Detects the layout, says what deserves to be said of it, and skips what stands above the first
/// record of ratings; returns the lines above it or its header. `None` where there is no record.
fn detect(
    file: &str,
    blocks: &mut TextBlocks<impl Read>,
    options: &TextOptions,
    progress: &dyn Progress,
) -> Result<Option<(TextLayout, u64)>, IoError> {
    if blocks.head().starts_with(b"\xef\xbb\xbf") {
        blocks.skip(3);
    }
    let preamble = FilePreamble::read(file, blocks.head())?;
    blocks.skip(preamble.bytes);
    let head = blocks.head();
    if head.trim_ascii().is_empty() {
        return Ok(None);
    }
    let first_line = head.split(|&byte| byte == b'\n').next().unwrap_or_default();
    if first_line.contains(&0) {
        let expected = "ratings as Parquet, JSON lines or delimited text";
        return Err(IoError::WrongKind { file: file.into(), found: "this is no text", expected });
    }
    let detected = TextLayout::detect(file, &preamble, head, options)?;
    for remark in detected.remarks {
        progress.inform(&format!("{file}: {remark}"));
    }
    if detected.layout.header().is_some() {
        let mut records = Records { rest: head, quoting: detected.layout.quoting() };
        records.next();
        let header = head.len() - records.rest.len();
        blocks.skip(header);
    }
    Ok(Some((detected.layout, preamble.lines)))
}

/// How far a file has been passed on.
struct FilePosition<'a> {
    file: &'a str,
    lines_before: u64,
    n_rows: usize,
    latest_ms: i64,
    headers: u64,
    /// The movie whose ratings follow (Netflix Prize).
    movie: Option<i32>,
}

impl FilePosition<'_> {
    fn pass_on(
        &mut self,
        blocks: Vec<(Block, u64)>,
        import: &mut ImportState,
        sink: Sink<'_>,
        progress: &dyn Progress,
    ) -> Result<(), IoError> {
        for (mut block, bytes) in blocks {
            for bad in block.bad {
                let text = bad.text.clone();
                import.rejects.take(bad.locate(self.file, self.lines_before), &text)?;
            }
            let [users, movies] = block.keys;
            renumber(&mut block.rows.user_id, &users, &mut import.users);
            renumber(&mut block.rows.movie_id, &movies, &mut import.movies);
            if let Some(movie) = self.movie {
                block.rows.movie_id[..block.rows_without_movie].fill(movie);
            }
            self.movie = block.movie.or(self.movie);
            self.n_rows += block.rows.len();
            self.lines_before += block.lines;
            self.headers += block.repeated_headers;
            self.latest_ms = later(self.latest_ms, &block.rows.time_ms);
            sink(block.rows)?;
            progress.advance(bytes);
        }
        Ok(())
    }

    /// Says what only the whole file shows.
    fn remark(&self, progress: &dyn Progress) {
        if self.headers > 0 {
            let n = self.headers;
            progress.inform(&format!("{}: {n} repeated headers left out", self.file));
        }
        warn_of_1970(self.file, self.latest_ms, progress);
    }
}

/// Settles of users and of movies whether they are keys: by a sample of the first records
/// ([`IdSample`]), if they were keys in an earlier source, or if the user says so.
fn settle_ids(
    file: &str,
    reader: &RecordReader<'_>,
    head: &[u8],
    import: &mut ImportState,
) -> Result<[bool; 2], IoError> {
    let mut samples = [IdSample::default(); 2];
    let records = Records { rest: head, quoting: reader.layout.quoting() };
    for ids in records.take(IdSample::SIZE).filter_map(|record| reader.ids(record)) {
        samples.iter_mut().zip(&ids).for_each(|(sample, id)| sample.add(id));
    }
    let sides = [(&mut import.users, "user"), (&mut import.movies, "movie")];
    let mut keyed = [false; 2];
    for (side, (ids, name)) in sides.into_iter().enumerate() {
        let known = matches!(ids, Ids::Keys(_));
        let told = import.options.text_ids[side] || reader.layout.keyed()[side];
        keyed[side] = known || told || samples[side].is_keyed();
        ids.settle(file, name, keyed[side])?;
    }
    Ok(keyed)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::blocks::BLOCK;
    use super::*;
    use crate::io::columns::{NO_TIME, RatingColumns};
    use crate::io::keys::KeyIndex;
    use crate::io::rejects::RejectedRows;
    use crate::progress::Silent;

    fn read_with(import: &mut ImportState, text: &str) -> Result<RatingColumns, String> {
        let mut all = RatingColumns::default();
        let mut sink = |mut rows: RatingColumns| {
            all.append(&mut rows);
            Ok(())
        };
        read_ratings("x.csv", text.as_bytes(), import, &mut sink, &Silent)
            .map_err(|error| error.to_string())?;
        Ok(all)
    }

    fn read(text: &str) -> Result<RatingColumns, String> {
        read_with(&mut ImportState::default(), text)
    }

    fn two_rows() -> RatingColumns {
        let mut rows = RatingColumns::default();
        rows.push(1, 31, 2.5, 1_260_759_144_000);
        rows.push(2, 10, 4.0, 835_355_493_000);
        rows
    }

    #[test]
    fn every_delimiter_header_and_line_end_reads_the_same() {
        for text in [
            "userId,movieId,rating,timestamp\n1,31,2.5,1260759144\n2,10,4.0,835355493\n",
            "userId,movieId,rating,timestamp\r\n1,31,2.5,1260759144\r\n2,10,4.0,835355493\r\n",
            "\u{feff}userId,movieId,rating,timestamp\n1,31,2.5,1260759144\n2,10,4,835355493",
            "1::31::2.5::1260759144\n2::10::4::835355493\n",
            "1\t31\t2.5\t1260759144\n2\t10\t4\t835355493\n",
            "1 31  2.5 1260759144\n2\t10 4 835355493 \n",
            "1|31|2.5|1260759144\n2|10|4|835355493\n",
            "timestamp;rating;item;uid\n1260759144;2.5;31;1\n\n835355493;4;10;2\n",
            "user_id,movie_id,rating,rating_timestamp\n\"1\",31,2.5,2009-12-14T02:52:24Z\n2,10,4,1996-06-21 11:11:33\n",
            "user_id:token\titem_id:token\trating:float\ttimestamp:float\n1\t31\t2.5\t1260759144.0\n2\t10\t4\t835355493000\n",
            "[{\"user\":1,\"item\":31,\"rating\":2.5,\"ts\":1260759144},\n {\"user\":2,\"item\":10,\n\"rating\":4,\"ts\":835355493}]",
            "\n{\"user\":1,\"item\":\"31\",\"rating\":2.5,\"x\":[{}],\"ts\":1260759144}\n{\"ts\":835355493,\"rating\":\"4\",\"item\":10,\"us\\u0065r\":2}\n",
        ] {
            assert_eq!(read(text), Ok(two_rows()), "{text}");
        }
    }

    #[test]
    fn rows_keep_their_fields_whatever_quotes_blanks_and_line_ends_there_are() {
        let mut untimed = two_rows();
        untimed.time_ms = vec![NO_TIME; 2];
        for text in [
            // Reviews with line ends, of which one looks like ratings.
            "user,item,rating,review\n1,31,2.5,\"my list:\n7,77,1,x\n8,88,2,y\"\n2,10,4,\"ok\"\n",
            "user,item,rating,review\r\n1,31,2.5,\"great\r\n\r\nreally\"\r\n2,10,4,\r\n",
            "user, item, rating\n1, \"31\", 2.5\n2, \"10\", \"4\"\n",
            "user\titem\trating\ttimestamp\n1\t31\t2.5\t\n2\t10\t4\tNA\n",
            "\tuser\titem\trating\n0\t1\t31\t2.5\n1\t2\t10\t4\n",
            "\"user\" \"item\" \"rating\"\n\"1\" 1 31 2.5\n\"2\" 2 10 4\n",
            "user,item,rating\r1,31,2.5\r2,10,4\r",
            "user,item,rating\n1,31,2.5,\n2,10,4,\n",
            "1::31::2.5::\n2::10::4::\n",
            "user,item,rating\n1,31,2.5\nuser,item,rating\n2,10,4\n",
            "% bip weighted\n% 2 2 31\n1 31 2.5\n2 10 4\n",
            "%%MatrixMarket matrix coordinate real general\n2 31 2\n1 31 2.5\n2 10 4.0\n",
            "user,item,rating\n1.0,31.0,2.5\n2.0,10.0,4.0\n",
        ] {
            assert_eq!(read(text), Ok(untimed.clone()), "{text}");
        }
        let mut import = ImportState::default();
        import.options.decimal_comma = true;
        assert_eq!(read_with(&mut import, "user;item;rating\n1;31;2,5\n2;10;4,0\n"), Ok(untimed));
    }

    #[test]
    fn ratings_below_their_movies_are_read_in_blocks_of_any_beginning() {
        let user = "5,3,2005-09-06\n";
        let text = format!("1:\n{user}2:\n{}3:\n{user}", user.repeat(3 * BLOCK / user.len()));
        let rows = read(&text).unwrap();
        let counts = |movie| rows.movie_id.iter().filter(|id| **id == movie).count();
        assert_eq!([1, 2, 3].map(counts), [1, 3 * BLOCK / user.len(), 1]);
        assert_eq!((rows.user_id[0], rows.rating[0], rows.time_ms[0]), (5, 3.0, 1_125_964_800_000));
    }

    #[test]
    fn choices_without_ratings_count_as_one_each() {
        for text in [
            "user,item\n1,31\n2,10\n",
            "1 31\n2 10\n",
            "user_id:token\titem_id:token\n1\t31\n2\t10\n",
            "{\"user\":1,\"item\":31}\n{\"user\":2,\"item\":10}\n",
            "%%MatrixMarket matrix coordinate pattern general\n2 31 2\n1 31\n2 10\n",
        ] {
            let mut import = ImportState::default();
            let rows = read_with(&mut import, text).unwrap();
            assert_eq!(
                (rows.user_id, rows.movie_id, rows.rating),
                (vec![1, 2], vec![31, 10], vec![1.0; 2]),
                "{text}"
            );
            assert!(import.unary, "{text}");
        }
    }

    #[test]
    fn times_of_common_formats_are_read() {
        for text in [
            "user,item,rating,created_at\n1,2,3,2017-07-14 02:40:00 UTC\n",
            "user,item,rating,Date Rated\n1,2,3,2017-07-14T02:40+0000\n",
            "user,item,rating,date,time\n1,2,3,2017-07-14,02:40\n",
            "1 2 3 2017/07/14 02:40:00\n",
            "user,item,rating,unix_timestamp\n1,2,3,1500000000.7\n",
            "{\"user\":1,\"item\":2,\"rating\":3,\"event_time\":\"2017-07-14T02:40:00Z\"}\n",
        ] {
            assert_eq!(read(text).map(|rows| rows.time_ms), Ok(vec![1_500_000_000_000]), "{text}");
        }
        let first_without = "{\"user\":1,\"item\":2,\"rating\":3}\n{\"user\":1,\"item\":3,\"rating\":3,\"ts\":1500000000}\n";
        assert_eq!(read(first_without).unwrap().time_ms, [NO_TIME, 1_500_000_000_000]);
        let mut import = ImportState::default();
        import.options.time_format = Some("%d/%m/%Y %H:%M".into());
        let text = "user,item,rating,date,time\n1,2,3,14/07/2017,02:40\n";
        assert_eq!(read_with(&mut import, text).unwrap().time_ms, [1_500_000_000_000]);
    }

    #[test]
    fn ids_that_numbers_would_merge_stay_apart() {
        let mut import = ImportState::default();
        let rows = read_with(&mut import, "user,item,rating\n1,7,1\n2,007,5\n3,8,3\n").unwrap();
        assert_eq!(rows.movie_id, [1, 2, 3]);
        assert_eq!(import.movies.to_keys().unwrap().keys, ["7", "007", "8"]);
        let late = format!("{}2,007,5\n", "1,7,1\n".repeat(2000));
        assert_eq!(read(&late), Err("x.csv:2001: movie `007` has leading zeros".into()));
        let late = late.replace("007", "9000000000");
        assert_eq!(read(&late), Err("x.csv:2001: movie `9000000000` does not fit 32 bits".into()));
        let mut import = ImportState::default();
        read_with(&mut import, "1,9000000000,1\n2,5,5\n").unwrap();
        assert_eq!(import.movies.to_keys().unwrap().keys, ["9000000000", "5"]);
        for missing in ["", "NA", "nan", "null", "\\N"] {
            let text = format!("user,item,rating\nbob,x,4\n{missing},y,3\n");
            assert_eq!(read(&text), Err(format!("x.csv:3: user `{missing}` is missing")));
        }
        let mut import = ImportState::default();
        import.options.text_ids = [true, false];
        assert_eq!(read_with(&mut import, "user,item,rating\nNA,1,4\n").unwrap().len(), 1);
    }

    /// Cuts a text with quoted line ends into blocks at every size, and reads the same.
    #[test]
    fn quoted_line_ends_are_kept_across_blocks() {
        let row = "1,31,2.5,\"a\nb,\"\"c\"\"\n\"\n2,10,4,\"\"\n";
        let n = 3 * BLOCK / row.len();
        let rows = read(&format!("user,item,rating,review\n{}", row.repeat(n))).unwrap();
        assert_eq!(rows.len(), 2 * n);
        assert!(rows.user_id.chunks(2).all(|pair| pair == [1, 2]));
        let stray = format!("user,item,rating,review\n1,2,3,\"open\n{}", "1,31,2.5,x\n".repeat(n));
        assert_eq!(read(&stray), Err("x.csv:2: a quoted field does not end as it should".into()));
        let mut import = ImportState { rejects: RejectedRows::skip(1), ..ImportState::default() };
        assert_eq!(read_with(&mut import, &stray).unwrap().len(), n);
    }

    #[test]
    fn timestamps_may_be_missing() {
        let mut expected = two_rows();
        expected.time_ms = vec![NO_TIME; 2];
        assert_eq!(read("1,31,2.5\n2,10,4\n"), Ok(expected.clone()));
        assert_eq!(read("user,item,rating,ts\n1,31,2.5,\n2,10,4,\n"), Ok(expected.clone()));
        let json = "{\"user\":1,\"item\":31,\"rating\":2.5,\"ts\":null}\n{\"user\":2,\"item\":10,\"rating\":4}\n";
        assert_eq!(read(json), Ok(expected));
    }

    #[test]
    fn ids_that_are_no_numbers_are_numbered_as_they_appear() {
        let mut import = ImportState::default();
        let text = "User-ID;ISBN;Book-Rating\n\"zoe\";\"034545104X\";\"5\"\nal;0155061224;1\nzoe;0155061224;2\n";
        let rows = read_with(&mut import, text).unwrap();
        assert_eq!((&rows.user_id[..], &rows.movie_id[..]), (&[1, 2, 1][..], &[1, 2, 2][..]));
        // The next source goes on counting, even where its ids look like numbers.
        let rows = read_with(&mut import, "user,item,rating\n7,034545104X,3\nal,9,4\n").unwrap();
        assert_eq!((&rows.user_id[..], &rows.movie_id[..]), (&[3, 2][..], &[1, 3][..]));
        assert_eq!(import.users.to_keys().unwrap().keys, ["zoe", "al", "7"]);
        assert_eq!(import.movies.to_keys().unwrap().get(3), Some("9"));
        // Numbers with zeros in front are no numbers; Latin-1 is read as such.
        let mut import = ImportState::default();
        import.options.text_ids = [true, false];
        read_with(&mut import, "1,007,3\n2,008,4\n").unwrap();
        assert_eq!(import.users.to_keys().unwrap().keys, ["1", "2"]);
        assert_eq!(import.movies.to_keys().unwrap().keys, ["007", "008"]);
        let mut index = KeyIndex::default();
        index.number(b"Mis\xe9rables");
        assert_eq!(index.to_keys().keys, ["Misérables"]);
        let mut import = ImportState::default();
        read_with(&mut import, "1,2,3\n").unwrap();
        assert_eq!(
            read_with(&mut import, "al,2,3\n"),
            Err("x.csv: every user is text here, and was a number in an earlier source".into())
        );
    }

    #[test]
    fn keys_are_numbered_alike_at_any_number_of_threads() {
        let lines: Vec<String> =
            (0..400_000).map(|n| format!("u{},m{},3.5\n", n * 7 % 1013, n % 911)).collect();
        let text = lines.concat();
        let rows = |threads| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| read(&text).unwrap())
        };
        let one = rows(1);
        assert_eq!(one, rows(3));
        assert_eq!(one.user_id[..3], [1, 2, 3]);
        assert_eq!(one.user_id.iter().max(), Some(&1013));
    }

    #[test]
    fn bad_fields_are_named_with_file_line_column_and_value() {
        let header = "userId,movieId,rating,timestamp\n1,31,2.5,1260759144\n5,5,5,5\n8,8,5,5\n";
        for (line, message) in [
            ("1,2,six,9", "x.csv:5: rating `six` is not a number"),
            ("1,2,NaN,9", "x.csv:5: rating `NaN` is missing"),
            ("1,2,inf,9", "x.csv:5: rating `inf` is not between 0.5 and 5"),
            ("1,2,6.5,9", "x.csv:5: rating `6.5` is not between 0.5 and 5"),
            ("x,2,3,9", "x.csv:5: user `x` is not a whole number"),
            ("1,2.5,3,9", "x.csv:5: movie `2.5` is not a whole number"),
            ("1,2,3,-9", "x.csv:5: timestamp `-9` is not between 1970 and 2100"),
            ("1,2,3,soon", "x.csv:5: timestamp `soon` is neither seconds since 1970 nor a date"),
            ("1,2", "x.csv:5: no rating: the line has 2 of 4 fields: `1,2`"),
            ("1,2,3,5,9", "x.csv:5: line `1,2,3,5,9` has 5 fields where 4 were expected"),
        ] {
            assert_eq!(read(&format!("{header}{line}\n1,1,1,1\n")), Err(message.into()));
        }
        assert_eq!(read(""), Err("x.csv: the file is empty".into()));
        assert_eq!(read("\n \n"), Err("x.csv: the file is empty".into()));
        assert_eq!(
            read("userId,rating\n1,2\n"),
            Err("x.csv: no column for the movie; found `userId`, `rating`".into())
        );
        let json = "{\"user\":1,\"item\":31,\"rating\":2.5}\n";
        assert_eq!(
            read(&format!("{json}{{\"user\":1,\"rating\":2}}\n")),
            Err("x.csv:2: no movie: `{\"user\":1,\"rating\":2}`".into())
        );
        assert!(
            read(&format!("{json}[1]\n")).unwrap_err().starts_with("x.csv:2: not a JSON object")
        );
        assert_eq!(
            read("[{\"user\":1}]"),
            Err("x.csv: no column for the movie; found `user`".into())
        );
    }

    #[test]
    fn other_scales_are_checked_as_they_are_given() {
        let mut import = ImportState::default();
        import.options.scale = "0..10".parse().unwrap();
        assert_eq!(
            read_with(&mut import, "1,2,0\n1,3,7\n1,4,10\n").unwrap().rating,
            [0.0, 7.0, 10.0]
        );
        assert_eq!(
            read_with(&mut import, "1,2,11\n"),
            Err("x.csv:1: rating `11` is not between 0 and 10".into())
        );
    }

    #[test]
    fn bad_rows_are_put_aside_up_to_the_limit() {
        let text = "user,item,rating\n1,31,2.5\n1,x,3\n2,10,4\n2,10\n7,7,9\n";
        let mut import = ImportState { rejects: RejectedRows::skip(3), ..ImportState::default() };
        let rows = read_with(&mut import, text).unwrap();
        assert_eq!(rows.user_id, [1, 2]);
        let told: Vec<(u64, &str, &str)> = import
            .rejects
            .rows()
            .iter()
            .map(|row| (row.line, row.reason.as_str(), row.text.as_str()))
            .collect();
        assert_eq!(
            told,
            [
                (3, "movie is not a whole number", "1,x,3"),
                (5, "no rating", "2,10"),
                (6, "rating is not between 0.5 and 5", "7,7,9"),
            ]
        );
        let mut import = ImportState { rejects: RejectedRows::skip(2), ..ImportState::default() };
        assert_eq!(
            read_with(&mut import, text).unwrap_err(),
            "more than 2 bad rows; the last: x.csv:6: rating `9` is not between 0.5 and 5"
        );
    }

    #[test]
    fn the_line_of_an_error_is_right_beyond_the_first_block() {
        let good = "1,31,2.5,1260759144\n".repeat(3 * BLOCK / 20);
        let text = format!("userId,movieId,rating,timestamp\n{good}1,31,x,1\n");
        let line = text.lines().count();
        assert_eq!(read(&text), Err(format!("x.csv:{line}: rating `x` is not a number")));
        let rows = read(&text.replace("1,31,x,1\n", "")).unwrap();
        assert_eq!(rows.len(), line - 2);
        let endless = format!("{good}{}", "0".repeat(2 * BLOCK));
        let line = good.lines().count() + 1;
        assert_eq!(read(&endless), Err(format!("x.csv:{line}: a line is longer than 4 MiB")));
    }

    proptest! {
        /// Whatever stands in a text, it is read or refused, and what is skipped is counted.
        #[test]
        fn any_text_is_read_or_refused(
            text in "([\\[{}\\]%#\"':;,|\t \r\n]|[0-9.]{1,4}|user|item|rating|NA|é|[a-c]{1,2}){0,60}",
        ) {
            let failed = read(&text);
            let mut import = ImportState { rejects: RejectedRows::skip(usize::MAX), ..ImportState::default() };
            let skipped = read_with(&mut import, &text);
            if let (Ok(rows), Ok(others)) = (&failed, &skipped) {
                prop_assert_eq!(rows, others);
                prop_assert!(import.rejects.rows().is_empty());
            }
            prop_assert!(failed.is_ok() || skipped.is_err() || !import.rejects.rows().is_empty());
        }
    }
}
