//! What is tried next.

use rand::{Rng, RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::tune::space::{Dimension, ParameterRange, Point, SearchSpace};

/// How points are chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum Sampler {
    /// Near good trials and away from others, by Parzen estimators (Bergstra and others 2011)
    Tpe,
    /// Anywhere
    Random,
    /// All combinations of the values, of intervals five
    Grid,
}

/// Values of an interval in a grid.
const GRID_OF_INTERVAL: usize = 5;

/// Trials before those that are guided by others.
const STARTUP: usize = 10;

/// Of so many trials, one counts as good. On bowls of one and three parameters and a choice, 50
/// trials came nearer to the bottom with one in 10 than with one in 5 (0.005 and 0.007).
const GOOD_SHARE: usize = 10;

/// Of so many trials, one is anywhere, lest a wrong choice keeps all others.
const ANYWHERE: usize = 5;

/// Narrowest width of a density around a trial.
const NARROWEST: f64 = 0.03;

/// Points that are drawn where good trials are, of which the best is tried.
const DRAWN: usize = 24;

impl Sampler {
    /// Returns how many points there are at most; `None` without a limit.
    #[must_use]
    pub fn limit(self, space: &SearchSpace) -> Option<usize> {
        let is_grid = self == Self::Grid;
        is_grid.then(|| space.dimensions.iter().map(n_grid_values).product())
    }

    /// Returns the point of a trial, counted from 0, given the points of former trials, the best
    /// first. The first is that of the algorithm's own values, but in a grid.
    #[must_use]
    pub fn point(
        self,
        space: &SearchSpace,
        trial: usize,
        best_first: &[Point],
        seed: u64,
    ) -> Point {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        rng.set_stream(trial as u64);
        match self {
            Self::Grid => grid_point(space, trial),
            _ if trial == 0 => space.start(),
            Self::Tpe if best_first.len() >= STARTUP && !trial.is_multiple_of(ANYWHERE) => {
                guided_point(space, best_first, &mut rng)
            }
            _ => space.dimensions.iter().map(|dimension| anywhere(dimension, &mut rng)).collect(),
        }
    }
}

fn n_grid_values(dimension: &Dimension) -> usize {
    match &dimension.range {
        ParameterRange::Choices(values) => values.len(),
        ParameterRange::Interval { .. } => GRID_OF_INTERVAL,
    }
}

/// Returns a point of the grid; the last parameter changes fastest.
fn grid_point(space: &SearchSpace, trial: usize) -> Point {
    let (mut rest, mut point) = (trial, Vec::new());
    for dimension in space.dimensions.iter().rev() {
        let n = n_grid_values(dimension);
        let at = (rest % n) as f64;
        rest /= n;
        point.push(match &dimension.range {
            ParameterRange::Choices(_) => at,
            ParameterRange::Interval { .. } => at / (GRID_OF_INTERVAL - 1) as f64,
        });
    }
    point.reverse();
    point
}

fn anywhere(dimension: &Dimension, rng: &mut impl Rng) -> f64 {
    match &dimension.range {
        ParameterRange::Choices(values) => rng.random_range(0..values.len()) as f64,
        ParameterRange::Interval { .. } => rng.random(),
    }
}

/// Returns the one of some points drawn near good trials at which good trials are densest,
/// compared with the others.
fn guided_point(space: &SearchSpace, best_first: &[Point], rng: &mut impl Rng) -> Point {
    let n_good = best_first.len().div_ceil(GOOD_SHARE);
    let (good, others) = best_first.split_at(n_good);
    let mut chosen = (f64::NEG_INFINITY, Vec::new());
    for _ in 0..DRAWN {
        let (mut gain, mut point) = (0.0, Vec::new());
        for (at, dimension) in space.dimensions.iter().enumerate() {
            let density = |trials: &[Point]| {
                Density::new(&dimension.range, trials.iter().map(|point| point[at]).collect())
            };
            let (good, others) = (density(good), density(others));
            let coordinate = good.draw(rng);
            gain += libm::log(good.at(coordinate) / others.at(coordinate));
            point.push(coordinate);
        }
        if gain > chosen.0 {
            chosen = (gain, point);
        }
    }
    chosen.1
}

/// A density of one coordinate: that of points around some trials, and of one anywhere.
enum Density {
    /// Of how many trials had each choice, each counted once more.
    Choices(Vec<f64>),
    /// Normal densities of one width, each cut off at 0 and 1.
    Points { centers: Vec<f64>, width: f64 },
}

impl Density {
    fn new(range: &ParameterRange, coordinates: Vec<f64>) -> Self {
        match range {
            ParameterRange::Choices(values) => {
                let mut counts = vec![1.0; values.len()];
                coordinates.iter().for_each(|&choice| counts[choice as usize] += 1.0);
                Self::Choices(counts)
            }
            ParameterRange::Interval { .. } => {
                let n = coordinates.len().max(1) as f64;
                let width = (0.15 * libm::pow(n, -0.2)).max(NARROWEST);
                Self::Points { centers: coordinates, width }
            }
        }
    }

