//! Opens model directories, mvrec's own and Spark's.

use std::path::Path;

use crate::dataset::Movies;
use crate::io::parquet::ParquetFile;
use crate::io::source::Source;
use crate::io::{IoError, batches};
use crate::model::als::{Als, AlsParams, FoldIn};
use crate::model::catalogue::Catalogue;
use crate::model::cosine::{Between, CosineMovies, CosineUsers, Neighbors};
use crate::model::error::ModelError;
use crate::model::factors::Factors;
use crate::model::info::{self, Algorithm, ModelInfo};
use crate::model::nmf::Nmf;
use crate::model::popularity::Popularity;
use crate::model::seen::Seen;
use crate::model::{Recommender, spark};
use crate::schema;

/// Which users a model is opened for; vectors and ratings of the others stay on disk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Users {
    /// All of them.
    All,
    /// Those of the list, ascending, which may be empty.
    Some(Vec<i32>),
}

impl Users {
    fn filter(&self) -> Option<&[i32]> {
        match self {
            Self::All => None,
            Self::Some(ids) => Some(ids),
        }
    }
}

/// An open model.
#[derive(Debug)]
pub struct Model {
    /// Content of `model.json`; a model of Spark's has none.
    pub info: Option<ModelInfo>,
    /// The movies it can recommend.
    pub catalogue: Catalogue,
    /// Ratings of the users it was opened for.
    pub seen: Seen,
    /// Raw ids of the users it was opened for and knows, ascending.
    pub user_ids: Vec<i32>,
    /// Answers questions.
    pub recommender: Box<dyn Recommender>,
}

impl Model {
    /// Opens a model directory, mvrec's own or Spark's; `movies` brings titles to one that has none.
    ///
    /// # Errors
    /// If it is no model, a file cannot be read, or the files contradict each other.
    pub fn open(folder: &Path, users: &Users, movies: Option<&Movies>) -> Result<Self, ModelError> {
        if folder.join(schema::MODEL_JSON).is_file() {
            Self::open_own(folder, users, movies)
        } else if spark::is_model(folder) {
            Self::open_spark(folder, users, movies)
        } else {
            std::fs::metadata(folder).map_err(IoError::at(folder))?;
            Err(ModelError::NotAModel { path: folder.display().to_string() })
        }
    }

    fn open_own(folder: &Path, users: &Users, movies: Option<&Movies>) -> Result<Self, ModelError> {
        let path = folder.join(schema::MODEL_JSON);
        let info = info::read(&path)?;
        let file = ParquetFile::open(Source::open(&folder.join(schema::MOVIES))?)?;
        let keys = file.read_if_there(&schema::movie_keys())?;
        let keys = keys.map(|batch| batches::texts(batch.column(0)));
        let mut catalogue = Catalogue::from_batch(&file.read_as(&schema::model_movies())?, keys);
        if let Some(movies) = movies {
            catalogue.movies = movies.select(catalogue.movies.ids());
        }
        let movie_ids = catalogue.movies.ids().to_vec();
        let needs_all =
            matches!(&info.algorithm, Algorithm::Cosine(p) if p.between == Between::Users);
        let filter = if needs_all { None } else { users.filter() };
        let seen = Seen::read(folder, &movie_ids, filter)?;
        let mut user_ids = seen.user_ids.clone();
        if let Some(wanted) = users.filter() {
            user_ids.retain(|id| wanted.binary_search(id).is_ok());
        }
        let mean = info.training.mean_rating;
        let recommender: Box<dyn Recommender> = match &info.algorithm {
            Algorithm::Als(params) => {
                let mean = if params.biases { mean } else { 0.0 };
                let fold_in = FoldIn { params: params.clone(), mean };
                let rank = params.width();
                let (users, items) = read_both(folder, rank, users, &movie_ids)?;
                Box::new(Als::new(fold_in, users, items.vectors, &catalogue))
            }
            Algorithm::Nmf(params) => {
                let (users, items) = read_both(folder, params.factors, users, &movie_ids)?;
                Box::new(Nmf::new(params.clone(), users, items.vectors, &catalogue))
            }
            Algorithm::Cosine(params) => match params.between {
                Between::Movies => {
                    let neighbors = Neighbors::read(folder, &movie_ids, "movie_id")?;
                    Box::new(CosineMovies::new(params.clone(), mean, neighbors))
                }
                Between::Users => {
                    let neighbors = Neighbors::read(folder, &seen.user_ids, "user_id")?;
                    Box::new(CosineUsers::new(
                        params.clone(),
                        neighbors,
                        seen.clone(),
                        movie_ids.len(),
                    ))
                }
            },
            Algorithm::Popularity(params) => Box::new(Popularity::new(params, mean, &catalogue)),
        };
        Ok(Self { info: Some(info), catalogue, seen, user_ids, recommender })
    }

    /// Spark keeps neither λ nor the kind of feedback with a model: new people are folded in by Spark's
    /// default for explicit ratings.
    fn open_spark(
        folder: &Path,
        users: &Users,
        movies: Option<&Movies>,
    ) -> Result<Self, ModelError> {
        let rank = spark::read_rank(folder)?;
        let items = spark::read_factors(&folder.join(schema::ITEM_FACTORS), rank, None)?;
        let users = spark::read_factors(&folder.join(schema::USER_FACTORS), rank, users.filter())?;
        let params = AlsParams {
            factors: rank,
            biases: false,
            regularization: 0.1,
            ..AlsParams::explicit()
        };
        let catalogue = Catalogue::of_ids(&items.ids, movies);
        let user_ids = users.ids.clone();
        let fold_in = FoldIn { params, mean: 0.0 };
        let recommender = Box::new(Als::new(fold_in, users, items.vectors, &catalogue));
        Ok(Self { info: None, catalogue, seen: Seen::default(), user_ids, recommender })
    }
}

fn read_both(
    folder: &Path,
    rank: usize,
    users: &Users,
    movie_ids: &[i32],
) -> Result<(Factors, Factors), ModelError> {
    let items = spark::read_factors(&folder.join(schema::ITEM_FACTORS), rank, None)?;
    if items.ids != movie_ids {
        return Err(ModelError::Damaged {
            path: folder.join(schema::ITEM_FACTORS).display().to_string(),
            problem: "its movies are not those of movies.parquet".into(),
        });
    }
    let users = spark::read_factors(&folder.join(schema::USER_FACTORS), rank, users.filter())?;
    Ok((users, items))
}
