//! Measures a system, a model or lists that another made, against ratings that it has not seen.

use std::collections::{BTreeMap, HashMap};

use indexmap::IndexMap;
use rayon::prelude::*;

use crate::dataset::ids::{MovieId, UserId};
use crate::dataset::movies::{genre_overlap, known_genres};
use crate::dataset::{Movies, Ratings};
use crate::eval::ranking::{RankingMetric, RelevanceGain};
use crate::eval::systems::{EvaluatedSystem, SystemAnswer, TestUser};
use crate::model::ModelError;

/// What is measured.
#[derive(Debug, Clone, PartialEq)]
pub struct EvaluationProtocol {
    /// Lengths at which lists are cut, ascending.
    pub cuts: Vec<usize>,
    /// Lowest test rating that makes its movie relevant.
    pub relevant_from: f32,
    /// What a relevant movie gains in NDCG.
    pub gain: RelevanceGain,
}

impl EvaluationProtocol {
    /// Returns how many movies of a list are evaluated.
    #[must_use]
    pub fn longest(&self) -> usize {
        self.cuts.last().copied().unwrap_or(0)
    }

    /// Returns the length at which lists are cut first.
    #[must_use]
    pub fn shortest(&self) -> usize {
        self.cuts.first().copied().unwrap_or(0)
    }
}

/// What is known of the movies beside the lists, for measures beyond accuracy.
#[derive(Debug, Clone, Default)]
pub struct ItemBackground {
    /// Share of the training users that have rated each movie; its keys are the movies that could
    /// be listed.
    pub popularity: Option<HashMap<i32, f64>>,
    /// Genres.
    pub movies: Option<Movies>,
}

/// Metrics of each user, in the order of [`EvaluationOutcome::names`]; NaN if undefined.
#[derive(Debug, Clone, PartialEq)]
pub struct UserMetrics {
    /// Raw id.
    pub user: i32,
    /// Test ratings.
    pub n_test: usize,
    /// Relevant ones among them.
    pub n_relevant: usize,
    /// Sum of squared errors, sum of absolute errors, and how many ratings they are of.
    pub errors: (f64, f64, usize),
    /// The figures.
    pub values: Vec<f64>,
    /// The list, as far as it is measured.
    list: Vec<i32>,
}

/// What came out.
#[derive(Debug, Clone, PartialEq)]
pub struct EvaluationOutcome {
    /// Names of the figures of each user.
    pub names: Vec<String>,
    /// Users of the test data, ascending.
    pub users: Vec<UserMetrics>,
    /// Users of whom the system knows nothing; their lists are empty.
    pub unknown_users: usize,
    /// Test ratings whose movie the system knows nothing of; the fallback prediction is used.
    pub cold_rows: usize,
    /// Test ratings that the system has been trained on or given.
    pub known_rows: usize,
    /// Figures of all lists together, by name.
    pub of_all: Vec<(String, f64)>,
}

/// Names of the figures of a user.
fn names(cuts: &[usize]) -> Vec<String> {
    let mut names = vec!["user_rmse".to_string(), "user_mae".to_string(), "auc".to_string()];
    for k in cuts {
        names.extend(RankingMetric::ALL.iter().map(|metric| format!("{}@{k}", metric.name())));
        names.extend(["novelty", "popularity", "diversity"].map(|name| format!("{name}@{k}")));
    }
    names
}

