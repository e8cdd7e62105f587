//! Which movies may be in a list.

use std::ops::RangeInclusive;

use crate::dataset::expr::Plan;
use crate::dataset::ids::ItemIx;
use crate::dataset::movies::{genre_overlap, known_genres};
use crate::io::columns::NO_TIME;
use crate::model::catalogue::ItemCatalogue;

/// Conditions on the movies of a list; a movie must meet all of them.
#[derive(Debug, Default)]
pub struct CandidateFilter {
    /// Genres of which a movie must have one; none means all.
    pub genres: Vec<String>,
    /// Genres of which a movie may have none.
    pub exclude_genres: Vec<String>,
    /// Years of release; a movie without a year is in none.
    pub released: Option<RangeInclusive<i16>>,
    /// Fewest ratings in the training data.
    pub min_ratings: u32,
    /// Least mean rating in the training data.
    pub min_mean: f64,
    /// The only movies, where they are listed.
    pub only: Option<Vec<ItemIx>>,
    /// Movies that are left out.
    pub except: Vec<ItemIx>,
    /// An expression about movies.
    pub plan: Option<Plan>,
}

impl CandidateFilter {
    /// Returns the items that meet all conditions, ascending.
    #[must_use]
    pub fn items(&self, catalogue: &ItemCatalogue) -> Vec<u32> {
        let mut fits = vec![self.only.is_none(); catalogue.len()];
        self.only.iter().flatten().for_each(|item| fits[item.at()] = true);
        self.except.iter().for_each(|item| fits[item.at()] = false);
        let meets = |&item: &u32| fits[item as usize] && self.meets(catalogue, ItemIx(item));
        (0..catalogue.len() as u32).filter(meets).collect()
    }

    /// Returns, for an empty list of items, each condition that no item meets by itself.
    #[must_use]
    pub fn unmet(&self, catalogue: &ItemCatalogue) -> Vec<String> {
        let alone = |condition: Self| condition.items(catalogue).is_empty();
        let mut unmet = Vec::new();
        let genres = self.genres.clone();
        if alone(Self { genres, ..Self::default() }) {
            unmet.push(format!("is of the genre {}", self.genres.join(" or ")));
        }
        if alone(Self { released: self.released.clone(), ..Self::default() }) {
            unmet.push("was released in these years".into());
        }
        let min_ratings = self.min_ratings;
        if alone(Self { min_ratings, ..Self::default() }) {
            let most = catalogue.n_ratings.iter().max().copied().unwrap_or(0);
            unmet.push(format!("has {min_ratings} ratings (try --min-ratings {most})"));
        }
        let min_mean = self.min_mean;
        if alone(Self { min_mean, ..Self::default() }) {
            let best = catalogue.mean_rating.iter().copied().fold(0.0, f64::max);
            unmet.push(format!("has a mean of {min_mean} (the best has {best:.2})"));
        }
        unmet
    }

    fn meets(&self, catalogue: &ItemCatalogue, item: ItemIx) -> bool {
        let (n, mean) = (catalogue.n_ratings[item.at()], catalogue.mean_rating[item.at()]);
        if n < self.min_ratings || mean < self.min_mean {
            return false;
        }
        let Self { genres, exclude_genres, released, plan, .. } = self;
        if genres.is_empty() && exclude_genres.is_empty() && released.is_none() && plan.is_none() {
            return true;
        }
        let movie = catalogue.movie(item);
        let has = |genres: &[String]| genres.iter().any(|genre| movie.has_genre(genre));
        let in_period = released
            .as_ref()
            .is_none_or(|years| movie.release_year.is_some_and(|year| years.contains(&year)));
        // What an expression could ask of a rating was refused where it was made ready.
        let keeps = |plan: &Plan| plan.keeps(0, catalogue.id(item).0, 0.0, NO_TIME);
        (genres.is_empty() || has(genres))
            && !has(exclude_genres)
            && in_period
            && plan.as_ref().is_none_or(keeps)
    }
}

/// Genres of items, by number, so that lists of many users can be narrowed to genres of their own.
#[derive(Debug)]
pub struct GenreSets {
    /// Names, ascending.
    names: Vec<String>,
    /// Where the genres of each item begin.
    starts: Vec<u32>,
    genres: Vec<u16>,
}

impl GenreSets {
    /// Numbers the genres of a catalogue.
    #[must_use]
    pub fn new(catalogue: &ItemCatalogue) -> Self {
        let names: Vec<String> = catalogue.movies.genres().into_iter().map(String::from).collect();
        let (mut starts, mut genres) = (vec![0], Vec::new());
        for (_, movie) in catalogue.movies.iter() {
            let numbers = known_genres(movie.genres).filter_map(|genre| {
                names.binary_search_by(|name| name.as_str().cmp(genre)).ok().map(|at| at as u16)
            });
            genres.extend(numbers);
            starts.push(genres.len() as u32);
        }
        Self { names, starts, genres }
    }

    /// Returns the numbers of an item's genres.
    #[must_use]
    pub fn genres_of_item(&self, item: ItemIx) -> &[u16] {
        &self.genres[self.starts[item.at()] as usize..self.starts[item.at() + 1] as usize]
    }

    /// Returns the name of a genre.
    #[must_use]
    pub fn name(&self, genre: u16) -> &str {
        &self.names[usize::from(genre)]
    }

    /// Returns the genres of what a user has rated highest: those that at least half of these
    /// movies have, or else the ones that most of them have; ascending. Nothing where nothing
    /// is rated or known.
    #[must_use]
    pub fn favourites(&self, ratings: &[(ItemIx, f32)]) -> Vec<u16> {
        let best = ratings.iter().map(|(_, stars)| *stars).fold(f32::NEG_INFINITY, f32::max);
        let mut counts = vec![0_usize; self.names.len()];
        let mut n = 0;
        for &(item, _) in ratings.iter().filter(|(_, stars)| *stars >= best) {
            self.genres_of_item(item).iter().for_each(|&genre| counts[usize::from(genre)] += 1);
            n += usize::from(!self.genres_of_item(item).is_empty());
        }
        let most = counts.iter().copied().max().unwrap_or(0);
        let least = most.min(n.div_ceil(2)).max(1);
        (0..counts.len() as u16).filter(|&genre| counts[usize::from(genre)] >= least).collect()
    }

    /// Tells how much the genres of two items have in common, from 0 to 1: Jaccard's index.
    #[must_use]
    pub fn overlap(&self, a: ItemIx, b: ItemIx) -> f32 {
        genre_overlap(self.genres_of_item(a), self.genres_of_item(b)) as f32
    }
}
