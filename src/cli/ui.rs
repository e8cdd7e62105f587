//! What is said on stderr while work goes on: a bar on a terminal, lines with `-v`, nothing with
//! `--quiet`.

use std::fmt;
use std::io::{self, IsTerminal};
use std::sync::{Mutex, PoisonError};

use indicatif::{HumanCount, ProgressBar, ProgressState, ProgressStyle};

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

    /// Says that a result does not mean what it seems to, even if told to be quiet.
    pub(crate) fn alert(&self, text: &str) {
        self.around_bar(|| talk(&format!("mvrec: warning: {text}")));
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

/// Returns how many are done in a second: a whole number, or with a decimal if it is small.
fn rate(per_second: f64) -> String {
    const SMALL: f64 = 10.0;
    match per_second < SMALL {
        true => format!("{per_second:.1}/s"),
        false => format!("{}/s", HumanCount(per_second.round() as u64)),
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
            _ => "{human_pos}/{human_len} {unit} {rate}",
        };
        let style = match total {
            Some(_) => format!("{{prefix}} {{wide_bar}} {amount} eta {{eta}} {{msg}}"),
            None => "{prefix} {spinner} {msg}".to_string(),
        };
        let style = ProgressStyle::with_template(&style.replace("{unit}", unit))
            .unwrap_or_else(|_| ProgressStyle::default_bar())
            .with_key("rate", |state: &ProgressState, out: &mut dyn fmt::Write| {
                let _ = out.write_str(&rate(state.per_sec()));
            });
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_are_rounded() {
        assert_eq!(rate(0.25), "0.2/s");
        assert_eq!(rate(1234.5678), "1,235/s");
    }
}
