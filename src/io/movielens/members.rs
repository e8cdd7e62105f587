//! The files of a folder, or of the one folder inside a ZIP archive.

use std::fs::{self, File};
use std::io::{self, BufReader, Read};
use std::path::PathBuf;

use zip::ZipArchive;

use crate::io::error::IoError;
use crate::io::source::{Fingerprint, Hashing, Source, Unpacked};

/// Endings under which a member of a folder may be packed.
const PACKED: [&str; 3] = ["", ".gz", ".zst"];

/// Files that can be read by name.
pub(super) enum Members {
    Folder(PathBuf),
    Archive { name: String, archive: Box<ZipArchive<BufReader<File>>> },
}

impl Members {
    /// Opens an archive.
    pub(super) fn archive(source: Source) -> Result<Self, IoError> {
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
        // Nothing is ever unpacked to disk, so such a name could do no harm; but whoever made it meant some.
        let outside = |member: &String| {
            member.starts_with(['/', '\\']) || member.split(['/', '\\']).any(|part| part == "..")
        };
        let members = archive.file_names().filter_map(Result::ok).map(String::from);
        if let Some(member) = members.into_iter().find(outside) {
            return Err(IoError::LeadsOutside { file: name, member });
        }
        Ok(Self::Archive { name, archive: Box::new(archive) })
    }

    /// Returns the name of the folder or archive, for messages.
    pub(super) fn shown(&self) -> String {
        match self {
            Self::Folder(path) => path.display().to_string(),
            Self::Archive { name, .. } => name.clone(),
        }
    }

    /// Returns the names of all files, without their folders.
    pub(super) fn names(&self) -> Vec<String> {
        let mut names: Vec<String> = match self {
            Self::Folder(path) => fs::read_dir(path)
                .into_iter()
                .flatten()
                .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
                .collect(),
            Self::Archive { archive, .. } => {
                archive.file_names().filter_map(Result::ok).map(|name| last(&name).into()).collect()
            }
        };
        names.retain(|name| !name.is_empty());
        names.sort();
        names
    }

    /// Tells whether there is a file of that name; in a folder it may be packed, in an archive it is anyway.
    pub(super) fn has(&self, name: &str) -> bool {
        let names = self.names();
        let endings = match self {
            Self::Folder(_) => &PACKED[..],
            Self::Archive { .. } => &[""],
        };
        endings.iter().any(|ending| names.contains(&format!("{name}{ending}")))
    }

    /// Reads a file by `parse` (its name, its size where known, its text), if there is one.
    pub(super) fn read<T>(
        &mut self,
        name: &str,
        sources: &mut Vec<(String, Fingerprint)>,
        parse: impl FnOnce(&str, Option<u64>, &mut (dyn Read + Send)) -> Result<T, IoError>,
    ) -> Result<Option<T>, IoError> {
        if !self.has(name) {
            return Ok(None);
        }
        let (shown, size, reader): (String, Option<u64>, Box<dyn Read + Send + '_>) = match self {
            Self::Folder(path) => {
                let mut packed = PACKED.iter().map(|ending| path.join(format!("{name}{ending}")));
                let found = packed.find(|path| path.is_file());
                let source = Source::open(&found.unwrap_or_else(|| path.join(name)))?;
                let size = source.seekable.as_ref().and_then(|file| file.metadata().ok());
                (source.name, size.map(|metadata| metadata.len()), source.reader)
            }
            Self::Archive { name: archive_name, archive } => {
                let at = (0..archive.len()).find(|&at| {
                    matches!(archive.name_for_index(at), Some(Ok(found)) if last(&found) == name)
                });
                let broken = broken(archive_name);
                let member = archive.by_index(at.expect("its name was listed")).map_err(broken)?;
                let shown = format!("{archive_name}:{name}");
                let (size, packed) = (member.size(), member.compressed_size());
                (shown, Some(size), Box::new(Unpacked::new(member, packed)))
            }
        };
        let mut reader = Hashing::new(reader);
        let parsed = parse(&shown, size, &mut reader)?;
        sources.push((name.to_string(), reader.fingerprint()));
        Ok(Some(parsed))
    }
}

/// Returns what stands behind the last slash.
fn last(name: &str) -> &str {
    name.rsplit(['/', '\\']).next().unwrap_or_default()
}

fn broken(name: &str) -> impl Fn(zip::result::ZipError) -> IoError + use<> {
    let file = name.to_string();
    move |source| IoError::Zip { file: file.clone(), source }
}
