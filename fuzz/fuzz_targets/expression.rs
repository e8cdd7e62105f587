//! Expressions of `filter --where`.
#![no_main]

use libfuzzer_sys::fuzz_target;
use mvrec::dataset::Movies;
use mvrec::dataset::expr::{Counts, Known, Plan, parse};

fuzz_target!(|text: &str| {
    match parse(text) {
        Err(error) => {
            assert!(error.place.start <= text.len());
            assert!(!error.to_string().is_empty());
        }
        Ok(expr) => {
            let (movies, counts) = (Movies::default(), Counts::default());
            let known = Known { movies: Some(&movies), counts: Some((&counts, &counts)), ..Known::default() };
            if let Ok(plan) = Plan::new(text, &expr, &known) {
                let kept = plan.keeps(1, 2, 3.5, 1_546_300_800_000);
                let period = plan.period();
                assert!(!kept || period.is_none_or(|period| period.contains(&1_546_300_800_000)));
            }
        }
    }
});
