//! Parquet files with mutations, through readers, datasets and models as wholes: an error or an
//! answer, never a panic, a long wait or much memory.
//!
//! `MVREC_MUTATIONS=1000000 cargo test --release --test mutations` tries more of them.

use std::fs;
use std::panic::{self, AssertUnwindSafe};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use ::parquet::arrow::ArrowWriter;
use ::parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use ::parquet::basic::{Compression, Encoding};
use ::parquet::file::properties::{WriterProperties, WriterVersion};
use arrow::array::RecordBatch;
use mvrec::dataset::load::{load, scan};
use mvrec::dataset::scan::Aggregator;
use mvrec::io::columns::RatingRows;
use mvrec::io::parquet::{self, ParquetFile};
use mvrec::io::scan::{Projection, RowConsumer};
use mvrec::io::source::Source;
use mvrec::model::AlgorithmParams;
use mvrec::model::als::AlsParams;
use mvrec::model::cosine::CosineParams;
use mvrec::model::folder::ModelFolder;
use mvrec::model::open::user_ids;
use mvrec::model::query::Query;
use mvrec::model::ranker::Ranker;
use mvrec::model::{Model, UserSelection, train};
use mvrec::progress::Silent;

/// Longest time that one file may take.
const LONGEST: Duration = Duration::from_secs(10);
/// Most memory of the process, in bytes.
const MOST_MEMORY: u64 = 512 << 20;

/// A sequence of numbers that is the same in each run (Steele, Lea & Flood 2014, SplitMix64).
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, n: usize) -> usize {
        (self.next() % n.max(1) as u64) as usize
    }
}

/// Changes a few bytes, half of the time near the end, where the footer is.
fn mutate(bytes: &mut [u8], numbers: &mut Numbers) {
    const TELLING: [u8; 8] = [0, 1, 2, 0x7f, 0x80, 0xfe, 0xff, 0x10];
    for _ in 0..=numbers.below(3) {
        let tail = bytes.len().min(600);
        let at = match numbers.below(2) {
            0 => numbers.below(bytes.len()),
            _ => bytes.len() - 1 - numbers.below(tail),
        };
        match numbers.below(6) {
            0 | 1 => bytes[at] ^= 1 << numbers.below(8),
            2 => bytes[at] = TELLING[numbers.below(TELLING.len())],
            3 => bytes[at] = numbers.next() as u8,
            4 => {
                let value = 1_u32 << numbers.below(32);
                for (to, from) in bytes[at..].iter_mut().zip(value.to_le_bytes()) {
                    *to = from;
                }
            }
            _ => {
                let from = numbers.below(bytes.len());
                let n = numbers.below(16).min(bytes.len() - from.max(at));
                bytes.copy_within(from..from + n, at);
            }
        }
    }
}

/// Writes a Parquet file anew as others would, without seal and checksums.
fn rewrite(path: &Path, properties: WriterProperties) {
    let reader = ParquetRecordBatchReaderBuilder::try_new(fs::File::open(path).unwrap()).unwrap();
    let schema = reader.schema().clone();
    let batches: Vec<RecordBatch> = reader.build().unwrap().collect::<Result<_, _>>().unwrap();
    let mut bytes = Vec::new();
    let mut writer = ArrowWriter::try_new(&mut bytes, schema, Some(properties)).unwrap();
    batches.iter().for_each(|batch| writer.write(batch).unwrap());
    writer.close().unwrap();
    fs::write(path, bytes).unwrap();
}

/// Ways in which other programs write.
fn ways() -> Vec<WriterProperties> {
    let plain = || WriterProperties::builder().set_max_row_group_row_count(Some(300));
    let ids = ["user_id", "movie_id", "rating_timestamp"];
    let own =
        plain().set_created_by("mvrec 0.1.0".into()).set_compression(Compression::UNCOMPRESSED);
    let own = ids.into_iter().skip(1).fold(own, |own, name| {
        let path = ::parquet::schema::types::ColumnPath::new(vec![name.into()]);
        own.set_column_dictionary_enabled(path.clone(), false)
            .set_column_encoding(path, Encoding::DELTA_BINARY_PACKED)
    });
    vec![
        own.build(),
        plain().set_compression(Compression::SNAPPY).set_data_page_row_count_limit(100).build(),
        plain()
            .set_compression(Compression::ZSTD(Default::default()))
            .set_writer_version(WriterVersion::PARQUET_2_0)
            .build(),
        plain().set_dictionary_enabled(false).set_compression(Compression::UNCOMPRESSED).build(),
    ]
}

