//! Random draws of ratings and users that neither other rows nor their order change.
//!
//! A draw is a hash of the seed and the ids, so that a rating falls into the same part whatever
//! else the data holds. The hash also covers the draws that have already made the data: a sample of
//! a sample, or a split of a split, under one seed would else meet the same numbers again and take
//! all or nothing.

use std::hash::Hasher;

use serde_json::Value;
use xxhash_rust::xxh3::Xxh3Default;

use crate::dataset::manifest::ProvenanceStep;
use crate::io::keys::Keys;

/// What is drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DrawOperation {
    /// Parts to train and to test on.
    Split,
    /// A sample to keep.
    Sample,
}

/// Numbers from 0 to 1 for users and ratings.
#[derive(Debug, Clone, Copy)]
pub struct Draw<'a> {
    seed: u64,
    /// Hash of the draws before; zero for a first split, which so draws as it always has.
    salt: u64,
    user_keys: Option<&'a Keys>,
    movie_keys: Option<&'a Keys>,
}

impl<'a> Draw<'a> {
    /// Prepares a draw from data that `earlier` commands have made.
    #[must_use]
    pub fn new(seed: u64, operation: DrawOperation, earlier: &[ProvenanceStep]) -> Self {
        let salt = earlier.iter().filter_map(drawn).fold(0, |salt, (operation, parameters)| {
            let parameters = parameters.to_string();
            hash(&[&u64::to_le_bytes(salt), name(operation), parameters.as_bytes()])
        });
        let salt = match operation {
            DrawOperation::Split => salt,
            DrawOperation::Sample => hash(&[&u64::to_le_bytes(salt), name(operation)]),
        };
        Self { seed, salt, user_keys: None, movie_keys: None }
    }

    /// Draws by string ids where there are some: the numbers that stand for them depend on other
    /// rows.
    #[must_use]
    pub fn with_keys(self, user_keys: Option<&'a Keys>, movie_keys: Option<&'a Keys>) -> Self {
        Self { user_keys, movie_keys, ..self }
    }

    /// Returns the number of a user.
    #[must_use]
    pub fn user(&self, user: i32) -> f64 {
        let mut hash = self.hasher();
        write_id(&mut hash, user, self.user_keys);
        fraction(hash.finish())
    }

    /// Returns the number of a rating.
    #[must_use]
    pub fn rating(&self, user: i32, movie: i32) -> f64 {
        let mut hash = self.hasher();
        write_id(&mut hash, user, self.user_keys);
        write_id(&mut hash, movie, self.movie_keys);
        fraction(hash.finish())
    }

    fn hasher(&self) -> Xxh3Default {
        let mut hash = Xxh3Default::new();
        hash.write(&self.seed.to_le_bytes());
        if self.salt != 0 {
            hash.write(&self.salt.to_le_bytes());
        }
        hash
    }
}

/// Returns what a command has drawn by, if it has: the method, but not how many rows there were.
fn drawn(step: &ProvenanceStep) -> Option<(DrawOperation, Value)> {
    let option = |name: &str| step.options.get(name).cloned();
    match step.command.as_str() {
        "split" => {
            let method = option("method")?;
            method.get("seed")?;
            Some((DrawOperation::Split, method))
        }
        "filter" => {
            let parameters = [option("sample")?, option("sample_of")?, option("seed")?];
            Some((DrawOperation::Sample, Value::from(parameters.to_vec())))
        }
        _ => None,
    }
}

fn name(operation: DrawOperation) -> &'static [u8] {
    match operation {
        DrawOperation::Split => b"split",
        DrawOperation::Sample => b"sample",
    }
}

fn hash(parts: &[&[u8]]) -> u64 {
    let mut hash = Xxh3Default::new();
    for part in parts {
        hash.write(&(part.len() as u64).to_le_bytes());
        hash.write(part);
    }
    hash.finish()
}

