//! Target paths: resolves symbolic links, creates parent directories, syncs to disk.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use crate::io::error::IoError;

static SYNC: AtomicBool = AtomicBool::new(true);

/// Switches fsync on or off. Without it, a power cut within seconds after a command may leave an
/// empty output and lose the old one.
pub fn set_sync(on: bool) {
    SYNC.store(on, Ordering::Relaxed);
}

fn syncs() -> bool {
    SYNC.load(Ordering::Relaxed)
}

/// Syncs a file to disk.
pub(super) fn sync_file(file: &File) -> io::Result<()> {
    if syncs() { file.sync_all() } else { Ok(()) }
}

/// Syncs a directory tree to disk.
pub(super) fn sync_all_in(folder: &Path) -> io::Result<()> {
    if !syncs() {
        return Ok(());
    }
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        match entry.file_type()?.is_dir() {
            true => sync_all_in(&entry.path())?,
            // Windows syncs only what it could write to.
            false => File::options().read(true).write(true).open(entry.path())?.sync_all()?,
        }
    }
    sync_folder(folder)
}

/// Syncs the entries of a directory to disk, where the file system supports it.
pub(super) fn sync_folder(folder: &Path) -> io::Result<()> {
    if !syncs() || cfg!(not(unix)) {
        return Ok(());
    }
    match File::open(folder).and_then(|folder| folder.sync_all()) {
        // Some file systems cannot, and a folder may allow to write and not to read.
        Err(error)
            if !matches!(
                error.kind(),
                io::ErrorKind::InvalidInput
                    | io::ErrorKind::Unsupported
                    | io::ErrorKind::PermissionDenied
            ) =>
        {
            Err(error)
        }
        _ => Ok(()),
    }
}

/// Parent directories created for an output; removed on drop while they are empty.
#[derive(Debug, Default)]
pub(super) struct CreatedFolders(Vec<PathBuf>);

impl CreatedFolders {
    /// Creates the folder of `target` and those above it.
    pub(super) fn for_parent_of(target: &Path) -> io::Result<Self> {
        let mut created = Self::default();
        let missing = |folder: &&Path| !folder.as_os_str().is_empty() && !folder.exists();
        let missing: Vec<&Path> = target.ancestors().skip(1).take_while(missing).collect();
        for folder in missing.into_iter().rev() {
            match fs::create_dir(folder) {
                Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
                made => created.0.extend(made.ok().map(|()| folder.to_path_buf())),
            }
        }
        Ok(created)
    }

    /// Returns the folders, outer ones first.
    pub(super) fn paths(&self) -> &[PathBuf] {
        &self.0
    }

    /// Syncs their directory entries to disk.
    pub(super) fn sync(&self) -> io::Result<()> {
        self.0.iter().try_for_each(|folder| sync_folder(parent(folder)))
    }
}

impl Drop for CreatedFolders {
    fn drop(&mut self) {
        for folder in self.0.iter().rev() {
            // Removes empty folders only.
            let _ = fs::remove_dir(folder);
        }
    }
}

/// Returns the file that a path leads to through symbolic links, whether it exists or not.
pub(super) fn follow_links(path: &Path) -> io::Result<PathBuf> {
    const MOST_LINKS: usize = 40;
    let mut path = path.to_path_buf();
    for _ in 0..MOST_LINKS {
        match fs::symlink_metadata(&path) {
            Ok(found) if found.is_symlink() => path = parent(&path).join(fs::read_link(&path)?),
            _ => return Ok(path),
        }
    }
    Err(io::Error::other("too many levels of symbolic links"))
}

/// Folder that holds `path`; the current one where it names none.
pub(super) fn parent(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

/// Gives what is built the permissions of what it replaces.
pub(super) fn keep_permissions(old: &Path, new: &Path) -> io::Result<()> {
    match fs::metadata(old) {
        Ok(old) => fs::set_permissions(new, old.permissions()),
        Err(_) => Ok(()),
    }
}

/// Says why nothing can be made beside `target`, without the random name that was tried.
pub(super) fn cannot_make(target: &Path) -> impl Fn(io::Error) -> IoError + use<> {
    let at = IoError::at(target);
    let folder = parent(target).to_path_buf();
    move |error| match fs::metadata(&folder) {
        Err(missing) => at(missing),
        Ok(_) => at(error.kind().into()),
    }
}
