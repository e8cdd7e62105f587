//! A file under construction.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use crate::io::atomic::kind::part_of_directory;
use crate::io::atomic::place::{follow_links, keep_permissions, parent, sync_file};
use crate::io::atomic::temporary::{TemporaryPath, hold};
use crate::io::error::IoError;

/// A file under construction; dropped without [`AtomicFile::commit`], it vanishes.
///
/// A device, a FIFO or anything else that is no regular file is written to as it stands; the file
/// behind a symbolic link is replaced, and the link stays.
#[derive(Debug)]
pub struct AtomicFile {
    shown: String,
    target: PathBuf,
    writer: BufWriter<File>,
    /// None for what is no regular file, which is written to itself.
    temporary: Option<TemporaryPath>,
}

impl AtomicFile {
    /// Creates the temporary neighbour of `target`, which proves that the place can be written;
    /// missing folders are created.
    ///
    /// # Errors
    /// If the folder cannot be written, or `target` is a directory, or another output of this
    /// process.
    pub fn create(target: &Path) -> Result<Self, IoError> {
        let at = IoError::at(target);
        let shown = target.display().to_string();
        let target = follow_links(target).map_err(&at)?;
        let found = fs::metadata(&target).ok();
        if found.as_ref().is_some_and(fs::Metadata::is_dir) {
            return Err(at(io::ErrorKind::IsADirectory.into()));
        }
        if found.is_some_and(|found| !found.is_file()) {
            let file = File::options().write(true).open(&target).map_err(&at)?;
            return Ok(Self { shown, target, writer: BufWriter::new(file), temporary: None });
        }
        if let Some(path) = part_of_directory(&target) {
            return Err(IoError::PartOfDirectory { file: shown, path });
        }
        let temporary = TemporaryPath::create(&target, None)?;
        let writer = BufWriter::new(temporary.file().try_clone().map_err(&at)?);
        Ok(Self { shown, target, writer, temporary: Some(temporary) })
    }

    /// Returns the name of the file where it will stand, for messages.
    #[must_use]
    pub fn shown(&self) -> String {
        self.shown.clone()
    }

    /// Returns a folder for temporary files: that of the file, or of the system for what is no
    /// regular file.
    #[must_use]
    pub fn folder(&self) -> PathBuf {
        match &self.temporary {
            Some(_) => parent(&self.target).to_path_buf(),
            None => std::env::temp_dir(),
        }
    }

    /// Puts the file in its place, with the permissions of the one that it replaces.
    ///
    /// # Errors
    /// If the last bytes cannot be written, the rename fails, or something has come to stand there
    /// that is no file of its own; the old file stands then.
    pub fn commit(mut self) -> Result<(), IoError> {
        let at = IoError::at(Path::new(&self.shown));
        self.writer.flush().map_err(&at)?;
        let Some(temporary) = self.temporary else { return Ok(()) };
        keep_permissions(&self.target, temporary.path()).map_err(&at)?;
        sync_file(temporary.file()).map_err(&at)?;
        {
            let _held = hold();
            if let Some(path) = part_of_directory(&self.target) {
                return Err(IoError::PartOfDirectory { file: self.shown, path });
            }
            if fs::metadata(&self.target).is_ok_and(|found| !found.is_file()) {
                let found = "no regular file".into();
                return Err(IoError::Foreign { path: self.shown, found, kind: "file" });
            }
            fs::rename(temporary.path(), &self.target).map_err(&at)?;
        }
        temporary.sync_entry_of(&self.target).map_err(at)
    }
}

/// Writes to the file itself, so that errors do not tell its random name.
impl Write for AtomicFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.writer.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.writer.flush()
    }
}
