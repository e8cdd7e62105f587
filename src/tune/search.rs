//! The search: which trials get how many iterations.
//!
//! An algorithm that iterates is searched by successive halving (Jamieson & Talwalkar 2016): of
//! nine trials with a ninth of the iterations, the best three get a third of them, going on from
//! the factors they have, and the best of those gets all. So does the first trial, which has the
//! algorithm's own values, for all others to be compared with.

use std::cmp::Ordering;
use std::time::Instant;

use crate::model::warm::StartFactors;
use crate::progress::Progress;
use crate::tune::TuneError;
use crate::tune::log::{TrialLog, TrialRecord};
use crate::tune::objective::Objective;
use crate::tune::sampler::Sampler;
use crate::tune::space::{Point, SearchSpace};

/// Trials that begin together.
const BRACKET: usize = 9;
/// Share of the trials that go on, and by how much their iterations grow.
const RATIO: usize = 3;

/// How a space is searched.
#[derive(Debug, Clone, PartialEq)]
pub struct SearchOptions {
    /// How points are chosen.
    pub sampler: Sampler,
    /// Number of trials.
    pub trials: usize,
    /// Whether most trials end early.
    pub halving: bool,
    /// Seed of the draws.
    pub seed: u64,
}

/// A trial as far as it got.
#[derive(Debug, Clone)]
pub struct FinishedTrial {
    /// The last line of it.
    pub record: TrialRecord,
    /// How often it went on.
    pub rung: usize,
    /// Where in the space it is.
    pub point: Point,
}

/// Searches a space. Returns all trials, the best first: of those that got equally far, the better
/// one.
///
/// # Errors
/// If a model cannot be fitted, or the log cannot be written.
pub fn search(
    space: &SearchSpace,
    objective: &Objective,
    options: &SearchOptions,
    log: &mut TrialLog,
    progress: &dyn Progress,
) -> Result<Vec<FinishedTrial>, TuneError> {
    let trials = options.sampler.limit(space).map_or(options.trials, |n| n.min(options.trials));
    progress.begin("searching", "trials", Some(trials as u64));
    let mut bracket = Bracket { space, objective, log, rungs: rungs(space, options)? };
    let together = if bracket.rungs.len() > 1 { BRACKET } else { 1 };
    let mut finished: Vec<FinishedTrial> = Vec::new();
    for first in (0..trials).step_by(together) {
        let best_first: Vec<Point> = finished.iter().map(|trial| trial.point.clone()).collect();
        let point = |trial| options.sampler.point(space, trial, &best_first, options.seed);
        let begun: Vec<(usize, Point)> =
            (first..trials.min(first + together)).map(|trial| (trial + 1, point(trial))).collect();
        let n = begun.len() as u64;
        finished.extend(bracket.run(begun)?);
        sort(&mut finished, objective);
        progress.advance(n);
        let best = &finished[0].record;
        let metric = objective.metric.name();
        progress.note(&format!("best {metric} {:.4} in trial {}", best.value, best.trial));
    }
    Ok(finished)
}

/// Sorts trials, the best first.
fn sort(trials: &mut [FinishedTrial], objective: &Objective) {
    trials
        .sort_by(|a, b| b.rung.cmp(&a.rung).then_with(|| compare(&a.record, &b.record, objective)));
}

/// Orders trials that got equally far, the better first.
fn compare(a: &TrialRecord, b: &TrialRecord, objective: &Objective) -> Ordering {
    objective.metric.compare(a.value, b.value).then(a.trial.cmp(&b.trial))
}

/// Returns the iterations after which trials are compared; a single `None` for those that run to
/// their end at once.
fn rungs(space: &SearchSpace, options: &SearchOptions) -> Result<Vec<Option<usize>>, TuneError> {
    let all = space.algorithm(&space.start())?.iterations_mut().copied();
    Ok(match all {
        Some(all) if options.halving && !space.has("iterations") => {
            let mut rungs: Vec<Option<usize>> =
                [RATIO * RATIO, RATIO, 1].map(|share| Some(all.div_ceil(share))).into();
            rungs.dedup();
            rungs
        }
        _ => vec![None],
    })
}

