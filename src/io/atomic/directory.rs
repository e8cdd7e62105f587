//! A directory under construction.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::io::atomic::kind::DirectoryKind;
use crate::io::atomic::place::{follow_links, keep_permissions, sync_all_in};
use crate::io::atomic::temporary::{TemporaryPath, aside_of, hold};
use crate::io::error::IoError;

/// A directory under construction; dropped without [`AtomicDir::commit`], it vanishes.
#[derive(Debug)]
pub struct AtomicDir {
    shown: String,
    target: PathBuf,
    kind: DirectoryKind,
    temporary: TemporaryPath,
}

impl AtomicDir {
    /// Creates the temporary neighbour of `target`, which proves that the place can be written;
    /// missing folders are created. `inputs` are what the command reads.
    ///
    /// # Errors
    /// If the folder cannot be written, or `target` exists and is anything else than an empty
    /// directory, or one of the same `kind` that only mvrec has written to and that holds none
    /// of the inputs.
    pub fn create(target: &Path, kind: DirectoryKind, inputs: &[&Path]) -> Result<Self, IoError> {
        let shown = target.display().to_string();
        let target = follow_links(target).map_err(IoError::at(target))?;
        may_replace(&target, &shown, kind)?;
        refuse_inputs(&target, &shown, inputs)?;
        let temporary = TemporaryPath::create(&target, Some(kind))?;
        Ok(Self { shown, target, kind, temporary })
    }

    /// Returns the place to write files to.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.temporary.path()
    }

    /// Names a file in an error by the place where it will stand.
    #[must_use]
    pub fn named(&self, error: IoError) -> IoError {
        error.moved(&self.path().display().to_string(), &self.shown)
    }

    /// Puts the directory in its place; an older one of mvrec's is exchanged for it in one step.
    ///
    /// # Errors
    /// If the files cannot be brought to the disk, the rename fails, or something has come to stand
    /// there that may not be replaced; it stands then.
    pub fn commit(self) -> Result<(), IoError> {
        let at = IoError::at(Path::new(&self.shown));
        may_replace(&self.target, &self.shown, self.kind)?;
        keep_permissions(&self.target, self.path()).map_err(&at)?;
        sync_all_in(self.path()).map_err(|error| self.named(IoError::at(self.path())(error)))?;
        {
            let _held = hold();
            self.put_in_place()?;
        }
        self.temporary.sync_entry_of(&self.target).map_err(at)
        // What stands under the temporary name now is the old output; dropping removes it.
    }

    fn put_in_place(&self) -> Result<(), IoError> {
        let at = IoError::at(Path::new(&self.shown));
        if !self.target.exists() {
            match fs::rename(self.path(), &self.target) {
                // Somebody was faster, by a moment.
                Err(error) if error.kind() == io::ErrorKind::DirectoryNotEmpty => {}
                renamed => return renamed.map_err(at),
            }
        }
        exchange(self.path(), &self.target).map_err(&at)?;
        // Only now is it certain what has been replaced.
        may_replace(self.path(), &self.shown, self.kind).or_else(|foreign| {
            exchange(self.path(), &self.target).map_err(at)?;
            Err(foreign)
        })
    }
}

/// Refuses a `target` that is there and neither an empty directory nor one of the same kind that
/// only mvrec has written to.
fn may_replace(target: &Path, shown: &str, kind: DirectoryKind) -> Result<(), IoError> {
    let at = IoError::at(Path::new(shown));
    let foreign =
        |found: String| Err(IoError::Foreign { path: shown.into(), found, kind: kind.name });
    match fs::metadata(target) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(at(error)),
        Ok(found) if !found.is_dir() => return foreign("no directory".into()),
        Ok(_) => {}
    }
    if fs::read_dir(target).map_err(&at)?.next().is_none() {
        return Ok(());
    }
    match DirectoryKind::from_folder(target) {
        None => return foreign("no output of mvrec's".into()),
        Some(found) if found != kind => return foreign(format!("a {}", found.name)),
        Some(_) => {}
    }
    match kind.foreign_entry(target).map_err(at)? {
        None => Ok(()),
        Some(entry) => {
            let name = entry.strip_prefix(target).unwrap_or(&entry).display();
            foreign(format!("a {} with `{name}` in it, which mvrec has not written", kind.name))
        }
    }
}

/// Refuses a `target` that is or holds an input: what is read would be gone when the output stands.
fn refuse_inputs(target: &Path, shown: &str, inputs: &[&Path]) -> Result<(), IoError> {
    let Ok(target) = target.canonicalize() else { return Ok(()) };
    let holds = |input: &&&Path| input.canonicalize().is_ok_and(|input| input.starts_with(&target));
    match inputs.iter().find(holds) {
        None => Ok(()),
        Some(input) => {
            let input = input.display().to_string();
            Err(IoError::OutputIsInput { path: shown.into(), input })
        }
    }
}

#[cfg(target_os = "linux")]
fn exchange(new: &Path, old: &Path) -> io::Result<()> {
    use rustix::fs::{CWD, RenameFlags, renameat_with};
    match renameat_with(CWD, new, CWD, old, RenameFlags::EXCHANGE) {
        Ok(()) => Ok(()),
        // Some network file systems cannot exchange.
        Err(_) => exchange_by_renames(new, old),
    }
}

#[cfg(not(target_os = "linux"))]
fn exchange(new: &Path, old: &Path) -> io::Result<()> {
    exchange_by_renames(new, old)
}

/// Between the first two renames a crash leaves the old directory aside and nothing under its name:
/// the next run for the same place brings it back.
pub(super) fn exchange_by_renames(new: &Path, old: &Path) -> io::Result<()> {
    let aside = aside_of(old, new);
    fs::rename(old, &aside)?;
    if let Err(error) = fs::rename(new, old) {
        fs::rename(&aside, old)?;
        return Err(error);
    }
    fs::rename(&aside, new)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::io::atomic::MODEL;
    use crate::schema;

    #[test]
    fn foreign_directory_is_restored_after_an_exchange() {
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("als");
        let built = AtomicDir::create(&target, MODEL, &[]).unwrap();
        fs::write(built.path().join(schema::MODEL_JSON), r#"{"kind": "mvrec model"}"#).unwrap();
        // It appears after the last look at what stands there.
        fs::create_dir(&target).unwrap();
        fs::write(target.join("thesis.tex"), "years of work").unwrap();
        let refused = built.put_in_place().unwrap_err().to_string();
        assert!(refused.contains("no output of mvrec's"), "{refused}");
        drop(built);
        assert_eq!(fs::read_to_string(target.join("thesis.tex")).unwrap(), "years of work");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }
}
