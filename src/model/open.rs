//! Opens model directories, mvrec's own and Spark's.

use std::path::Path;

use crate::dataset::ids::{ItemIx, UserId};
use crate::dataset::titles::TitleError;
use crate::dataset::{Movies, Ratings};
use crate::io::values::Scale;
use crate::model::als::{AlsModel, AlsParams, Feedback, FoldIn};
use crate::model::assemble::{ModelParts, assemble};
use crate::model::catalogue::Catalogue;
use crate::model::cosine::{Between, Neighbors};
use crate::model::error::ModelError;
use crate::model::factors::Factors;
use crate::model::folder::ModelFolder;
use crate::model::info::{Algorithm, ModelInfo};
use crate::model::ranking::StarRanking;
use crate::model::recommend::{Query, Ranker, Recommendation};
use crate::model::seen::Seen;
use crate::model::units::{FactorsOf, Units};
use crate::model::{Person, Recommender, spark};
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
    /// Where it was opened; `None` for one that has just been trained.
    folder: Option<ModelFolder>,
    /// Content of `model.json`; a model of Spark's has none.
    pub info: Option<ModelInfo>,
    /// Feedback type of a model of Spark's.
    pub spark_feedback: Option<Feedback>,
    /// The movies it can recommend.
    pub catalogue: Catalogue,
    /// Ratings of the users it was opened for.
    pub seen: Seen,
    stores_seen: bool,
    /// Raw ids of the users it was opened for and knows, ascending.
    pub user_ids: Vec<i32>,
    /// Answers questions.
    pub recommender: Box<dyn Recommender>,
}

impl Model {
    /// Opens a model directory, mvrec's own or Spark's, for all its users.
    ///
    /// # Errors
    /// If it is no model, a file cannot be read, or the files contradict each other.
    pub fn open(folder: impl AsRef<Path>) -> Result<Self, ModelError> {
        Self::open_for(folder.as_ref(), &Users::All, None)
    }

    /// Makes a model of what was trained.
    pub(crate) fn from_parts(
        info: ModelInfo,
        catalogue: Catalogue,
        seen: Seen,
        parts: ModelParts,
    ) -> Result<Self, ModelError> {
        let recommender = assemble(&info, &catalogue, &seen, parts)?;
        Ok(Self {
            folder: None,
            info: Some(info),
            spark_feedback: None,
            catalogue,
            user_ids: seen.user_ids.clone(),
            seen,
            stores_seen: true,
            recommender,
        })
    }

    /// Finds the movie that an id or a title means.
    ///
    /// # Errors
    /// If no movie fits, or several do.
    pub fn movie(&self, text: &str) -> Result<ItemIx, TitleError> {
        self.catalogue.find(text)
    }

    /// Returns the movies for somebody who has given these ratings, the best first and without
    /// those that are rated.
    ///
    /// # Errors
    /// If the person's own equations cannot be solved.
    pub fn recommend(
        &self,
        ratings: impl IntoIterator<Item = (ItemIx, f32)>,
    ) -> Result<impl Iterator<Item = Recommendation>, ModelError> {
        let mut ratings: Vec<(ItemIx, f32)> = ratings.into_iter().collect();
        ratings.sort_by_key(|(item, _)| *item);
        let query = Query { n: self.catalogue.len(), ..Query::default() };
        let list = Ranker::new(self, query).for_person(Person { user: None, ratings: &ratings })?;
        Ok(list.into_iter())
    }

    /// Opens a model directory, mvrec's own or Spark's; `movies` brings titles to one that has
    /// none.
    ///
    /// # Errors
    /// If it is no model, a file cannot be read, or the files contradict each other.
    pub fn open_for(
        folder: &Path,
        users: &Users,
        movies: Option<&Movies>,
    ) -> Result<Self, ModelError> {
        Self::open_folder(ModelFolder::open(folder)?, users, movies, None)
    }

    /// Opens a model as [`Self::open_for`] does, in a directory that is open already;
    /// `spark_feedback` is the feedback type of a model of Spark's, which is else guessed from its
    /// predictions.
    ///
    /// # Errors
    /// If a file cannot be read, or the files contradict each other.
    pub fn open_folder(
        folder: ModelFolder,
        users: &Users,
        movies: Option<&Movies>,
        spark_feedback: Option<Feedback>,
    ) -> Result<Self, ModelError> {
        match folder.info().cloned() {
            Some(info) => Self::open_own(folder, info, users, movies),
            None => Self::open_spark(folder, users, movies, spark_feedback),
        }
    }

