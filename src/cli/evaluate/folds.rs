//! `--folds`: models of each fold, judged by the mean over the folds.

use std::fs;
use std::path::{Path, PathBuf};

use crate::cli::error::{Result, usage};
use crate::cli::evaluate::EvaluateArgs;
use crate::cli::evaluate::metrics_report::{MeasuredSystem, MetricValue};
use crate::cli::ui::Ui;
use crate::dataset::Dataset;
use crate::dataset::load::load;
use crate::eval::compare::UserFigures;
use crate::schema;

/// A fold of a split: its name, and the ratings to test on.
pub(super) struct TestFold {
    name: String,
    pub(super) test: Dataset,
}

/// Loads the test parts of all folds in a directory that `split --folds` wrote.
pub(super) fn load_folds(folder: &Path, ui: &Ui) -> Result<Vec<TestFold>> {
    let mut folds = Vec::new();
    for number in 1.. {
        let name = format!("fold-{number}");
        let test = folder.join(&name).join("test");
        if !test.is_dir() {
            break;
        }
        folds.push(TestFold { name, test: load(&test, ui)? });
    }
    let is_split = folder.join(schema::SPLIT_JSON).is_file();
    if !is_split || folds.len() < 2 {
        return Err(usage(format!(
            "--folds {}: no directory of folds, as `split --by random --folds K` writes it",
            folder.display()
        )));
    }
    Ok(folds)
}

impl EvaluateArgs {
    /// Measures what WHAT holds for each fold.
    pub(super) fn measure_folds(
        &self,
        what: &Path,
        folds: &[TestFold],
        ui: &Ui,
    ) -> Result<MeasuredSystem> {
        let mut measured = Vec::new();
        for fold in folds {
            let one = self.measure(&system_of_fold(what, &fold.name)?, Some(&fold.test), ui)?;
            one.tell(ui);
            measured.push(one);
        }
        let names: Vec<String> = measured[0].names().map(str::to_string).collect();
        let figures = names.into_iter().map(|name| {
            let values = measured.iter().map(|one| one.value(&name)).collect();
            MetricValue::over_folds(name, values)
        });
        Ok(MeasuredSystem {
            name: what.display().to_string(),
            figures: figures.collect(),
            per_user: UserFigures::default(),
            outcome: None,
        })
    }
}

/// Whether a file is called as the fold, up to its ending.
fn is_of_fold(file: &Path, fold: &str) -> bool {
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    name.split('.').next() == Some(fold)
}

/// Finds the model directory or the lists of a fold.
fn system_of_fold(what: &Path, fold: &str) -> Result<PathBuf> {
    let directory = what.join(fold);
    if directory.is_dir() {
        return Ok(directory);
    }
    let files = fs::read_dir(what).into_iter().flatten().flatten().map(|file| file.path());
    let mut files: Vec<PathBuf> = files.filter(|file| is_of_fold(file, fold)).collect();
    files.sort();
    files.into_iter().next().ok_or_else(|| {
        let what = what.display();
        usage(format!(
            "{what}: it holds nothing for {fold}; with --folds, WHAT/fold-1 and so on are models \
             or files of lists, each made of the training part of its fold"
        ))
    })
}
