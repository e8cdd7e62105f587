//! Memory limit: estimates are refused before the work starts, a watchdog ends the process at the
//! limit, and a failed allocation is an error message instead of an abort.

use std::fs;
use std::io::{self, Write};
use std::str::FromStr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use sysinfo::{MemoryRefreshKind, RefreshKind, System};

use crate::cli::error::Result;
use crate::cli::{interrupt, output};
use crate::io::atomic;

/// A size as typed: `800M`, `4G`, `2GiB`, or bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ByteSize(u64);

impl FromStr for ByteSize {
    type Err = String;

    fn from_str(text: &str) -> std::result::Result<Self, String> {
        let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
        let unit = match text[digits.len()..]
            .to_ascii_lowercase()
            .trim_end_matches("ib")
            .trim_end_matches('b')
        {
            "" => 0,
            "k" => 10,
            "m" => 20,
            "g" => 30,
            "t" => 40,
            _ => return Err("expected a size such as 800M or 4G".into()),
        };
        let bytes = digits.trim().parse::<f64>().map(|number| number * f64::from(2_u32).powi(unit));
        match bytes {
            // No machine has more, and fewer than one is a mistake.
            Ok(bytes) if (1.0..1e18).contains(&bytes) => Ok(Self(bytes as u64)),
            _ => Err("expected a size such as 800M or 4G".into()),
        }
    }
}

impl ByteSize {
    /// The program itself takes about 12 MiB.
    const LEAST_LIMIT: u64 = 16 << 20;

    /// Whether a limit of this size can be kept.
    pub(crate) fn is_possible_limit(self) -> bool {
        self.0 >= Self::LEAST_LIMIT
    }
}

/// What may be used.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Memory {
    limit: Option<u64>,
    told: bool,
}

impl Memory {
    /// Takes the limit that was told, else what the machine has free.
    pub(crate) fn new(told: Option<ByteSize>) -> Self {
        match told {
            Some(ByteSize(limit)) => Self { limit: Some(limit), told: true },
            None => Self { limit: free(), told: false },
        }
    }

    /// Starts the watchdog if a limit was given.
    pub(crate) fn watch(&self) {
        if let (Some(limit), true) = (self.limit, self.told) {
            // Without a thread, the estimates beforehand are what there is.
            let watch = move || watch(limit);
            let _ = thread::Builder::new().name("memory".into()).spawn(watch);
        }
    }

    /// Refuses what would need more than may be used; `needed` is an estimate in bytes.
    pub(crate) fn allow(&self, what: &str, needed: u64) -> Result<()> {
        let Some(limit) = self.limit.filter(|&limit| needed > limit) else { return Ok(()) };
        let (needed, limit) = (shown(needed), shown(limit));
        let source = if self.told { "--max-memory allows" } else { "this machine has free" };
        anyhow::bail!("{what} needs about {needed} of memory; {source} {limit}")
    }
}

/// Watchdog: polls the resident set size and ends the process shortly before the limit.
fn watch(limit: u64) {
    const PAUSE: Duration = Duration::from_millis(4);
    /// Memory that can be touched between two polls, at a few GB/s; less for a small limit.
    const MARGIN: u64 = 24 << 20;
    let most = limit - MARGIN.min(limit / 8);
    while let Some(used) = used() {
        if used > most {
            let limit = shown(limit);
            end(&format!("this takes more memory than --max-memory allows, which is {limit}"));
        }
        thread::sleep(PAUSE);
    }
}

/// Returns the resident set size in bytes; `None` where `/proc` does not exist.
fn used() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    Some(line.split_whitespace().next()?.parse::<u64>().ok()? << 10)
}

/// Ends the process after a failed allocation of `size` bytes; does not allocate itself.
pub fn out_of_memory(size: usize) -> ! {
    static ENDS: AtomicBool = AtomicBool::new(false);
    if !ENDS.swap(true, Ordering::Relaxed) {
        let mut text = [0; 128];
        let mut rest = &mut text[..];
        let written =
            writeln!(rest, "mvrec: error: out of memory: {size} bytes more are not to be had");
        let left = rest.len();
        if written.is_ok() {
            let _ = io::stderr().write_all(&text[..text.len() - left]);
        }
        atomic::remove_unfinished();
    }
    interrupt::exit(1)
}

fn end(message: &str) -> ! {
    output::talk(&format!("mvrec: error: {message}"));
    atomic::remove_unfinished();
    interrupt::exit(1)
}

fn shown(bytes: u64) -> String {
    match bytes >> 20 {
        0 => format!("{} KiB", bytes >> 10),
        mib @ 1..1024 => format!("{mib} MiB"),
        mib => format!("{:.1} GiB", mib as f64 / 1024.0),
    }
}

/// Returns what the machine, or the group of processes that this one is in, has free; `None` if
/// that is not known.
fn free() -> Option<u64> {
    let kind = RefreshKind::nothing().with_memory(MemoryRefreshKind::nothing().with_ram());
    let system = System::new_with_specifics(kind);
    let group = system.cgroup_limits().map(|group| group.free_memory);
    let machine = Some(system.available_memory()).filter(|&free| free > 0);
    machine.into_iter().chain(group).min()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_as_typed() {
        for (text, bytes) in [
            ("512", 512),
            ("1k", 1024),
            ("800M", 800 << 20),
            ("2500000000", 2_500_000_000),
            ("1.5G", 3 << 29),
            ("2GiB", 2 << 30),
            ("3gb", 3 << 30),
        ] {
            assert_eq!(text.parse(), Ok(ByteSize(bytes)), "{text}");
        }
        for bad in ["", "G", "-1G", "1X", "0", "0.5", "NaN", "1e300", "1e9G"] {
            assert!(bad.parse::<ByteSize>().is_err(), "{bad}");
        }
    }

    #[test]
    fn free_memory_is_at_most_the_total() {
        let all = System::new_with_specifics(RefreshKind::everything()).total_memory();
        let free = free().expect("known on Linux, macOS and Windows");
        assert!(0 < free && free <= all, "{free} of {all}");
    }

    #[test]
    fn excessive_estimate_is_refused_with_both_figures() {
        let memory = Memory::new(Some(ByteSize(1 << 30)));
        assert!(memory.allow("reading", 1 << 30).is_ok());
        let error = memory.allow("reading", 3 << 30).unwrap_err().to_string();
        assert_eq!(error, "reading needs about 3.0 GiB of memory; --max-memory allows 1.0 GiB");
    }
}
