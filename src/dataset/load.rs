//! The input of every command that reads ratings: a dataset directory, a ratings file, or stdin.

use std::collections::{BTreeMap, HashMap};
use std::ops::Range;
use std::path::{Path, PathBuf};

use crate::dataset::error::DatasetError;
use crate::dataset::expr::Counts;
use crate::dataset::ids::{IdLookup, count, distinct};
use crate::dataset::list_layout;
use crate::dataset::manifest::{Manifest, Provenance, SourceFile, SourceOrigin};
use crate::dataset::ratings::{DuplicatePolicy, Ratings};
use crate::dataset::scan::{self, RatingScan};
use crate::dataset::sidecar::DatasetMetadata;
use crate::dataset::sort::{ExternalSorter, SortPlace};
use crate::dataset::title_source::read_titles;
use crate::dataset::writer::ParquetFooter;
use crate::io::columns::{NO_TIME, RatingColumns};
use crate::io::id_list::{IdSide, ListedId, read_ids};
use crate::io::intake::{ImportState, Sink, later, warn_of_1970};
use crate::io::keys::{IdMapping, IdResolver, Ids, Keys};
use crate::io::parquet::ParquetFile;
use crate::io::parts::{TablePart, parts};
use crate::io::source::{HashingReader, Source, SourceKind};
use crate::io::text::{Delimiter, TextColumns};
use crate::io::values::Scale;
use crate::io::{IoError, batches, json, movielens, parquet, text};
use crate::progress::Progress;
use crate::schema;

/// Ratings in memory with all that came along.
#[derive(Debug, Clone, Default)]
pub struct Dataset {
    /// The ratings.
    pub ratings: Ratings,
    /// Movies, keys and provenance.
    pub sidecar: DatasetMetadata,
    /// Rows that repeated a pair of user and movie.
    pub duplicates: usize,
}

/// An input whose ratings have not been read yet.
pub struct RatingsInput {
    /// What comes along; of a text, all of it is known only after reading.
    pub sidecar: DatasetMetadata,
    body: InputBody,
    /// What the ratings must turn out to be.
    expected: Option<ExpectedContent>,
}

/// Content that the manifest of a directory promises.
struct ExpectedContent {
    hash: String,
    file: String,
    folder: String,
}

impl ExpectedContent {
    fn check(self, found: &str) -> Result<(), IoError> {
        if found == self.hash { Ok(()) } else { Err(self.stray()) }
    }

    fn stray(self) -> IoError {
        IoError::Stray { file: self.file, kind: "dataset", folder: self.folder }
    }
}

enum InputBody {
    Parquet(ParquetFile),
    /// Parquet files that are one table.
    Parts(Vec<TablePart>),
    Text(Source),
}

impl RatingsInput {
    fn new(sidecar: DatasetMetadata, body: InputBody) -> Self {
        Self { sidecar, body, expected: None }
    }

    /// Opens a dataset directory, a ratings file or, for `-`, stdin.
    ///
    /// # Errors
    /// If it cannot be read or is nothing of the kind.
    pub fn open(path: &Path) -> Result<Self, DatasetError> {
        let mut input = Self::open_ratings(path)?;
        if path.is_dir() {
            let all = DatasetMetadata::read(path)?;
            input.sidecar = DatasetMetadata {
                history: input.sidecar.history,
                origin: input.sidecar.origin,
                ..all
            };
        }
        Ok(input)
    }

    /// Opens what [`Self::open`] does, but reads nothing that comes along with the ratings of a
    /// directory.
    fn open_ratings(path: &Path) -> Result<Self, DatasetError> {
        if !path.is_dir() {
            return Self::from_source(Source::open(path)?);
        }
        let ratings = path.join(schema::RATINGS);
        if !ratings.is_file() {
            return Self::from_parts(path);
        }
        let mut input = Self::from_source(Source::open(&ratings)?)?;
        let manifest = path.join(schema::DATASET_JSON);
        if manifest.is_file() {
            let (read, _) = json::read_manifest::<Manifest>(&manifest)?;
            input.check_origin(&read, path)?;
            input.sidecar.history = read.history.check(&manifest.display().to_string())?;
            input.sidecar.origin =
                SourceOrigin { recognised: read.recognised, sources: read.sources };
        }
        Ok(input)
    }

