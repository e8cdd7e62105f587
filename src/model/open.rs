//! Opens model directories, mvrec's own and Spark's.

use std::path::Path;
use std::sync::Arc;

use crate::dataset::ids::{ItemIx, UserId};
use crate::dataset::movie_file::MovieFile;
use crate::dataset::titles::TitleError;
use crate::dataset::{Movies, Ratings};
use crate::io::values::Scale;
use crate::model::algorithm::{ModelSource, ModelState};
use crate::model::als::{AlsFoldIn, AlsParams, Feedback};
use crate::model::catalogue::ItemCatalogue;
use crate::model::error::ModelError;
use crate::model::factor_model::FactorModel;
use crate::model::factor_state::UnitConversion;
use crate::model::folder::ModelFolder;
use crate::model::info::ModelInfo;
use crate::model::query::{Query, Recommendation};
use crate::model::ranker::Ranker;
use crate::model::ranking::StarRanking;
use crate::model::recommender::{Recommender, TargetUser};
use crate::model::seen::SeenRatings;
use crate::model::spark;
use crate::schema;

/// Which users a model is opened for; vectors and ratings of the others stay on disk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum UserSelection {
    /// All of them.
    All,
    /// Those of the list, ascending, which may be empty.
    Some(Vec<i32>),
}

