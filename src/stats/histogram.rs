//! How often each kind of stars was given.

use std::collections::BTreeMap;

use serde::Serializer;

/// Counts each kind of stars.
///
/// Stars are few kinds of numbers: those in steps of a half up to a hundred are counted in a table, all others in a map.
#[derive(Debug, Clone)]
pub struct Histogram {
    halves: Vec<u64>,
    /// By an order of the bits that is that of the numbers.
    others: BTreeMap<i64, (f32, u64)>,
}

const HALVES: usize = 201;

impl Default for Histogram {
    fn default() -> Self {
        Self { halves: vec![0; HALVES], others: BTreeMap::new() }
    }
}

impl Histogram {
    /// Counts stars.
    pub fn add(&mut self, stars: &[f32]) {
        for &stars in stars {
            let half = stars + stars;
            // What is no whole number of halves comes back as another number, and so does what is off the table.
            let at = half as u8;
            if f32::from(at) == half && usize::from(at) < HALVES {
                self.halves[usize::from(at)] += 1;
            } else {
                self.others.entry(key(stars)).or_insert((stars, 0)).1 += 1;
            }
        }
    }

    /// Adds what another one has counted.
    pub fn join(&mut self, other: Self) {
        self.halves.iter_mut().zip(other.halves).for_each(|(n, more)| *n += more);
        for (key, (stars, n)) in other.others {
            self.others.entry(key).or_insert((stars, 0)).1 += n;
        }
    }

    /// Returns the kinds of stars that were given, ascending.
    #[must_use]
    pub fn finish(self) -> Vec<(f32, u64)> {
        let halves = (0..).zip(self.halves).map(|(half, n): (u8, u64)| (f32::from(half) / 2.0, n));
        let mut all: Vec<(f32, u64)> = halves.chain(self.others.into_values()).collect();
        all.retain(|(_, n)| *n > 0);
        all.sort_by(|a, b| a.0.total_cmp(&b.0));
        all
    }
}

fn key(stars: f32) -> i64 {
    stars.to_bits().into()
}

/// Writes a histogram as an object of stars and counts.
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
        first.join(later);
        let expected = [(-1.0, 1), (0.1, 2), (0.5, 1), (3.0, 3), (99.5, 1), (127.5, 1), (1e9, 1)];
        assert_eq!(first.finish(), expected);
        assert_eq!(Histogram::default().finish(), []);
    }
}