fn write_id(hash: &mut Xxh3Default, id: i32, keys: Option<&Keys>) {
    match keys.and_then(|keys| keys.get(id)) {
        // With its length, so that two ids cannot run into each other.
        Some(key) => {
            hash.write(&(key.len() as u64).to_le_bytes());
            hash.write(key.as_bytes());
        }
        None => hash.write(&id.to_le_bytes()),
    }
}

/// Returns the upper 53 bits as a fraction of 1, which a float holds exactly.
fn fraction(hash: u64) -> f64 {
    (hash >> 11) as f64 / (1_u64 << 53) as f64
}

#[cfg(test)]
mod tests {
    use serde_json::{Map, json};

    use super::*;

    fn step(command: &str, options: Value) -> ProvenanceStep {
        let Value::Object(options) = options else { panic!("an object") };
        ProvenanceStep {
            command: command.into(),
            options,
            rows_in: 9,
            rows_kept: 8,
            rejected: Map::new(),
        }
    }

    fn split(seed: u64) -> ProvenanceStep {
        step(
            "split",
            json!({"part": "train", "method": {"by": "random", "test": 0.1, "seed": seed}}),
        )
    }

    fn sample(fraction: f64) -> ProvenanceStep {
        step("filter", json!({"sample": fraction, "sample_of": "ratings", "seed": 42}))
    }

    /// Share of ratings that both draws take with chances of a half and a third.
    fn both(a: &Draw<'_>, b: &Draw<'_>) -> f64 {
        let n = 40_000;
        let taken = (0..n)
            .filter(|id| a.rating(*id % 200, *id) < 0.5 && b.rating(*id % 200, *id) < 1.0 / 3.0);
        taken.count() as f64 / f64::from(n)
    }

    #[test]
    fn a_draw_after_another_one_is_independent_of_it() {
        let histories: [&[ProvenanceStep]; 6] = [
            &[],
            &[split(42)],
            &[split(42), split(42)],
            &[sample(0.5)],
            &[sample(0.5), sample(0.5)],
            &[sample(0.5), split(42)],
        ];
        let draws: Vec<Draw<'_>> = histories
            .iter()
            .flat_map(|steps| {
                [DrawOperation::Split, DrawOperation::Sample]
                    .map(|operation| Draw::new(42, operation, steps))
            })
            .collect();
        for (i, a) in draws.iter().enumerate() {
            for b in &draws[..i] {
                let share = both(a, b);
                assert!((share - 1.0 / 6.0).abs() < 0.01, "{i}: {share}");
            }
            assert!((both(a, a) - 1.0 / 3.0).abs() < 0.01);
        }
    }

    #[test]
    fn only_draws_change_later_draws_and_not_their_rows() {
        let number =
            |steps: &[ProvenanceStep]| Draw::new(7, DrawOperation::Split, steps).rating(3, 4);
        let year = step("filter", json!({"since": "2019-01-01T00:00:00Z"}));
        let last = step("split", json!({"part": "train", "method": {"by": "last", "n": 1}}));
        assert_eq!(number(&[]), number(&[year.clone(), last]));
        assert_eq!(number(&[split(1)]), number(&[year, ProvenanceStep { rows_in: 5, ..split(1) }]));
        assert_ne!(number(&[]), number(&[split(1)]));
        assert_ne!(number(&[split(1)]), number(&[split(2)]));
        assert_ne!(number(&[sample(0.5)]), number(&[sample(0.4)]));
    }

    #[test]
    fn string_ids_are_drawn_by_their_text() {
        let keys = |pairs: &[(i32, &str)]| {
            Keys::new(pairs.iter().map(|(id, key)| (*id, (*key).into())).collect())
        };
        let (one, other) = (keys(&[(1, "al"), (2, "bo")]), keys(&[(1, "bo"), (2, "al")]));
        let draw = Draw::new(1, DrawOperation::Split, &[]);
        let (one, other) = (draw.with_keys(Some(&one), None), draw.with_keys(Some(&other), None));
        assert_eq!((one.user(1), one.rating(2, 9)), (other.user(2), other.rating(1, 9)));
        assert_ne!(one.user(1), other.user(1));
    }
}
