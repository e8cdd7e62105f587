//! Datasets in a line, for users of the library.

use std::path::Path;

use crate::dataset::Dataset;
use crate::dataset::expr::{self, Counts, Field, Known, Plan};
use crate::dataset::filter::{Filter, FilterConditions};
use crate::dataset::ingest::ingest_all;
use crate::dataset::ratings::{DuplicatePolicy, Ratings};
use crate::dataset::{DatasetError, Movies};
use crate::io::columns::RatingColumns;
use crate::io::import_state::ImportState;
use crate::progress::Silent;

impl Dataset {
    /// Loads a dataset directory, a MovieLens folder or archive, or a file of ratings.
    ///
    /// # Errors
    /// If it cannot be read or holds what ratings must not hold.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, DatasetError> {
        let mut columns = RatingColumns::default();
        let mut push = |mut rows: RatingColumns| {
            columns.append(&mut rows);
            Ok(())
        };
        let paths = [path.as_ref().to_path_buf()];
        let mut import = ImportState::default();
        let sidecar = ingest_all(&paths, None, &mut import, &mut push, &Silent)?;
        let (ratings, duplicates) = Ratings::new(columns, DuplicatePolicy::Last);
        Ok(Self { ratings, sidecar, duplicates })
    }

    /// Returns the ratings that meet an expression, such as `year = 2019 and rating >= 4`, with the
    /// movies of the dataset.
    ///
    /// # Errors
    /// If the expression cannot be understood, or asks for movies that are not there.
    pub fn filter(&self, expression: &str) -> Result<Self, DatasetError> {
        let expr = expr::parse(expression)?;
        let movies: Option<Movies> = self.sidecar.movies();
        let (user_keys, movie_keys) = (self.sidecar.user_keys.as_ref(), self.sidecar.movie_keys());
        let counted = expr.asks(&[Field::UserRatings, Field::MovieRatings]);
        let counts = counted.then(|| {
            let of = |pairs: Vec<(i32, usize)>| {
                let (ids, counts): (Vec<i32>, Vec<usize>) = pairs.into_iter().unzip();
                Counts { ids, counts: counts.into_iter().map(|n| n as u64).collect() }
            };
            (of(self.ratings.user_counts()), of(self.ratings.movie_counts()))
        });
        let known = Known {
            movies: movies.as_ref(),
            user_keys,
            movie_keys: movie_keys.as_ref(),
            counts: counts.as_ref().map(|(users, movies)| (users, movies)),
        };
        let plan = Plan::new(expression, &expr, &known)?;
        let conditions = FilterConditions::default();
        let filter = Filter::new(&conditions, movies.as_ref(), Some(plan))?;
        let kept = filter.rows(self.ratings.columns());
        let n_kept = kept.len();
        let (ratings, duplicates) = Ratings::new(kept, DuplicatePolicy::Last);
        let mut sidecar = self.sidecar.clone();
        let step = filter.step(Some(expression), self.ratings.len(), n_kept);
        sidecar.history.steps.push(step);
        Ok(Self { ratings, sidecar, duplicates })
    }
}
