//! What may be tried: a range for each parameter.

use std::fmt;
use std::str::FromStr;

use serde_json::{Map, Value, json};

use crate::model::AlgorithmParams;
use crate::suggest::did_you_mean;
use crate::tune::TuneError;

/// The values that a parameter may take: `16,32,64`, `0.1..2` or `0.001..1:log`.
#[derive(Debug, Clone, PartialEq)]
pub enum ParameterRange {
    /// One of some.
    Choices(Vec<f64>),
    /// Any from the lowest to the highest.
    Interval {
        /// Lowest.
        low: f64,
        /// Highest.
        high: f64,
        /// Whether ratios count, and not differences.
        log: bool,
    },
}

impl FromStr for ParameterRange {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let number = |text: &str| match text.trim().parse::<f64>() {
            Ok(value) if value.is_finite() => Ok(value),
            _ => Err(format!("`{text}` is not a number")),
        };
        let Some((low, high)) = text.split_once("..") else {
            let choices = text.split(',').map(number).collect::<Result<Vec<f64>, String>>()?;
            return Ok(Self::Choices(choices));
        };
        let (high, log) = match high.split_once(':') {
            None => (high, false),
            Some((high, "log")) => (high, true),
            Some((_, other)) => return Err(format!("`:{other}` is unknown; there is `:log`")),
        };
        let (low, high) = (number(low)?, number(high)?);
        if low >= high {
            return Err(format!("{low} is not below {high}"));
        }
        if log && low <= 0.0 {
            return Err(format!("with :log, values are above 0, and {low} is not"));
        }
        Ok(Self::Interval { low, high, log })
    }
}

impl fmt::Display for ParameterRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Choices(values) => {
                let values: Vec<String> = values.iter().map(f64::to_string).collect();
                f.write_str(&values.join(","))
            }
            Self::Interval { low, high, log } => {
                write!(f, "{low}..{high}{}", if *log { ":log" } else { "" })
            }
        }
    }
}

/// A point of the space, a coordinate for each parameter: which choice, or from 0 to 1 where in the
/// interval.
pub type Point = Vec<f64>;

/// A parameter that is searched.
#[derive(Debug, Clone, PartialEq)]
pub struct Dimension {
    /// Its name in `model.json`.
    pub name: String,
    /// The values it may take.
    pub range: ParameterRange,
    is_whole: bool,
}

impl Dimension {
    /// Returns the value at a coordinate.
    #[must_use]
    pub fn value(&self, coordinate: f64) -> f64 {
        let value = match &self.range {
            ParameterRange::Choices(values) => values[coordinate as usize],
            ParameterRange::Interval { low, high, log: false } => low + coordinate * (high - low),
            ParameterRange::Interval { low, high, log: true } => {
                let (low, high) = (libm::log(*low), libm::log(*high));
                rounded(libm::exp(low + coordinate * (high - low)))
            }
        };
        if self.is_whole { value.round() } else { rounded(value) }
    }

    /// Returns the coordinate of a value, or the nearest one in the range.
    fn coordinate(&self, value: f64) -> f64 {
        match &self.range {
            ParameterRange::Choices(values) => {
                let distance = |at: &usize| (values[*at] - value).abs();
                let nearest = (0..values.len()).min_by(|a, b| distance(a).total_cmp(&distance(b)));
                nearest.unwrap_or(0) as f64
            }
            ParameterRange::Interval { low, high, log } => {
                let place = |x: f64| if *log { libm::log(x.max(*low)) } else { x };
                ((place(value) - place(*low)) / (place(*high) - place(*low))).clamp(0.0, 1.0)
            }
        }
    }

    fn to_json(&self, value: f64) -> Value {
        if self.is_whole { json!(value as u64) } else { json!(value) }
    }
}

/// Returns a value with four significant digits, which do as well as all and can be read.
fn rounded(value: f64) -> f64 {
    format!("{value:.3e}").parse().unwrap_or(value)
}

/// The parameters that are searched, and all others.
#[derive(Debug, Clone, PartialEq)]
pub struct SearchSpace {
    /// The parameters of the algorithm without a search.
    pub base: AlgorithmParams,
    /// What is searched.
    pub dimensions: Vec<Dimension>,
}

impl SearchSpace {
    /// Takes the parameters of an algorithm, the ranges of some of them, and for the others its
    /// [own ranges](crate::model::algorithm::Algorithm::search_space) or, with `only_given`,
    /// their values.
    ///
    /// # Errors
    /// If there is no such parameter, or it cannot take such values.
    pub fn new(
        base: AlgorithmParams,
        given: &[(String, ParameterRange)],
        only_given: bool,
    ) -> Result<Self, TuneError> {
        let parameters = parameters(&base);
        let unused = base.unused_parameters();
        let is_number = |(name, value): &(&String, &Value)| {
            value.is_number() && *name != "seed" && !unused.contains(&name.as_str())
        };
        let known: Vec<&str> =
            parameters.iter().filter(is_number).map(|(name, _)| name.as_str()).collect();
        if let Some((name, _)) = given.iter().find(|(name, _)| !known.contains(&name.as_str())) {
            return Err(TuneError::UnknownParameter {
                algorithm: base.name(),
                name: name.clone(),
                suggestion: did_you_mean(name, known.iter().copied()),
                known: known.join(", "),
            });
        }
        let own = base.search_space().iter().filter(|_| !only_given);
        let own = own.filter(|(name, _)| !given.iter().any(|(other, _)| other == name));
        let own = own.map(|(name, range)| {
            let range = range.parse().expect("the ranges of an algorithm are well-formed");
            ((*name).to_string(), range)
        });
        let mut dimensions = Vec::new();
        for (name, range) in given.iter().cloned().chain(own) {
            let is_whole = parameters[&name].is_u64();
            let bad = |problem: String| TuneError::BadRange { name: name.clone(), problem };
            if let ParameterRange::Choices(values) = &range
                && let Some(value) = values.iter().find(|x| is_whole && x.fract() != 0.0)
            {
                return Err(bad(format!("{value} is not a whole number")));
            }
            dimensions.push(Dimension { name, range, is_whole });
        }
        let space = Self { base, dimensions };
        // Whether a value is possible, the algorithm knows; corners have the extreme ones.
        for (at, dimension) in space.dimensions.iter().enumerate() {
            let n_choices = match &dimension.range {
                ParameterRange::Choices(values) => values.len(),
                ParameterRange::Interval { .. } => 2,
            };
            for coordinate in 0..n_choices {
                let mut point = space.start();
                point[at] = coordinate as f64;
                space.algorithm(&point)?.validate()?;
            }
        }
        Ok(space)
    }

