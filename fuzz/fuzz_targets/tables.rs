//! Movies, links, tags and lists of ids: CSV, `::` files and `u.item`; the first byte chooses.
#![no_main]

use std::io::Cursor;

use libfuzzer_sys::fuzz_target;
use mvrec::io::id_list::{IdSide, read_ids};
use mvrec::io::import_state::ImportState;
use mvrec::io::keys::IdMapping;
use mvrec::io::movielens::{dat, read_movies_text};
use mvrec::io::rejects::RejectedRows;
use mvrec::io::source::Source;
use mvrec::io::table;

fuzz_target!(|bytes: &[u8]| {
    let Some((choice, text)) = bytes.split_first() else { return };
    for rejects in [RejectedRows::fail(), RejectedRows::skip(usize::MAX)] {
        let mut import = ImportState { rejects, ..ImportState::default() };
        if choice % 8 == 2 {
            drop(table::read_tags("x", text, &mut import));
            continue;
        }
        if choice % 8 == 4 {
            drop(dat::read_tags("x", text, &mut import));
            continue;
        }
        let ImportState { movies, rejects, .. } = &mut import;
        let mut ids = IdMapping::Import(movies);
        match choice % 8 {
            0 => drop(table::read_movies("x", text, &mut ids, rejects)),
            1 => drop(table::read_links("x", text, &mut ids, rejects)),
            3 => drop(dat::read_movies("x", text, &mut ids, rejects)),
            5 => drop(dat::read_items("x", text, &mut ids, rejects)),
            6 => drop(read_movies_text("x", text, &mut ids)),
            _ => {
                if let Ok(source) = Source::from_reader("x".into(), Cursor::new(text.to_vec())) {
                    drop(read_ids(source, IdSide::User));
                }
            }
        }
    }
});