/// Looks at all columns, some of them in selected rows only.
#[derive(Default)]
struct All(u64);

impl RowConsumer for All {
    fn projection(&self) -> Projection {
        Projection { users: true, movies: true, rating_indices: true, ..Projection::default() }
    }

    fn consume(&mut self, rows: RatingRows<'_>) {
        self.0 += rows.user_id.len() as u64;
    }

    fn late_projection(&self) -> Projection {
        Projection::ALL
    }

    fn select(&self, rows: RatingRows<'_>, selected: &mut Vec<u32>) {
        selected.extend((0..rows.movie_id.len() as u32).step_by(3));
    }
}

impl Aggregator for All {
    fn merge(&mut self, later: Self) {
        self.0 += later.0;
    }
}

/// Returns whether there was an answer, as do the others.
fn as_ratings(path: &Path) -> bool {
    let loaded = load(path, &Silent).is_ok();
    let scanned = scan(path, &Silent).is_ok_and(|scan| {
        let _ = (scan.movies(true), scan.user_keys(), scan.some_movies(&[1, 5]));
        scan.aggregate(&Silent, All::default).is_ok()
    });
    let filter = || {
        let input = mvrec::dataset::input::RatingsInput::open(path).ok()?;
        let (input, _) = input.in_order(path.parent()?, &Silent).ok()?;
        input.count(Some(1_400_000_000_000..1_500_000_000_000), |rows| rows, &Silent).ok()
    };
    filter().is_some() && loaded && scanned
}

fn as_table(path: &Path) -> bool {
    let Ok(file) = Source::open(path).and_then(ParquetFile::open) else { return false };
    let mut answered = false;
    for column in ["movie_id", "title", "features", "user_id", "id"] {
        answered |= file.read_texts(column).is_ok() | file.read_ids(column).is_ok();
    }
    let _ = file.read_vectors("id", "features", 4);
    let _ = file.read_rows(&["id", "features"], "id", Some(&[1, 7]));
    answered | file.read_rows(&["user_id", "movie_ids", "ratings"], "user_id", None).is_ok()
}

fn as_model(path: &Path) -> bool {
    let Ok(folder) = ModelFolder::open(path) else { return false };
    let mut answered = user_ids(&folder).is_ok();
    for users in [UserSelection::All, UserSelection::Some(vec![1, 2])] {
        let Ok(mut model) = Model::open_folder(folder.clone(), &users, None, None) else {
            answered = false;
            continue;
        };
        answered &= model.turn_to(&[3]).is_ok();
        let Ok(person) = model.user(mvrec::dataset::ids::UserId(3)) else { continue };
        drop(Ranker::new(&model, Query::default()).for_users(&[person]));
    }
    answered && mvrec::stats::describe::describe(path).is_ok()
}

/// Enters through a door; returns whether there was an answer.
type Enter = fn(&Path) -> bool;

/// A door, the file in it that is changed, and what goes through it.
struct Door {
    path: PathBuf,
    file: PathBuf,
    whole: Vec<u8>,
    enter: Enter,
}

