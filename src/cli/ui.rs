//! What is said on stderr while work goes on: a bar on a terminal, lines with `-v`, nothing with
//! `--quiet`.

use std::io::{self, IsTerminal};
use std::sync::{Mutex, PoisonError};

use indicatif::{ProgressBar, ProgressStyle};

use crate::cli::interrupt;
use crate::cli::memory::Memory;
use crate::cli::output::talk;
use crate::progress::Progress;

/// How much is said.
#[derive(Debug)]
pub(crate) struct Ui {
    quiet: bool,
    verbose: bool,
    bars: bool,
    bar: Mutex<Option<ProgressBar>>,
    /// How much memory may be used.
    pub(crate) memory: Memory,
}

impl Ui {
    pub(crate) fn new(quiet: bool, verbose: bool, memory: Memory) -> Self {
        let bars = !quiet && io::stderr().is_terminal();
        Self { quiet, verbose: verbose && !quiet, bars, bar: Mutex::new(None), memory }
    }

    /// Says something that the user will want to know, unless told to be quiet.
    pub(crate) fn say(&self, text: &str) {
        if !self.quiet {
            self.around_bar(|| talk(&format!("mvrec: {text}")));
        }
    }

    /// Takes the bar away; to be called before data is printed.
    pub(crate) fn finish(&self) {
        if let Some(bar) = self.bar.lock().unwrap_or_else(PoisonError::into_inner).take() {
            bar.finish_and_clear();
        }
    }

    fn around_bar(&self, print: impl FnOnce()) {
        match &*self.bar.lock().unwrap_or_else(PoisonError::into_inner) {
            Some(bar) => bar.suspend(print),
            None => print(),
        }
    }
}

/// Returns a number with its unit in the singular or plural.
pub(crate) fn counted(n: usize, unit: &str) -> String {
    match n {
        1 => format!("1 {unit}"),
        n => format!("{n} {unit}s"),
    }
}

impl Progress for Ui {
    fn begin(&self, task: &str, unit: &'static str, total: Option<u64>) {
        self.finish();
        if self.verbose {
            talk(&format!("mvrec: {task}"));
        }
        if !self.bars {
            return;
        }
        let amount = match unit {
            "bytes" => "{bytes}/{total_bytes} {bytes_per_sec}",
            _ => "{human_pos}/{human_len} {unit} {per_sec}",
        };
        let style = match total {
            Some(_) => format!("{{prefix}} {{wide_bar}} {amount} eta {{eta}} {{msg}}"),
            None => "{prefix} {spinner} {msg}".to_string(),
        };
        let style = ProgressStyle::with_template(&style.replace("{unit}", unit))
            .unwrap_or_else(|_| ProgressStyle::default_bar());
        let bar = total.map_or_else(ProgressBar::new_spinner, ProgressBar::new);
        bar.set_style(style);
        bar.set_prefix(task.to_string());
        *self.bar.lock().unwrap_or_else(PoisonError::into_inner) = Some(bar);
    }

    fn advance(&self, n: u64) {
        if let Some(bar) = &*self.bar.lock().unwrap_or_else(PoisonError::into_inner) {
            bar.inc(n);
        }
    }

    fn note(&self, text: &str) {
        if let Some(bar) = &*self.bar.lock().unwrap_or_else(PoisonError::into_inner) {
            bar.set_message(text.to_string());
        }
        if self.verbose {
            self.around_bar(|| talk(&format!("mvrec: {text}")));
        }
    }

    fn inform(&self, text: &str) {
        self.say(text);
    }

    fn warn(&self, text: &str) {
        self.say(&format!("warning: {text}"));
    }

    fn stops(&self) -> bool {
        interrupt::came()
    }
}