    /// Puts other users, ascending, in place of those that the model was opened for.
    ///
    /// # Errors
    /// If their files cannot be read.
    pub fn turn_to(&mut self, users: &[i32]) -> Result<(), ModelError> {
        // A model that has just been trained knows all its users.
        let Some(folder) = &self.folder else { return Ok(()) };
        if let Some(factored) = self.recommender.factored() {
            let rank = factored.items().cols;
            let mut vectors = spark::read_factors(folder, schema::USER_FACTORS, rank, Some(users))?;
            if let Some(info) = &self.info {
                let scale = info.training.scale.unwrap_or_default();
                let units = Units::new(&info.algorithm, scale);
                units.convert_users(&mut vectors.vectors, FactorsOf::Fitted);
            }
            if self.info.is_none() {
                self.user_ids.clone_from(&vectors.ids);
            }
            self.recommender.take_users(vectors);
        }
        if self.info.is_some() {
            self.seen = Seen::read(folder, self.catalogue.movies.ids(), Some(users))?;
            self.user_ids.clone_from(&self.seen.user_ids);
        }
        Ok(())
    }

    /// Returns a user of the training data with what they have rated.
    ///
    /// # Errors
    /// If the model does not know the user, or was not opened for them.
    pub fn person(&self, user: UserId) -> Result<Person<'_>, ModelError> {
        if self.user_ids.binary_search(&user.0).is_err() {
            return Err(ModelError::UnknownUser { user: user.to_string() });
        }
        Ok(Person { user: Some(user), ratings: self.seen.get(user).unwrap_or_default() })
    }

    fn open_own(
        folder: ModelFolder,
        info: ModelInfo,
        users: &Users,
        movies: Option<&Movies>,
    ) -> Result<Self, ModelError> {
        let path = folder.path();
        let rank = match &info.algorithm {
            Algorithm::Als(params) => Some(params.width()),
            Algorithm::Nmf(params) => Some(params.factors),
            Algorithm::Cosine(_) | Algorithm::Popularity(_) => None,
        };
        let (catalogue, (factors, embeddings)) = rayon::join(
            || read_catalogue(&folder, movies),
            || {
                rayon::join(
                    || rank.map(|rank| read_both(&folder, rank, users)).transpose(),
                    || read_embeddings(&folder, info.embedding_rank),
                )
            },
        );
        let (catalogue, factors, embeddings) = (catalogue?, factors?, embeddings?);
        let movie_ids = catalogue.movies.ids().to_vec();
        let needs_all =
            matches!(&info.algorithm, Algorithm::Cosine(p) if p.between == Between::Users);
        let filter = if needs_all { None } else { users.filter() };
        let seen = Seen::read(&folder, &movie_ids, filter)?;
        let mut user_ids = seen.user_ids.clone();
        if let Some(wanted) = users.filter() {
            user_ids.retain(|id| wanted.binary_search(id).is_ok());
        }
        let parts = match (factors, &info.algorithm) {
            (Some((users, items)), _) => ModelParts::Factors { users, items, embeddings },
            (None, Algorithm::Cosine(params)) => {
                let (ids, id_column) = match params.between {
                    Between::Movies => (&movie_ids, "movie_id"),
                    Between::Users => (&seen.user_ids, "user_id"),
                };
                let neighbors = Neighbors::read(&folder, ids, id_column)?;
                ModelParts::Neighbors { ids: Vec::new(), id_column, neighbors }
            }
            (None, _) => ModelParts::Counts,
        };
        let recommender =
            assemble(&info, &catalogue, &seen, parts).map_err(|error| match error {
                ModelError::Damaged { path: name, problem } => {
                    ModelError::Damaged { path: path.join(name).display().to_string(), problem }
                }
                other => other,
            })?;
        Ok(Self {
            folder: Some(folder),
            info: Some(info),
            spark_feedback: None,
            catalogue,
            seen,
            stores_seen: true,
            user_ids,
            recommender,
        })
    }

    /// Sets what users have rated, for a model of Spark's, which does not store it.
    pub fn set_seen(&mut self, ratings: &Ratings) {
        self.seen = Seen::from_ratings(ratings, self.catalogue.movies.ids());
        self.stores_seen = true;
    }

    /// Whether the ratings of its users are known.
    #[must_use]
    pub fn knows_seen(&self) -> bool {
        self.stores_seen
    }

    /// Opens a model of Spark's, which stores neither parameters nor the feedback type.
    fn open_spark(
        folder: ModelFolder,
        users: &Users,
        movies: Option<&Movies>,
        feedback: Option<Feedback>,
    ) -> Result<Self, ModelError> {
        let rank = spark::read_rank(folder.path())?;
        let (users, items) = read_both(&folder, rank, users)?;
        let feedback = match feedback {
            Some(feedback) => feedback,
            None => spark::guess_feedback(&folder, &items.vectors)?,
        };
        let catalogue = Catalogue::from_ids(&items.ids, movies);
        let user_ids = users.ids.clone();
        let params = AlsParams::spark(feedback, rank);
        let fold_in = FoldIn { params, mean: 0.0, unit: 1.0 };
        let ranking = StarRanking::new(&catalogue, Scale::default(), None);
        let recommender = Box::new(AlsModel::new(fold_in, users, items.vectors, ranking));
        let seen = Seen::default();
        Ok(Self {
            folder: Some(folder),
            info: None,
            spark_feedback: Some(feedback),
            catalogue,
            seen,
            stores_seen: false,
            user_ids,
            recommender,
        })
    }
}

