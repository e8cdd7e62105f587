//! Divides ratings into parts to train and to test on: disjoint, and together the whole.
//!
//! Draws are seeded hashes of the ids ([`Draw`]): the same rating falls into the same part whatever
//! other rows there are and in whatever order they come, and a split of a split draws afresh.

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::dataset::DatasetMetadata;
use crate::dataset::Ratings;
use crate::dataset::draw::{Draw, DrawOperation};
use crate::dataset::ids::IdLookup;
use crate::io::columns::NO_TIME;
use crate::io::time;

/// How ratings are divided.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "by", rename_all = "lowercase")]
pub enum Method {
    /// Each rating by chance.
    Random {
        /// Expected share of the test part.
        test: f64,
        /// Seed.
        seed: u64,
    },
    /// Each rating by chance into one of several folds, each of which is the test part once.
    Folds {
        /// Number of folds.
        folds: u32,
        /// Seed.
        seed: u64,
    },
    /// What was given from a point in time on is the test part.
    Time {
        /// First millisecond of the test part.
        from_ms: i64,
    },
    /// The latest ratings of each user are the test part; users with no more than that stay in
    /// training.
    Last {
        /// Ratings per user.
        n: usize,
    },
    /// Some users are held out: the protocol of strong generalisation (Liang et al. 2018). A
    /// held-out user's ratings are divided by chance into fold-in and test; users with fewer
    /// than five are all fold-in.
    Users {
        /// Number of held-out users.
        n: usize,
        /// Expected share of their ratings that is tested.
        test: f64,
        /// Seed.
        seed: u64,
    },
}

/// Fewest ratings of a held-out user that are divided (Liang et al. 2018).
const FEWEST_DIVIDED: usize = 5;

/// Failure to divide.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum SplitError {
    /// Time decides, and some ratings have none.
    #[error("{rows} ratings have no timestamp, by which the split would go")]
    NoTime {
        /// How many.
        rows: usize,
    },
    /// A part would have no ratings.
    #[error("the part `{part}` of {rows} ratings would be empty")]
    EmptyPart {
        /// Name of the part.
        part: &'static str,
        /// Ratings that were to be divided.
        rows: usize,
    },
    /// There are not that many users.
    #[error("there are {users} users, of whom {wanted} cannot be held out and any remain")]
    TooFewUsers {
        /// Users of the data.
        users: usize,
        /// Users asked for.
        wanted: usize,
    },
}

/// One division of the ratings.
#[derive(Debug, Clone, PartialEq)]
pub struct SplitParts {
    /// To train on.
    pub train: Ratings,
    /// What held-out users have rated before, so to speak; only when users are held out.
    pub fold_in: Option<Ratings>,
    /// To test on.
    pub test: Ratings,
}

/// What deserves attention in a division.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct SplitFindings {
    /// Test ratings whose user has no other rating to go by.
    pub cold_user_rows: usize,
    /// Test ratings of a movie that is not in the training part.
    pub cold_movie_rows: usize,
    /// Test ratings that are older than the latest training rating: the model may know their
    /// future.
    pub leaking_rows: usize,
}

/// Divides the ratings, once or, with folds, as often as there are folds, and hands each division
/// to `take` before the next is made.
///
/// # Errors
/// If time decides and is not known, more users are to be held out than there are, a part would be
/// empty, or `take` fails.
pub fn split<E: From<SplitError>>(
    ratings: &Ratings,
    sidecar: &DatasetMetadata,
    method: &Method,
    mut take: impl FnMut(SplitParts) -> Result<(), E>,
) -> Result<(), E> {
    let movie_keys = sidecar.movie_keys();
    let draw = |seed| {
        Draw::new(seed, DrawOperation::Split, &sidecar.history.steps)
            .with_keys(sidecar.user_keys.as_ref(), movie_keys.as_ref())
    };
    for division in 0..method.divisions() {
        let parts = divide(ratings, method, division, draw)?;
        if let Some((part, _)) = parts.named().find(|(_, ratings)| ratings.is_empty()) {
            return Err(SplitError::EmptyPart { part, rows: ratings.len() }.into());
        }
        take(parts)?;
    }
    Ok(())
}

impl Method {
    /// Returns how often the ratings are divided.
    #[must_use]
    pub fn divisions(&self) -> u32 {
        match self {
            Self::Folds { folds, .. } => *folds,
            _ => 1,
        }
    }
}

