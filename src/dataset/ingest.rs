//! Imports ratings of any source with their metadata: movies, links and tags.

use std::path::{Path, PathBuf};

use crate::dataset::error::DatasetError;
use crate::dataset::input::RatingsInput;
use crate::dataset::manifest::{Provenance, SourceFile, SourceOrigin};
use crate::dataset::sidecar::DatasetMetadata;
use crate::dataset::title_source::read_titles;
use crate::io::import_state::{ImportState, Sink};
use crate::io::keys::IdMapping;
use crate::io::parts::parts;
use crate::io::source::{Source, SourceKind};
use crate::io::values::Scale;
use crate::io::{IoError, movielens};
use crate::progress::Progress;
use crate::schema;

/// Hands the ratings of all sources to `sink`: MovieLens folders and archives, and whatever
/// [`load`](crate::dataset::load::load) takes. `titles` is one more source of movies.
///
/// # Errors
/// As [`load`](crate::dataset::load::load).
pub fn ingest_all(
    inputs: &[PathBuf],
    titles: Option<&Path>,
    import: &mut ImportState,
    sink: Sink<'_>,
    progress: &dyn Progress,
) -> Result<DatasetMetadata, DatasetError> {
    let mut all = DatasetMetadata::default();
    let given = import.options.scale;
    for (at, input) in inputs.iter().enumerate() {
        import.options.scale = given;
        let one = ingest(input, import, sink, progress)?;
        let scale = one.history.scale.unwrap_or(given);
        let before = all.history.scale.replace(scale);
        if at > 0 && before != Some(scale) {
            return Err(DatasetError::MixedScales { input: input.display().to_string(), scale });
        }
        all.join(one);
    }
    all.history.scale = all.history.scale.filter(|scale| *scale != Default::default());
    if let Some(path) = titles {
        let mut ids = IdMapping::Import(&mut import.movies);
        let (movies, links) = read_titles(path, &mut ids)?;
        all.join(DatasetMetadata { movies: Some(movies), links, ..DatasetMetadata::default() });
    }
    all.add_keys(import);
    Ok(all)
}

fn ingest(
    input: &Path,
    import: &mut ImportState,
    sink: Sink<'_>,
    progress: &dyn Progress,
) -> Result<DatasetMetadata, DatasetError> {
    let is_table = |input: &Path| -> Result<bool, IoError> {
        let is = |name: &str| input.join(name).is_file();
        let is_known = is(schema::RATINGS) || is(schema::MODEL_JSON) || is(schema::SPLIT_JSON);
        Ok(is_known || (!movielens::has_ratings(input)? && !parts(input)?.is_empty()))
    };
    if input.is_dir() && !is_table(input)? {
        let read = movielens::read_folder(input, import, sink, progress)?;
        return Ok(from_movielens(read, import.unary_scale()));
    }
    if input.is_dir() {
        return RatingsInput::open(input)?.ingest(import, sink, progress);
    }
    let source = Source::open(input)?;
    if source.kind == SourceKind::Zip {
        let read = movielens::read_archive(source, import, sink, progress)?;
        return Ok(from_movielens(read, import.unary_scale()));
    }
    RatingsInput::from_source(source)?.ingest(import, sink, progress)
}

fn from_movielens(read: movielens::MovieLens, scale: Option<Scale>) -> DatasetMetadata {
    let sources = read.sources.into_iter().map(|(name, print)| SourceFile::new(name, print));
    let origin = SourceOrigin { recognised: Some(read.recognised), sources: sources.collect() };
    let (movies, links, tags) = (read.movies, read.links, read.tags);
    let history = Provenance { scale, ..Provenance::default() };
    DatasetMetadata { movies, links, tags, origin, history, ..DatasetMetadata::default() }
}