/// Returns the ids of all users of a model directory, ascending.
///
/// # Errors
/// If they cannot be read.
pub fn user_ids(folder: &ModelFolder) -> Result<Vec<i32>, ModelError> {
    match folder.info() {
        Some(_) => Ok(folder.parquet(schema::SEEN)?.read_ids("user_id")?),
        None => spark::read_ids(folder, schema::USER_FACTORS),
    }
}

/// Returns those of `ids`, which ascend, that are users of a model directory; of a model of mvrec's
/// own, only their pages are read.
///
/// # Errors
/// If they cannot be read.
pub fn known_users(folder: &ModelFolder, ids: &[i32]) -> Result<Vec<i32>, ModelError> {
    if folder.info().is_none() {
        let all = user_ids(folder)?;
        return Ok(ids.iter().copied().filter(|id| all.binary_search(id).is_ok()).collect());
    }
    Ok(folder.parquet(schema::SEEN)?.find_ids("user_id", ids)?)
}

impl Catalogue {
    /// Opens the catalogue of a model directory of mvrec's own; nothing where it is something else.
    ///
    /// # Errors
    /// If it cannot be read.
    pub fn open_model(folder: &Path) -> Result<Option<Self>, ModelError> {
        let is_own = folder.join(schema::MODEL_JSON).is_file();
        is_own.then(|| read_catalogue(&ModelFolder::open(folder)?, None)).transpose()
    }
}

fn read_catalogue(folder: &ModelFolder, movies: Option<&Movies>) -> Result<Catalogue, ModelError> {
    let file = folder.parquet(schema::MOVIES)?;
    let keys = file.read_if_there(&schema::movie_keys())?;
    let batch = file.read_as(&schema::model_movies())?;
    let mut catalogue = Catalogue::from_batch(&batch, keys.as_ref().map(|keys| keys.column(0)));
    if !catalogue.movies.ids().is_sorted_by(|a, b| a < b) {
        let path = file.name().into();
        return Err(ModelError::Damaged { path, problem: "the movies do not ascend".into() });
    }
    if let Some(movies) = movies {
        catalogue.movies = catalogue.movies.with_titles_of(movies);
    }
    Ok(catalogue)
}

/// Reads the vectors of some users and of all items.
fn read_both(
    folder: &ModelFolder,
    rank: usize,
    users: &Users,
) -> Result<(Factors, Factors), ModelError> {
    let users = spark::read_factors(folder, schema::USER_FACTORS, rank, users.filter())?;
    let items = spark::read_factors(folder, schema::ITEM_FACTORS, rank, None)?;
    Ok((users, items))
}

/// Reads the item embeddings; a model may have none.
fn read_embeddings(folder: &ModelFolder, rank: usize) -> Result<Option<Factors>, ModelError> {
    let read = || spark::read_factors(folder, schema::EMBEDDINGS, rank, None);
    (rank > 0).then(read).transpose()
}
