//! Parquet with ratings or vectors in it, mvrec's own and foreign.
#![no_main]

use std::io::Cursor;

use libfuzzer_sys::fuzz_target;
use mvrec::io::columns::RatingRows;
use mvrec::io::scan::{Projection, RowConsumer};
use mvrec::io::import_state::ImportState;
use mvrec::io::parquet::{ParquetFile, RowMemory};
use mvrec::io::source::Source;
use mvrec::io::values::Scale;

/// Looks at all columns, some of them in selected rows only, as reports do.
struct All;

impl RowConsumer for All {
    fn projection(&self) -> Projection {
        Projection { users: true, movies: true, rating_indices: true, ..Projection::default() }
    }

    fn consume(&mut self, _: RatingRows<'_>) {}

    fn late_projection(&self) -> Projection {
        Projection::ALL
    }

    fn select(&self, rows: RatingRows<'_>, selected: &mut Vec<u32>) {
        selected.extend((0..rows.movie_id.len() as u32).step_by(3));
    }
}

fuzz_target!(|bytes: &[u8]| {
    let Ok(source) = Source::from_reader("x".into(), Cursor::new(bytes.to_vec())) else { return };
    let Ok(file) = ParquetFile::open(source) else { return };
    for period in [None, Some(1_546_300_800_000..1_577_836_800_000)] {
        let mut import = ImportState { period, ..ImportState::default() };
        let _ = file.read_ratings(&mut import, &mut |_| Ok(()));
    }
    if let Ok(groups) = file.rating_groups(Scale::default()) {
        let mut memory = RowMemory::default();
        let _ = (0..groups.len()).try_for_each(|group| groups.feed(group, &mut All, &mut memory));
    }
    let _ = file.read_texts("title");
    let _ = file.read_vectors("id", "features", 3);
    let _ = file.read_rows(&["id", "features"], "id", Some(&[1, 7]));
});