    /// Refuses ratings that are not those of the dataset they lie in.
    fn check_origin(&mut self, manifest: &Manifest, folder: &Path) -> Result<(), IoError> {
        let InputBody::Parquet(file) = &self.body else { return Ok(()) };
        let (hash, folder) = (manifest.content_xxh3.clone(), folder.display().to_string());
        let expected = ExpectedContent { hash, file: file.name().into(), folder };
        match file.footer(parquet::BELONGS_TO) {
            Some(content) => expected.check(content),
            // Written before files said so, or by somebody else: known when all of it has been
            // read.
            None if file.n_rows() == manifest.shape.ratings => {
                self.expected = Some(expected);
                Ok(())
            }
            None => Err(expected.stray()),
        }
    }

    /// Opens a folder of Parquet files.
    fn from_parts(path: &Path) -> Result<Self, DatasetError> {
        let shown = path.display().to_string();
        let is = |name: &str| path.join(name).is_file();
        if is(schema::MODEL_JSON) {
            return Err(DatasetError::IsAModel { path: shown });
        }
        if is(schema::SPLIT_JSON) {
            return Err(DatasetError::IsASplit { path: shown });
        }
        let parts = parts(path)?;
        if parts.is_empty() {
            return Err(DatasetError::NotADataset { path: shown });
        }
        Ok(Self::new(DatasetMetadata::default(), InputBody::Parts(parts)))
    }

    fn from_source(source: Source) -> Result<Self, DatasetError> {
        let file = source.name.clone();
        match source.kind {
            SourceKind::Empty => Err(IoError::Empty { file }.into()),
            SourceKind::Zip => {
                let found = "this is a ZIP archive";
                Err(IoError::WrongKind { file, found, expected: "a file that `ingest` made of it" }
                    .into())
            }
            SourceKind::Json | SourceKind::Text => {
                Ok(Self::new(DatasetMetadata::default(), InputBody::Text(source)))
            }
            SourceKind::Parquet => {
                let parquet = ParquetFile::open(source)?;
                let mut sidecar = DatasetMetadata::default();
                if let Some(text) = parquet.footer(schema::MANIFEST_KEY) {
                    sidecar.history = serde_json::from_str::<Provenance>(text)
                        .map_err(|source| IoError::Json { file: file.clone(), source })?
                        .check(&file)?;
                }
                let keys = |schema| {
                    let read = parquet.read_if_there(&schema)?;
                    Ok::<_, IoError>(read.map(|batch| batches::to_keys(&batch)))
                };
                sidecar.user_keys = keys(schema::users())?;
                if let Some(keys) = keys(schema::keyed_movies())? {
                    sidecar.set_movie_keys(&keys);
                }
                Ok(Self::new(sidecar, InputBody::Parquet(parquet)))
            }
        }
    }

    /// Returns the number of ratings, where it is known beforehand.
    #[must_use]
    pub fn n_rows(&self) -> Option<usize> {
        match &self.body {
            InputBody::Parquet(file) => Some(file.n_rows()),
            InputBody::Parts(_) | InputBody::Text(_) => None,
        }
    }

    /// Makes sure that the ratings come in order, each pair of user and movie once: what mvrec has
    /// not written is sorted into a temporary file in `folder`. Returns how many rows that
    /// dropped, too.
    ///
    /// # Errors
    /// As [`Self::read`], and if the temporary file cannot be written.
    pub fn in_order(
        mut self,
        folder: &Path,
        progress: &dyn Progress,
    ) -> Result<(Self, usize), DatasetError> {
        if self.is_in_order() {
            return Ok((self, 0));
        }
        let expected = self.expected.take();
        let mut intake = ImportState::default();
        let mut sorter = ExternalSorter::new(SortPlace::In(folder.into()), DuplicatePolicy::Last)?;
        let mut sidecar = self.read(&mut intake, &mut |rows| sorter.push(rows), progress)?;
        add_keys(&mut sidecar, &intake);
        let mut dropped = 0;
        let sorted = sorter.finish(|_, n| {
            dropped = n;
            Ok(ParquetFooter::new())
        })?;
        let hash = sorted.tally.content_hash();
        expected.map_or(Ok(()), |expected| expected.check(&hash))?;
        let file = ParquetFile::open(Source::from_file("sorted ratings".into(), sorted.file)?)?;
        Ok((Self::new(sidecar, InputBody::Parquet(file)), dropped))
    }

