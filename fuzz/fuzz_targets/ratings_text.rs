//! Ratings as text, in every form that is told from the content.
#![no_main]

use libfuzzer_sys::fuzz_target;
use mvrec::io::import_state::ImportState;
use mvrec::io::rejects::RejectedRows;
use mvrec::io::text::read_ratings;
use mvrec::progress::Silent;

fuzz_target!(|bytes: &[u8]| {
    for rejects in [RejectedRows::fail(), RejectedRows::skip(usize::MAX)] {
        let mut import = ImportState { rejects, ..ImportState::default() };
        let mut sink = |rows: mvrec::io::columns::RatingColumns| {
            assert!(rows.rating.iter().all(|stars| (0.5..=5.0).contains(stars)));
            assert!(rows.user_id.len() == rows.movie_id.len() && rows.user_id.len() == rows.time_ms.len());
            Ok(())
        };
        if let Err(error) = read_ratings("x", bytes, &mut import, &mut sink, &Silent) {
            assert!(!error.to_string().chars().any(char::is_control), "{error}");
        }
    }
});
