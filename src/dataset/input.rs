//! The input of every command that reads ratings: a dataset directory, a ratings file, or stdin.

use std::collections::{BTreeMap, HashMap};
use std::ops::Range;
use std::path::Path;

use crate::dataset::Dataset;
use crate::dataset::error::DatasetError;
use crate::dataset::expr::Counts;
use crate::dataset::ids::{IdLookup, count, distinct};
use crate::dataset::manifest::{Manifest, Provenance, SourceFile, SourceOrigin};
use crate::dataset::ratings::{DuplicatePolicy, Ratings};
use crate::dataset::sidecar::DatasetMetadata;
use crate::dataset::sort::{ExternalSorter, SortPlace};
use crate::dataset::writer::ParquetFooter;
use crate::io::columns::{NO_TIME, RatingColumns};
use crate::io::import_state::{ImportState, Sink, later, warn_of_1970};
use crate::io::keys::{Ids, Keys};
use crate::io::parquet::ParquetFile;
use crate::io::parts::{TablePart, parts};
use crate::io::source::{HashingReader, Source, SourceKind};
use crate::io::{IoError, batches, json, parquet, text};
use crate::progress::Progress;
use crate::schema;

/// An input whose ratings have not been read yet.
pub struct RatingsInput {
    /// Dataset metadata; of a text, all of it is known only after reading.
    pub sidecar: DatasetMetadata,
    pub(super) body: InputBody,
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

pub(super) enum InputBody {
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

    /// Opens what [`Self::open`] does, but reads no metadata beside the ratings of a
    /// directory.
    pub(super) fn open_ratings(path: &Path) -> Result<Self, DatasetError> {
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

    pub(super) fn from_source(source: Source) -> Result<Self, DatasetError> {
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
        let mut import = ImportState::default();
        let mut sorter = ExternalSorter::new(SortPlace::In(folder.into()), DuplicatePolicy::Last)?;
        let mut sidecar = self.read(&mut import, &mut |rows| sorter.push(rows), progress)?;
        sidecar.add_keys(&import);
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

    /// Counts the ratings of each user and of each movie, of those that `keep` returns; rows
    /// outside of a `period` need not be read.
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
        let mut import = ImportState { period, ..ImportState::default() };
        import.options.scale = self.sidecar.history.scale.unwrap_or_default();
        let (mut users, mut movies) = (BTreeMap::new(), BTreeMap::new());
        file.read_ratings(&mut import, &mut |rows| {
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

    pub(super) fn load_by(
        mut self,
        import: &mut ImportState,
        progress: &dyn Progress,
    ) -> Result<Dataset, DatasetError> {
        let expected = self.expected.take();
        // What a file claims is not believed without bounds.
        const RESERVED: usize = 1 << 25;
        let mut columns = RatingColumns::with_capacity(self.n_rows().unwrap_or(0).min(RESERVED));
        let mut sidecar = self.read(
            import,
            &mut |mut rows| {
                columns.append(&mut rows);
                Ok(())
            },
            progress,
        )?;
        sidecar.add_keys(import);
        if u32::try_from(columns.len()).is_err() {
            return Err(DatasetError::TooMany { rows: columns.len() });
        }
        let (ratings, duplicates) = Ratings::new(columns, DuplicatePolicy::Last);
        expected.map_or(Ok(()), |expected| expected.check(&ratings.content_hash()))?;
        Ok(Dataset { ratings, sidecar, duplicates })
    }

    /// Hands all ratings to `sink` and returns the dataset metadata.
    ///
    /// # Errors
    /// If they cannot be read or hold what ratings must not hold, or if `sink` fails.
    pub fn read(
        mut self,
        import: &mut ImportState,
        sink: Sink<'_>,
        progress: &dyn Progress,
    ) -> Result<DatasetMetadata, DatasetError> {
        match self.body {
            InputBody::Parquet(file) => {
                progress.begin("reading ratings", "ratings", Some(file.n_rows() as u64));
                if let Some(scale) = self.sidecar.history.scale {
                    import.options.scale = scale;
                }
                let is_native = file.is_native();
                let keys = is_native.then(|| RatedKeys::from_sidecar(&self.sidecar)).flatten();
                let mut check = |rows: RatingColumns| {
                    keys.as_ref().map_or(Ok(()), |keys| keys.check(&rows, file.name()))?;
                    sink(rows)
                };
                read_parquet(&file, import, &mut check, &mut Vec::new(), progress)?;
                if !is_native {
                    let recognised = Some("Parquet".into());
                    self.sidecar.origin = SourceOrigin { recognised, sources: Vec::new() };
                    self.sidecar.history.scale =
                        self.sidecar.history.scale.or(import.unary_scale());
                }
            }
            InputBody::Parts(parts) => {
                progress.begin("reading ratings", "ratings", None);
                let mut said = Vec::new();
                for part in &parts {
                    read_parquet(&part.open()?, import, sink, &mut said, progress)?;
                }
                let recognised = Some(format!("{} Parquet files", parts.len()));
                self.sidecar.origin = SourceOrigin { recognised, sources: Vec::new() };
                self.sidecar.history.scale = import.unary_scale();
            }
            InputBody::Text(source) => {
                let size = source.seekable.as_ref().and_then(|file| file.metadata().ok());
                progress.begin("reading ratings", "bytes", size.map(|metadata| metadata.len()));
                let mut reader = HashingReader::new(source.reader);
                let file = &source.name;
                let shown = text::read_ratings(file, &mut reader, import, sink, progress)?;
                let name = Path::new(file).file_name().unwrap_or_default();
                let name = name.to_string_lossy().into_owned();
                let sources = vec![SourceFile::new(name, reader.fingerprint())];
                self.sidecar.origin = SourceOrigin { recognised: Some(shown), sources };
                self.sidecar.history.scale = import.unary_scale();
            }
        }
        Ok(self.sidecar)
    }

    /// Hands all ratings to `sink` with the ids that an ingest gives them.
    pub(super) fn ingest(
        self,
        import: &mut ImportState,
        sink: Sink<'_>,
        progress: &dyn Progress,
    ) -> Result<DatasetMetadata, DatasetError> {
        let (users, movies) = (self.sidecar.user_keys.clone(), self.sidecar.movie_keys());
        if users.is_none() && movies.is_none() {
            return self.read(import, sink, progress);
        }
        // The numbers of keys are those of this one source: they get the numbers of all.
        let file = "a dataset";
        let users = numbers(&mut import.users, users.as_ref(), file, "user")?;
        let movies = numbers(&mut import.movies, movies.as_ref(), file, "movie")?;
        let mut own = ImportState { options: import.options.clone(), ..ImportState::default() };
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
    import: &mut ImportState,
    sink: Sink<'_>,
    said: &mut Vec<String>,
    progress: &dyn Progress,
) -> Result<(), IoError> {
    for remark in file.rating_remarks(&import.options)? {
        // What holds for all parts of a table is said once.
        if !said.contains(&remark) {
            progress.inform(&format!("{}: {remark}", file.name()));
            said.push(remark);
        }
    }
    let mut latest_ms = NO_TIME;
    let is_native = file.is_native();
    file.read_ratings(import, &mut |rows| {
        progress.advance(rows.len() as u64);
        if !is_native {
            latest_ms = later(latest_ms, &rows.time_ms);
        }
        sink(rows)
    })?;
    warn_of_1970(file.name(), latest_ms, progress);
    Ok(())
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