/// Some trials that compete for iterations.
struct Bracket<'a> {
    space: &'a SearchSpace,
    objective: &'a Objective,
    log: &'a mut TrialLog,
    rungs: Vec<Option<usize>>,
}

/// A trial that may go on.
struct OpenTrial {
    finished: FinishedTrial,
    /// Factors after the last rung; `None` where that was read from the log.
    factors: Option<DivisionFactors>,
}

/// Factors of the models of all divisions, of algorithms that have some.
type DivisionFactors = Vec<Option<StartFactors>>;

impl Bracket<'_> {
    fn run(&mut self, begun: Vec<(usize, Point)>) -> Result<Vec<FinishedTrial>, TuneError> {
        let (mut open, mut ended): (Vec<OpenTrial>, Vec<FinishedTrial>) = (Vec::new(), Vec::new());
        for (trial, point) in begun {
            open.push(self.first_rung(trial, point)?);
        }
        for rung in 1..self.rungs.len() {
            let kept = open.len().div_ceil(RATIO);
            open.sort_by(|a, b| compare(&a.finished.record, &b.finished.record, self.objective));
            let (going_on, left): (Vec<_>, Vec<_>) = open
                .into_iter()
                .enumerate()
                .partition(|(at, one)| *at < kept || one.finished.record.trial == 1);
            ended.extend(left.into_iter().map(|(_, one)| one.finished));
            open = going_on.into_iter().map(|(_, one)| one).collect();
            for one in &mut open {
                self.go_on(one, rung)?;
            }
        }
        ended.extend(open.into_iter().map(|one| one.finished));
        Ok(ended)
    }

    fn first_rung(&mut self, trial: usize, point: Point) -> Result<OpenTrial, TuneError> {
        let parameters = self.space.values(&point);
        let iterations = self.rungs[0];
        let (record, factors) = match self.log.get(trial, iterations, &parameters)?.cloned() {
            Some(record) => (record, None),
            None => {
                let (record, factors) = self.measure(trial, &point, 0, Vec::new())?;
                self.log.add(&record)?;
                (record, Some(factors))
            }
        };
        Ok(OpenTrial { finished: FinishedTrial { record, rung: 0, point }, factors })
    }

    /// Takes a trial from the rung before to this one.
    fn go_on(&mut self, one: &mut OpenTrial, rung: usize) -> Result<(), TuneError> {
        one.finished.rung = rung;
        let FinishedTrial { record, point, .. } = &one.finished;
        let trial = record.trial;
        let known = self.log.get(trial, self.rungs[rung], &record.parameters)?.cloned();
        if let Some(known) = known {
            (one.finished.record, one.factors) = (known, None);
            return Ok(());
        }
        let factors = match one.factors.take() {
            Some(factors) => factors,
            // The way here is in the log, but not the factors.
            None => (0..rung).try_fold(Vec::new(), |factors, before| {
                Ok::<_, TuneError>(self.measure(trial, point, before, factors)?.1)
            })?,
        };
        let (record, factors) = self.measure(trial, point, rung, factors)?;
        self.log.add(&record)?;
        (one.finished.record, one.factors) = (record, Some(factors));
        Ok(())
    }

    /// Fits a trial from the factors of the rung before.
    fn measure(
        &self,
        trial: usize,
        point: &Point,
        rung: usize,
        factors: DivisionFactors,
    ) -> Result<(TrialRecord, DivisionFactors), TuneError> {
        let begun = Instant::now();
        let mut algorithm = self.space.algorithm(point)?;
        if let (Some(all), Some(iterations)) = (algorithm.iterations_mut(), self.rungs[rung]) {
            let before = rung.checked_sub(1).and_then(|before| self.rungs[before]);
            *all = iterations - before.unwrap_or(0);
        }
        let (value, factors) = self.objective.measure(&algorithm, factors)?;
        let record = TrialRecord {
            trial,
            iterations: self.rungs[rung],
            parameters: self.space.values(point),
            value,
            seconds: (1000.0 * begun.elapsed().as_secs_f64()).round() / 1000.0,
        };
        Ok((record, factors))
    }
}
