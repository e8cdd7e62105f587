//! Training, saving and opening: a model directory is enough by itself.

use std::fs::File;
use std::io::BufWriter;
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;

use arrow::array::{AsArray, Float32Array, Int32Array};
use arrow::datatypes::{Float32Type, Int32Type};
use serde::{Deserialize, Serialize};

use crate::dataset::ids::Lookup;
use crate::dataset::manifest::{Step, check_version};
use crate::dataset::matrix::Interactions;
use crate::dataset::ratings::Shape;
use crate::dataset::{Dataset, Movies};
use crate::io::atomic::AtomicDir;
use crate::io::parquet::{self, Layout, ParquetFile};
use crate::io::source::Source;
use crate::io::{IoError, batches, json};
use crate::linalg::topk::Scored;
use crate::model::als::{self, Als, AlsParams, Feedback, FoldIn};
use crate::model::catalogue::Catalogue;
use crate::model::cosine::{self, Between, CosineMovies, CosineParams, CosineUsers, Neighbors};
use crate::model::error::ModelError;
use crate::model::factors::Factors;
use crate::model::nmf::{self, Nmf, NmfParams};
use crate::model::popularity::{Popularity, PopularityParams};
use crate::model::seen::Seen;
use crate::model::{Recommender, spark};
use crate::progress::Progress;
use crate::schema;

/// A kind of model with its parameters.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "algorithm", content = "parameters", rename_all = "lowercase")]
pub enum Algorithm {
    /// Matrix factorisation by alternating least squares.
    Als(AlsParams),
    /// Non-negative matrix factorisation.
    Nmf(NmfParams),
    /// Neighbourhoods by cosine.
    Cosine(CosineParams),
    /// The baseline.
    Popularity(PopularityParams),
}

impl Algorithm {
    /// Checks the ranges of all parameters.
    ///
    /// # Errors
    /// At the first parameter out of its range.
    pub fn validate(&self) -> Result<(), ModelError> {
        match self {
            Self::Als(params) => params.validate(),
            Self::Nmf(params) => params.validate(),
            Self::Cosine(params) => params.validate(),
            Self::Popularity(params) => params.validate(),
        }
    }
}

/// What a model was trained on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Training {
    /// Size and ranges of the ratings.
    pub shape: Shape,
    /// XXH3-128 of the ratings.
    pub content_xxh3: String,
    /// Mean of the ratings.
    pub mean_rating: f64,
    /// Commands that made the ratings.
    pub steps: Vec<Step>,
}

/// Content of `model.json`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ModelInfo {
    /// Says what the directory is.
    pub kind: String,
    /// Version of the layout.
    pub format_version: u32,
    /// Kind of model and all parameters.
    #[serde(flatten)]
    pub algorithm: Algorithm,
    /// What it was trained on.
    pub training: Training,
    /// Value of the objective after each iteration.
    pub loss: Vec<f64>,
}

