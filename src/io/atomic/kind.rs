//! Kinds of directories that mvrec writes, recognized by their manifests, and what belongs in each.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::io::atomic::place::parent;
use crate::io::json;
use crate::schema;

/// A kind of directory that mvrec writes: how its manifest begins, and the files and folders in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DirectoryKind {
    /// What it is, for people.
    pub name: &'static str,
    manifest: &'static str,
    /// Value of `kind` in the manifest.
    kind: &'static str,
    files: &'static [&'static str],
}

/// A dataset.
pub const DATASET: DirectoryKind = DirectoryKind {
    name: "dataset",
    manifest: schema::DATASET_JSON,
    kind: schema::DATASET_KIND,
    files: &[
        schema::DATASET_JSON,
        schema::RATINGS,
        schema::MOVIES,
        schema::LINKS,
        schema::TAGS,
        schema::USERS,
        schema::REJECTED,
    ],
};

/// A model.
pub const MODEL: DirectoryKind = DirectoryKind {
    name: "model",
    manifest: schema::MODEL_JSON,
    kind: schema::MODEL_KIND,
    files: &[
        schema::MODEL_JSON,
        schema::MOVIES,
        schema::SEEN,
        schema::USERS,
        schema::NEIGHBORS,
        schema::METADATA,
        schema::USER_FACTORS,
        schema::ITEM_FACTORS,
        schema::EMBEDDINGS,
        schema::USER_PRIOR,
    ],
};

/// A division into datasets.
pub const SPLIT: DirectoryKind = DirectoryKind {
    name: "split",
    manifest: schema::SPLIT_JSON,
    kind: schema::SPLIT_KIND,
    files: &[schema::SPLIT_JSON],
};

const KINDS: [DirectoryKind; 3] = [DATASET, MODEL, SPLIT];
/// Files of Spark's folders.
const SPARK_PARTS: [&str; 3] = ["_SUCCESS", "part-00000", "part-00000.parquet"];

impl DirectoryKind {
    /// Returns the kind of a directory by the manifest that mvrec has written.
    pub(super) fn from_folder(folder: &Path) -> Option<Self> {
        let is_kind = |kind: &Self| {
            let manifest = json::read::<serde_json::Value>(&folder.join(kind.manifest));
            manifest.is_ok_and(|manifest| manifest["kind"] == kind.kind)
        };
        KINDS.into_iter().find(is_kind)
    }

    /// Returns a file or folder that mvrec does not write into such a directory.
    pub(super) fn foreign_entry(self, folder: &Path) -> io::Result<Option<PathBuf>> {
        for entry in fs::read_dir(folder)? {
            let entry = entry?;
            let (name, path) = (entry.file_name(), entry.path());
            let is_folder = entry.file_type()?.is_dir();
            let name = name.to_string_lossy();
            let foreign = match self.nested(&name) {
                _ if !is_folder => (!self.files.contains(&&*name)).then_some(path),
                Some(kind) => kind.foreign_entry(&path)?,
                None if self.files.contains(&&*name) => foreign_part(&path)?,
                None => Some(path),
            };
            if foreign.is_some() {
                return Ok(foreign);
            }
        }
        Ok(None)
    }

    /// Removes what mvrec writes into such a directory, and the directory itself.
    ///
    /// # Errors
    /// If something cannot be removed, or other things are in it: those stay, and the directory
    /// with them.
    pub(super) fn remove(self, folder: &Path) -> io::Result<()> {
        for entry in fs::read_dir(folder)? {
            let entry = entry?;
            let (name, path) = (entry.file_name(), entry.path());
            let name = name.to_string_lossy();
            match (entry.file_type()?.is_dir(), self.nested(&name)) {
                (true, Some(kind)) => kind.remove(&path)?,
                (true, None) if self.files.contains(&&*name) => remove_parts(&path)?,
                // Files without a name have one for a moment on some systems.
                (false, _) if self.files.contains(&&*name) || name.starts_with(".tmp") => {
                    fs::remove_file(&path)?;
                }
                _ => {}
            }
        }
        fs::remove_dir(folder)
    }

    /// Returns the kind of a folder inside, by its name.
    fn nested(self, name: &str) -> Option<Self> {
        let is_part = matches!(name, "train" | "test" | "fold-in");
        match self == SPLIT {
            true if is_part => Some(DATASET),
            true if name.starts_with("fold-") => Some(SPLIT),
            _ => None,
        }
    }
}

/// Returns an entry of a folder in Spark's layout that mvrec does not write.
fn foreign_part(folder: &Path) -> io::Result<Option<PathBuf>> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if !SPARK_PARTS.contains(&&*entry.file_name().to_string_lossy()) {
            return Ok(Some(entry.path()));
        }
    }
    Ok(None)
}

/// Removes a folder in Spark's layout with what mvrec writes into it.
fn remove_parts(folder: &Path) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if SPARK_PARTS.contains(&&*entry.file_name().to_string_lossy()) {
            fs::remove_file(entry.path())?;
        }
    }
    fs::remove_dir(folder)
}

/// Returns the directory of mvrec's that a file belongs to.
pub(super) fn part_of_directory(file: &Path) -> Option<String> {
    let folder = parent(file);
    let kind = DirectoryKind::from_folder(folder)?;
    let name = file.file_name()?.to_string_lossy();
    kind.files.contains(&&*name).then(|| format!("the {} {}", kind.name, folder.display()))
}
