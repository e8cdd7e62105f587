//! Ratings of any scale, fitted as if they were given on one as wide as MovieLens'.
//!
//! With ratings c times as large, the squared errors of a factorization grow by c² and a penalty
//! λn|x|² by c alone, and what a list adds to the expected rating does not grow at all: the same
//! ratings on a scale of 100 fitted and ranked otherwise. So ratings are divided by the
//! width of their scale over 4.5 before a model that predicts them is fitted or asked, and
//! predictions are multiplied by it. In files, factors are those of the data's own ratings, so that
//! other readers multiply them as they are.

use std::borrow::Cow;

use crate::dataset::Ratings;
use crate::io::values::Scale;
use crate::linalg::dense::Matrix;
use crate::model::als::Feedback;
use crate::model::info::Algorithm;

/// The unit of ratings, and what it means for factors.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Units {
    /// Ratings of the data for one that is fitted.
    pub(crate) rating: f32,
    /// Columns of factors; behind them stand biases, a user's first and then a movie's.
    factors: usize,
}

impl Units {
    /// Returns the units of an algorithm on data of a scale.
    pub(crate) fn new(algorithm: &Algorithm, scale: Scale) -> Self {
        let (fits_ratings, factors) = match algorithm {
            Algorithm::Als(params) => (params.feedback == Feedback::Explicit, params.factors),
            Algorithm::Nmf(params) => (true, params.factors),
            Algorithm::Cosine(_) | Algorithm::Popularity(_) => (false, 0),
        };
        Self { rating: if fits_ratings { scale.unit() } else { 1.0 }, factors }
    }

    fn is_one(self) -> bool {
        self.rating == 1.0
    }

    /// Returns ratings as they are fitted.
    pub(crate) fn fitted(self, ratings: &Ratings) -> Cow<'_, Ratings> {
        match self.is_one() {
            true => Cow::Borrowed(ratings),
            false => Cow::Owned(ratings.map_ratings(|rating| rating / self.rating)),
        }
    }

    /// Turns the factors of users from those of fitted ratings into those of the data's, or back.
    pub(crate) fn convert_users(self, users: &mut Matrix, to: FactorsOf) {
        self.convert(users, to, self.factors);
    }

    /// Turns the factors of movies from those of fitted ratings into those of the data's, or back.
    pub(crate) fn convert_items(self, items: &mut Matrix, to: FactorsOf) {
        self.convert(items, to, self.factors + 1);
    }

    fn convert(self, factors: &mut Matrix, to: FactorsOf, bias: usize) {
        if self.is_one() || factors.cols == 0 {
            return;
        }
        let unit = match to {
            FactorsOf::Data => self.rating,
            FactorsOf::Fitted => 1.0 / self.rating,
        };
        let root = unit.sqrt();
        for row in factors.data.chunks_exact_mut(factors.cols) {
            row[..self.factors].iter_mut().for_each(|x| *x *= root);
            if let Some(bias) = row.get_mut(bias) {
                *bias *= unit;
            }
        }
    }
}

/// Ratings that factors predict.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FactorsOf {
    /// The data's own.
    Data,
    /// Those that are fitted.
    Fitted,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::linalg::dense::dot;
    use crate::model::als::AlsParams;

    #[test]
    fn converted_factors_predict_ratings_of_the_other_unit() {
        let params = AlsParams { factors: 2, ..AlsParams::explicit() };
        let scale = Scale { min: 10.0, max: 100.0 };
        let units = Units::new(&Algorithm::Als(params), scale);
        assert_eq!(units.rating, 20.0);
        // p, b_u + mean, 1 and q, 1, b_i.
        let mut users = Matrix { rows: 1, cols: 4, data: vec![0.5, -1.0, 3.5, 1.0] };
        let mut items = Matrix { rows: 1, cols: 4, data: vec![1.0, 0.25, 1.0, -0.5] };
        let before = (users.clone(), items.clone());
        units.convert_users(&mut users, FactorsOf::Data);
        units.convert_items(&mut items, FactorsOf::Data);
        let predicted = dot(&before.0.data, &before.1.data);
        assert!((dot(&users.data, &items.data) - 20.0 * predicted).abs() < 1e-4);
        units.convert_users(&mut users, FactorsOf::Fitted);
        assert!(users.data.iter().zip(&before.0.data).all(|(a, b)| (a - b).abs() < 1e-6));
    }
}
