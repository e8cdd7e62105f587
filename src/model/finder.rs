//! Finds the movies of a model by what people call them, for one lookup or for many.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{OnceLock, PoisonError, RwLock};

use crate::dataset::ids::{ItemIx, MovieId};
use crate::dataset::movies::imdb_number;
use crate::dataset::titles::{FoundMovie, TitleError, TitleIndex, TitleLookup};
use crate::io::profiles::MovieName;
use crate::model::catalogue::ItemCatalogue;

/// An item, and whether its title was not exactly the one given.
type FoundItem = (ItemIx, bool);

/// Finds movies of a catalogue; indexes it as soon as that pays, and remembers what was found.
#[derive(Debug)]
pub struct MovieFinder<'a> {
    catalogue: &'a ItemCatalogue,
    lookups: AtomicUsize,
    titles: OnceLock<TitleIndex>,
    links: OnceLock<Links>,
    typed: RwLock<HashMap<String, Result<FoundItem, TitleError>>>,
}

/// Movies by the ids of other sites.
#[derive(Debug)]
struct Links {
    imdb: HashMap<u64, MovieId>,
    tmdb: HashMap<i32, MovieId>,
}

impl Links {
    fn new(catalogue: &ItemCatalogue) -> Self {
        let (mut imdb, mut tmdb) = (HashMap::new(), HashMap::new());
        for (id, movie) in catalogue.movies.iter() {
            if let Some(number) = movie.imdb_id.and_then(imdb_number) {
                imdb.entry(number).or_insert(id);
            }
            if let Some(number) = movie.tmdb_id {
                tmdb.entry(number).or_insert(id);
            }
        }
        Self { imdb, tmdb }
    }
}

impl<'a> MovieFinder<'a> {
    /// Makes a finder for a catalogue.
    #[must_use]
    pub fn new(catalogue: &'a ItemCatalogue) -> Self {
        Self {
            catalogue,
            lookups: AtomicUsize::new(0),
            titles: OnceLock::new(),
            links: OnceLock::new(),
            typed: RwLock::default(),
        }
    }

    /// Finds the movie that a typed text means: an id, a key, an id of IMDb or TMDB, or a title;
    /// and whether that is a guess.
    ///
    /// # Errors
    /// If no movie fits, or several do; those with most ratings are listed first.
    pub fn find_typed(&self, text: &str) -> Result<FoundItem, TitleError> {
        /// Texts that are remembered: enough for all that people name, and a bound on memory.
        const REMEMBERED: usize = 1 << 18;
        let typed = self.typed.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(found) = typed.get(text) {
            return found.clone();
        }
        drop(typed);
        let found = self.look_up(|lookup| lookup.find(text));
        let mut typed = self.typed.write().unwrap_or_else(PoisonError::into_inner);
        if typed.len() < REMEMBERED {
            typed.insert(text.to_string(), found.clone());
        }
        found
    }

    /// Finds the movie that a file names: by its IMDb or TMDB id, its id, or its title and year.
    ///
    /// # Errors
    /// As [`Self::find_typed`].
    pub fn find_named(&self, name: &MovieName) -> Result<FoundItem, TitleError> {
        if name.imdb_id.is_some() || name.tmdb_id.is_some() {
            let links = self.links.get_or_init(|| Links::new(self.catalogue));
            let imdb = name.imdb_id.as_deref().and_then(imdb_number);
            let imdb = imdb.and_then(|number| links.imdb.get(&number));
            let tmdb = || links.tmdb.get(&name.tmdb_id.as_ref()?.parse().ok()?);
            if let Some(item) = imdb.or_else(tmdb).and_then(|id| self.catalogue.item(*id)) {
                return Ok((item, false));
            }
        }
        if let Some(id) = &name.id {
            let movies = &self.catalogue.movies;
            return match movies.by_own_id(id).and_then(|id| self.catalogue.item(id)) {
                Some(item) => Ok((item, false)),
                // The column of ids may hold titles.
                None => self.find_typed(id),
            };
        }
        if let Some(title) = name.titled() {
            return self.look_up(|lookup| lookup.find_title(&title));
        }
        match &name.typed {
            Some(typed) => self.find_typed(typed),
            None => Err(TitleError::Unknown { title: name.to_string() }),
        }
    }

    fn look_up(
        &self,
        find: impl Fn(&TitleLookup<'_>) -> Result<FoundMovie, TitleError>,
    ) -> Result<FoundItem, TitleError> {
        /// Lookups from which on an index costs less than searching all titles each time.
        const MANY: usize = 8;
        let Self { catalogue, titles, .. } = self;
        let is_many = self.lookups.fetch_add(1, Ordering::Relaxed) >= MANY;
        let lookup = TitleLookup {
            movies: &catalogue.movies,
            index: is_many.then(|| titles.get_or_init(|| TitleIndex::new(&catalogue.movies))),
            is_known: &|id| catalogue.item(id).is_some(),
            n_ratings: &|id| {
                catalogue.item(id).map_or(0, |item| catalogue.n_ratings[item.at()].into())
            },
        };
        let found = find(&lookup)?;
        let item = catalogue.item(found.id).expect("only known movies are found");
        Ok((item, found.is_guess()))
    }
}
