//! Outputs that appear whole or not at all.
//!
//! A file or directory is built under a temporary name beside its place and renamed when complete,
//! so that a crash, a full disk or Ctrl-C leaves the old output, or none. Names of what is under
//! construction are kept in a list, which [`remove_unfinished`] clears away on Ctrl-C.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use tempfile::{Builder, NamedTempFile, TempDir};

use crate::io::error::IoError;
use crate::schema;

static UNFINISHED: Mutex<Vec<PathBuf>> = Mutex::new(Vec::new());

/// Removes everything that is under construction; for the handler of an interrupt.
pub fn remove_unfinished() {
    for path in UNFINISHED.lock().unwrap_or_else(PoisonError::into_inner).drain(..) {
        // Nothing can be done about a failure here: the process is about to end.
        let _ = if path.is_dir() { fs::remove_dir_all(&path) } else { fs::remove_file(&path) };
    }
}

/// Keeps a path in the list of what is under construction while it lives.
#[derive(Debug)]
struct Registered(PathBuf);

impl Registered {
    fn new(path: &Path) -> Self {
        UNFINISHED.lock().unwrap_or_else(PoisonError::into_inner).push(path.to_path_buf());
        Self(path.to_path_buf())
    }
}

impl Drop for Registered {
    fn drop(&mut self) {
        let mut paths = UNFINISHED.lock().unwrap_or_else(PoisonError::into_inner);
        paths.retain(|path| *path != self.0);
    }
}

/// Folder that holds `path`; the current one where it names none.
fn parent(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

/// Says why nothing can be made beside `target`, without the random name that was tried.
fn cannot_make(target: &Path) -> impl Fn(io::Error) -> IoError + use<> {
    let at = IoError::at(target);
    let folder = parent(target).to_path_buf();
    move |error| match fs::metadata(&folder) {
        Err(missing) => at(missing),
        Ok(_) => at(error.kind().into()),
    }
}

fn hidden_prefix(path: &Path) -> String {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    format!(".{name}.tmp-")
}

/// A file under construction; dropped without [`AtomicFile::commit`], it vanishes.
#[derive(Debug)]
pub struct AtomicFile {
    target: PathBuf,
    temporary: NamedTempFile<BufWriter<File>>,
    _registered: Registered,
}

impl AtomicFile {
    /// Creates the temporary neighbour of `target`, which proves that the place can be written.
    ///
    /// # Errors
    /// If the folder cannot be written or `target` is a directory.
    pub fn create(target: &Path) -> Result<Self, IoError> {
        let at = IoError::at(target);
        if target.is_dir() {
            return Err(at(io::Error::from(io::ErrorKind::IsADirectory)));
        }
        let temporary = Builder::new()
            .prefix(&hidden_prefix(target))
            .make_in(parent(target), |path| {
                File::options().write(true).create_new(true).open(path).map(BufWriter::new)
            })
            .map_err(cannot_make(target))?;
        let registered = Registered::new(temporary.path());
        Ok(Self { target: target.to_path_buf(), temporary, _registered: registered })
    }

    /// Returns the name of the file where it will stand, for messages.
    #[must_use]
    pub fn shown(&self) -> String {
        self.target.display().to_string()
    }

    /// Returns the folder that it will stand in.
    #[must_use]
    pub fn folder(&self) -> &Path {
        parent(&self.target)
    }

    /// Puts the file in its place.
    ///
    /// # Errors
    /// If the last bytes cannot be written or the rename fails; the old file stands then.
    pub fn commit(mut self) -> Result<(), IoError> {
        let at = IoError::at(&self.target);
        self.flush().map_err(&at)?;
        self.temporary.persist(&self.target).map_err(|failed| at(failed.error))?;
        Ok(())
    }
}

/// Writes to the file itself: errors of [`NamedTempFile`] would tell its random name.
impl Write for AtomicFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.temporary.as_file_mut().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.temporary.as_file_mut().flush()
    }
}

/// A directory under construction; dropped without [`AtomicDir::commit`], it vanishes.
#[derive(Debug)]
pub struct AtomicDir {
    target: PathBuf,
    temporary: TempDir,
    _registered: Registered,
}

