//! Movies, links and tags: CSV, `::` files and `u.item`; the first byte chooses.
#![no_main]

use libfuzzer_sys::fuzz_target;
use mvrec::io::intake::Intake;
use mvrec::io::movielens::dat;
use mvrec::io::rejects::Rejects;
use mvrec::io::table;

fuzz_target!(|bytes: &[u8]| {
    let Some((choice, text)) = bytes.split_first() else { return };
    for rejects in [Rejects::fail(), Rejects::skip(usize::MAX)] {
        let mut intake = Intake { rejects, ..Intake::default() };
        match choice % 7 {
            0 => drop(table::read_movies("x", text, &mut intake)),
            1 => drop(table::read_links("x", text, &mut intake)),
            2 => drop(table::read_tags("x", text, &mut intake)),
            3 => drop(dat::read_movies("x", text, &mut intake.rejects)),
            4 => drop(dat::read_tags("x", text, &mut intake.rejects)),
            5 => drop(dat::read_items("x", text, &mut intake.rejects)),
            _ => drop(table::read_ids("x", text, "user", None)),
        }
    }
});