fn doors(folder: &Path) -> Vec<Door> {
    let mini = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/ml-mini");
    let mut doors = Vec::new();
    for (at, way) in ways().into_iter().enumerate() {
        let place = folder.join(format!("way-{at}"));
        fs::create_dir(&place).unwrap();
        let mvrec = |args: &[&str]| {
            let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_mvrec"));
            let done = command.args(["-q", "--no-sync"]).args(args).current_dir(&place).status();
            assert!(done.unwrap().success(), "{args:?}");
        };
        mvrec(&["ingest", mini.to_str().unwrap(), "-o", "all"]);
        mvrec(&["filter", "all", "--where", "user <= 25", "-o", "ml"]);
        mvrec(&["filter", "ml", "-o", "lone.parquet"]);
        let dataset = load(&place.join("ml"), &Silent).unwrap();
        let movies = dataset.sidecar.movies();
        let als = AlgorithmParams::Als(AlsParams {
            factors: 2,
            iterations: 1,
            biases: true,
            ..AlsParams::explicit()
        });
        let cosine =
            AlgorithmParams::Cosine(CosineParams { neighbors: 3, ..CosineParams::default() });
        for (name, algorithm) in [("als", als), ("cosine", cosine)] {
            let out = place.join(name);
            let built =
                mvrec::io::atomic::AtomicDir::create(&out, mvrec::io::atomic::MODEL, &[]).unwrap();
            train::train(&dataset, movies.as_ref(), algorithm, &Silent)
                .unwrap()
                .write(&built)
                .unwrap();
            built.commit().unwrap();
        }
        let mut files: Vec<(PathBuf, PathBuf, Enter)> = vec![
            (place.join("lone.parquet"), place.join("lone.parquet"), as_ratings),
            (place.join("ml"), place.join("ml/ratings.parquet"), as_ratings),
            (place.join("ml"), place.join("ml/movies.parquet"), as_ratings),
            (place.join("ml/movies.parquet"), place.join("ml/movies.parquet"), as_table),
            (place.join("als/seen.parquet"), place.join("als/seen.parquet"), as_table),
            (place.join("cosine"), place.join("cosine/neighbors.parquet"), as_model),
        ];
        for name in [
            "movies.parquet",
            "seen.parquet",
            "userFactors/part-00000.parquet",
            "itemFactors/part-00000.parquet",
            "itemEmbeddings/part-00000.parquet",
        ] {
            files.push((place.join("als"), place.join("als").join(name), as_model));
        }
        // Manifests from before there were checksums.
        for manifest in ["ml/dataset.json", "als/model.json", "cosine/model.json"] {
            let path = place.join(manifest);
            let mut value: serde_json::Value =
                serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
            value.as_object_mut().unwrap().remove("checksum_xxh3").unwrap();
            fs::write(path, value.to_string()).unwrap();
        }
        let mut rewritten = std::collections::BTreeSet::new();
        for (path, file, enter) in files {
            if rewritten.insert(file.clone()) {
                rewrite(&file, way.clone());
            }
            let whole = fs::read(&file).unwrap();
            assert!(enter(&path), "{} is read as it is", file.display());
            doors.push(Door { path, file, whole, enter });
        }
    }
    doors
}

/// Returns the largest memory that this process has had, where the system tells.
fn peak() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok()).unwrap_or(0) << 10
}

#[expect(clippy::print_stdout, clippy::print_stderr, reason = "figures for whoever asks for them")]
#[test]
fn mutated_files_are_an_error_or_an_answer() {
    let times = std::env::var("MVREC_MUTATIONS").map_or(4000, |n| n.parse().unwrap());
    parquet::suppress_caught_panics();
    rayon::ThreadPoolBuilder::new().num_threads(2).build_global().unwrap();
    // In memory, where there is such a place.
    let folder = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap();
    let doors = doors(folder.path());
    let mut numbers = Numbers(std::env::var("MVREC_SEED").map_or(16, |seed| seed.parse().unwrap()));
    let began = Arc::new(AtomicU64::new(0));
    let start = Instant::now();
    // What hangs is told of by another thread.
    let watched = Arc::clone(&began);
    std::thread::spawn(move || {
        loop {
            std::thread::sleep(Duration::from_millis(200));
            let now = start.elapsed().as_millis() as u64;
            if now.saturating_sub(watched.load(Ordering::Relaxed)) > LONGEST.as_millis() as u64 {
                eprintln!("a mutated file takes longer than {LONGEST:?}");
                std::process::abort();
            }
        }
    });
    let (mut longest, mut answers) = (Duration::ZERO, 0);
    for time in 0..times {
        let door = &doors[numbers.below(doors.len())];
        let mut bytes = door.whole.clone();
        mutate(&mut bytes, &mut numbers);
        fs::write(&door.file, &bytes).unwrap();
        let keep = |what: &str| -> ! {
            let kept = std::env::temp_dir().join(format!("mutation-{time}.parquet"));
            fs::write(&kept, &bytes).unwrap();
            let (file, kept) = (door.file.display(), kept.display());
            panic!("{what} by {file} with mutation {time}, kept as {kept}");
        };
        began.store(start.elapsed().as_millis() as u64, Ordering::Relaxed);
        let now = Instant::now();
        match panic::catch_unwind(AssertUnwindSafe(|| (door.enter)(&door.path))) {
            Ok(answered) => answers += u64::from(answered),
            Err(_) => keep("a panic"),
        }
        longest = longest.max(now.elapsed());
        if time % 16 == 0 && peak() > MOST_MEMORY {
            keep(&format!("a peak of {} MiB", peak() >> 20));
        }
        fs::write(&door.file, &door.whole).unwrap();
    }
    println!(
        "{times} mutations, {answers} of them answered: at most {longest:?} and {} MiB",
        peak() >> 20
    );
}
