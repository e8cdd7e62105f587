//! Fitting, storing and opening models of user and item factors.
//!
//! With ratings c times as large, the squared errors of a factorization grow by c² and a penalty
//! λn|x|² by c alone, and what a list adds to the predicted rating does not grow at all: the same
//! ratings on a scale of 100 would be fitted and ranked otherwise. So ratings are divided by the
//! width of their scale over 4.5 before a model that predicts them is fitted or asked, and
//! predictions are multiplied by it. In files, factors are those of the data's own ratings, so that
//! other readers multiply them as they are.

use std::borrow::Cow;
use std::path::Path;

use crate::dataset::ids::position;
use crate::dataset::matrix::InteractionMatrix;
use crate::io::IoError;
use crate::io::values::Scale;
use crate::linalg::dense::Matrix;
use crate::model::algorithm::{
    Algorithm, FitResult, ModelContext, ModelSource, ModelState, TrainingSet,
};
use crate::model::als::UserPrior;
use crate::model::catalogue::ItemCatalogue;
use crate::model::error::ModelError;
use crate::model::factor_model::{FactorModel, FoldIn};
use crate::model::factors::{Factors, FittedFactors};
use crate::model::ranking::StarRanking;
use crate::model::recommender::Recommender;
use crate::model::svd::SvdParams;
use crate::model::warm::StartFactors;
use crate::model::{embeddings, spark};
use crate::schema;

/// An algorithm whose models are user and item factors.
pub(crate) trait FactorAlgorithm: Algorithm + Clone + 'static {
    /// Returns the number of columns that are factors; biases stand behind them, a user's first and
    /// then an item's.
    fn rank(&self) -> usize;

    /// Returns the number of columns of a stored row.
    fn width(&self) -> usize {
        self.rank()
    }

    /// Whether inner products are predicted ratings.
    fn predicts_ratings(&self) -> bool;

    /// Whether values of the scale are fitted, not only which of them are positive.
    fn fits_ratings(&self) -> bool;

    /// Refuses ratings that the algorithm can learn nothing from.
    fn check_ratings(&self, ratings: &InteractionMatrix, scale: Scale) -> Result<(), ModelError>;

    /// Fits both sides to ratings in fitted units.
    fn fit_factors(
        &self,
        ratings: &InteractionMatrix,
        units: UnitConversion,
        training: TrainingSet<'_>,
    ) -> Result<FittedFactors, ModelError>;

    /// Returns how new users are folded in, with the prior of users in fitted units.
    ///
    /// # Errors
    /// If the prior is none.
    fn fold_in(
        &self,
        context: &ModelContext<'_>,
        units: UnitConversion,
        prior: Option<&UserPrior>,
    ) -> Result<Box<dyn FoldIn>, ModelError>;
}

/// Fits a model of factors, and item embeddings if it predicts ratings.
pub(crate) fn fit<A: FactorAlgorithm>(
    algorithm: &A,
    mut training: TrainingSet<'_>,
) -> Result<FitResult, ModelError> {
    let (ratings, scale) = (training.ratings, training.scale);
    algorithm.check_ratings(ratings, scale)?;
    let units = UnitConversion::new(algorithm, scale);
    if let Some(start) = &mut training.start {
        units.convert_users(&mut start.users, RatingUnit::Fitted);
        units.convert_items(&mut start.items, RatingUnit::Fitted);
    }
    let needs_embeddings = algorithm.predicts_ratings() && training.for_lists;
    let embeddings = needs_embeddings.then(|| {
        training.progress.begin("relating movies", "movies", None);
        Factors {
            ids: ratings.movie_ids.clone(),
            vectors: embeddings::fit(ratings, scale, &SvdParams::default()),
        }
    });
    let fitted = units.fitted(ratings);
    let mut fit = algorithm.fit_factors(&fitted, units, training)?;
    units.convert_users(&mut fit.users, RatingUnit::Data);
    units.convert_items(&mut fit.items, RatingUnit::Data);
    let square = f64::from(units.rating).powi(2);
    let user_prior =
        fit.user_prior.map(|prior| units.convert_prior(&prior, RatingUnit::Data).rounded());
    Ok(FitResult {
        residual_variance: user_prior.as_ref().map(|prior| prior.residual_variance as f32),
        losses: fit.losses.into_iter().map(|loss| square * loss).collect(),
        embedding_rank: embeddings.as_ref().map_or(0, |factors| factors.vectors.cols),
        state: Box::new(FactorState {
            algorithm: algorithm.clone(),
            users: Factors { ids: ratings.user_ids.clone(), vectors: fit.users },
            items: Factors { ids: ratings.movie_ids.clone(), vectors: fit.items },
            embeddings,
            user_prior,
        }),
    })
}