    /// Counts the ratings of each user and of each movie, of those that `keep` returns; nothing
    /// outside of a `period` need be looked at.
    ///
    /// # Errors
    /// As [`Self::read`].
    pub fn count(
        &self,
        period: Option<Range<i64>>,
        keep: impl Fn(RatingColumns) -> RatingColumns + Sync,
        progress: &dyn Progress,
    ) -> Result<(Counts, Counts), DatasetError> {
        let InputBody::Parquet(file) = &self.body else {
            unreachable!("ratings are counted once they are in order, which is in Parquet");
        };
        progress.begin("counting ratings", "ratings", Some(file.n_rows() as u64));
        let mut intake = ImportState { period, ..ImportState::default() };
        intake.options.scale = self.sidecar.history.scale.unwrap_or_default();
        let (mut users, mut movies) = (BTreeMap::new(), BTreeMap::new());
        file.read_ratings(&mut intake, &mut |rows| {
            let n = rows.len() as u64;
            let rows = keep(rows);
            for run in rows.user_id.chunk_by(|a, b| a == b) {
                *users.entry(run[0]).or_default() += run.len() as u64;
            }
            let ids = distinct(&rows.movie_id);
            let counts = count(&rows.movie_id, &IdLookup::new(&ids), ids.len());
            for (id, n) in ids.into_iter().zip(counts) {
                *movies.entry(id).or_default() += n as u64;
            }
            progress.advance(n);
            Ok(())
        })?;
        let counts = |map: BTreeMap<i32, u64>| {
            let (ids, counts) = map.into_iter().unzip();
            Counts { ids, counts }
        };
        Ok((counts(users), counts(movies)))
    }

    /// Whether mvrec wrote the ratings, so that they are in order and can be read by row
    /// group.
    #[must_use]
    pub fn is_in_order(&self) -> bool {
        matches!(&self.body, InputBody::Parquet(file) if file.is_in_order())
    }

    /// Returns about how many ratings there are; of a text, as many as it holds at most; nothing
    /// for a pipe of text.
    #[must_use]
    pub fn estimated_rows(&self) -> Option<u64> {
        const SHORTEST_LINE: u64 = 16;
        match &self.body {
            InputBody::Parquet(file) => Some(file.n_rows() as u64),
            InputBody::Parts(parts) => {
                let rows = parts.iter().map(|part| Some(part.open().ok()?.n_rows() as u64));
                rows.sum()
            }
            InputBody::Text(source) => {
                let metadata = source.seekable.as_ref()?.metadata().ok()?;
                Some(metadata.len() / SHORTEST_LINE)
            }
        }
    }

    /// Loads all ratings into memory.
    ///
    /// # Errors
    /// If they cannot be read or hold what ratings must not hold.
    pub fn load(self, progress: &dyn Progress) -> Result<Dataset, DatasetError> {
        self.load_by(&mut ImportState::default(), progress)
    }

    fn load_by(
        mut self,
        intake: &mut ImportState,
        progress: &dyn Progress,
    ) -> Result<Dataset, DatasetError> {
        let expected = self.expected.take();
        // What a file claims is not believed without bounds.
        const RESERVED: usize = 1 << 25;
        let mut columns = RatingColumns::with_capacity(self.n_rows().unwrap_or(0).min(RESERVED));
        let mut sidecar = self.read(
            intake,
            &mut |mut rows| {
                columns.append(&mut rows);
                Ok(())
            },
            progress,
        )?;
        add_keys(&mut sidecar, intake);
        if u32::try_from(columns.len()).is_err() {
            return Err(DatasetError::TooMany { rows: columns.len() });
        }
        let (ratings, duplicates) = Ratings::new(columns, DuplicatePolicy::Last);
        expected.map_or(Ok(()), |expected| expected.check(&ratings.content_hash()))?;
        Ok(Dataset { ratings, sidecar, duplicates })
    }

