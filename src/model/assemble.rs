//! Makes a recommender of the parts of a model, whether these were read or have just been trained.

use crate::dataset::ids::position;
use crate::io::values::Scale;
use crate::linalg::dense::Matrix;
use crate::model::Recommender;
use crate::model::als::{AlsModel, FoldIn};
use crate::model::catalogue::Catalogue;
use crate::model::cosine::{Between, CosineMovies, CosineUsers, Neighbors};
use crate::model::error::ModelError;
use crate::model::factors::Factors;
use crate::model::info::{Algorithm, ModelInfo};
use crate::model::nmf::NmfModel;
use crate::model::popularity::PopularityModel;
use crate::model::ranking::StarRanking;
use crate::model::seen::Seen;
use crate::model::units::{FactorsOf, Units};
use crate::schema;

/// The part of a model that is its own.
#[derive(Debug, Clone)]
pub(crate) enum ModelParts {
    /// Factors of users and items for the ratings of the data, and item embeddings.
    Factors { users: Factors, items: Factors, embeddings: Option<Factors> },
    /// Neighbours of the rows `ids`, which the column `id_column` names.
    Neighbors { ids: Vec<i32>, id_column: &'static str, neighbors: Neighbors },
    /// Counts of the catalogue are all there is.
    Counts,
}

/// Makes the recommender of a model.
///
/// # Errors
/// If the items of the factors are not those of the catalogue; the folder is named by the caller.
pub(crate) fn assemble(
    info: &ModelInfo,
    catalogue: &Catalogue,
    seen: &Seen,
    parts: ModelParts,
) -> Result<Box<dyn Recommender>, ModelError> {
    let mean = info.training.mean_rating;
    let scale = info.training.scale.unwrap_or_default();
    Ok(match (&info.algorithm, parts) {
        (Algorithm::Als(params), ModelParts::Factors { users, items, embeddings }) => {
            let units = Units::new(&info.algorithm, scale);
            let mean = if params.biases { mean / f64::from(units.rating) } else { 0.0 };
            let fold_in = FoldIn { params: params.clone(), mean, unit: units.rating };
            let (users, items) = fitted(units, users, items, catalogue)?;
            let ranking = ranking(catalogue, scale, embeddings)?;
            Box::new(AlsModel::new(fold_in, users, items, ranking))
        }
        (Algorithm::Nmf(params), ModelParts::Factors { users, items, embeddings }) => {
            let units = Units::new(&info.algorithm, scale);
            let (users, items) = fitted(units, users, items, catalogue)?;
            let ranking = ranking(catalogue, scale, embeddings)?;
            Box::new(NmfModel::new(params.clone(), users, items, ranking))
        }
        (Algorithm::Cosine(params), ModelParts::Neighbors { neighbors, .. }) => {
            match params.between {
                Between::Movies => {
                    Box::new(CosineMovies::new(params.clone(), mean, scale, neighbors))
                }
                Between::Users => {
                    let (seen, n_items) = (seen.clone(), catalogue.len());
                    Box::new(CosineUsers::new(params.clone(), scale, neighbors, seen, n_items))
                }
            }
        }
        (Algorithm::Popularity(params), ModelParts::Counts) => {
            Box::new(PopularityModel::new(params, mean, catalogue))
        }
        _ => unreachable!("the parts of a model are those of its algorithm"),
    })
}

/// Turns factors for the ratings of the data into those that were fitted.
fn fitted(
    units: Units,
    mut users: Factors,
    items: Factors,
    catalogue: &Catalogue,
) -> Result<(Factors, Matrix), ModelError> {
    let mut items = matched_to_catalogue(schema::ITEM_FACTORS, items, catalogue)?;
    units.convert_users(&mut users.vectors, FactorsOf::Fitted);
    units.convert_items(&mut items, FactorsOf::Fitted);
    Ok((users, items))
}

fn ranking(
    catalogue: &Catalogue,
    scale: Scale,
    embeddings: Option<Factors>,
) -> Result<StarRanking, ModelError> {
    let matched = |factors| matched_to_catalogue(schema::EMBEDDINGS, factors, catalogue);
    Ok(StarRanking::new(catalogue, scale, embeddings.map(matched).transpose()?))
}

/// Checks that the vectors of a folder are those of the movies.
fn matched_to_catalogue(
    name: &str,
    vectors: Factors,
    catalogue: &Catalogue,
) -> Result<Matrix, ModelError> {
    let movie_ids = catalogue.movies.ids();
    if vectors.ids == movie_ids {
        return Ok(vectors.vectors);
    }
    let strange = vectors.ids.iter().find(|id| position(movie_ids, **id).is_none());
    let which = strange.map_or_else(String::new, |id| format!(" (movie {id})"));
    let problem = format!("its movies are not those of movies.parquet{which}");
    Err(ModelError::Damaged { path: name.into(), problem })
}