/// Measures a system on the users of `test`.
///
/// # Errors
/// If the system cannot answer.
pub fn evaluate(
    system: &dyn EvaluatedSystem,
    test: &Ratings,
    background: &ItemBackground,
    protocol: &EvaluationProtocol,
) -> Result<EvaluationOutcome, ModelError> {
    /// Users whose answers are held at a time.
    const USERS: usize = 8192;
    let columns = test.columns();
    let test_user = |rows: &[usize]| {
        let movies = columns.movie_id[rows[0]..rows[1]].iter().copied();
        TestUser {
            user: UserId(columns.user_id[rows[0]]),
            ratings: movies.zip(columns.rating[rows[0]..rows[1]].iter().copied()).collect(),
        }
    };
    let test_users: Vec<TestUser> = test.user_starts().windows(2).map(test_user).collect();
    let mut measured = Vec::with_capacity(test_users.len());
    for users in test_users.chunks(USERS) {
        let answers = system.answer(users)?;
        measured.par_extend(users.par_iter().zip(answers).map(|(one, answer)| {
            let unknown = answer.is_none();
            let answer =
                answer.unwrap_or(SystemAnswer { fallback: f64::NAN, ..SystemAnswer::default() });
            let known_rows = answer.known_rows;
            let (metrics, cold_rows) = measure(one, answer, background, protocol);
            (metrics, AnswerFindings { unknown, cold_rows, known_rows })
        }));
    }
    let (users, found): (Vec<UserMetrics>, Vec<AnswerFindings>) = measured.into_iter().unzip();
    Ok(EvaluationOutcome {
        names: names(&protocol.cuts),
        unknown_users: found.iter().filter(|found| found.unknown).count(),
        cold_rows: found.iter().map(|found| found.cold_rows).sum(),
        known_rows: found.iter().map(|found| found.known_rows).sum(),
        of_all: figures_of_lists(&users, background, protocol),
        users,
    })
}

/// What deserves attention in the answer to one user.
struct AnswerFindings {
    unknown: bool,
    cold_rows: usize,
    known_rows: usize,
}

fn measure(
    one: &TestUser,
    answer: SystemAnswer,
    background: &ItemBackground,
    protocol: &EvaluationProtocol,
) -> (UserMetrics, usize) {
    let TestUser { user, ratings: test } = one;
    let gains: HashMap<i32, f64> = test
        .iter()
        .filter(|(_, stars)| *stars >= protocol.relevant_from)
        .map(|&(movie, stars)| (movie, protocol.gain.gain(stars)))
        .collect();
    let mut ideal: Vec<f64> = gains.values().copied().collect();
    ideal.sort_unstable_by(|a, b| b.total_cmp(a));
    let list: Vec<f64> =
        answer.list.iter().map(|movie| gains.get(movie).copied().unwrap_or(0.0)).collect();
    let (errors, cold) = errors(test, &answer);
    let per = |sum: f64| sum / errors.2 as f64; // NaN where there are none
    let mut values = vec![per(errors.0).sqrt(), per(errors.1), answer.auc.unwrap_or(f64::NAN)];
    for &k in &protocol.cuts {
        let first = &answer.list[..k.min(answer.list.len())];
        values.extend(RankingMetric::ALL.iter().map(|metric| match ideal.is_empty() {
            true => f64::NAN,
            false => metric.measure(&list, &ideal, k),
        }));
        values.extend(beyond_accuracy(first, background));
    }
    let n_relevant = ideal.len();
    let user = user.0;
    (UserMetrics { user, n_test: test.len(), n_relevant, errors, values, list: answer.list }, cold)
}

/// Returns the sums of squared and absolute errors, of how many ratings, and how many of those were
/// cold.
fn errors(test: &[(i32, f32)], answer: &SystemAnswer) -> ((f64, f64, usize), usize) {
    let Some(predicted) = &answer.predicted else { return ((0.0, 0.0, 0), 0) };
    let (mut squares, mut sizes, mut n, mut cold) = (0.0, 0.0, 0, 0);
    for (&(_, stars), &predicted) in test.iter().zip(predicted) {
        cold += usize::from(predicted.is_nan());
        let expected = if predicted.is_nan() { answer.fallback } else { f64::from(predicted) };
        let error = expected - f64::from(stars);
        if error.is_finite() {
            squares += error * error;
            sizes += error.abs();
            n += 1;
        }
    }
    ((squares, sizes, n), cold)
}

/// Returns novelty, popularity and diversity of a list.
fn beyond_accuracy(list: &[i32], background: &ItemBackground) -> [f64; 3] {
    let n = list.len() as f64; // 0 makes a NaN of each
    let (novelty, popularity) = match &background.popularity {
        None => (f64::NAN, f64::NAN),
        Some(shares) => {
            let shares = || list.iter().filter_map(|movie| shares.get(movie)).filter(|&&s| s > 0.0);
            (shares().map(|s| -libm::log2(*s)).sum::<f64>() / n, shares().sum::<f64>() / n)
        }
    };
    let diversity = background.movies.as_ref().map_or(f64::NAN, |movies| diversity(list, movies));
    [novelty, popularity, diversity]
}