    /// Returns the point of the algorithm's own values, as far as the ranges allow.
    #[must_use]
    pub fn start(&self) -> Point {
        let own = parameters(&self.base);
        let coordinate = |dimension: &Dimension| {
            dimension.coordinate(own[&dimension.name].as_f64().unwrap_or_default())
        };
        self.dimensions.iter().map(coordinate).collect()
    }

    /// Returns the point of the highest value of each parameter.
    #[must_use]
    pub fn highest(&self) -> Point {
        let coordinate = |dimension: &Dimension| match &dimension.range {
            ParameterRange::Interval { .. } => 1.0,
            ParameterRange::Choices(values) => {
                let highest = (0..values.len()).max_by(|&a, &b| values[a].total_cmp(&values[b]));
                highest.unwrap_or(0) as f64
            }
        };
        self.dimensions.iter().map(coordinate).collect()
    }

    /// Returns the values at a point, by the names of the parameters.
    #[must_use]
    pub fn values(&self, point: &[f64]) -> Map<String, Value> {
        let value = |(dimension, &coordinate): (&Dimension, &f64)| {
            (dimension.name.clone(), dimension.to_json(dimension.value(coordinate)))
        };
        self.dimensions.iter().zip(point).map(value).collect()
    }

    /// Returns the algorithm with the parameters at a point.
    ///
    /// # Errors
    /// If the parameters are no algorithm's.
    pub fn algorithm(&self, point: &[f64]) -> Result<AlgorithmParams, TuneError> {
        with_values(&self.base, self.values(point))
            .map_err(|problem| TuneError::BadRange { name: self.base.name().into(), problem })
    }

    /// Whether a parameter is searched.
    #[must_use]
    pub fn has(&self, name: &str) -> bool {
        self.dimensions.iter().any(|dimension| dimension.name == name)
    }
}

/// Returns the parameters of an algorithm by their names.
fn parameters(algorithm: &AlgorithmParams) -> Map<String, Value> {
    match json!(algorithm)["parameters"].take() {
        Value::Object(parameters) => parameters,
        _ => Map::new(),
    }
}

/// Returns an algorithm with some of its parameters replaced.
///
/// # Errors
/// If a value has another type than the parameter.
pub fn with_values(
    algorithm: &AlgorithmParams,
    values: Map<String, Value>,
) -> Result<AlgorithmParams, String> {
    let mut whole = json!(algorithm);
    if let Some(parameters) = whole["parameters"].as_object_mut() {
        parameters.extend(values);
    }
    serde_json::from_value(whole).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::als::AlsParams;
    use crate::model::cosine::CosineParams;
    use crate::model::ease::EaseParams;
    use crate::model::nmf::NmfParams;
    use crate::model::popularity::PopularityParams;
    use crate::model::svd::SvdParams;

    #[test]
    fn ranges_as_typed() {
        for text in ["16,32,64", "0.5", "0.1..2", "0.001..1:log", "-1..1"] {
            assert_eq!(text.parse::<ParameterRange>().unwrap().to_string(), text);
        }
        for bad in ["", "a,b", "2..1", "1..1", "0..1:log", "1..2:lin", "1..x", "NaN", "1..inf"] {
            assert!(bad.parse::<ParameterRange>().is_err(), "{bad}");
        }
    }

    #[test]
    fn every_algorithm_has_a_space_that_it_accepts_and_that_starts_at_its_own_values() {
        let algorithms: [AlgorithmParams; 10] = [
            AlsParams::explicit().into(),
            AlsParams::without_biases().into(),
            AlsParams::implicit().into(),
            NmfParams::masked().into(),
            NmfParams::filled(2.5).into(),
            SvdParams::default().into(),
            EaseParams::default().into(),
            CosineParams::movies().into(),
            CosineParams::users().into(),
            PopularityParams::default().into(),
        ];
        for algorithm in algorithms {
            let space = SearchSpace::new(algorithm.clone(), &[], false).unwrap();
            assert!(!space.dimensions.is_empty());
            let start = space.algorithm(&space.start()).unwrap();
            assert_eq!(start, algorithm, "{:?}", space.dimensions);
        }
    }

    #[test]
    fn parameters_that_are_not_there_or_do_not_fit_are_refused() {
        let refused = |name: &str, range: &str| {
            let given = [(name.to_string(), range.parse().unwrap())];
            SearchSpace::new(AlsParams::explicit().into(), &given, true).unwrap_err().to_string()
        };
        assert!(refused("neighbors", "5,10").starts_with("als has no parameter `neighbors`"));
        // It is the implicit objective's.
        assert!(refused("unobserved_weight", "0.1").contains("no parameter"));
        assert_eq!(refused("factors", "8,8.5"), "factors: 8.5 is not a whole number");
        assert!(refused("factors", "0,8").contains("factors"));
        assert!(refused("regularization", "-1..1").contains("regularization"));
    }
}
