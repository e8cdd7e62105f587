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
use crate::io::json;
use crate::schema;

/// An output under construction: where it is built, and where it is to stand.
struct Unfinished {
    temporary: PathBuf,
    target: PathBuf,
}

static UNFINISHED: Mutex<Vec<Unfinished>> = Mutex::new(Vec::new());

/// Removes everything that is under construction; for the handler of an interrupt.
pub fn remove_unfinished() {
    for Unfinished { temporary, .. } in
        UNFINISHED.lock().unwrap_or_else(PoisonError::into_inner).drain(..)
    {
        // Nothing can be done about a failure here: the process is about to end.
        let _ = if temporary.is_dir() {
            fs::remove_dir_all(&temporary)
        } else {
            fs::remove_file(&temporary)
        };
    }
}

/// Keeps an output in the list of what is under construction while it lives.
#[derive(Debug)]
struct Registered(PathBuf);

impl Registered {
    /// Refuses a second output of the same name: one of them would be lost.
    fn new(temporary: &Path, target: &Path) -> Result<Self, IoError> {
        let mut unfinished = UNFINISHED.lock().unwrap_or_else(PoisonError::into_inner);
        if unfinished.iter().any(|other| other.target == target) {
            return Err(IoError::SameOutput { path: target.display().to_string() });
        }
        let (temporary, target) = (temporary.to_path_buf(), target.to_path_buf());
        unfinished.push(Unfinished { temporary: temporary.clone(), target });
        Ok(Self(temporary))
    }
}

impl Drop for Registered {
    fn drop(&mut self) {
        let mut unfinished = UNFINISHED.lock().unwrap_or_else(PoisonError::into_inner);
        unfinished.retain(|other| other.temporary != self.0);
    }
}

/// Folders that were created for an output; those that are still empty go when it is dropped.
#[derive(Debug, Default)]
struct CreatedFolders(Vec<PathBuf>);

