//! Raw ids, dense indices and the way between them.
//!
//! A raw id is what a file says; a dense index is a row of a matrix. Mixing the two yields
//! plausible nonsense, so they are types of their own.

use rayon::prelude::*;

/// User as named in the data.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UserId(pub i32);

/// Movie as named in the data.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MovieId(pub i32);

/// Row of the user side of a model, from 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UserIx(pub u32);

/// Row of the item side of a model, from 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ItemIx(pub u32);

impl UserIx {
    /// Returns the index for use with a slice.
    #[must_use]
    pub fn at(self) -> usize {
        self.0 as usize
    }
}

impl ItemIx {
    /// Returns the index for use with a slice.
    #[must_use]
    pub fn at(self) -> usize {
        self.0 as usize
    }
}

impl std::fmt::Display for UserId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

impl std::fmt::Display for MovieId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

/// Returns the place of a raw id in an ascending list of them.
#[must_use]
pub fn position(sorted: &[i32], id: i32) -> Option<u32> {
    sorted.binary_search(&id).ok().map(|at| at as u32)
}

/// Returns the distinct ids of a column, ascending: by a table of marks where the ids are compact,
/// else by sorting.
#[must_use]
pub fn distinct(ids: &[i32]) -> Vec<i32> {
    const CHUNK: usize = 1 << 22;
    let range = ids.par_iter().map(|&id| (id, id)).reduce_with(|a, b| (a.0.min(b.0), a.1.max(b.1)));
    let Some((first, last)) = range else { return Vec::new() };
    let width = i64::from(last) - i64::from(first) + 1;
    if width > ids.len() as i64 {
        let mut sorted = ids.to_vec();
        sorted.par_sort_unstable();
        sorted.dedup();
        return sorted;
    }
    let nothing = || vec![false; width as usize];
    let marks = ids.par_chunks(CHUNK).map(|chunk| {
        let mut marks = nothing();
        chunk.iter().for_each(|&id| marks[(id - first) as usize] = true);
        marks
    });
    let marks = marks.reduce(nothing, |mut a, b| {
        a.iter_mut().zip(b).for_each(|(a, b)| *a |= b);
        a
    });
    (first..=last).zip(marks).filter_map(|(id, marked)| marked.then_some(id)).collect()
}

/// Translates raw ids to dense indices: by table where the ids are compact, else by search.
#[derive(Debug)]
pub enum IdLookup {
    /// `table[id - first]` is the index, or `u32::MAX`.
    Table {
        /// Smallest id.
        first: i32,
        /// Index of each id from the smallest to the largest.
        table: Vec<u32>,
    },
    /// The ids in ascending order.
    Search(Vec<i32>),
}

impl IdLookup {
    /// Prepares the translation for ids in ascending order.
    #[must_use]
    pub fn new(sorted: &[i32]) -> Self {
        /// A table may be this much longer than the list before searching is the better bargain.
        const SPARSEST: i64 = 64;
        let (Some(&first), Some(&last)) = (sorted.first(), sorted.last()) else {
            return Self::Search(sorted.to_vec());
        };
        let width = i64::from(last) - i64::from(first) + 1;
        if width > SPARSEST * sorted.len() as i64 {
            return Self::Search(sorted.to_vec());
        }
        let mut table = vec![u32::MAX; width as usize];
        for (ix, &id) in sorted.iter().enumerate() {
            table[(id - first) as usize] = ix as u32;
        }
        Self::Table { first, table }
    }

    /// Returns the dense index of a raw id.
    #[must_use]
    pub fn get(&self, id: i32) -> Option<u32> {
        match self {
            Self::Table { first, table } => {
                let at = usize::try_from(i64::from(id) - i64::from(*first)).ok()?;
                table.get(at).copied().filter(|&ix| ix != u32::MAX)
            }
            Self::Search(sorted) => position(sorted, id),
        }
    }
}

/// Counts how often each of `n` ids occurs, all of which `lookup` knows.
pub(super) fn count(column: &[i32], lookup: &IdLookup, n: usize) -> Vec<usize> {
    column
        .par_chunks(1 << 22)
        .map(|chunk| {
            let mut counts = vec![0; n];
            for &id in chunk {
                counts[lookup.get(id).expect("every id was listed") as usize] += 1;
            }
            counts
        })
        .reduce(
            || vec![0; n],
            |mut a, b| {
                a.iter_mut().zip(b).for_each(|(a, b)| *a += b);
                a
            },
        )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_ways_of_listing_distinct_ids_agree() {
        for ids in [
            vec![],
            vec![i32::MAX, i32::MIN, i32::MAX],
            vec![7, 5, 7, 5, -1, 6, 6, 6, 5],
            vec![-2, 9],
        ] {
            let mut plain = ids.clone();
            plain.sort_unstable();
            plain.dedup();
            assert_eq!(distinct(&ids), plain, "{ids:?}");
        }
    }

    #[test]
    fn both_ways_of_looking_up_agree() {
        for ids in [vec![], vec![-3, 0, 7], vec![i32::MIN, 5, i32::MAX]] {
            let lookup = IdLookup::new(&ids);
            for id in [i32::MIN, -4, -3, -2, 0, 5, 7, 8, i32::MAX] {
                assert_eq!(lookup.get(id), position(&ids, id), "{id} in {ids:?}");
            }
        }
        assert!(matches!(IdLookup::new(&[-3, 0, 7]), IdLookup::Table { .. }));
    }
}
