//! Parquet with ratings or vectors in it, mvrec's own and foreign.
#![no_main]

use std::io::Cursor;

use libfuzzer_sys::fuzz_target;
use mvrec::io::intake::Intake;
use mvrec::io::parquet::ParquetFile;
use mvrec::io::source::Source;

fuzz_target!(|bytes: &[u8]| {
    let Ok(source) = Source::from_reader("x".into(), Cursor::new(bytes.to_vec())) else { return };
    let Ok(file) = ParquetFile::open(source) else { return };
    for period in [None, Some(1_546_300_800_000..1_577_836_800_000)] {
        let mut intake = Intake { period, ..Intake::default() };
        let _ = file.read_ratings(&mut intake, &mut |_| Ok(()));
    }
    let _ = file.read_vectors("id", "features", 3);
    let _ = file.read_rows(&["id", "features"], "id", Some(&[1, 7]));
});
