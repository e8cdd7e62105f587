//! Reusable FIFO buffer.

use std::ops::Deref;

/// Values in memory that is used again: once filled, it is never again filled with zeros before
/// something is written there.
#[derive(Debug, Default)]
pub(in crate::io::parquet) struct FifoBuffer<T> {
    memory: Vec<T>,
    from: usize,
    to: usize,
}

impl<T> Deref for FifoBuffer<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        &self.memory[self.from..self.to]
    }
}

impl<T: Copy + Default> FifoBuffer<T> {
    /// Takes over memory, but no values.
    pub(in crate::io::parquet) fn with_memory(memory: Vec<T>) -> Self {
        Self { memory, from: 0, to: 0 }
    }

    /// Returns the values.
    pub(in crate::io::parquet) fn into_vec(self) -> Vec<T> {
        let Self { mut memory, from, to } = self;
        memory.truncate(to);
        memory.drain(..from);
        memory
    }

    /// Removes all values.
    pub(in crate::io::parquet) fn clear(&mut self) {
        (self.from, self.to) = (0, 0);
    }

    /// Removes the first `n` values, or all if there are fewer.
    pub(in crate::io::parquet) fn advance(&mut self, n: usize) {
        self.from += n.min(self.len());
        if self.is_empty() {
            self.clear();
        }
    }

    /// Returns memory for `n` values behind those that are there, of which [`Self::add`] tells how
    /// many were written.
    pub(in crate::io::parquet) fn room(&mut self, n: usize) -> &mut [T] {
        let end = self.to + n;
        if self.memory.len() < end {
            self.memory.resize(end, T::default());
        }
        &mut self.memory[self.to..end]
    }

    /// Adds the first `n` values of the memory behind.
    pub(in crate::io::parquet) fn add(&mut self, n: usize) {
        assert!(n <= self.memory.len() - self.to, "they were written there");
        self.to += n;
    }

    /// Adds a value several times.
    pub(in crate::io::parquet) fn fill(&mut self, value: T, times: usize) {
        self.room(times).fill(value);
        self.add(times);
    }

    /// Adds values, which are as many as they say.
    pub(in crate::io::parquet) fn extend(&mut self, values: impl ExactSizeIterator<Item = T>) {
        let n = values.len();
        self.room(n).iter_mut().zip(values).for_each(|(to, from)| *to = from);
        self.add(n);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_come_and_go() {
        let mut buffer = FifoBuffer::with_memory(vec![9; 4]);
        assert!(buffer.is_empty());
        buffer.fill(7, 2);
        buffer.extend([1, 2, 3].into_iter());
        assert_eq!(*buffer, [7, 7, 1, 2, 3]);
        buffer.advance(3);
        buffer.room(2)[0] = 4;
        buffer.add(1);
        assert_eq!(*buffer, [2, 3, 4]);
        assert_eq!(buffer.room(9).len(), 9);
        buffer.advance(100);
        assert!(buffer.is_empty());
        buffer.extend([5].into_iter());
        assert_eq!(buffer.into_vec(), [5]);
    }
}
