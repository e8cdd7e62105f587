//! The log of a search: what it is of, and a line for each trial.

use std::collections::HashMap;
use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::io::{IoError, json};
use crate::schema;
use crate::tune::TuneError;

/// The manifest while it is written.
const UNFINISHED: &str = ".tune.json.part";

/// A line of the log: a trial as far as some iterations.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TrialRecord {
    /// Number of the trial, from 1.
    pub trial: usize,
    /// Iterations so far; none for algorithms that do not iterate.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub iterations: Option<usize>,
    /// Values of the parameters that are searched.
    pub parameters: Map<String, Value>,
    /// The figure on the validation ratings.
    pub value: f64,
    /// Seconds that it took.
    pub seconds: f64,
}

/// A directory of a search, to which trials are added as they end.
#[derive(Debug)]
pub struct TrialLog {
    path: PathBuf,
    /// Opened for the first line.
    file: Option<File>,
    /// What is still to be written before it.
    manifest: Option<(PathBuf, Map<String, Value>)>,
    known: HashMap<(usize, Option<usize>), TrialRecord>,
}

impl TrialLog {
    /// Begins the log of a search in a directory, or goes on with the one there, if it is of the
    /// same search. What a kill left of a line is taken away; a new directory is made for the first
    /// trial.
    ///
    /// # Errors
    /// If the directory is of another search or of something else, or a line is damaged.
    pub fn open(folder: &Path, description: &Map<String, Value>) -> Result<Self, TuneError> {
        let manifest = folder.join(schema::TUNE_JSON);
        let path = folder.join(schema::TRIALS);
        if manifest.is_file() {
            let (there, _) = json::read_manifest::<Map<String, Value>>(&manifest)?;
            if let Some(problem) = difference(&there, description) {
                let path = manifest.display().to_string();
                return Err(TuneError::OtherSearch { path, problem });
            }
            return Ok(Self { known: read_lines(&path)?, path, file: None, manifest: None });
        }
        let mut files = fs::read_dir(folder).into_iter().flatten().flatten();
        if folder.is_file() || files.any(|file| file.file_name() != UNFINISHED) {
            let problem = "it is not empty and holds no search".into();
            return Err(TuneError::OtherSearch { path: folder.display().to_string(), problem });
        }
        let manifest = Some((manifest, description.clone()));
        Ok(Self { path, file: None, manifest, known: HashMap::new() })
    }

    /// Returns the file, and makes it and the manifest if there is none.
    fn file(&mut self) -> Result<&mut File, IoError> {
        if let Some((manifest, description)) = self.manifest.take() {
            let folder = manifest.parent().unwrap_or(Path::new("."));
            fs::create_dir_all(folder).map_err(IoError::at(folder))?;
            let unfinished = folder.join(UNFINISHED);
            json::write_manifest(&unfinished, &description)?;
            fs::rename(&unfinished, &manifest).map_err(IoError::at(&manifest))?;
        }
        let file = match self.file.take() {
            Some(file) => file,
            None => OpenOptions::new()
                .create(true)
                .append(true)
                .open(&self.path)
                .map_err(IoError::at(&self.path))?,
        };
        Ok(self.file.insert(file))
    }

    /// Returns what is known of a trial after some iterations.
    ///
    /// # Errors
    /// If it was a trial of other parameters.
    pub fn get(
        &self,
        trial: usize,
        iterations: Option<usize>,
        parameters: &Map<String, Value>,
    ) -> Result<Option<&TrialRecord>, TuneError> {
        match self.known.get(&(trial, iterations)) {
            Some(record) if record.parameters != *parameters => Err(TuneError::OtherSearch {
                path: self.path.display().to_string(),
                problem: format!("trial {trial} has other parameters than this search gives it"),
            }),
            found => Ok(found),
        }
    }

    /// Adds a line.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn add(&mut self, record: &TrialRecord) -> Result<(), TuneError> {
        let line = serde_json::to_string(record).expect("a record is JSON");
        // In one piece, so that a kill leaves a line or the beginning of one.
        let at = IoError::at(&self.path.clone());
        Ok(self.file()?.write_all(format!("{line}\n").as_bytes()).map_err(at)?)
    }
}

