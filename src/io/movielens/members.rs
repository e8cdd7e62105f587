//! The files of a folder, or of one folder inside a ZIP archive.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{self, BufReader, Read};
use std::path::PathBuf;

use zip::ZipArchive;

use crate::io::error::IoError;
use crate::io::source::{FileFingerprint, HashingReader, Source, UnpackedReader};

/// Endings under which a member of a folder may be packed.
const PACKED: [&str; 3] = ["", ".gz", ".zst"];

/// Files that can be read by name.
pub(in crate::io) enum ArchiveMembers {
    Folder(PathBuf),
    Archive {
        name: String,
        archive: Box<ZipArchive<BufReader<File>>>,
        /// Folder inside whose files are meant; that of the first file that was found.
        folder: Option<String>,
    },
}

impl ArchiveMembers {
    /// Opens an archive.
    pub(in crate::io) fn archive(source: Source) -> Result<Self, IoError> {
        let name = source.name;
        let spooled = |mut reader: Box<dyn Read + Send>| -> io::Result<File> {
            let mut file = tempfile::tempfile()?;
            io::copy(&mut reader, &mut file)?;
            Ok(file)
        };
        let file = match source.seekable {
            Some(file) => Ok(file),
            None => spooled(source.reader),
        };
        let file = file.map_err(IoError::named(name.clone()))?;
        let archive = ZipArchive::new(BufReader::new(file)).map_err(broken(&name))?;
        // Nothing is ever unpacked to disk, so such a name could do no harm; but whoever made it
        // meant some.
        let outside = |member: &String| {
            member.starts_with(['/', '\\']) || member.split(['/', '\\']).any(|part| part == "..")
        };
        let members = archive.file_names().filter_map(Result::ok).map(String::from);
        if let Some(member) = members.into_iter().find(outside) {
            return Err(IoError::LeadsOutside { file: name, member });
        }
        Ok(Self::Archive { name, archive: Box::new(archive), folder: None })
    }

    /// Returns the name of the folder or archive, for messages.
    pub(super) fn shown(&self) -> String {
        match self {
            Self::Folder(path) => path.display().to_string(),
            Self::Archive { name, .. } => name.clone(),
        }
    }

    /// Returns the names of all files, in an archive with their folders; what systems leave behind
    /// is not among them.
    pub(super) fn names(&self) -> Vec<String> {
        let mut names: Vec<String> = match self {
            Self::Folder(path) => fs::read_dir(path)
                .into_iter()
                .flatten()
                .filter_map(|entry| entry.ok())
                // A FIFO of that name would be waited for without end.
                .filter(|entry| entry.path().is_file())
                .filter_map(|entry| entry.file_name().into_string().ok())
                .collect(),
            Self::Archive { archive, folder, .. } => {
                let names = archive.file_names().filter_map(Result::ok).map(String::from);
                let within =
                    |name: &String| folder.as_ref().is_none_or(|folder| split(name).0 == folder);
                names.filter(within).collect()
            }
        };
        names.retain(|name| {
            let last = split(name).1;
            !last.is_empty() && !last.starts_with('.') && !name.starts_with("__MACOSX")
        });
        names.sort();
        names
    }

    /// Finds a file by one of its names, the first that is there; upper case does not matter, and
    /// in a folder it may be packed. From then on, all files of an archive are those of its
    /// folder.
    ///
    /// # Errors
    /// If an archive has it in several folders.
    pub(super) fn find(&mut self, wanted: &[&str]) -> Result<Option<String>, IoError> {
        let endings = match self {
            Self::Folder(_) => &PACKED[..],
            Self::Archive { .. } => &[""],
        };
        let names = self.names();
        for wanted in wanted {
            let is_wanted = |name: &&String| {
                let last = split(name).1;
                endings.iter().any(|ending| last.eq_ignore_ascii_case(&format!("{wanted}{ending}")))
            };
            let found: Vec<&String> = names.iter().filter(is_wanted).collect();
            if let Self::Archive { folder, .. } = self {
                let folders: BTreeSet<&str> = found.iter().map(|name| split(name).0).collect();
                if folders.len() > 1 {
                    let found = found.into_iter().cloned().collect();
                    return Err(IoError::SeveralFolders { path: self.shown(), found });
                }
                *folder = folders.first().map(|folder| (*folder).into()).or(folder.take());
            }
            if let Some(name) = found.first() {
                return Ok(Some((*name).clone()));
            }
        }
        Ok(None)
    }

    /// Reads a file by `parse` (its name, its size where known, its text), if one of these names is
    /// there.
    pub(super) fn read<T>(
        &mut self,
        wanted: &[&str],
        sources: &mut Vec<(String, FileFingerprint)>,
        parse: impl FnOnce(&str, Option<u64>, &mut (dyn Read + Send)) -> Result<T, IoError>,
    ) -> Result<Option<T>, IoError> {
        match self.find(wanted)? {
            Some(name) => self.read_member(&name, sources, parse).map(Some),
            None => Ok(None),
        }
    }

    /// Reads the file of a name that [`Self::names`] returns.
    pub(super) fn read_member<T>(
        &mut self,
        name: &str,
        sources: &mut Vec<(String, FileFingerprint)>,
        parse: impl FnOnce(&str, Option<u64>, &mut (dyn Read + Send)) -> Result<T, IoError>,
    ) -> Result<T, IoError> {
        let (shown, size, reader): (String, Option<u64>, Box<dyn Read + Send + '_>) = match self {
            Self::Folder(path) => {
                let source = Source::open(&path.join(name))?;
                let size = source.seekable.as_ref().and_then(|file| file.metadata().ok());
                (source.name, size.map(|metadata| metadata.len()), source.reader)
            }
            Self::Archive { name: archive_name, archive, .. } => {
                let broken = broken(archive_name);
                let member = archive.by_name(name).map_err(broken)?;
                let shown = format!("{archive_name}:{}", split(name).1);
                let (size, packed) = (member.size(), member.compressed_size());
                (shown, Some(size), Box::new(UnpackedReader::new(member, packed)))
            }
        };
        let mut reader = HashingReader::new(reader);
        let parsed = parse(&shown, size, &mut reader)?;
        let mut name = split(name).1.to_string();
        for ending in PACKED {
            name = name.strip_suffix(ending).unwrap_or(&name).to_string();
        }
        sources.push((name, reader.fingerprint()));
        Ok(parsed)
    }
}

/// Returns what stands before and behind the last slash.
fn split(name: &str) -> (&str, &str) {
    name.rsplit_once(['/', '\\']).unwrap_or(("", name))
}

fn broken(name: &str) -> impl Fn(zip::result::ZipError) -> IoError + use<> {
    let file = name.to_string();
    move |source| IoError::Zip { file: file.clone(), source }
}
