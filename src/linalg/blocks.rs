//! Sums over blocks of fixed size, so that the number of threads does not change a bit of them.

use rayon::prelude::*;

/// The threads that work on the blocks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Threads {
    /// Those of the pool.
    Pool,
    /// The calling one, while others wait for the result: a thread of the pool that waits for
    /// blocks takes other work meanwhile, which may wait for this very result.
    Calling,
}

/// Maps the indices of `n` blocks, in order; `init` makes the working memory of a thread.
pub(crate) fn map_blocks<S, T: Send>(
    n: usize,
    threads: Threads,
    init: impl Fn() -> S + Sync + Send,
    map: impl Fn(&mut S, usize) -> T + Sync + Send,
) -> Vec<T> {
    match threads {
        Threads::Pool => (0..n).into_par_iter().map_init(init, map).collect(),
        Threads::Calling => {
            let mut scratch = init();
            (0..n).map(|block| map(&mut scratch, block)).collect()
        }
    }
}