impl AtomicDir {
    /// Creates the temporary neighbour of `target`, which proves that the place can be written.
    ///
    /// # Errors
    /// If the folder cannot be written, or `target` exists and mvrec did not write it.
    pub fn create(target: &Path) -> Result<Self, IoError> {
        if !may_replace(target)? {
            return Err(IoError::Foreign { path: target.display().to_string() });
        }
        let mut builder = Builder::new();
        let prefix = hidden_prefix(target);
        builder.prefix(&prefix);
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            builder.permissions(fs::Permissions::from_mode(0o777)); // less the umask
        }
        let temporary = builder.tempdir_in(parent(target)).map_err(cannot_make(target))?;
        let registered = Registered::new(temporary.path());
        Ok(Self { target: target.to_path_buf(), temporary, _registered: registered })
    }

    /// Returns the place to write files to.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.temporary.path()
    }

    /// Names a file in an error by the place where it will stand.
    #[must_use]
    pub fn named(&self, error: IoError) -> IoError {
        error.moved(&self.path().display().to_string(), &self.target.display().to_string())
    }

    /// Puts the directory in its place; an older one of mvrec's is exchanged for it in one step.
    ///
    /// # Errors
    /// If the rename fails; the old directory stands then.
    pub fn commit(self) -> Result<(), IoError> {
        let at = IoError::at(&self.target);
        if self.target.exists() {
            exchange(self.temporary.path(), &self.target).map_err(at)
            // What stands under the temporary name now is the old output; dropping removes it.
        } else {
            let built = self.temporary.keep();
            fs::rename(&built, &self.target).map_err(|error| {
                let _ = fs::remove_dir_all(&built);
                at(error)
            })
        }
    }
}

/// Tells whether `target` is free, an empty directory, or one that mvrec wrote.
fn may_replace(target: &Path) -> Result<bool, IoError> {
    let at = IoError::at(target);
    match fs::symlink_metadata(target) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(true),
        Err(error) => Err(at(error)),
        Ok(found) if !found.is_dir() => Ok(false),
        Ok(_) => Ok([schema::DATASET_JSON, schema::MODEL_JSON, schema::SPLIT_JSON]
            .iter()
            .any(|name| target.join(name).is_file())
            || fs::read_dir(target).map_err(at)?.next().is_none()),
    }
}

#[cfg(target_os = "linux")]
fn exchange(new: &Path, old: &Path) -> io::Result<()> {
    use rustix::fs::{CWD, RenameFlags, renameat_with};
    match renameat_with(CWD, new, CWD, old, RenameFlags::EXCHANGE) {
        Ok(()) => Ok(()),
        // Some network file systems cannot exchange.
        Err(_) => exchange_by_two_renames(new, old),
    }
}

#[cfg(not(target_os = "linux"))]
fn exchange(new: &Path, old: &Path) -> io::Result<()> {
    exchange_by_two_renames(new, old)
}

/// Between its two renames a crash leaves the new directory under its temporary name and the old
/// one beside it: nothing is lost, though nothing stands under the name itself.
fn exchange_by_two_renames(new: &Path, old: &Path) -> io::Result<()> {
    let aside = new.with_extension("old");
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

    fn names(folder: &Path) -> Vec<String> {
        let mut names: Vec<String> = fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    #[test]
    fn a_file_appears_only_when_committed() {
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("out.csv");
        fs::write(&target, "old").unwrap();
        let mut file = AtomicFile::create(&target).unwrap();
        file.write_all(b"new").unwrap();
        assert_eq!(fs::read_to_string(&target).unwrap(), "old");
        file.commit().unwrap();
        assert_eq!(fs::read_to_string(&target).unwrap(), "new");
        drop(AtomicFile::create(&target).unwrap());
        assert_eq!(names(folder.path()), ["out.csv"]);
    }

    #[test]
    fn a_directory_replaces_only_its_own_kind() {
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("als");
        for text in ["first", "second"] {
            let built = AtomicDir::create(&target).unwrap();
            fs::write(built.path().join(schema::MODEL_JSON), text).unwrap();
            built.commit().unwrap();
            assert_eq!(fs::read_to_string(target.join(schema::MODEL_JSON)).unwrap(), text);
            assert_eq!(names(folder.path()), ["als"]);
        }
        for old in ["exchange", "two renames"] {
            let new = folder.path().join("new");
            fs::create_dir(&new).unwrap();
            fs::write(new.join(schema::MODEL_JSON), old).unwrap();
            exchange_by_two_renames(&new, &target).unwrap();
            assert_eq!(fs::read_to_string(target.join(schema::MODEL_JSON)).unwrap(), old);
            fs::remove_dir_all(new).unwrap();
        }
        let foreign = folder.path().join("photos");
        fs::create_dir(&foreign).unwrap();
        fs::write(foreign.join("me.jpg"), "").unwrap();
        assert!(matches!(AtomicDir::create(&foreign), Err(IoError::Foreign { .. })));
        assert_eq!(names(folder.path()), ["als", "photos"]);
    }

    #[cfg(unix)]
    #[test]
    fn outputs_have_ordinary_permissions() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let plain = folder.path().join("plain");
        fs::write(&plain, "").unwrap();
        let target = folder.path().join("atomic");
        AtomicFile::create(&target).unwrap().commit().unwrap();
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode();
        assert_eq!(mode(&target), mode(&plain));
    }
}