fn divide<'a>(
    ratings: &Ratings,
    method: &Method,
    division: u32,
    draw: impl Fn(u64) -> Draw<'a>,
) -> Result<SplitParts, SplitError> {
    let columns = ratings.columns();
    let at = |row: usize| (columns.user_id[row], columns.movie_id[row]);
    let two = |is_test: &(dyn Fn(usize) -> bool + Sync)| SplitParts {
        train: ratings.filter(|row| !is_test(row)),
        fold_in: None,
        test: ratings.filter(is_test),
    };
    match *method {
        Method::Random { test, seed } => {
            let draw = draw(seed);
            Ok(two(&|row| {
                let (user, movie) = at(row);
                draw.rating(user, movie) < test
            }))
        }
        Method::Folds { folds, seed } => {
            let draw = draw(seed);
            Ok(two(&|row| {
                let (user, movie) = at(row);
                (draw.rating(user, movie) * f64::from(folds)) as u32 == division
            }))
        }
        Method::Time { from_ms } => {
            need_times(ratings)?;
            Ok(two(&|row| columns.time_ms[row] >= from_ms))
        }
        Method::Last { n } => {
            need_times(ratings)?;
            let last = last_of_users(ratings, n);
            Ok(two(&|row| last[row]))
        }
        Method::Users { n, test, seed } => hold_out_users(ratings, n, test, &draw(seed)),
    }
}

fn need_times(ratings: &Ratings) -> Result<(), SplitError> {
    let rows = ratings.columns().time_ms.par_iter().filter(|&&ms| ms == NO_TIME).count();
    if rows == 0 { Ok(()) } else { Err(SplitError::NoTime { rows }) }
}

/// Returns the point in time from which on about `share` of the ratings were given.
///
/// # Errors
/// If some ratings have no timestamp.
pub fn time_of_share(ratings: &Ratings, share: f64) -> Result<i64, SplitError> {
    need_times(ratings)?;
    let mut times = ratings.columns().time_ms.clone();
    let tested = (share * times.len() as f64).round() as usize;
    let Some(at) = times.len().checked_sub(tested.max(1)) else {
        return Ok(time::MAX_MS); // there are no ratings
    };
    Ok(if tested == 0 { time::MAX_MS } else { *times.select_nth_unstable(at).1 })
}

/// Marks the latest `n` ratings of each user who has more; of equal times the higher movie id is
/// later.
fn last_of_users(ratings: &Ratings, n: usize) -> Vec<bool> {
    let columns = ratings.columns();
    let mut last = vec![false; ratings.len()];
    let mut start = 0;
    for rows in columns.user_id.chunk_by(|a, b| a == b) {
        let mut order: Vec<usize> = (start..start + rows.len()).collect();
        if rows.len() > n {
            order.sort_by_key(|&row| (columns.time_ms[row], columns.movie_id[row]));
            order[rows.len() - n..].iter().for_each(|&row| last[row] = true);
        }
        start += rows.len();
    }
    last
}

fn hold_out_users(
    ratings: &Ratings,
    n: usize,
    test: f64,
    draw: &Draw<'_>,
) -> Result<SplitParts, SplitError> {
    let columns = ratings.columns();
    let users = ratings.user_ids();
    if n >= users.len() {
        return Err(SplitError::TooFewUsers { users: users.len(), wanted: n });
    }
    let mut drawn = users.clone();
    drawn.sort_by(|&a, &b| draw.user(a).total_cmp(&draw.user(b)).then(a.cmp(&b)));
    drawn.truncate(n);
    drawn.sort_unstable();
    let held_out = IdLookup::new(&drawn);
    let counts: Vec<usize> = columns.user_id.chunk_by(|a, b| a == b).map(<[i32]>::len).collect();
    let all = IdLookup::new(&users);
    let is_held_out = |row: usize| held_out.get(columns.user_id[row]).is_some();
    let is_test = |row: usize| {
        let (user, movie) = (columns.user_id[row], columns.movie_id[row]);
        let n_user = counts[all.get(user).expect("every user was listed") as usize];
        n_user >= FEWEST_DIVIDED && draw.rating(user, movie) < test
    };
    Ok(SplitParts {
        train: ratings.filter(|row| !is_held_out(row)),
        fold_in: Some(ratings.filter(|row| is_held_out(row) && !is_test(row))),
        test: ratings.filter(|row| is_held_out(row) && is_test(row)),
    })
}

