//! Atomic outputs: files and directories that appear complete or not at all.
//!
//! An output is written under a temporary name beside its target, synced and renamed. After a
//! crash, a full disk, a power cut or a signal the old output, or none, stands at the target.
//! Unfinished outputs are
//!
//! - registered in the process: the signal handler takes the registry and removes them
//!   ([`remove_unfinished`]), a commit holds its lock while it renames;
//! - locked (`flock`): temporaries of killed processes are unlocked, and removed by the next run
//!   for the same target.

mod directory;
mod file;
mod kind;
mod place;
mod temporary;

pub use directory::AtomicDir;
pub use file::AtomicFile;
pub use kind::{DATASET, DirectoryKind, MODEL, SPLIT};
pub use place::set_sync;
pub use temporary::remove_unfinished;

#[cfg(test)]
mod tests {
    use std::fs;
    use std::io::Write;
    use std::path::Path;

    use super::directory::exchange_by_renames;
    use super::*;
    use crate::schema;

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
            exchange_by_renames(&new, &target).unwrap();
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

    #[test]
    fn leftovers_of_dead_processes_alone_are_removed() {
        let folder = tempfile::tempdir().unwrap();
        let place = |name: &str| folder.path().join(name);
        let target = place("als");
        let leave = |name: &str, file: &str| {
            fs::create_dir(place(name)).unwrap();
            fs::write(place(name).join(file), "").unwrap();
        };
        leave(".als.tmp-dEad01", schema::SEEN);
        leave(".als.tmp-photos", "me.jpg");
        leave(".als.tmp-longer-name", schema::SEEN);
        leave(".other.tmp-dEad01", schema::SEEN);
        fs::write(place(".als.tmp-dEad02"), "").unwrap(); // a file, and so not of a directory
        let alive = AtomicDir::create(&place("alive"), MODEL, &[]).unwrap();
        let alive_name = alive.path().to_path_buf();
        drop(AtomicDir::create(&place("alive2"), MODEL, &[]).unwrap());
        drop(AtomicDir::create(&target, MODEL, &[]).unwrap());
        let alive_name = alive_name.file_name().unwrap().to_str().unwrap();
        let mut expected = vec![
            alive_name,
            ".als.tmp-dEad02",
            ".als.tmp-longer-name",
            ".als.tmp-photos",
            ".other.tmp-dEad01",
        ];
        expected.sort_unstable();
        assert_eq!(names(folder.path()), expected);
        drop(AtomicFile::create(&target).unwrap());
        assert!(!place(".als.tmp-dEad02").exists());
        // A lock says that somebody is at work, whoever it is.
        let other = fs::File::create(place(".out.csv.tmp-aaaaaa")).unwrap();
        other.lock().unwrap();
        drop(AtomicFile::create(&place("out.csv")).unwrap());
        assert!(place(".out.csv.tmp-aaaaaa").exists());
        drop(other);
        drop(AtomicFile::create(&place("out.csv")).unwrap());
        assert!(!place(".out.csv.tmp-aaaaaa").exists());
    }

    #[test]
    fn a_directory_that_was_put_aside_comes_back() {
        let folder = tempfile::tempdir().unwrap();
        let (target, aside) = (folder.path().join("als"), folder.path().join(".als.old-aaaaaa"));
        fs::create_dir(&aside).unwrap();
        let manifest = r#"{"kind": "mvrec model"}"#;
        fs::write(aside.join(schema::MODEL_JSON), manifest).unwrap();
        drop(AtomicDir::create(&target, MODEL, &[]).unwrap());
        assert_eq!(fs::read_to_string(target.join(schema::MODEL_JSON)).unwrap(), manifest);
        // Where something stands in the place, it is that which counts.
        fs::create_dir(&aside).unwrap();
        drop(AtomicDir::create(&target, MODEL, &[]).unwrap());
        assert_eq!(names(folder.path()), ["als"]);
    }
}
