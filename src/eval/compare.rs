//! Compares systems user by user.

use std::collections::HashMap;

use serde::Serialize;

use crate::eval::protocol::EvaluationOutcome;
use crate::eval::significance::{PairedTest, bootstrap, holm, paired};

/// Figures of each user, whatever made them.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct UserFigures {
    /// Raw ids.
    pub users: Vec<i32>,
    /// Figures by name, a value per user each; NaN where there is none.
    pub figures: Vec<(String, Vec<f64>)>,
}

impl UserFigures {
    /// Takes the figures out of an outcome.
    #[must_use]
    pub fn from_outcome(outcome: &EvaluationOutcome) -> Self {
        let figure = |at: usize| outcome.users.iter().map(|user| user.values[at]).collect();
        let names = outcome.names.iter().cloned().enumerate();
        Self {
            users: outcome.users.iter().map(|user| user.user).collect(),
            figures: names.map(|(at, name)| (name, figure(at))).collect(),
        }
    }
}

/// How two systems differ in one figure.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SystemComparison {
    /// Name of the figure.
    pub metric: String,
    /// Place of the other system; the first is compared with each.
    #[serde(skip)]
    pub other: usize,
    /// Mean of the first over the users that both have a figure of.
    pub first: f64,
    /// Mean of the second over the same users.
    pub second: f64,
    /// The difference, and its tests.
    #[serde(flatten)]
    pub paired: PairedTest,
    /// Bootstrap interval of 95 % of the difference.
    pub interval: Option<(f64, f64)>,
    /// Wilcoxon's p-value, adjusted by Holm for all comparisons.
    pub wilcoxon_holm: f64,
    /// The permutation test's p-value, adjusted likewise.
    pub permutation_holm: f64,
}

/// Compares the first system with each of the others in every figure that both have.
#[must_use]
pub fn compare(systems: &[UserFigures], replicates: usize, seed: u64) -> Vec<SystemComparison> {
    let Some((first, others)) = systems.split_first() else { return Vec::new() };
    let mut comparisons = Vec::new();
    for (other, second) in others.iter().enumerate() {
        let at: HashMap<i32, usize> = second.users.iter().copied().zip(0..).collect();
        for (metric, values) in &first.figures {
            let Some((_, theirs)) = second.figures.iter().find(|(name, _)| name == metric) else {
                continue;
            };
            let pairs: Vec<(f64, f64)> = first
                .users
                .iter()
                .zip(values)
                .filter_map(|(user, &a)| Some((a, theirs[*at.get(user)?])))
                .filter(|(a, b)| a.is_finite() && b.is_finite())
                .collect();
            if pairs.is_empty() {
                continue;
            }
            comparisons.push(compare_pairs(metric, other + 1, &pairs, replicates, seed));
        }
    }
    let adjust =
        |p: &dyn Fn(&SystemComparison) -> f64| holm(&comparisons.iter().map(p).collect::<Vec<_>>());
    let wilcoxon = adjust(&|c| c.paired.wilcoxon_p);
    let permutation = adjust(&|c| c.paired.permutation_p);
    for ((comparison, wilcoxon), permutation) in
        comparisons.iter_mut().zip(wilcoxon).zip(permutation)
    {
        (comparison.wilcoxon_holm, comparison.permutation_holm) = (wilcoxon, permutation);
    }
    comparisons
}

fn compare_pairs(
    metric: &str,
    other: usize,
    pairs: &[(f64, f64)],
    replicates: usize,
    seed: u64,
) -> SystemComparison {
    let differences: Vec<f64> = pairs.iter().map(|(a, b)| b - a).collect();
    let n = pairs.len() as f64;
    let mean = |times: &[u32]| {
        let drawn = differences.iter().zip(times).map(|(d, &t)| d * f64::from(t));
        vec![drawn.sum::<f64>() / n]
    };
    let interval = bootstrap(pairs.len(), replicates, seed, mean).first().copied().flatten();
    SystemComparison {
        metric: metric.into(),
        other,
        first: pairs.iter().map(|(a, _)| a).sum::<f64>() / n,
        second: pairs.iter().map(|(_, b)| b).sum::<f64>() / n,
        paired: paired(&differences, seed),
        interval,
        wilcoxon_holm: 1.0,
        permutation_holm: 1.0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn users_are_paired_by_id_and_figures_by_name() {
        let a = UserFigures {
            users: vec![1, 2, 3, 4],
            figures: vec![
                ("x".into(), vec![1.0, 2.0, f64::NAN, 4.0]),
                ("only a".into(), vec![0.0; 4]),
            ],
        };
        let b = UserFigures {
            users: vec![4, 2, 1, 9],
            figures: vec![("y".into(), vec![0.0; 4]), ("x".into(), vec![7.0, 2.0, 2.0, 9.0])],
        };
        let comparisons = compare(&[a, b], 100, 1);
        assert_eq!(comparisons.len(), 1);
        let x = &comparisons[0];
        assert_eq!((x.metric.as_str(), x.other, x.paired.users), ("x", 1, 3));
        assert!((x.paired.difference - (1.0 + 0.0 + 3.0) / 3.0).abs() < 1e-12);
        assert!((x.first - 7.0 / 3.0).abs() < 1e-12 && (x.second - 11.0 / 3.0).abs() < 1e-12);
        let (low, high) = x.interval.unwrap();
        assert!(low >= 0.0 && high <= 3.0 && low < x.paired.difference);
    }
}