    /// Hands all ratings to `sink` and returns what comes along.
    ///
    /// # Errors
    /// If they cannot be read or hold what ratings must not hold, or if `sink` fails.
    pub fn read(
        mut self,
        intake: &mut ImportState,
        sink: Sink<'_>,
        progress: &dyn Progress,
    ) -> Result<DatasetMetadata, DatasetError> {
        match self.body {
            InputBody::Parquet(file) => {
                progress.begin("reading ratings", "ratings", Some(file.n_rows() as u64));
                if let Some(scale) = self.sidecar.history.scale {
                    intake.options.scale = scale;
                }
                let is_native = file.is_native();
                let keys = is_native.then(|| RatedKeys::from_sidecar(&self.sidecar)).flatten();
                let mut check = |rows: RatingColumns| {
                    keys.as_ref().map_or(Ok(()), |keys| keys.check(&rows, file.name()))?;
                    sink(rows)
                };
                read_parquet(&file, intake, &mut check, &mut Vec::new(), progress)?;
                if !is_native {
                    let recognised = Some("Parquet".into());
                    self.sidecar.origin = SourceOrigin { recognised, sources: Vec::new() };
                    self.sidecar.history.scale = self.sidecar.history.scale.or(unary_scale(intake));
                }
            }
            InputBody::Parts(parts) => {
                progress.begin("reading ratings", "ratings", None);
                let mut said = Vec::new();
                for part in &parts {
                    read_parquet(&part.open()?, intake, sink, &mut said, progress)?;
                }
                let recognised = Some(format!("{} Parquet files", parts.len()));
                self.sidecar.origin = SourceOrigin { recognised, sources: Vec::new() };
                self.sidecar.history.scale = unary_scale(intake);
            }
            InputBody::Text(source) => {
                let size = source.seekable.as_ref().and_then(|file| file.metadata().ok());
                progress.begin("reading ratings", "bytes", size.map(|metadata| metadata.len()));
                let mut reader = HashingReader::new(source.reader);
                let file = &source.name;
                let shown = text::read_ratings(file, &mut reader, intake, sink, progress)?;
                let name = Path::new(file).file_name().unwrap_or_default();
                let name = name.to_string_lossy().into_owned();
                let sources = vec![SourceFile::new(name, reader.fingerprint())];
                self.sidecar.origin = SourceOrigin { recognised: Some(shown), sources };
                self.sidecar.history.scale = unary_scale(intake);
            }
        }
        Ok(self.sidecar)
    }

    /// Hands all ratings to `sink` with the ids that an ingest gives them.
    fn ingest(
        self,
        intake: &mut ImportState,
        sink: Sink<'_>,
        progress: &dyn Progress,
    ) -> Result<DatasetMetadata, DatasetError> {
        let (users, movies) = (self.sidecar.user_keys.clone(), self.sidecar.movie_keys());
        if users.is_none() && movies.is_none() {
            return self.read(intake, sink, progress);
        }
        // The numbers of keys are those of this one source: they get the numbers of all.
        let file = "a dataset";
        let users = numbers(&mut intake.users, users.as_ref(), file, "user")?;
        let movies = numbers(&mut intake.movies, movies.as_ref(), file, "movie")?;
        let mut own = ImportState { options: intake.options.clone(), ..ImportState::default() };
        let renumber = |ids: &mut [i32], numbers: &Option<HashMap<i32, i32>>| {
            if let Some(numbers) = numbers {
                ids.iter_mut().for_each(|id| *id = numbers.get(id).copied().unwrap_or(*id));
            }
        };
        let mut sidecar = self.read(
            &mut own,
            &mut |mut rows| {
                renumber(&mut rows.user_id, &users);
                renumber(&mut rows.movie_id, &movies);
                sink(rows)
            },
            progress,
        )?;
        if let Some(columns) = &mut sidecar.movies {
            renumber(&mut columns.movie_id, &movies);
        }
        if let Some(columns) = &mut sidecar.links {
            renumber(&mut columns.movie_id, &movies);
        }
        if let Some(columns) = &mut sidecar.tags {
            renumber(&mut columns.movie_id, &movies);
            renumber(&mut columns.user_id, &users);
        }
        Ok(sidecar)
    }
}