/// Mean over all pairs of 1 less the overlap (Jaccard) of their genres.
fn diversity(list: &[i32], movies: &Movies) -> f64 {
    // Of a long list, many movies have the same genres.
    let mut kinds: IndexMap<&str, f64> = IndexMap::new();
    for movie in list.iter().filter_map(|&id| movies.get(MovieId(id))) {
        *kinds.entry(movie.genres).or_default() += 1.0;
    }
    let kinds: Vec<(Vec<&str>, f64)> =
        kinds.into_iter().map(|(genres, n)| (known_genres(genres).collect(), n)).collect();
    let (mut sum, mut pairs) = (0.0, 0.0);
    for (at, (a, n)) in kinds.iter().enumerate() {
        let same = (a, n * (n - 1.0) / 2.0);
        let others = kinds[at + 1..].iter().map(|(b, m)| (b, n * m));
        for (b, times) in std::iter::once(same).chain(others) {
            sum += times * (1.0 - genre_overlap(a, b));
            pairs += times;
        }
    }
    sum / pairs
}

fn figures_of_lists(
    users: &[UserMetrics],
    background: &ItemBackground,
    protocol: &EvaluationProtocol,
) -> Vec<(String, f64)> {
    let Some(known) = &background.popularity else { return Vec::new() };
    let of_cut = |&k: &usize| {
        let mut times: HashMap<i32, u64> = known.keys().map(|&movie| (movie, 0)).collect();
        for of_user in users {
            for movie in &of_user.list[..k.min(of_user.list.len())] {
                *times.entry(*movie).or_default() += 1;
            }
        }
        let mut times: Vec<u64> = times.into_values().collect();
        times.sort_unstable();
        let listed = times.iter().filter(|&&n| n > 0).count() as f64;
        let coverage = listed / times.len() as f64;
        [(format!("coverage@{k}"), coverage), (format!("gini@{k}"), gini(&times))]
    };
    protocol.cuts.iter().flat_map(of_cut).collect()
}

/// Gini coefficient of ascending counts: 0, if all movies are listed as often; near 1, if few have
/// all places.
fn gini(ascending: &[u64]) -> f64 {
    let n = ascending.len() as f64;
    let total: u64 = ascending.iter().sum();
    let ranked: f64 = ascending.iter().zip(1..).map(|(&x, i)| x as f64 * f64::from(i)).sum();
    2.0 * ranked / (n * total as f64) - (n + 1.0) / n
}

impl EvaluationOutcome {
    /// Gives users other ids, where `names` has one.
    pub fn rename_users(&mut self, names: &BTreeMap<i32, i32>) {
        for of_user in &mut self.users {
            of_user.user = names.get(&of_user.user).copied().unwrap_or(of_user.user);
        }
        self.users.sort_by_key(|of_user| of_user.user);
    }

    /// Returns the figures of the whole, by name: those [over users](Self::over_users), and those
    /// of all lists together.
    #[must_use]
    pub fn figures(&self) -> Vec<(String, f64)> {
        let names = ["rmse", "mae"].map(String::from).into_iter().chain(self.names.iter().cloned());
        names.zip(self.over_users(None)).chain(self.of_all.iter().cloned()).collect()
    }

