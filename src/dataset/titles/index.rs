//! Titles by their canonical form, for many lookups in one catalogue.

use std::collections::HashMap;

use crate::dataset::ids::MovieId;
use crate::dataset::movies::Movies;
use crate::dataset::titles::TitleMatch;
use crate::dataset::titles::canonical::bare;
use crate::dataset::titles::entry::{TitleEntry, TitleQuery};

/// Rows of movies by each of their titles.
#[derive(Debug)]
pub struct TitleIndex {
    rows: HashMap<String, Vec<u32>>,
}

/// Returns what is equal for titles that match but for their year.
fn key(canonical: &str) -> String {
    bare(canonical).replace(' ', "")
}

impl TitleIndex {
    /// Indexes all titles.
    #[must_use]
    pub fn new(movies: &Movies) -> Self {
        // On one thread: whoever waits for the index may be a thread that would have to help.
        let mut rows: HashMap<String, Vec<u32>> = HashMap::with_capacity(movies.len());
        for ((_, movie), row) in movies.iter().zip(0..) {
            if movie.title.is_empty() {
                continue;
            }
            for title in TitleEntry::new(movie.title).titles() {
                let rows = rows.entry(key(title)).or_default();
                if rows.last() != Some(&row) {
                    rows.push(row);
                }
            }
        }
        Self { rows }
    }

    /// Returns the known movies whose title, or title and year, is a typed one, by ascending id:
    /// all matches down to [`TitleMatch::NearYear`].
    pub(super) fn titled(
        &self,
        movies: &Movies,
        title: &str,
        is_known: impl Fn(MovieId) -> bool,
    ) -> Vec<(MovieId, TitleMatch)> {
        let queries = TitleQuery::interpretations(title);
        let rows = queries.iter().filter_map(|query| self.rows.get(&key(query.title())));
        let mut rows: Vec<u32> = rows.flatten().copied().collect();
        rows.sort_unstable();
        rows.dedup();
        let titled = rows.into_iter().filter_map(|row| {
            let id = MovieId(movies.ids()[row as usize]);
            let entry = is_known(id).then(|| TitleEntry::new(movies.at(row as usize).title))?;
            let matched = queries.iter().filter_map(|query| entry.matches(query)).min()?;
            (matched <= TitleMatch::NearYear).then_some((id, matched))
        });
        titled.collect()
    }
}