/// Says in what a search differs from another one.
fn difference(there: &Map<String, Value>, wanted: &Map<String, Value>) -> Option<String> {
    let differs = |name: &&String| there.get(*name) != wanted.get(*name);
    let name = wanted.keys().find(differs)?;
    let shown = |from: &Map<String, Value>| from.get(name).map_or("none".into(), Value::to_string);
    Some(format!(
        "it is of another search: {name} is {}, here {}; give another -o, or the same options",
        shown(there),
        shown(wanted)
    ))
}

type KnownTrials = HashMap<(usize, Option<usize>), TrialRecord>;

fn read_lines(path: &Path) -> Result<KnownTrials, TuneError> {
    let mut known = HashMap::new();
    if !path.exists() {
        return Ok(known);
    }
    let text = fs::read_to_string(path).map_err(IoError::at(path))?;
    let whole = text.rfind('\n').map_or(0, |end| end + 1);
    if whole < text.len() {
        let file = OpenOptions::new().write(true).open(path).map_err(IoError::at(path))?;
        file.set_len(whole as u64).map_err(IoError::at(path))?;
    }
    for (line, number) in text[..whole].lines().zip(1..) {
        let record: TrialRecord = serde_json::from_str(line).map_err(|error| {
            let path = path.display().to_string();
            TuneError::OtherSearch { path, problem: format!("line {number} is no trial: {error}") }
        })?;
        known.insert((record.trial, record.iterations), record);
    }
    Ok(known)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn described(description: Value) -> Map<String, Value> {
        description.as_object().unwrap().clone()
    }

    fn record(trial: usize) -> TrialRecord {
        let parameters = Map::from_iter([("factors".to_string(), json!(8))]);
        TrialRecord { trial, iterations: Some(5), parameters, value: 0.75, seconds: 1.5 }
    }

    #[test]
    fn a_log_that_was_cut_off_goes_on_with_whole_lines() {
        let place = tempfile::tempdir().unwrap();
        let (folder, search) = (place.path().join("t"), described(json!({ "metric": "rmse" })));
        let mut log = TrialLog::open(&folder, &search).unwrap();
        log.add(&record(1)).unwrap();
        log.add(&record(2)).unwrap();
        let path = folder.join(schema::TRIALS);
        let bytes = fs::read(&path).unwrap();
        let first = bytes.iter().position(|&byte| byte == b'\n').unwrap() + 1;
        for cut in [first, first + 1, bytes.len() - 1] {
            fs::write(&path, &bytes[..cut]).unwrap();
            let mut log = TrialLog::open(&folder, &search).unwrap();
            let get = |log: &TrialLog, trial| {
                log.get(trial, Some(5), &record(trial).parameters).unwrap().cloned()
            };
            assert_eq!(get(&log, 1), Some(record(1)));
            assert_eq!(get(&log, 2), None);
            log.add(&record(2)).unwrap();
            assert_eq!(fs::read(&path).unwrap(), bytes);
        }
        let log = TrialLog::open(&folder, &search).unwrap();
        assert!(log.get(1, Some(5), &Map::new()).is_err());
    }

    #[test]
    fn another_search_and_strangers_are_refused() {
        let place = tempfile::tempdir().unwrap();
        let folder = place.path().join("t");
        let with_seed = |seed: u64| described(json!({ "metric": "rmse", "seed": seed }));
        TrialLog::open(&folder, &with_seed(1)).unwrap().add(&record(1)).unwrap();
        let other = TrialLog::open(&folder, &with_seed(2));
        let told = other.unwrap_err().to_string();
        assert!(told.contains("seed is 1, here 2"), "{told}");
        fs::write(place.path().join("mine.txt"), "mine").unwrap();
        assert!(TrialLog::open(place.path(), &with_seed(1)).is_err());
        assert!(!place.path().join(schema::TUNE_JSON).exists());
        fs::write(folder.join(schema::TRIALS), "nonsense\n").unwrap();
        let told = TrialLog::open(&folder, &with_seed(1)).unwrap_err();
        assert!(told.to_string().contains("line 1"), "{told}");
    }
}