/// Keys that ids of ratings must have.
struct RatedKeys {
    users: Option<Keys>,
    movies: Option<Keys>,
}

impl RatedKeys {
    /// Returns the keys of a dataset; `None` if its ids are numbers.
    fn from_sidecar(sidecar: &DatasetMetadata) -> Option<Self> {
        let keys = Self { users: sidecar.user_keys.clone(), movies: sidecar.movie_keys() };
        (keys.users.is_some() || keys.movies.is_some()).then_some(keys)
    }

    /// Refuses ratings with an id that stands for no key.
    fn check(&self, rows: &RatingColumns, file: &str) -> Result<(), IoError> {
        let sides =
            [(&self.users, &rows.user_id, "user_id"), (&self.movies, &rows.movie_id, "movie_id")];
        for (keys, ids, column) in sides {
            let Some(keys) = keys else { continue };
            if let Some(id) = distinct(ids).into_iter().find(|&id| keys.get(id).is_none()) {
                let problem = format!("has {id}, which stands for no key");
                return Err(IoError::BadColumn {
                    file: file.into(),
                    column: column.into(),
                    problem,
                });
            }
        }
        Ok(())
    }
}

/// Hands the ratings of a Parquet file to `sink`, and says what deserves to be said of another
/// writer's.
fn read_parquet(
    file: &ParquetFile,
    intake: &mut ImportState,
    sink: Sink<'_>,
    said: &mut Vec<String>,
    progress: &dyn Progress,
) -> Result<(), IoError> {
    for remark in file.rating_remarks(&intake.options)? {
        // What holds for all parts of a table is said once.
        if !said.contains(&remark) {
            progress.inform(&format!("{}: {remark}", file.name()));
            said.push(remark);
        }
    }
    let mut latest_ms = NO_TIME;
    let is_native = file.is_native();
    file.read_ratings(intake, &mut |rows| {
        progress.advance(rows.len() as u64);
        if !is_native {
            latest_ms = later(latest_ms, &rows.time_ms);
        }
        sink(rows)
    })?;
    warn_of_1970(file.name(), latest_ms, progress);
    Ok(())
}

/// Prepares passes over the ratings of what [`RatingsInput::open`] opens: those of a file that
/// mvrec wrote are read when passes are made, all others now. Many of them are sorted into a
/// temporary file, so that no more memory is needed for more.
///
/// # Errors
/// If they cannot be read or hold what ratings must not hold, or if the temporary file cannot be
/// written.
pub fn scan(path: &Path, progress: &dyn Progress) -> Result<RatingScan, DatasetError> {
    /// Ratings that are held in memory: 90 MB while they are sorted.
    const FEW: u64 = 2 << 20;
    let mut input = RatingsInput::open_ratings(path)?;
    let folder = path.is_dir().then(|| path.to_path_buf());
    let mut duplicates = 0;
    if !input.is_in_order() && input.estimated_rows().is_none_or(|rows| rows > FEW) {
        (input, duplicates) = input.in_order(&std::env::temp_dir(), progress)?;
    }
    match input.body {
        InputBody::Parquet(file) if file.is_in_order() => {
            let scale = input.sidecar.history.scale.unwrap_or_default();
            Ok(RatingScan::new(
                folder,
                input.sidecar,
                duplicates,
                scan::ScanBody::File(file, scale),
            ))
        }
        _ => {
            let Dataset { ratings, sidecar, duplicates } = input.load(progress)?;
            Ok(RatingScan::new(folder, sidecar, duplicates, scan::ScanBody::Memory(ratings)))
        }
    }
}

