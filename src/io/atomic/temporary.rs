//! Temporaries of unfinished outputs: names, locks and the registry for the signal handler.

use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError, TryLockError as TryLock};
use std::thread;
use std::time::Duration;

use tempfile::Builder;

use crate::io::atomic::kind::DirectoryKind;
use crate::io::atomic::place::{CreatedFolders, cannot_make, parent, sync_folder};
use crate::io::error::IoError;

/// Random letters of a temporary name.
const LETTERS: usize = 6;

/// Registry entry of an unfinished output.
#[derive(Debug, Clone)]
struct UnfinishedOutput {
    temporary: PathBuf,
    target: PathBuf,
    /// What kind of directory it is; none for a file.
    kind: Option<DirectoryKind>,
    /// Folders that were created for it.
    folders: Vec<PathBuf>,
}

static UNFINISHED: Mutex<Vec<UnfinishedOutput>> = Mutex::new(Vec::new());

/// Guard of the registry; the signal handler waits while it is held.
#[must_use]
pub(super) struct HeldDirectory(MutexGuard<'static, Vec<UnfinishedOutput>>);

pub(super) fn hold() -> HeldDirectory {
    HeldDirectory(UNFINISHED.lock().unwrap_or_else(PoisonError::into_inner))
}

/// Removes all unfinished outputs and blocks later commits; the process must exit afterwards.
///
/// Waits for a running commit, for a limited time: it may be that of the calling thread, which ran
/// out of memory.
pub fn remove_unfinished() {
    const TRIES: u32 = 400;
    const PAUSE: Duration = Duration::from_millis(5);
    let mut tries = (0..TRIES).map(|_| match UNFINISHED.try_lock() {
        Ok(held) => Some(held),
        Err(TryLock::Poisoned(held)) => Some(held.into_inner()),
        Err(TryLock::WouldBlock) => {
            thread::sleep(PAUSE);
            None
        }
    });
    let Some(mut held) = tries.find_map(|held| held) else { return };
    for UnfinishedOutput { temporary, kind, folders, .. } in held.drain(..) {
        // Nothing can be done about a failure here: the process is about to end.
        let _ = remove(&temporary, kind);
        folders.iter().rev().for_each(|folder| drop(fs::remove_dir(folder)));
    }
    std::mem::forget(held);
}

/// Removes a file, or the known entries of a directory and the directory if it is empty then.
pub(super) fn remove(path: &Path, kind: Option<DirectoryKind>) -> io::Result<()> {
    /// Threads of this process may still be writing into it.
    const TRIES: usize = 5;
    let Some(kind) = kind else { return fs::remove_file(path) };
    let mut removed = kind.remove(path);
    for _ in 1..TRIES {
        match &removed {
            Err(error) if error.kind() == io::ErrorKind::DirectoryNotEmpty => {
                removed = kind.remove(path);
            }
            _ => break,
        }
    }
    removed
}

/// A locked temporary file or directory; removed on drop unless it was renamed.
#[derive(Debug)]
pub(super) struct TemporaryPath {
    path: PathBuf,
    kind: Option<DirectoryKind>,
    /// Keeps the lock. A directory cannot be opened everywhere.
    handle: Option<File>,
    folders: CreatedFolders,
}

impl TemporaryPath {
    /// Creates a temporary beside `target`, a directory if `kind` is given. Creates missing parents
    /// and removes temporaries that dead processes left for the same target.
    pub(super) fn create(target: &Path, kind: Option<DirectoryKind>) -> Result<Self, IoError> {
        let folders = CreatedFolders::for_parent_of(target).map_err(IoError::at(target))?;
        remove_abandoned(target, kind);
        let prefix = hidden_prefix(target);
        let mut builder = Builder::new();
        builder.prefix(&prefix).rand_bytes(LETTERS).disable_cleanup(true);
        let made = builder.make_in(parent(target), |path| {
            let handle = match kind {
                Some(_) => {
                    fs::create_dir(path)?;
                    open_folder(path)?
                }
                None => Some(File::options().write(true).create_new(true).open(path)?),
            };
            match handle.as_ref().is_none_or(|handle| is_ours(handle, path)) {
                true => Ok(handle),
                // Somebody who cleans up was faster; another name is tried.
                false => Err(io::ErrorKind::AlreadyExists.into()),
            }
        });
        let (handle, path) = made.map_err(cannot_make(target))?.into_parts();
        let path = path.to_path_buf();
        let temporary = Self { path, kind, handle, folders };
        temporary.list(target)?;
        Ok(temporary)
    }

    /// Refuses a second output of the same name: one of them would be lost.
    fn list(&self, target: &Path) -> Result<(), IoError> {
        let mut held = hold();
        if held.0.iter().any(|other| other.target == target) {
            return Err(IoError::SameOutput { path: target.display().to_string() });
        }
        held.0.push(UnfinishedOutput {
            temporary: self.path.clone(),
            target: target.to_path_buf(),
            kind: self.kind,
            folders: self.folders.paths().to_vec(),
        });
        Ok(())
    }

    /// Returns its temporary name.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Returns the open file.
    pub(super) fn file(&self) -> &File {
        self.handle.as_ref().expect("files are open")
    }

    /// Syncs the directory entry of the target, and those of the parents created for it.
    pub(super) fn sync_entry_of(&self, target: &Path) -> io::Result<()> {
        sync_folder(parent(target))?;
        self.folders.sync()
    }
}

impl Drop for TemporaryPath {
    fn drop(&mut self) {
        // After a commit nothing stands under the name, or the old output.
        let _ = remove(&self.path, self.kind);
        hold().0.retain(|other| other.temporary != self.path);
    }
}

/// Opens a folder, so that it can be locked.
fn open_folder(path: &Path) -> io::Result<Option<File>> {
    if cfg!(unix) { File::open(path).map(Some) } else { Ok(None) }
}

/// Locks a new temporary; `false` if another process removed it in between. Where locks are not
/// supported, nothing is ever considered abandoned.
fn is_ours(handle: &File, path: &Path) -> bool {
    match handle.try_lock() {
        Err(TryLockError::WouldBlock) => false,
        Err(TryLockError::Error(_)) => true,
        Ok(()) => is_same(handle, path),
    }
}

#[cfg(unix)]
fn is_same(handle: &File, path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    let id = |found: fs::Metadata| (found.dev(), found.ino());
    let found = fs::symlink_metadata(path).map(id).ok();
    found.is_some() && found == handle.metadata().map(id).ok()
}

#[cfg(not(unix))]
fn is_same(_: &File, path: &Path) -> bool {
    path.exists()
}

fn hidden_name(target: &Path) -> String {
    target.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

fn hidden_prefix(target: &Path) -> String {
    format!(".{}.tmp-", hidden_name(target))
}

/// Returns the name of an old directory during an exchange by two renames.
pub(super) fn aside_of(target: &Path, temporary: &Path) -> PathBuf {
    let temporary = hidden_name(temporary);
    let letters = temporary.rsplit('-').next().unwrap_or_default();
    parent(target).join(format!(".{}.old-{letters}", hidden_name(target)))
}

/// Removes temporaries of dead processes for a target. Restores an old directory that one of them
/// had renamed if the target is missing.
fn remove_abandoned(target: &Path, kind: Option<DirectoryKind>) {
    let Ok(entries) = fs::read_dir(parent(target)) else { return };
    let aside = format!(".{}.old-", hidden_name(target));
    let prefix = hidden_prefix(target);
    for entry in entries.flatten() {
        let name = entry.file_name();
        let Some(name) = name.to_str() else { continue };
        let is_named = |prefix: &str| {
            let letters = name.strip_prefix(prefix).unwrap_or_default();
            letters.len() == LETTERS && letters.bytes().all(|byte| byte.is_ascii_alphanumeric())
        };
        let is_folder = entry.file_type().is_ok_and(|kind| kind.is_dir());
        let is_file = entry.file_type().is_ok_and(|kind| kind.is_file());
        let is_alike = if kind.is_some() { is_folder } else { is_file };
        if !is_alike || !(is_named(&prefix) || is_named(&aside)) {
            continue;
        }
        let path = entry.path();
        let handle =
            if is_file { File::open(&path).ok() } else { open_folder(&path).ok().flatten() };
        // Whoever holds the lock is alive.
        let Some(handle) = handle.filter(|handle| handle.try_lock().is_ok()) else { continue };
        if is_named(&aside) && !target.exists() {
            let _ = fs::rename(&path, target);
        } else {
            let _ = remove(&path, kind);
        }
        drop(handle);
    }
}