impl UserSelection {
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
    pub catalogue: Arc<ItemCatalogue>,
    /// Ratings of the users it was opened for.
    pub seen: Arc<SeenRatings>,
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
        Self::open_for(folder.as_ref(), &UserSelection::All, None)
    }

    /// Makes a model of what was trained.
    pub(crate) fn from_state(
        info: ModelInfo,
        catalogue: Arc<ItemCatalogue>,
        seen: Arc<SeenRatings>,
        state: Box<dyn ModelState>,
    ) -> Result<Self, ModelError> {
        let recommender = state.into_recommender(&info.context(&catalogue, &seen))?;
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
    /// If the user's own equations cannot be solved.
    pub fn recommend(
        &self,
        ratings: impl IntoIterator<Item = (ItemIx, f32)>,
    ) -> Result<impl Iterator<Item = Recommendation>, ModelError> {
        let mut ratings: Vec<(ItemIx, f32)> = ratings.into_iter().collect();
        ratings.sort_by_key(|(item, _)| *item);
        let query = Query { n: self.catalogue.len(), ..Query::default() };
        let list =
            Ranker::new(self, query).for_user(TargetUser { user: None, ratings: &ratings })?;
        Ok(list.into_iter())
    }

    /// Returns at most `n` users, the most similar to one first; the model must be open for all.
    ///
    /// # Errors
    /// If the model does not know the user or has no user–user similarity.
    pub fn similar_users(&self, user: UserId, n: usize) -> Result<Vec<(UserId, f32)>, ModelError> {
        let similar_users = self.recommender.similar_users().ok_or(ModelError::NoSimilarUsers)?;
        similar_users.similar_users(self.user(user)?, n)
    }

    /// Opens a model directory, mvrec's own or Spark's; `movies` brings titles to one that has
    /// none.
    ///
    /// # Errors
    /// If it is no model, a file cannot be read, or the files contradict each other.
    pub fn open_for(
        folder: &Path,
        users: &UserSelection,
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
        users: &UserSelection,
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
        if let Some(model) = self.recommender.factor_model_mut() {
            let width = model.items().cols;
            let factors = spark::read_factors(folder, schema::USER_FACTORS, width, Some(users))?;
            if self.info.is_none() {
                self.user_ids.clone_from(&factors.ids);
            }
            model.set_users(factors);
        }
        if self.info.is_some() {
            self.seen =
                Arc::new(SeenRatings::read(folder, self.catalogue.movies.ids(), Some(users))?);
            self.user_ids.clone_from(&self.seen.user_ids);
        }
        Ok(())
    }

    /// Returns a user of the training data with what they have rated.
    ///
    /// # Errors
    /// If the model does not know the user, or was not opened for them.
    pub fn user(&self, user: UserId) -> Result<TargetUser<'_>, ModelError> {
        if self.user_ids.binary_search(&user.0).is_err() {
            return Err(ModelError::UnknownUser { user: user.to_string() });
        }
        Ok(TargetUser { user: Some(user), ratings: self.seen.get(user).unwrap_or_default() })
    }

    fn open_own(
        folder: ModelFolder,
        info: ModelInfo,
        users: &UserSelection,
        movies: Option<&Movies>,
    ) -> Result<Self, ModelError> {
        let source = ModelSource {
            folder: &folder,
            users: users.filter(),
            embedding_rank: info.embedding_rank,
            residual_variance: info.residual_variance,
        };
        let (catalogue, state) =
            rayon::join(|| read_catalogue(&folder, movies), || info.algorithm.open(&source));
        let (catalogue, state) = (Arc::new(catalogue?), state?);
        let filter = users.filter().filter(|_| !info.algorithm.needs_all_users());
        let seen = Arc::new(SeenRatings::read(&folder, catalogue.movies.ids(), filter)?);
        let mut user_ids = seen.user_ids.clone();
        if let Some(wanted) = users.filter() {
            user_ids.retain(|id| wanted.binary_search(id).is_ok());
        }
        let recommender = state.into_recommender(&info.context(&catalogue, &seen));
        let recommender = recommender.map_err(|error| match error {
            ModelError::Damaged { path: name, problem } => {
                let path = folder.path().join(name).display().to_string();
                ModelError::Damaged { path, problem }
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
        self.seen = Arc::new(SeenRatings::from_ratings(ratings, self.catalogue.movies.ids()));
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
        users: &UserSelection,
        movies: Option<&Movies>,
        feedback: Option<Feedback>,
    ) -> Result<Self, ModelError> {
        let rank = spark::read_rank(folder.path())?;
        let users = spark::read_factors(&folder, schema::USER_FACTORS, rank, users.filter())?;
        let items = spark::read_factors(&folder, schema::ITEM_FACTORS, rank, None)?;
        let feedback = match feedback {
            Some(feedback) => feedback,
            None => spark::guess_feedback(&folder, &items.vectors)?,
        };
        let catalogue = Arc::new(ItemCatalogue::from_ids(&items.ids, movies));
        let user_ids = users.ids.clone();
        let params = AlsParams::spark(feedback, rank);
        let fold_in = Box::new(AlsFoldIn::new(params, 0.0, 1.0));
        let units = UnitConversion::identity(rank);
        let ranking = StarRanking::new(&catalogue, Scale::default(), None);
        let recommender = FactorModel::new(fold_in, units, users, items.vectors, ranking);
        let seen = Arc::new(SeenRatings::default());
        Ok(Self {
            folder: Some(folder),
            info: None,
            spark_feedback: Some(feedback),
            catalogue,
            seen,
            stores_seen: false,
            user_ids,
            recommender: Box::new(recommender),
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

impl ItemCatalogue {
    /// Opens the catalogue of a model directory of mvrec's own; `None` if it is something else.
    ///
    /// # Errors
    /// If it cannot be read.
    pub fn open_model(folder: &Path) -> Result<Option<Self>, ModelError> {
        let is_own = folder.join(schema::MODEL_JSON).is_file();
        is_own.then(|| read_catalogue(&ModelFolder::open(folder)?, None)).transpose()
    }
}

fn read_catalogue(
    folder: &ModelFolder,
    movies: Option<&Movies>,
) -> Result<ItemCatalogue, ModelError> {
    let file = MovieFile::new(folder.parquet(schema::MOVIES)?);
    let (rows, keys) = file.rows(&schema::model_movies())?;
    let mut catalogue = ItemCatalogue::from_batch(&rows, keys.as_ref());
    if !catalogue.movies.ids().is_sorted_by(|a, b| a < b) {
        let path = file.name().into();
        return Err(ModelError::Damaged { path, problem: "the movies do not ascend".into() });
    }
    if let Some(movies) = movies {
        catalogue.movies = catalogue.movies.with_titles_of(movies);
    }
    Ok(catalogue)
}