/// Returns the scale of a source without ratings, unless somebody gave one that has a 1.
fn unary_scale(intake: &ImportState) -> Option<Scale> {
    let given = intake.options.scale;
    let is_given = given != Scale::default() && given.contains(1.0);
    (intake.unary && !is_given).then(Scale::unary)
}

/// Returns the numbers that keys have in the whole, by those that they have in one source.
fn numbers(
    ids: &mut Ids,
    keys: Option<&Keys>,
    file: &str,
    side: &'static str,
) -> Result<Option<HashMap<i32, i32>>, IoError> {
    ids.settle(file, side, keys.is_some())?;
    let (Some(index), Some(keys)) = (ids.index(), keys) else { return Ok(None) };
    let pairs = keys.ids.iter().zip(&keys.keys);
    Ok(Some(pairs.map(|(&id, key)| (id, index.number(key.as_bytes()))).collect()))
}

/// Loads a dataset directory, a ratings file or, for `-`, stdin.
///
/// # Errors
/// If it cannot be read or holds what ratings must not hold.
pub fn load(path: &Path, progress: &dyn Progress) -> Result<Dataset, DatasetError> {
    RatingsInput::open(path)?.load(progress)
}

/// Loads lists of movies: a row per user and movie, whose `rating` is the rank, or where there is
/// no column of that name the score (`score`, Spark's `prediction`, or a usual name of ratings).
/// Returns whether it is the rank.
///
/// # Errors
/// If they cannot be read, or have neither.
pub fn load_lists(path: &Path, progress: &dyn Progress) -> Result<(Dataset, bool), DatasetError> {
    const COLUMNS: [(&str, bool); 3] = [("rank", true), ("score", false), ("prediction", false)];
    let by = |columns: TextColumns, delimiter: Option<Delimiter>| {
        let mut intake = ImportState::default();
        intake.options.columns = columns;
        intake.options.delimiter = delimiter;
        intake.options.scale = Scale::any();
        RatingsInput::open(path)?.load_by(&mut intake, progress)
    };
    if let Some(layout) = list_layout::detect(path)? {
        return Ok((by(layout.columns, layout.delimiter)?, layout.is_rank));
    }
    for (column, is_rank) in COLUMNS {
        match by(TextColumns::default().with_rating(column), None) {
            Err(DatasetError::Io(IoError::MissingColumn { column: "rating", .. })) => {}
            lists => return Ok((lists?, is_rank)),
        }
    }
    Ok((by(TextColumns::default().requiring_rating(), None)?, false))
}

/// Adds the keys that ids of a text turned out to be.
pub fn add_keys(sidecar: &mut DatasetMetadata, intake: &ImportState) {
    if let Some(keys) = intake.users.to_keys() {
        sidecar.user_keys = Some(keys);
    }
    if let Some(keys) = intake.movies.to_keys() {
        sidecar.set_movie_keys(&keys);
    }
}

/// Hands the ratings of all sources to `sink`: MovieLens folders and archives, and whatever
/// [`load`] takes. `titles` is one more source of movies.
///
/// # Errors
/// As [`load`].
pub fn ingest_all(
    inputs: &[PathBuf],
    titles: Option<&Path>,
    intake: &mut ImportState,
    sink: Sink<'_>,
    progress: &dyn Progress,
) -> Result<DatasetMetadata, DatasetError> {
    let mut all = DatasetMetadata::default();
    let given = intake.options.scale;
    for (at, input) in inputs.iter().enumerate() {
        intake.options.scale = given;
        let one = ingest(input, intake, sink, progress)?;
        let scale = one.history.scale.unwrap_or(given);
        let before = all.history.scale.replace(scale);
        if at > 0 && before != Some(scale) {
            return Err(DatasetError::MixedScales { input: input.display().to_string(), scale });
        }
        all.join(one);
    }
    all.history.scale = all.history.scale.filter(|scale| *scale != Default::default());
    if let Some(path) = titles {
        let mut ids = IdMapping::Import(&mut intake.movies);
        let (movies, links) = read_titles(path, &mut ids)?;
        all.join(DatasetMetadata { movies: Some(movies), links, ..DatasetMetadata::default() });
    }
    add_keys(&mut all, intake);
    Ok(all)
}

