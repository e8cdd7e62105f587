//! How often each rating value was given.

use std::collections::BTreeMap;

use serde::Serializer;

/// Counts each rating value.
///
/// Ratings have few distinct values: those in steps of a half up to a hundred are counted in a
/// table, all others in a map.
#[derive(Debug, Clone)]
pub struct Histogram {
    halves: Vec<u64>,
    /// By the bits of the ratings.
    others: BTreeMap<u32, u64>,
}

const HALVES: usize = 201;

impl Default for Histogram {
    fn default() -> Self {
        Self { halves: vec![0; HALVES], others: BTreeMap::new() }
    }
}

impl Histogram {
    /// Counts ratings.
    pub fn add(&mut self, stars: &[f32]) {
        stars.iter().for_each(|&stars| self.add_times(stars, 1));
    }

    /// Counts ratings that were given `n` times.
    pub fn add_times(&mut self, stars: f32, n: u64) {
        let half = stars + stars;
        // What is no whole number of halves comes back as another number, and so does what is off
        // the table.
        let at = half as u8;
        if f32::from(at) == half && usize::from(at) < HALVES {
            self.halves[usize::from(at)] += n;
        } else if n > 0 {
            *self.others.entry(stars.to_bits()).or_default() += n;
        }
    }

    /// Adds what another one has counted.
    pub fn merge(&mut self, other: Self) {
        self.halves.iter_mut().zip(other.halves).for_each(|(n, more)| *n += more);
        for (bits, n) in other.others {
            *self.others.entry(bits).or_default() += n;
        }
    }

    /// Returns the distinct rating values, ascending.
    #[must_use]
    pub fn finish(self) -> Vec<(f32, u64)> {
        let halves = (0..).zip(self.halves).map(|(half, n): (u8, u64)| (f32::from(half) / 2.0, n));
        let others = self.others.into_iter().map(|(bits, n)| (f32::from_bits(bits), n));
        let mut all: Vec<(f32, u64)> = halves.chain(others).collect();
        all.retain(|(_, n)| *n > 0);
        all.sort_by(|a, b| a.0.total_cmp(&b.0));
        all
    }
}

/// Writes a histogram as an object of ratings and counts.
pub(super) fn by_stars<S: Serializer>(
    histogram: &[(f32, u64)],
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serializer.collect_map(histogram.iter().map(|(stars, n)| (stars.to_string(), n)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stars_of_any_scale_are_counted_in_order() {
        let mut first = Histogram::default();
        first.add(&[0.5, 3.0, 99.5, 3.0, 0.1]);
        let mut later = Histogram::default();
        later.add(&[-1.0, 0.1, 1e9, 3.0, 127.5]);
        first.merge(later);
        let expected = [(-1.0, 1), (0.1, 2), (0.5, 1), (3.0, 3), (99.5, 1), (127.5, 1), (1e9, 1)];
        assert_eq!(first.finish(), expected);
        assert_eq!(Histogram::default().finish(), []);
    }
}