impl CreatedFolders {
    /// Creates the folder of `target` and those above it.
    fn for_parent_of(target: &Path) -> io::Result<Self> {
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
fn follow_links(path: &Path) -> io::Result<PathBuf> {
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
///
/// A device, a FIFO or anything else that is no regular file is written to as it stands; the file behind a symbolic link is
/// replaced, and the link stays.
#[derive(Debug)]
pub struct AtomicFile {
    shown: String,
    target: PathBuf,
    body: FileBody,
    _folders: CreatedFolders,
}

#[derive(Debug)]
enum FileBody {
    Temporary(NamedTempFile<BufWriter<File>>, Registered),
    /// What is no regular file, itself.
    Special(BufWriter<File>),
}

impl AtomicFile {
    /// Creates the temporary neighbour of `target`, which proves that the place can be written; missing folders are
    /// created.
    ///
    /// # Errors
    /// If the folder cannot be written, or `target` is a directory, or another output of this process.
    pub fn create(target: &Path) -> Result<Self, IoError> {
        let at = IoError::at(target);
        let shown = target.display().to_string();
        let target = follow_links(target).map_err(&at)?;
        let found = fs::metadata(&target).ok();
        if found.as_ref().is_some_and(fs::Metadata::is_dir) {
            return Err(at(io::Error::from(io::ErrorKind::IsADirectory)));
        }
        if found.is_some_and(|found| !found.is_file()) {
            let file = File::options().write(true).open(&target).map_err(&at)?;
            let body = FileBody::Special(BufWriter::new(file));
            return Ok(Self { shown, target, body, _folders: CreatedFolders::default() });
        }
        if let Some(path) = part_of_directory(&target) {
            return Err(IoError::PartOfDirectory { file: shown, path });
        }
        let folders = CreatedFolders::for_parent_of(&target).map_err(&at)?;
        let temporary = Builder::new()
            .prefix(&hidden_prefix(&target))
            .make_in(parent(&target), |path| {
                File::options().write(true).create_new(true).open(path).map(BufWriter::new)
            })
            .map_err(cannot_make(&target))?;
        let registered = Registered::new(temporary.path(), &target)?;
        let body = FileBody::Temporary(temporary, registered);
        Ok(Self { shown, target, body, _folders: folders })
    }

    /// Returns the name of the file where it will stand, for messages.
    #[must_use]
    pub fn shown(&self) -> String {
        self.shown.clone()
    }

    /// Returns a folder for temporary files: that of the file, or of the system for what is no regular file.
    #[must_use]
    pub fn folder(&self) -> PathBuf {
        match &self.body {
            FileBody::Temporary(..) => parent(&self.target).to_path_buf(),
            FileBody::Special(_) => std::env::temp_dir(),
        }
    }

    /// Puts the file in its place, with the permissions of the one that it replaces.
    ///
    /// # Errors
    /// If the last bytes cannot be written or the rename fails; the old file stands then.
    pub fn commit(mut self) -> Result<(), IoError> {
        let at = IoError::at(Path::new(&self.shown));
        self.flush().map_err(&at)?;
        if let FileBody::Temporary(temporary, _registered) = self.body {
            keep_permissions(&self.target, temporary.path()).map_err(&at)?;
            temporary.persist(&self.target).map_err(|failed| at(failed.error))?;
        }
        Ok(())
    }
}

/// Gives what is built the permissions of what it replaces.
fn keep_permissions(old: &Path, new: &Path) -> io::Result<()> {
    match fs::metadata(old) {
        Ok(old) => fs::set_permissions(new, old.permissions()),
        Err(_) => Ok(()),
    }
}

/// Writes to the file itself: errors of [`NamedTempFile`] would tell its random name.
impl Write for AtomicFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match &mut self.body {
            FileBody::Temporary(temporary, _) => temporary.as_file_mut().write(bytes),
            FileBody::Special(file) => file.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match &mut self.body {
            FileBody::Temporary(temporary, _) => temporary.as_file_mut().flush(),
            FileBody::Special(file) => file.flush(),
        }
    }
}

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
        schema::TASTE_FACTORS,
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
    fn of_folder(folder: &Path) -> Option<Self> {
        let is_kind = |kind: &Self| {
            let manifest = json::read::<serde_json::Value>(&folder.join(kind.manifest));
            manifest.is_ok_and(|manifest| manifest["kind"] == kind.kind)
        };
        KINDS.into_iter().find(is_kind)
    }

    /// Returns a file or folder that mvrec does not write into such a directory.
    fn foreign_entry(self, folder: &Path) -> io::Result<Option<PathBuf>> {
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

/// Returns the directory of mvrec's that a file belongs to.
fn part_of_directory(file: &Path) -> Option<String> {
    let folder = parent(file);
    let kind = DirectoryKind::of_folder(folder)?;
    let name = file.file_name()?.to_string_lossy();
    kind.files.contains(&&*name).then(|| format!("the {} {}", kind.name, folder.display()))
}

/// A directory under construction; dropped without [`AtomicDir::commit`], it vanishes.
#[derive(Debug)]
pub struct AtomicDir {
    shown: String,
    target: PathBuf,
    kind: DirectoryKind,
    temporary: TempDir,
    _registered: Registered,
    _folders: CreatedFolders,
}

impl AtomicDir {
    /// Creates the temporary neighbour of `target`, which proves that the place can be written; missing folders are created.
    /// `inputs` are what the command reads.
    ///
    /// # Errors
    /// If the folder cannot be written, or `target` exists and is anything else than an empty directory, or one of the same
    /// `kind` that only mvrec has written to and that holds none of the inputs.
    pub fn create(target: &Path, kind: DirectoryKind, inputs: &[&Path]) -> Result<Self, IoError> {
        let at = IoError::at(target);
        let shown = target.display().to_string();
        let target = follow_links(target).map_err(&at)?;
        may_replace(&target, &shown, kind)?;
        refuse_inputs(&target, &shown, inputs)?;
        let folders = CreatedFolders::for_parent_of(&target).map_err(&at)?;
        let mut builder = Builder::new();
        let prefix = hidden_prefix(&target);
        builder.prefix(&prefix);
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            builder.permissions(fs::Permissions::from_mode(0o777)); // less the umask
        }
        let temporary = builder.tempdir_in(parent(&target)).map_err(cannot_make(&target))?;
        let registered = Registered::new(temporary.path(), &target)?;
        Ok(Self { shown, target, kind, temporary, _registered: registered, _folders: folders })
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
    /// If the rename fails, or something has come to stand there that may not be replaced; it stands then.
    pub fn commit(self) -> Result<(), IoError> {
        let at = IoError::at(Path::new(&self.shown));
        may_replace(&self.target, &self.shown, self.kind)?;
        if self.target.exists() {
            keep_permissions(&self.target, self.temporary.path()).map_err(&at)?;
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

/// Refuses a `target` that is there and neither an empty directory nor one of the same kind that only mvrec has written to.
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
    match DirectoryKind::of_folder(target) {
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
        let manifest = |text: &str| format!(r#"{{"kind": "mvrec model", "text": "{text}"}}"#);
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("als");
        for text in ["first", "second"] {
            let built = AtomicDir::create(&target, MODEL, &[]).unwrap();
            fs::write(built.path().join(schema::MODEL_JSON), manifest(text)).unwrap();
            built.commit().unwrap();
            assert_eq!(
                fs::read_to_string(target.join(schema::MODEL_JSON)).unwrap(),
                manifest(text)
            );
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
        let refused = |target: &Path, kind, inputs: &[&Path]| {
            AtomicDir::create(target, kind, inputs).unwrap_err().to_string()
        };
        assert!(refused(&foreign, MODEL, &[]).contains("no output of mvrec's"));
        // A manifest alone, or one of another program, makes no directory mvrec's.
        fs::write(foreign.join(schema::MODEL_JSON), "{}").unwrap();
        assert!(refused(&foreign, MODEL, &[]).contains("no output of mvrec's"));
        fs::write(target.join(schema::MODEL_JSON), manifest("x")).unwrap();
        assert!(refused(&target, DATASET, &[]).contains("a model"));
        fs::write(target.join(schema::SEEN), "").unwrap();
        assert!(
            refused(&target, MODEL, &[&target.join(schema::SEEN)])
                .contains("is read by this command")
        );
        // What appears while the work runs stays.
        let built = AtomicDir::create(&target, MODEL, &[]).unwrap();
        fs::create_dir(target.join("notes")).unwrap();
        assert!(built.commit().unwrap_err().to_string().contains("`notes`"));
        assert!(target.join("notes").is_dir());
        assert_eq!(names(folder.path()), ["als", "photos"]);
    }

    #[test]
    fn parts_of_a_directory_and_second_outputs_of_one_name_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let dataset = folder.path().join("ml");
        fs::create_dir(&dataset).unwrap();
        fs::write(dataset.join(schema::DATASET_JSON), r#"{"kind": "mvrec dataset"}"#).unwrap();
        let refused = |path: &Path| AtomicFile::create(path).unwrap_err().to_string();
        assert!(refused(&dataset.join(schema::RATINGS)).contains("belongs to the dataset"));
        let target = folder.path().join("a/b/out.csv");
        let first = AtomicFile::create(&target).unwrap();
        assert!(refused(&target).contains("two outputs"));
        drop(first);
        assert_eq!(names(folder.path()), ["ml"]);
    }

    #[cfg(unix)]
    #[test]
    fn links_and_permissions_stay_and_special_files_are_written_to() {
        use std::os::unix::fs::{PermissionsExt, symlink};
        let folder = tempfile::tempdir().unwrap();
        let (file, link) = (folder.path().join("file"), folder.path().join("link"));
        fs::write(&file, "old").unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
        symlink("file", &link).unwrap();
        let mut out = AtomicFile::create(&link).unwrap();
        out.write_all(b"new").unwrap();
        out.commit().unwrap();
        assert_eq!(fs::read_to_string(&file).unwrap(), "new");
        assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        let mut out = AtomicFile::create(Path::new("/dev/null")).unwrap();
        out.write_all(b"nothing").unwrap();
        out.commit().unwrap();
        assert!(!fs::metadata("/dev/null").unwrap().is_file());
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