fn ingest(
    input: &Path,
    intake: &mut ImportState,
    sink: Sink<'_>,
    progress: &dyn Progress,
) -> Result<DatasetMetadata, DatasetError> {
    let is_table = |input: &Path| -> Result<bool, IoError> {
        let is = |name: &str| input.join(name).is_file();
        let is_known = is(schema::RATINGS) || is(schema::MODEL_JSON) || is(schema::SPLIT_JSON);
        Ok(is_known || (!movielens::has_ratings(input)? && !parts(input)?.is_empty()))
    };
    if input.is_dir() && !is_table(input)? {
        let read = movielens::read_folder(input, intake, sink, progress)?;
        return Ok(from_movielens(read, unary_scale(intake)));
    }
    if input.is_dir() {
        return RatingsInput::open(input)?.ingest(intake, sink, progress);
    }
    let source = Source::open(input)?;
    if source.kind == SourceKind::Zip {
        let read = movielens::read_archive(source, intake, sink, progress)?;
        return Ok(from_movielens(read, unary_scale(intake)));
    }
    RatingsInput::from_source(source)?.ingest(intake, sink, progress)
}

fn from_movielens(read: movielens::MovieLens, scale: Option<Scale>) -> DatasetMetadata {
    let sources = read.sources.into_iter().map(|(name, print)| SourceFile::new(name, print));
    let origin = SourceOrigin { recognised: Some(read.recognised), sources: sources.collect() };
    let (movies, links, tags) = (read.movies, read.links, read.tags);
    let history = Provenance { scale, ..Provenance::default() };
    DatasetMetadata { movies, links, tags, origin, history, ..DatasetMetadata::default() }
}

/// Ids of a list, in ascending order, and those that the data does not have.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct IdList {
    /// Ids, ascending.
    pub ids: Vec<i32>,
    /// Spellings of ids that are no keys of the data.
    pub unknown: Vec<String>,
}

/// Loads a list of ids for data with these keys, or with numeric ids: a text with an id a line, a
/// column of a table, JSON, Parquet, or all of a dataset.
///
/// # Errors
/// If the file cannot be read, has no such column, an id is no number where ids are numbers, or the
/// data has none of them.
pub fn load_ids(
    path: &Path,
    side: IdSide,
    keys: Option<&Keys>,
    progress: &dyn Progress,
) -> Result<IdList, DatasetError> {
    let file = path.display().to_string();
    let listed = if path.is_dir() {
        ids_of_dataset(path, side, progress)?
    } else {
        read_ids(Source::open(path)?, side)?
    };
    let resolver = IdResolver::new(keys);
    let mut list = IdList::default();
    for ListedId { text, line } in listed {
        match resolver.resolve(&text) {
            Ok(Some(id)) => list.ids.push(id),
            Ok(None) => list.unknown.push(text),
            Err(problem) => {
                let (column, problem) = (side.column(), problem.into());
                return Err(IoError::BadField { file, line, column, value: text, problem }.into());
            }
        }
    }
    if list.ids.is_empty() && !list.unknown.is_empty() {
        return Err(DatasetError::UnknownIds { file, side: side.column(), ids: list.unknown });
    }
    list.ids.sort_unstable();
    list.ids.dedup();
    Ok(list)
}

/// Returns the ids of a dataset as it spells them.
fn ids_of_dataset(
    path: &Path,
    side: IdSide,
    progress: &dyn Progress,
) -> Result<Vec<ListedId>, DatasetError> {
    let Dataset { ratings, sidecar, .. } = load(path, progress)?;
    let (ids, keys) = match side {
        IdSide::User => (ratings.user_ids(), sidecar.user_keys.clone()),
        IdSide::Movie => (ratings.movie_ids(), sidecar.movie_keys()),
    };
    let spelled = |id: i32| match &keys {
        Some(keys) => keys.get(id).unwrap_or_default().to_string(),
        None => id.to_string(),
    };
    let listed = ids.into_iter().zip(1..);
    Ok(listed.map(|(id, line)| ListedId { text: spelled(id), line }).collect())
}