/// Reads the factors of a model directory, the large files at once.
pub(crate) fn open<A: FactorAlgorithm>(
    algorithm: &A,
    source: &ModelSource<'_>,
) -> Result<Box<dyn ModelState>, ModelError> {
    let ModelSource { folder, users, embedding_rank, residual_variance } = *source;
    let width = algorithm.width();
    let read_embeddings = || spark::read_factors(folder, schema::EMBEDDINGS, embedding_rank, None);
    let ((users, items), embeddings) = rayon::join(
        || {
            (
                spark::read_factors(folder, schema::USER_FACTORS, width, users),
                spark::read_factors(folder, schema::ITEM_FACTORS, width, None),
            )
        },
        || (embedding_rank > 0).then(read_embeddings).transpose(),
    );
    let read_prior = |variance: f32| -> Result<UserPrior, ModelError> {
        let width = algorithm.rank() + 2;
        let rows = spark::read_factors(folder, schema::USER_PRIOR, width, None)?.vectors;
        if rows.rows + 1 != rows.cols {
            let path = folder.path().join(schema::USER_PRIOR).display().to_string();
            return Err(ModelError::Damaged { path, problem: "it is not square".into() });
        }
        Ok(UserPrior::from_rows(&rows, variance))
    };
    Ok(Box::new(FactorState {
        user_prior: residual_variance.map(read_prior).transpose()?,
        algorithm: algorithm.clone(),
        users: users?,
        items: items?,
        embeddings: embeddings?,
    }))
}

/// Factors of users and items for the ratings of the data, and item embeddings.
#[derive(Debug, Clone)]
pub(crate) struct FactorState<A> {
    algorithm: A,
    users: Factors,
    items: Factors,
    embeddings: Option<Factors>,
    user_prior: Option<UserPrior>,
}

impl<A: FactorAlgorithm> ModelState for FactorState<A> {
    fn write(&self, folder: &Path, model: &str) -> Result<(), IoError> {
        spark::write(folder, &self.users, &self.items, model)?;
        if let Some(prior) = &self.user_prior {
            let vectors = prior.to_rows();
            let rows = Factors { ids: (0..vectors.rows as i32).collect(), vectors };
            spark::write_factors(&folder.join(schema::USER_PRIOR), &rows, model)?;
        }
        let folder = folder.join(schema::EMBEDDINGS);
        let write = |factors| spark::write_factors(&folder, factors, model);
        self.embeddings.as_ref().map_or(Ok(()), write)
    }

    fn into_recommender(
        self: Box<Self>,
        context: &ModelContext<'_>,
    ) -> Result<Box<dyn Recommender>, ModelError> {
        let Self { algorithm, mut users, items, embeddings, user_prior } = *self;
        let &ModelContext { scale, catalogue, .. } = context;
        let units = UnitConversion::new(&algorithm, scale);
        let mut items = matched_to_catalogue(schema::ITEM_FACTORS, items, catalogue)?;
        units.convert_users(&mut users.vectors, RatingUnit::Fitted);
        units.convert_items(&mut items, RatingUnit::Fitted);
        let matched = |factors| matched_to_catalogue(schema::EMBEDDINGS, factors, catalogue);
        let embeddings = embeddings.map(matched).transpose()?;
        let ranking = StarRanking::new(catalogue, scale, embeddings);
        let prior = user_prior.map(|prior| units.convert_prior(&prior, RatingUnit::Fitted));
        let fold_in = algorithm.fold_in(context, units, prior.as_ref())?;
        Ok(Box::new(FactorModel::new(fold_in, units, users, items, ranking)))
    }

    fn start_factors(&self) -> Option<StartFactors> {
        self.algorithm.warm_start_width()?;
        let (users, items) = (self.users.vectors.clone(), self.items.vectors.clone());
        Some(StartFactors { users, items })
    }