impl SplitParts {
    /// Iterates over the parts by their names.
    pub fn named(&self) -> impl Iterator<Item = (&'static str, &Ratings)> {
        let fold_in = self.fold_in.as_ref().map(|ratings| ("fold-in", ratings));
        [Some(("train", &self.train)), fold_in, Some(("test", &self.test))].into_iter().flatten()
    }

    /// Looks for cold rows and for time that leaks.
    #[must_use]
    pub fn findings(&self) -> SplitFindings {
        let test = self.test.columns();
        let mut users = self.train.user_ids();
        users.extend(self.fold_in.iter().flat_map(Ratings::user_ids));
        users.sort_unstable();
        let movies = self.train.movie_ids();
        let missing = |ids: &[i32], column: &[i32]| {
            let known = IdLookup::new(ids);
            column.par_iter().filter(|&&id| known.get(id).is_none()).count()
        };
        let latest = self.train.columns().time_ms.par_iter().copied().max().unwrap_or(NO_TIME);
        let leaks = |&&ms: &&i64| ms != NO_TIME && ms < latest;
        SplitFindings {
            cold_user_rows: missing(&users, &test.user_id),
            cold_movie_rows: missing(&movies, &test.movie_id),
            leaking_rows: test.time_ms.par_iter().filter(leaks).count(),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::dataset::ratings::DuplicatePolicy;
    use crate::io::columns::RatingColumns;

    fn ratings(rows: impl IntoIterator<Item = (i32, i32, i64)>) -> Ratings {
        let mut columns = RatingColumns::default();
        for (user, movie, ms) in rows {
            columns.push(user, movie, 3.0, ms);
        }
        Ratings::new(columns, DuplicatePolicy::Last).0
    }

    fn split(ratings: &Ratings, method: &Method) -> Result<Vec<SplitParts>, SplitError> {
        let mut divisions = Vec::new();
        super::split(ratings, &DatasetMetadata::default(), method, |parts| {
            divisions.push(parts);
            Ok::<_, SplitError>(())
        })?;
        Ok(divisions)
    }

    fn grid() -> Ratings {
        ratings((0..50).flat_map(|u| (0..40).map(move |m| (u, m, i64::from(u * 7 + m * 13)))))
    }

    fn pairs(ratings: &Ratings) -> Vec<(i32, i32)> {
        let columns = ratings.columns();
        columns.user_id.iter().copied().zip(columns.movie_id.iter().copied()).collect()
    }

    #[test]
    fn the_latest_ratings_of_each_user_are_tested() {
        let few = ratings([(1, 10, 5), (1, 20, 9), (1, 30, 9), (1, 40, 1), (2, 10, 3), (2, 20, 4)]);
        let parts = &split(&few, &Method::Last { n: 2 }).unwrap()[0];
        assert_eq!(pairs(&parts.test), [(1, 20), (1, 30)]);
        assert_eq!(pairs(&parts.train), [(1, 10), (1, 40), (2, 10), (2, 20)]);
        // User 2's ratings lie before 1's last one in training, and 2 has none to test.
        let expected = SplitFindings { cold_user_rows: 0, cold_movie_rows: 1, leaking_rows: 0 };
        assert_eq!(parts.findings(), expected);
    }

    #[test]
    fn time_divides_by_date_or_share() {
        let all = grid();
        let from_ms = time_of_share(&all, 0.2).unwrap();
        let parts = &split(&all, &Method::Time { from_ms }).unwrap()[0];
        let share = parts.test.len() as f64 / all.len() as f64;
        assert!((0.2..0.22).contains(&share), "{share}");
        assert_eq!(parts.findings().leaking_rows, 0);
        let max = |part: &Ratings| part.columns().time_ms.iter().copied().max().unwrap();
        assert!(max(&parts.train) < from_ms);
        assert_eq!(time_of_share(&all, 0.0), Ok(time::MAX_MS));
        let unknown = ratings([(1, 1, NO_TIME), (1, 2, 5)]);
        assert_eq!(time_of_share(&unknown, 0.5), Err(SplitError::NoTime { rows: 1 }));
        assert!(split(&unknown, &Method::Last { n: 1 }).is_err());
    }

    #[test]
    fn held_out_users_have_all_their_rows_in_fold_in_and_test() {
        let parts = &split(&grid(), &Method::Users { n: 10, test: 0.2, seed: 3 }).unwrap()[0];
        let fold_in = parts.fold_in.as_ref().unwrap();
        assert_eq!((parts.train.user_ids().len(), fold_in.user_ids().len()), (40, 10));
        assert_eq!(fold_in.len() + parts.test.len(), 400);
        assert!((40..120).contains(&parts.test.len()), "{}", parts.test.len());
        let train = parts.train.user_ids();
        assert!(fold_in.user_ids().iter().all(|user| !train.contains(user)));
        assert_eq!(parts.findings().cold_user_rows, 0);
        let few = ratings((0..10).flat_map(|u| (0..4).map(move |m| (u, m, 0))));
        // Users of fewer than five ratings have none to test.
        let empty = SplitError::EmptyPart { part: "test", rows: 40 };
        assert_eq!(split(&few, &Method::Users { n: 5, test: 0.5, seed: 3 }), Err(empty));
        assert!(split(&few, &Method::Users { n: 10, test: 0.5, seed: 3 }).is_err());
    }

    #[test]
    fn folds_are_each_tested_once() {
        let all = grid();
        let folds = split(&all, &Method::Folds { folds: 5, seed: 1 }).unwrap();
        let mut tested: Vec<_> = folds.iter().flat_map(|parts| pairs(&parts.test)).collect();
        tested.sort_unstable();
        assert_eq!(tested, pairs(&all));
        assert!(folds.iter().all(|parts| (320..480).contains(&parts.test.len())));
    }

    #[test]
    fn a_part_without_ratings_is_an_error() {
        let all = grid();
        for (method, part) in [
            (Method::Random { test: 0.0, seed: 1 }, "test"),
            (Method::Random { test: 1.0, seed: 1 }, "train"),
            (Method::Time { from_ms: time::MAX_MS }, "test"),
            (Method::Time { from_ms: 0 }, "train"),
            (Method::Last { n: 40 }, "test"),
            (Method::Users { n: 1, test: 1.0, seed: 1 }, "fold-in"),
        ] {
            let error = SplitError::EmptyPart { part, rows: all.len() };
            assert_eq!(split(&all, &method), Err(error), "{method:?}");
        }
        let none = SplitError::EmptyPart { part: "train", rows: 0 };
        assert_eq!(split(&ratings([]), &Method::Random { test: 0.5, seed: 1 }), Err(none));
    }

    #[test]
    fn chance_follows_the_seed_and_nothing_else() {
        let method = |seed| Method::Random { test: 0.25, seed };
        let whole = &split(&grid(), &method(1)).unwrap()[0];
        assert!((430..570).contains(&whole.test.len()), "{}", whole.test.len());
        assert_ne!(whole.test, split(&grid(), &method(2)).unwrap()[0].test);
        // The same rows fall into the test part when half of the data is not there.
        let half =
            ratings(pairs(&grid()).into_iter().filter(|(u, _)| u % 2 == 0).map(|(u, m)| (u, m, 0)));
        let expected: Vec<_> = pairs(&whole.test).into_iter().filter(|(u, _)| u % 2 == 0).collect();
        assert_eq!(pairs(&split(&half, &method(1)).unwrap()[0].test), expected);
    }

    proptest! {
        #[test]
        fn parts_are_disjoint_and_together_the_whole(
            rows in proptest::collection::vec((0..9_i32, 0..9_i32, 0_i64..50), 0..100),
            seed: u64,
            share in 0.0..=1.0,
            n in 0..6_usize,
        ) {
            let all = ratings(rows);
            for method in [
                Method::Random { test: share, seed },
                Method::Folds { folds: 3, seed },
                Method::Time { from_ms: (share * 50.0) as i64 },
                Method::Last { n },
                Method::Users { n, test: share, seed },
            ] {
                let draw = |seed| Draw::new(seed, DrawOperation::Split, &[]);
                for division in 0..method.divisions() {
                    let Ok(parts) = divide(&all, &method, division, draw) else {
                        let too_few = n >= all.user_ids().len();
                        prop_assert_eq!(matches!(method, Method::Users { .. }), too_few);
                        continue;
                    };
                    let mut joined = pairs(&parts.train);
                    joined.extend(pairs(&parts.test));
                    joined.extend(parts.fold_in.iter().flat_map(pairs));
                    joined.sort_unstable();
                    prop_assert_eq!(&joined, &pairs(&all), "{:?}", method);
                }
            }
        }
    }
}