    fn draw(&self, rng: &mut impl Rng) -> f64 {
        match self {
            Self::Choices(counts) => {
                let mut left = rng.random::<f64>() * counts.iter().sum::<f64>();
                let found = counts.iter().position(|count| {
                    left -= count;
                    left < 0.0
                });
                found.unwrap_or(counts.len() - 1) as f64
            }
            Self::Points { centers, width } => {
                match centers.get(rng.random_range(0..=centers.len())) {
                    None => rng.random(),
                    // By the inverse of the distribution, as no draw is to be thrown away.
                    Some(center) => {
                        let share = |x: f64| normal_share((x - center) / width);
                        let wanted = share(0.0) + rng.random::<f64>() * (share(1.0) - share(0.0));
                        let (mut low, mut high) = (0.0, 1.0);
                        for _ in 0..40 {
                            let middle = f64::midpoint(low, high);
                            *if share(middle) < wanted { &mut low } else { &mut high } = middle;
                        }
                        low
                    }
                }
            }
        }
    }

    fn at(&self, coordinate: f64) -> f64 {
        match self {
            Self::Choices(counts) => counts[coordinate as usize] / counts.iter().sum::<f64>(),
            Self::Points { centers, width } => {
                let around = |center: &f64| {
                    let x = (coordinate - center) / width;
                    let whole =
                        normal_share((1.0 - center) / width) - normal_share(-center / width);
                    let height = libm::exp(-0.5 * x * x) / (2.0 * std::f64::consts::PI).sqrt();
                    height / (width * whole)
                };
                let anywhere = 1.0;
                (anywhere + centers.iter().map(around).sum::<f64>()) / (centers.len() as f64 + 1.0)
            }
        }
    }
}

/// Returns the share of a standard normal distribution that is lower.
fn normal_share(x: f64) -> f64 {
    0.5 * libm::erfc(-x / std::f64::consts::SQRT_2)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::als::AlsParams;

    fn space() -> SearchSpace {
        let given = [
            ("factors".to_string(), "8,16,32".parse().unwrap()),
            ("regularization".to_string(), "0.01..10:log".parse().unwrap()),
        ];
        SearchSpace::new(AlsParams::explicit().into(), &given, true).unwrap()
    }

    #[test]
    fn a_density_adds_up_to_one() {
        let interval = ParameterRange::Interval { low: 0.0, high: 1.0, log: false };
        for centers in [vec![], vec![0.0], vec![0.3, 0.9, 1.0]] {
            let density = Density::new(&interval, centers);
            let steps = 10_000;
            let at = |step: i32| density.at((f64::from(step) + 0.5) / f64::from(steps));
            let sum: f64 = (0..steps).map(at).sum::<f64>() / f64::from(steps);
            assert!((sum - 1.0).abs() < 1e-3, "{sum}");
        }
        let three = Density::new(&ParameterRange::Choices(vec![1.0, 2.0, 4.0]), vec![1.0, 1.0]);
        assert_eq!([0.0, 1.0, 2.0].map(|choice| three.at(choice)), [0.2, 0.6, 0.2]);
    }

    #[test]
    fn a_grid_has_every_combination_once() {
        let space = space();
        let n = Sampler::Grid.limit(&space).unwrap();
        assert_eq!(n, 15);
        let mut values: Vec<String> = (0..n)
            .map(|trial| format!("{:?}", Sampler::Grid.point(&space, trial, &[], 1)))
            .collect();
        values.sort();
        values.dedup();
        assert_eq!(values.len(), n);
    }

    /// Of a bowl, guided trials find the bottom sooner than random ones.
    #[test]
    fn guided_trials_come_nearer_to_the_best_than_random_ones() {
        let space = space();
        let loss = |point: &Point| {
            let wrong_choice = if point[0] == 1.0 { 0.0 } else { 0.3 };
            wrong_choice + (point[1] - 0.8).powi(2)
        };
        let mean_of_best = |sampler: Sampler| {
            let best = |seed: u64| {
                let mut points: Vec<Point> = Vec::new();
                for trial in 0..40 {
                    points.push(sampler.point(&space, trial, &points, seed));
                    points.sort_by(|a, b| loss(a).total_cmp(&loss(b)));
                }
                loss(&points[0])
            };
            (0..20).map(best).sum::<f64>() / 20.0
        };
        let (guided, random) = (mean_of_best(Sampler::Tpe), mean_of_best(Sampler::Random));
        assert!(guided < random / 2.0, "{guided} {random}");
    }
}
