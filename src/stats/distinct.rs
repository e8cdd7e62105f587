//! Which ids occur.

use std::collections::HashSet;

/// A set of ids: a bit for each small one, a hash for all others.
#[derive(Debug, Clone, Default)]
pub(super) struct IdSet {
    bits: Vec<u64>,
    others: HashSet<i32>,
}

impl IdSet {
    /// Ids below have a bit: 512 KiB of them at the most.
    const LARGEST: i32 = 1 << 22;

    #[inline]
    pub(super) fn insert(&mut self, id: i32) {
        match self.bits.get_mut(id as usize / 64) {
            Some(word) => *word |= 1 << (id % 64),
            None => self.insert_slowly(id),
        }
    }

    #[cold]
    fn insert_slowly(&mut self, id: i32) {
        if (0..Self::LARGEST).contains(&id) {
            let words = (id as usize / 64 + 1).next_power_of_two();
            self.bits.resize(words, 0);
            self.bits[id as usize / 64] |= 1 << (id % 64);
        } else {
            self.others.insert(id);
        }
    }

    pub(super) fn merge(&mut self, mut other: Self) {
        if self.bits.len() < other.bits.len() {
            std::mem::swap(&mut self.bits, &mut other.bits);
        }
        self.bits.iter_mut().zip(&other.bits).for_each(|(word, more)| *word |= more);
        self.others.extend(other.others);
    }

    /// Returns how many there are.
    pub(super) fn len(&self) -> usize {
        let small: u32 = self.bits.iter().map(|word| word.count_ones()).sum();
        small as usize + self.others.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_id_counts_once() {
        let (mut set, mut other) = (IdSet::default(), IdSet::default());
        for id in [0, 63, 64, 5_000, 0, -1, i32::MIN, i32::MAX, -1, IdSet::LARGEST] {
            set.insert(id);
        }
        assert_eq!(set.len(), 8);
        [64, 70_000, -1, -2].into_iter().for_each(|id| other.insert(id));
        set.merge(other);
        assert_eq!(set.len(), 10);
    }
}