    /// Returns errors over all ratings and means over the users that have a figure, each user
    /// counted as often as `times` says.
    #[must_use]
    pub fn over_users(&self, times: Option<&[u32]>) -> Vec<f64> {
        let times = |at: usize| times.map_or(1.0, |times| f64::from(times[at]));
        let (mut squares, mut sizes, mut n) = (0.0, 0.0, 0.0);
        let mut sums = vec![(0.0, 0.0); self.names.len()];
        for (at, of_user) in self.users.iter().enumerate() {
            let t = times(at);
            squares += t * of_user.errors.0;
            sizes += t * of_user.errors.1;
            n += t * of_user.errors.2 as f64;
            for ((sum, count), value) in sums.iter_mut().zip(&of_user.values) {
                if !value.is_nan() {
                    *sum += t * value;
                    *count += t;
                }
            }
        }
        let mut figures = vec![(squares / n).sqrt(), sizes / n];
        figures.extend(sums.iter().map(|(sum, count)| sum / count));
        figures
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dataset::ratings::DuplicatePolicy;
    use crate::eval::systems::ListSystem;
    use crate::io::columns::MovieColumns;

    fn ratings(rows: &[(i32, i32, f32)]) -> Ratings {
        let rows = rows.iter().map(|&(user, movie, stars)| (user, movie, stars, 0));
        Ratings::new(rows.collect(), DuplicatePolicy::Last).0
    }

    fn outcome(lists: &[(i32, i32, f32)], by_rank: bool) -> EvaluationOutcome {
        let test = ratings(&[(1, 10, 5.0), (1, 11, 2.0), (2, 12, 4.0), (3, 10, 1.0), (4, 10, 4.0)]);
        let rows = ratings(lists);
        let movies = Movies::new(
            MovieColumns {
                movie_id: vec![10, 12, 13],
                title: vec!["a".into(), "b".into(), "c".into()],
                release_year: vec![None; 3],
                genres: vec!["X|Y".into(), "Y|Z".into(), "X|Y".into()],
                ..MovieColumns::default()
            },
            None,
        );
        let shares = [(10, 0.5), (12, 0.25), (13, 0.125), (14, 0.5)];
        let background =
            ItemBackground { popularity: Some(shares.into_iter().collect()), movies: Some(movies) };
        let protocol = EvaluationProtocol {
            cuts: vec![1, 3],
            relevant_from: 4.0,
            gain: RelevanceGain::Binary,
        };
        evaluate(&ListSystem { rows: &rows, by_rank, n: 3 }, &test, &background, &protocol).unwrap()
    }

    #[test]
    fn lists_of_three_users_by_hand() {
        let lists = [(1, 12, 3.0), (1, 10, 2.0), (2, 12, 9.0), (2, 13, 8.0), (3, 14, 1.0)];
        let outcome = outcome(&lists, false);
        let figures: HashMap<String, f64> = outcome.figures().into_iter().collect();
        let close = |name: &str, wanted: f64| {
            assert!((figures[name] - wanted).abs() < 1e-12, "{name}: {}", figures[name]);
        };
        // User 3 has nothing relevant and is not counted; user 4 has no list and counts as 0.
        assert_eq!(outcome.unknown_users, 1);
        close("hit_rate@1", 1.0 / 3.0);
        close("hit_rate@3", 2.0 / 3.0);
        close("mrr@3", (0.5 + 1.0) / 3.0);
        close("precision@3", (1.0 + 1.0) / 3.0 / 3.0);
        // Three users have lists: (12, 10), (12, 13), (14).
        close("novelty@3", ((2.0 + 1.0) / 2.0 + (2.0 + 3.0) / 2.0 + 1.0) / 3.0);
        close("popularity@1", (0.25 + 0.25 + 0.5) / 3.0);
        // Both pairs share Y of three genres; a list of one has no pair.
        close("diversity@3", 1.0 - 1.0 / 3.0);
        close("coverage@1", 2.0 / 4.0);
        // Counts 0, 0, 1, 2: 2 (3 + 8) / (4 · 3) − 5/4.
        close("gini@1", 2.0 * 11.0 / 12.0 - 1.25);
        assert!(figures["rmse"].is_nan() && figures["auc"].is_nan());
        assert_eq!(outcome.users[0].n_relevant, 1);
    }

    #[test]
    fn ranks_go_up_and_scores_go_down() {
        let lists = [(1, 12, 2.0), (1, 10, 1.0)];
        let hit = |by_rank| outcome(&lists, by_rank).users[0].values[3 + 6];
        assert!((hit(true) - 1.0).abs() < 1e-12 && hit(false).abs() < 1e-12);
    }
}
