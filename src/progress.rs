//! How the library reports what it is doing, without knowing who is watching.

/// Receives the course of long work; the command line shows it as a bar, tests ignore it.
pub trait Progress: Sync {
    /// Begins a task of `total` steps, where that is known; it ends when the next one begins.
    fn begin(&self, task: &str, unit: &'static str, total: Option<u64>);
    /// Counts `n` further steps of the current task.
    fn advance(&self, n: u64);
    /// Says how the current task stands, such as the loss of an iteration.
    fn note(&self, text: &str);
    /// Tells the user something worth knowing, such as a guess that was made.
    fn inform(&self, _text: &str) {}
    /// Tells the user something that deserves attention although the work goes on.
    fn warn(&self, text: &str);
    /// Whether the work is to end as soon as it has something to show for itself.
    fn stops(&self) -> bool {
        false
    }
}

/// Listens to nothing.
#[derive(Debug, Clone, Copy, Default)]
pub struct Silent;

impl Progress for Silent {
    fn begin(&self, _task: &str, _unit: &'static str, _total: Option<u64>) {}
    fn advance(&self, _n: u64) {}
    fn note(&self, _text: &str) {}
    fn warn(&self, _text: &str) {}
}