/// The part of a model that is its own.
#[derive(Debug, Clone)]
enum Parts {
    Factors { users: Factors, items: Factors },
    Neighbors { ids: Vec<i32>, id_column: &'static str, neighbors: Neighbors },
    Nothing,
}

/// A model that has just been trained.
#[derive(Debug, Clone)]
pub struct Trained {
    /// Content of `model.json`.
    pub info: ModelInfo,
    catalogue: Catalogue,
    seen: Seen,
    parts: Parts,
}

/// Trains a model.
///
/// # Errors
/// If a parameter is out of its range, there is nothing to learn from, or the data is degenerate.
pub fn train(
    dataset: &Dataset,
    movies: Option<&Movies>,
    algorithm: Algorithm,
    progress: &dyn Progress,
) -> Result<Trained, ModelError> {
    algorithm.validate()?;
    if dataset.ratings.is_empty() {
        return Err(ModelError::NoRatings);
    }
    progress.begin("building the matrix", "ratings", None);
    let matrix = Interactions::new(&dataset.ratings);
    let begin = |iterations| progress.begin("training", "iterations", Some(iterations as u64));
    let mut on_iteration = |iteration: usize, loss: f64| {
        progress.advance(1);
        progress.note(&format!("iteration {iteration}: loss {loss:.6e}"));
        ControlFlow::Continue(())
    };
    let factors = |ids: &[i32], vectors| Factors { ids: ids.to_vec(), vectors };
    let (parts, loss) = match &algorithm {
        Algorithm::Als(params) => {
            let liked = match params.feedback {
                Feedback::Explicit => None,
                Feedback::Implicit => Some(matrix.at_least(params.positive_from)),
            };
            let matrix = liked.as_ref().unwrap_or(&matrix);
            if matrix.n_ratings() == 0 {
                return Err(ModelError::NoPositives { from: params.positive_from });
            }
            begin(params.iterations);
            let fit = als::fit(matrix, params, &mut on_iteration)?;
            let users = factors(&matrix.user_ids, fit.users);
            let items = factors(&matrix.movie_ids, fit.items);
            (Parts::Factors { users, items }, fit.losses)
        }
        Algorithm::Nmf(params) => {
            begin(params.iterations);
            let fit = nmf::fit(&matrix, params, &mut on_iteration)?;
            let users = factors(&matrix.user_ids, fit.users);
            let items = factors(&matrix.movie_ids, fit.items);
            (Parts::Factors { users, items }, fit.losses)
        }
        Algorithm::Cosine(params) => {
            let neighbors = cosine::fit(&matrix, params, progress)?;
            let (ids, id_column) = match params.between {
                Between::Movies => (matrix.movie_ids.clone(), "movie_id"),
                Between::Users => (matrix.user_ids.clone(), "user_id"),
            };
            (Parts::Neighbors { ids, id_column, neighbors }, Vec::new())
        }
        Algorithm::Popularity(_) => (Parts::Nothing, Vec::new()),
    };
    let training = Training {
        shape: dataset.ratings.shape(),
        content_xxh3: dataset.ratings.content_hash(),
        mean_rating: matrix.mean(),
        steps: dataset.history.steps.clone(),
    };
    let info = ModelInfo {
        kind: "mvrec model".into(),
        format_version: schema::FORMAT_VERSION,
        algorithm,
        training,
        loss,
    };
    let catalogue = Catalogue::of_training(&matrix, movies);
    Ok(Trained { info, catalogue, seen: Seen::of_training(&matrix), parts })
}

impl Trained {
    /// Writes all files into a directory under construction.
    ///
    /// # Errors
    /// If a file cannot be written.
    pub fn write(&self, out: &AtomicDir) -> Result<(), ModelError> {
        let folder = out.path();
        json::write(&folder.join(schema::MODEL_JSON), &self.info)?;
        let movie_ids = self.catalogue.movies.ids();
        write_table(folder, schema::MOVIES, &self.catalogue.to_batch())?;
        self.seen.write(folder, movie_ids)?;
        match &self.parts {
            Parts::Factors { users, items } => spark::write(folder, users, items)?,
            Parts::Neighbors { ids, id_column, neighbors } => {
                write_neighbors(folder, ids, id_column, neighbors)?;
            }
            Parts::Nothing => {}
        }
        Ok(())
    }
}

fn write_table(
    folder: &Path,
    name: &str,
    batch: &arrow::array::RecordBatch,
) -> Result<(), IoError> {
    let path = folder.join(name);
    let file = BufWriter::new(File::create(&path).map_err(IoError::at(&path))?);
    parquet::write_batch(file, &path.display().to_string(), &Layout::default(), batch)
}

fn write_neighbors(
    folder: &Path,
    ids: &[i32],
    id_column: &str,
    neighbors: &Neighbors,
) -> Result<(), IoError> {
    let path = folder.join(schema::NEIGHBORS);
    let file = BufWriter::new(File::create(&path).map_err(IoError::at(&path))?);
    let name = path.display().to_string();
    let schema = schema::neighbors(id_column);
    let row_ids: Vec<i32> = (0..neighbors.n_rows())
        .flat_map(|row| neighbors.row(row).iter().map(move |_| ids[row]))
        .collect();
    let layout = Layout { plain: &["similarity"], ..Layout::default() };
    parquet::write(file, &name, &schema, &layout, row_ids.len(), |range| {
        let pairs = &neighbors.pairs[range.clone()];
        let neighbor_ids = pairs.iter().map(|pair| ids[pair.ix as usize]);
        let similarities = pairs.iter().map(|pair| pair.score);
        batches::batch(
            schema.clone(),
            vec![
                Arc::new(Int32Array::from(row_ids[range].to_vec())),
                Arc::new(Int32Array::from_iter_values(neighbor_ids)),
                Arc::new(Float32Array::from_iter_values(similarities)),
            ],
        )
    })
}

fn read_neighbors(folder: &Path, ids: &[i32], id_column: &str) -> Result<Neighbors, ModelError> {
    let path = folder.join(schema::NEIGHBORS);
    let file = ParquetFile::open(Source::open(&path)?)?;
    let batch = file.read_as(&schema::neighbors(id_column))?;
    let rows = batch.column(0).as_primitive::<Int32Type>().values();
    let others = batch.column(1).as_primitive::<Int32Type>().values();
    let similarities = batch.column(2).as_primitive::<Float32Type>().values();
    let lookup = Lookup::new(ids);
    let mut lists: Vec<Vec<Scored>> = vec![Vec::new(); ids.len()];
    for ((&row, &other), &score) in rows.iter().zip(others).zip(similarities) {
        let (Some(row), Some(ix)) = (lookup.get(row), lookup.get(other)) else {
            let path = path.display().to_string();
            let problem = format!("the pair {row}, {other} names an id that the model lacks");
            return Err(ModelError::Damaged { path, problem });
        };
        lists[row as usize].push(Scored { ix, score });
    }
    Ok(Neighbors::of_rows(lists))
}

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
        let info = read_info(&path)?;
        let file = ParquetFile::open(Source::open(&folder.join(schema::MOVIES))?)?;
        let mut catalogue = Catalogue::from_batch(&file.read_as(&schema::model_movies())?);
        if let Some(movies) = movies {
            catalogue.movies = movies.select(&catalogue.movies.ids().to_vec());
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
                let rank = params.factors + if params.biases { 2 } else { 0 };
                let (users, items) = read_both(folder, rank, users, &movie_ids)?;
                Box::new(Als::new(fold_in, users, items.vectors, &catalogue))
            }
            Algorithm::Nmf(params) => {
                let (users, items) = read_both(folder, params.factors, users, &movie_ids)?;
                Box::new(Nmf::new(params.clone(), users, items.vectors, &catalogue))
            }
            Algorithm::Cosine(params) => match params.between {
                Between::Movies => {
                    let neighbors = read_neighbors(folder, &movie_ids, "movie_id")?;
                    Box::new(CosineMovies::new(params.clone(), mean, neighbors))
                }
                Between::Users => {
                    let neighbors = read_neighbors(folder, &seen.user_ids, "user_id")?;
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

/// Reads `model.json` and refuses a newer format by its number before anything else in it.
///
/// # Errors
/// If the file cannot be read, is not what is expected, or is newer.
pub fn read_info(path: &Path) -> Result<ModelInfo, IoError> {
    #[derive(Deserialize)]
    struct Version {
        format_version: u32,
    }
    let version: Version = json::read(path)?;
    check_version(&path.display().to_string(), version.format_version)?;
    json::read(path)
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