    fn boxed_clone(&self) -> Box<dyn ModelState> {
        Box::new(self.clone())
    }
}

/// Checks that the factors of a file are those of the catalogue's items.
fn matched_to_catalogue(
    name: &str,
    factors: Factors,
    catalogue: &ItemCatalogue,
) -> Result<Matrix, ModelError> {
    let movie_ids = catalogue.movies.ids();
    if factors.ids == movie_ids {
        return Ok(factors.vectors);
    }
    let strange = factors.ids.iter().find(|id| position(movie_ids, **id).is_none());
    let which = strange.map_or_else(String::new, |id| format!(" (movie {id})"));
    let problem = format!("its movies are not those of movies.parquet{which}");
    Err(ModelError::Damaged { path: name.into(), problem })
}

/// The unit of fitted ratings, and where in a row it applies.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct UnitConversion {
    /// Ratings of the data for a fitted one.
    pub(crate) rating: f32,
    /// Columns of factors; behind them stand biases, a user's first and then an item's.
    rank: usize,
}

impl UnitConversion {
    fn new(algorithm: &impl FactorAlgorithm, scale: Scale) -> Self {
        let rating = if algorithm.fits_ratings() { scale.unit() } else { 1.0 };
        Self { rating, rank: algorithm.rank() }
    }

    /// Returns the units of factors that need no conversion.
    pub(crate) fn identity(rank: usize) -> Self {
        Self { rating: 1.0, rank }
    }

    fn is_identity(self) -> bool {
        self.rating == 1.0
    }

    fn fitted(self, ratings: &InteractionMatrix) -> Cow<'_, InteractionMatrix> {
        match self.is_identity() {
            true => Cow::Borrowed(ratings),
            false => Cow::Owned(ratings.map_ratings(|rating| rating / self.rating)),
        }
    }

    /// Converts user factors between the ratings of the data and fitted ones.
    pub(crate) fn convert_users(self, users: &mut Matrix, to: RatingUnit) {
        self.convert(users, to, self.rank);
    }

    /// Converts item factors between the ratings of the data and fitted ones.
    pub(crate) fn convert_items(self, items: &mut Matrix, to: RatingUnit) {
        self.convert(items, to, self.rank + 1);
    }

    /// Converts the prior of users between the ratings of the data and fitted ones.
    fn convert_prior(self, prior: &UserPrior, to: RatingUnit) -> UserPrior {
        let unit = f64::from(self.factor_to(to));
        prior.rescaled(unit.sqrt(), unit)
    }

    /// Returns what a rating is multiplied by to have another unit.
    fn factor_to(self, to: RatingUnit) -> f32 {
        match to {
            RatingUnit::Data => self.rating,
            RatingUnit::Fitted => 1.0 / self.rating,
        }
    }

    fn convert(self, factors: &mut Matrix, to: RatingUnit, bias: usize) {
        if self.is_identity() || factors.cols == 0 {
            return;
        }
        let unit = self.factor_to(to);
        let root = unit.sqrt();
        for row in factors.data.chunks_exact_mut(factors.cols) {
            row[..self.rank].iter_mut().for_each(|x| *x *= root);
            if let Some(bias) = row.get_mut(bias) {
                *bias *= unit;
            }
        }
    }
}

/// Ratings that factors predict.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RatingUnit {
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
        let units = UnitConversion::new(&params, scale);
        assert_eq!(units.rating, 20.0);
        // p, b_u + mean, 1 and q, 1, b_i.
        let mut users = Matrix { rows: 1, cols: 4, data: vec![0.5, -1.0, 3.5, 1.0] };
        let mut items = Matrix { rows: 1, cols: 4, data: vec![1.0, 0.25, 1.0, -0.5] };
        let before = (users.clone(), items.clone());
        units.convert_users(&mut users, RatingUnit::Data);
        units.convert_items(&mut items, RatingUnit::Data);
        let predicted = dot(&before.0.data, &before.1.data);
        assert!((dot(&users.data, &items.data) - 20.0 * predicted).abs() < 1e-4);
        units.convert_users(&mut users, RatingUnit::Fitted);
        assert!(users.data.iter().zip(&before.0.data).all(|(a, b)| (a - b).abs() < 1e-6));
    }
}
