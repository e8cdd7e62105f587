//! How many ratings users give, and how much of all is given by the busiest.

use serde::Serialize;

use crate::dataset::scan::Aggregator;
use crate::io::columns::RatingRows;
use crate::io::scan::{Projection, RowConsumer};
use crate::linalg::quantile::quantile;

/// Ratings per user.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct UserReport {
    /// Users with at least one rating.
    pub users: usize,
    /// All ratings.
    pub ratings: usize,
    /// Mean ratings of a user.
    pub mean: Option<f64>,
    /// Empty without users.
    pub quantiles: Vec<Quantile>,
    /// What the busiest users give.
    pub top: Vec<TopShare>,
    /// Users by their number of ratings.
    pub bins: Vec<QuantileBin>,
}

/// Ratings of a user, such that a share of the users has as many or fewer; by linear interpolation
/// between two users.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Quantile {
    /// Share of the users, from 0 to 1.
    pub share: f64,
    /// Ratings.
    pub ratings: f64,
}

/// What the busiest users give.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct TopShare {
    /// How many of 100 users, rounded up to whole users.
    pub top_percent: u32,
    /// Users.
    pub users: usize,
    /// Their ratings.
    pub ratings: u64,
    /// Share of all ratings, from 0 to 1.
    pub share: f64,
}

/// Users with a number of ratings from a power of two up to the next.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct QuantileBin {
    /// Fewest ratings.
    pub from: usize,
    /// Most ratings.
    pub to: usize,
    /// Users.
    pub users: usize,
}

/// Shares of users at which quantiles are told.
const QUANTILES: [f64; 9] = [0.0, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99, 1.0];

/// Counts the ratings of each user, who come one after another.
#[derive(Debug, Clone, Default)]
pub struct PerUser(Vec<(i32, usize)>);

impl PerUser {
    fn push(&mut self, (user, n): (i32, usize)) {
        match self.0.last_mut() {
            Some((last, count)) if *last == user => *count += n,
            _ => self.0.push((user, n)),
        }
    }

    /// Returns each user with the number of ratings, in the order in which they came.
    #[must_use]
    pub fn finish(self) -> Vec<(i32, usize)> {
        self.0
    }
}

impl RowConsumer for PerUser {
    fn projection(&self) -> Projection {
        Projection { users: true, ..Projection::default() }
    }

    fn consume(&mut self, rows: RatingRows<'_>) {
        let mut left = rows.user_id;
        while let Some(&user) = left.first() {
            let n = times_at_first(left);
            self.push((user, n));
            left = &left[n..];
        }
    }
}

impl Aggregator for PerUser {
    fn merge(&mut self, later: Self) {
        later.0.into_iter().for_each(|user| self.push(user));
    }
}

/// Returns how often the first of some users comes before another one.
fn times_at_first(users: &[i32]) -> usize {
    /// Users that are compared without a branch.
    const AT_A_TIME: usize = 16;
    let is_other = |user: &i32| *user != users[0];
    let any_other = |users: &[i32]| users.iter().fold(false, |any, user| any | is_other(user));
    let same = users.chunks(AT_A_TIME).position(any_other).map(|chunks| chunks * AT_A_TIME);
    let Some(same) = same else { return users.len() };
    same + users[same..].iter().position(is_other).expect("there is one in this chunk")
}

/// Tells of the numbers of ratings that users have given.
#[must_use]
pub fn users(per_user: &[(i32, usize)]) -> UserReport {
    let mut counts: Vec<usize> = per_user.iter().map(|(_, n)| *n).collect();
    counts.sort_unstable_by(|a, b| b.cmp(a));
    let (n, all) = (counts.len(), counts.iter().sum::<usize>());
    let shares = (1..=10).map(|tenth| {
        let users = (n * tenth).div_ceil(10);
        let given: usize = counts[..users].iter().sum();
        TopShare {
            top_percent: tenth as u32 * 10,
            users,
            ratings: given as u64,
            share: given as f64 / all as f64,
        }
    });
    let told = |share: f64| {
        let count = |at: usize| counts[n - 1 - at] as f64;
        Quantile { share, ratings: quantile(n, count, share) }
    };
    let mut bins: Vec<QuantileBin> = Vec::new();
    for &count in counts.iter().rev() {
        let from = 1 << count.ilog2();
        match bins.last_mut() {
            Some(bin) if bin.from == from => bin.users += 1,
            _ => bins.push(QuantileBin { from, to: 2 * from - 1, users: 1 }),
        }
    }
    UserReport {
        users: n,
        ratings: all,
        mean: (n > 0).then(|| all as f64 / n as f64),
        quantiles: if n > 0 { QUANTILES.into_iter().map(told).collect() } else { Vec::new() },
        top: if n > 0 { shares.collect() } else { Vec::new() },
        bins,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dataset::RatingScan;
    use crate::dataset::ratings::{DuplicatePolicy, Ratings};
    use crate::progress::Silent;

    #[test]
    fn each_run_of_a_user_is_counted_to_its_end() {
        for n in [1, 2, 15, 16, 17, 31, 32, 40] {
            let users =
                |others: i32| -> Vec<i32> { [5].repeat(n).into_iter().chain(0..others).collect() };
            assert_eq!([0, 1, 30].map(|others| times_at_first(&users(others))), [n; 3]);
        }
    }

    #[test]
    fn a_user_whose_ratings_are_in_two_parts_is_one_user() {
        let mut first = PerUser(vec![(1, 2), (5, 3)]);
        first.merge(PerUser(vec![(5, 1), (7, 4)]));
        assert_eq!(first.finish(), [(1, 2), (5, 4), (7, 4)]);
    }

    #[test]
    fn shares_and_quantiles_by_hand() {
        // Users 1 to 5 give 1, 1, 2, 4 and 12 ratings.
        let counts = [1, 1, 2, 4, 12];
        let rows =
            counts.iter().zip(1..).flat_map(|(&n, user)| (0..n).map(move |m| (user, m, 3.0, 0)));
        let scan = RatingScan::from(Ratings::new(rows.collect(), DuplicatePolicy::Last).0);
        let report = users(&scan.aggregate(&Silent, PerUser::default).unwrap().finish());
        assert_eq!((report.users, report.ratings, report.mean), (5, 20, Some(4.0)));
        let share = |at: usize| (report.top[at].users, report.top[at].ratings);
        assert_eq!((share(0), share(1), share(2), share(9)), ((1, 12), (1, 12), (2, 16), (5, 20)));
        assert_eq!(report.top[2].share, 0.8);
        let quantile = |q: f64| report.quantiles.iter().find(|one| one.share == q).unwrap().ratings;
        assert_eq!(
            (quantile(0.0), quantile(0.5), quantile(0.75), quantile(1.0)),
            (1.0, 2.0, 4.0, 12.0)
        );
        assert!((quantile(0.9) - 8.8).abs() < 1e-12);
        let bins: Vec<_> = report.bins.iter().map(|bin| (bin.from, bin.to, bin.users)).collect();
        assert_eq!(bins, [(1, 1, 2), (2, 3, 1), (4, 7, 1), (8, 15, 1)]);
        let none = users(&[]);
        assert_eq!((none.users, none.mean, none.top.len(), none.bins.len()), (0, None, 0, 0));
    }
}
