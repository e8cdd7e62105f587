//! Where an axis has its marks, and what is written at them.

use chrono::{Datelike, Months, NaiveDate};

use crate::plot::ScaleKind;

/// A mark of an axis.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct AxisTick {
    pub(super) at: f64,
    pub(super) label: String,
}

/// Returns up to about `most` ticks from `low` to `high`.
pub(super) fn ticks(kind: &ScaleKind, low: f64, high: f64, most: usize) -> Vec<AxisTick> {
    match kind {
        ScaleKind::Number => numbers(low, high, most),
        ScaleKind::Day => days(low, high, most),
        ScaleKind::Names(names) => {
            let every = names.len().div_ceil(most.max(1)).max(1);
            let named = names.iter().enumerate().step_by(every);
            named.map(|(at, name)| AxisTick { at: at as f64 + 0.5, label: name.clone() }).collect()
        }
    }
}

/// Multiples of 1, 2 or 5 times a power of ten.
fn numbers(low: f64, high: f64, most: usize) -> Vec<AxisTick> {
    if low >= high {
        return vec![AxisTick { at: low, label: number(low) }];
    }
    let rough = (high - low) / most.max(1) as f64;
    let power = libm::exp10(libm::log10(rough).floor());
    let steps = [1.0, 2.0, 5.0, 10.0];
    let step = power * steps.into_iter().find(|step| step * power >= rough).unwrap_or(10.0);
    let digits = (-libm::log10(step).floor()).max(0.0) as usize;
    let (first, last) = ((low / step).ceil() as i64, (high / step + 1e-9).floor() as i64);
    let tick = |i: i64| {
        let at = i as f64 * step;
        AxisTick { at, label: if digits > 0 { format!("{at:.digits$}") } else { number(at) } }
    };
    (first..=last).map(tick).collect()
}

/// Shortens large numbers: 1500 to 1.5 k.
pub(super) fn number(value: f64) -> String {
    let (value, unit) = match value.abs() {
        size if size >= 1e9 => (value / 1e9, " G"),
        size if size >= 1e6 => (value / 1e6, " M"),
        size if size >= 1e4 => (value / 1e3, " k"),
        _ => (value, ""),
    };
    let rounded = format!("{value:.3}");
    format!("{}{unit}", rounded.trim_end_matches('0').trim_end_matches('.'))
}

/// Writes a number in full, its thousands apart.
pub(super) fn in_full(value: f64) -> String {
    if value.fract() == 0.0 && value >= 0.0 { thousands(value as u64) } else { number(value) }
}

/// Writes a number with its thousands apart.
pub(super) fn thousands(n: u64) -> String {
    let digits = n.to_string();
    let groups: Vec<&str> = digits
        .as_bytes()
        .rchunks(3)
        .rev()
        .map(|group| std::str::from_utf8(group).expect("digits are ASCII"))
        .collect();
    groups.join(",")
}

/// Writes out a day.
pub(super) fn date(day: f64) -> Option<NaiveDate> {
    NaiveDate::from_epoch_days(day.floor() as i32)
}

/// First days of years, months or weeks, or days.
fn days(low: f64, high: f64, most: usize) -> Vec<AxisTick> {
    let (Some(first), Some(last)) = (date(low), date(high)) else { return Vec::new() };
    let months = ((high - low) / 30.44 / most.max(1) as f64).ceil() as u32;
    let steps = [1, 2, 3, 6, 12, 24, 36, 60, 120, 240];
    let step = steps.into_iter().find(|step| *step >= months).unwrap_or(600);
    if (high - low) < 62.0 {
        let step = ((high - low) / most.max(1) as f64).ceil().max(1.0) as usize;
        let days = first.iter_days().take_while(|day| *day <= last).step_by(step);
        return days.map(|day| tick(day, "%Y-%m-%d")).collect();
    }
    let month0 = if step >= 12 { 0 } else { first.month0() / step * step };
    let year = if step >= 12 {
        first.year().div_euclid(step as i32 / 12) * (step as i32 / 12)
    } else {
        first.year()
    };
    let mut next = NaiveDate::from_ymd_opt(year, month0 + 1, 1);
    let mut all = Vec::new();
    while let Some(day) = next.filter(|day| *day <= last) {
        if f64::from(day.to_epoch_days()) >= low {
            all.push(tick(day, if step >= 12 { "%Y" } else { "%Y-%m" }));
        }
        next = day.checked_add_months(Months::new(step));
    }
    all
}

fn tick(day: NaiveDate, format: &str) -> AxisTick {
    AxisTick { at: day.to_epoch_days().into(), label: day.format(format).to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(kind: &ScaleKind, low: f64, high: f64, most: usize) -> Vec<String> {
        ticks(kind, low, high, most).into_iter().map(|tick| tick.label).collect()
    }

    #[test]
    fn numbers_are_round_and_large_ones_short() {
        assert_eq!(labels(&ScaleKind::Number, 0.0, 5.0, 5), ["0", "1", "2", "3", "4", "5"]);
        assert_eq!(labels(&ScaleKind::Number, 3.31, 3.68, 5), ["3.4", "3.5", "3.6"]);
        assert_eq!(labels(&ScaleKind::Number, 0.0, 24e6, 3), ["0", "10 M", "20 M"]);
        assert_eq!(labels(&ScaleKind::Number, 2.0, 2.0, 5), ["2"]);
        assert_eq!(number(1500.0), "1500");
        assert_eq!(number(15_500.0), "15.5 k");
    }

    #[test]
    fn days_are_first_days_of_years_months_or_days() {
        let day = |text: &str| f64::from(text.parse::<NaiveDate>().unwrap().to_epoch_days());
        let labels = |from, to, most| labels(&ScaleKind::Day, day(from), day(to), most);
        assert_eq!(labels("1996-03-29", "2018-09-24", 5), ["2000", "2005", "2010", "2015"]);
        assert_eq!(labels("2018-01-15", "2018-12-01", 4), ["2018-04", "2018-07", "2018-10"]);
        assert_eq!(
            labels("2018-01-01", "2018-01-03", 8),
            ["2018-01-01", "2018-01-02", "2018-01-03"]
        );
    }

    #[test]
    fn thousands_are_apart() {
        assert_eq!(thousands(0), "0");
        assert_eq!(thousands(999), "999");
        assert_eq!(thousands(25_000_095), "25,000,095");
        assert_eq!((in_full(20_047.0), in_full(47.75)), ("20,047".into(), "47.75".into()));
    }

    #[test]
    fn of_many_names_some_are_written() {
        let names = ScaleKind::Names((0..10).map(|i| i.to_string()).collect());
        assert_eq!(labels(&names, 0.0, 10.0, 4), ["0", "3", "6", "9"]);
    }
}
