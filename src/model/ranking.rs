//! How models that predict stars rank.
//!
//! The best predicted stars make a poor list: they lift films that few have seen and those few
//! loved, while what people go on to watch is mostly well known and like what they have watched
//! before. So three things are added up:
//!
//! - the expected stars, as on a scale as wide as MovieLens' (the width of the data's own over 4.5
//!   is the unit);
//! - 0.3 ln(1 + n), n being the number of ratings of the movie;
//! - twice how near the movie is to those that the person has rated: t·z with z the movie's [vector
//!   of taste](crate::model::taste) and t = m / √(mᵀCm), m = Σ w_j z_j. C is the covariance of z
//!   over the ratings of the most rated movies, so that t·z counts in standard deviations, and w_j
//!   the stars above a third of the scale, so that what was disliked pushes away.
//!
//! The constants were chosen by NDCG@10 on validation splits of MovieLens latest-small, of users
//! and of people with 2 to 32 ratings, and by reading lists (`scripts/profiles.sh`). Nearness by
//! the vectors that predict stars did far worse (0.19 where this has 0.24 on validation), since
//! stars tell little of what people go on to watch.

use std::cmp::Reverse;
use std::sync::OnceLock;

use crate::dataset::ids::ItemIx;
use crate::io::values::Scale;
use crate::linalg::dense::{Matrix, add_rows, dot, scores};
use crate::model::catalogue::Catalogue;
use crate::model::factors::{cosine, cosines};

/// What a score made so means.
const MEANING: &str = "expected stars + 0.3 x ln(1 + ratings of the movie) + 2 x nearness to what the person rated, in standard deviations";
/// The same for data of another scale.
const MEANING_OF_UNITS: &str = "expected rating, as on a scale 4.5 wide, + 0.3 x ln(1 + ratings of the movie) + 2 x nearness to what the person rated, in standard deviations";
/// What likeness of items means.
pub(crate) const LIKENESS: &str = "mean of two cosines, of the vectors by which stars are predicted and of what people rate together, x n / (n + 5) for n ratings";
/// Ratings at which likeness is trusted half.
const TRUSTED_HALF: f32 = 5.0;
const OF_COUNT: f32 = 0.3;
const OF_TASTE: f32 = 2.0;
/// Movies that C is taken of.
const MOST_RATED: usize = 2000;

/// Ranks by stars, counts and taste.
#[derive(Debug)]
pub struct StarRanking {
    n_ratings: Vec<u32>,
    bonus: Vec<f32>,
    /// Stars from which on a rating speaks for a movie.
    neutral: f32,
    unit: f32,
    vectors: Option<Matrix>,
    /// C, row after row.
    covariance: OnceLock<Vec<f32>>,
}

/// What a person's ratings say about a list, beside the stars that they make expect.
#[derive(Debug)]
pub struct Taste {
    /// 2 t.
    pub vector: Vec<f32>,
    /// What m has to be multiplied with to be 2 t.
    scale: f32,
}

/// Returns the mean of two cosines, as far as so many ratings of the other movie can be trusted:
/// one that a single person has rated is near all that this person has rated.
fn trusted(by_stars: f32, by_taste: f32, n: u32) -> f32 {
    let trust = n as f32 / (n as f32 + TRUSTED_HALF);
    trust * f32::midpoint(by_stars, by_taste)
}

impl StarRanking {
    /// Takes the counts of the training data, the stars that people can give, and the vectors of
    /// taste, which Spark's models lack.
    pub fn of(catalogue: &Catalogue, scale: Scale, vectors: Option<Matrix>) -> Self {
        let bonus = catalogue.n_ratings.iter().map(|&n| OF_COUNT * (n as f32).ln_1p());
        Self {
            bonus: bonus.collect(),
            n_ratings: catalogue.n_ratings.clone(),
            neutral: scale.min + (scale.max - scale.min) / 3.0,
            unit: scale.unit(),
            vectors,
            covariance: OnceLock::new(),
        }
    }

    /// Says what a score means.
    #[must_use]
    pub fn meaning(&self) -> &'static str {
        if self.unit == 1.0 { MEANING } else { MEANING_OF_UNITS }
    }

    /// Returns the ratings of the data for a product of 1.
    #[must_use]
    pub fn unit(&self) -> f32 {
        self.unit
    }

    /// Returns what is added to the products of each item.
    pub fn bonus(&self) -> &[f32] {
        &self.bonus
    }

    /// Returns the vectors of taste, a row per item.
    pub fn vectors(&self) -> Option<&Matrix> {
        self.vectors.as_ref()
    }

    /// Returns the taste of a person who has given `ratings`; nothing where they say nothing.
    pub fn taste(&self, ratings: &[(ItemIx, f32)]) -> Option<Taste> {
        let vectors = self.vectors.as_ref()?;
        let covariance = self.covariance.get_or_init(|| self.covariance(vectors));
        let (rows, weights): (Vec<u32>, Vec<f32>) =
            ratings.iter().map(|&(item, stars)| (item.0, stars - self.neutral)).unzip();
        let (mut vector, mut spread) = (vec![0.0; vectors.cols], vec![0.0; vectors.cols]);
        add_rows(vectors, &rows, &weights, &mut vector);
        scores(covariance, &vector, &mut spread);
        let scale = OF_TASTE / dot(&vector, &spread).sqrt();
        // Zero where nothing was rated, or without any counts; below zero by rounding.
        scale.is_finite().then(|| {
            vector.iter_mut().for_each(|x| *x *= scale);
            Taste { vector, scale }
        })
    }

    /// Returns what each rating brings to 2 t·z of an item.
    pub fn parts(&self, taste: &Taste, ratings: &[(ItemIx, f32)], item: ItemIx) -> Vec<f32> {
        let Some(vectors) = &self.vectors else { return Vec::new() };
        let own = vectors.row(item.at());
        let part = |&(rated, stars): &(ItemIx, f32)| {
            (stars - self.neutral) * taste.scale * dot(vectors.row(rated.at()), own)
        };
        ratings.iter().map(part).collect()
    }

    /// Completes the cosines of items with one to what the models say that they mean, where there
    /// are vectors of taste. Stars alone find little that is alike, and what people rate
    /// together does not tell sequels from what was in the cinemas at the same time.
    pub fn complete_likeness(&self, item: ItemIx, cosines_of_stars: &mut [f32]) {
        let Some(vectors) = &self.vectors else { return };
        let by_taste = cosines(vectors, vectors.cols, item.at());
        for ((likeness, by_taste), &n) in
            cosines_of_stars.iter_mut().zip(by_taste).zip(&self.n_ratings)
        {
            *likeness = trusted(*likeness, by_taste, n);
        }
    }

    /// Returns what [`Self::complete_likeness`] makes of the cosine of `other` with `item`.
    pub fn similarity(&self, cosine_of_stars: f32, item: ItemIx, other: ItemIx) -> f32 {
        let Some(vectors) = &self.vectors else { return cosine_of_stars };
        let by_taste = cosine(vectors, vectors.cols, item.at(), other.at());
        trusted(cosine_of_stars, by_taste, self.n_ratings[other.at()])
    }

    fn covariance(&self, vectors: &Matrix) -> Vec<f32> {
        let k = vectors.cols;
        let mut most: Vec<u32> = (0..self.n_ratings.len() as u32).collect();
        let key = |item: &u32| (Reverse(self.n_ratings[*item as usize]), *item);
        if most.len() > MOST_RATED {
            most.select_nth_unstable_by_key(MOST_RATED, key);
            most.truncate(MOST_RATED);
        }
        most.sort_unstable();
        let total: f64 = most.iter().map(|&item| f64::from(self.n_ratings[item as usize])).sum();
        let (mut mean, mut squares) = (vec![0.0; k], vec![0.0; k * k]);
        for &item in &most {
            let share = f64::from(self.n_ratings[item as usize]) / total;
            let row = vectors.row(item as usize);
            for (i, sums) in squares.chunks_exact_mut(k.max(1)).enumerate() {
                let weight = share * f64::from(row[i]);
                mean[i] += weight;
                sums.iter_mut().zip(row).for_each(|(sum, &z)| *sum += weight * f64::from(z));
            }
        }
        let centred = |(at, square): (usize, &f64)| (square - mean[at / k] * mean[at % k]) as f32;
        squares.iter().enumerate().map(centred).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_similarity_is_that_of_all() {
        let mut catalogue = Catalogue::of_ids(&[1, 2, 3], None);
        catalogue.n_ratings = vec![100, 5, 1];
        let vectors = Matrix { rows: 3, cols: 2, data: vec![1.0, 0.0, 0.6, 0.8, 0.0, 1.0] };
        let ranking = StarRanking::of(&catalogue, Scale::default(), Some(vectors));
        let cosines = [1.0, 0.5, 0.2];
        let mut completed = cosines;
        ranking.complete_likeness(ItemIx(0), &mut completed);
        let single =
            |other: usize| ranking.similarity(cosines[other], ItemIx(0), ItemIx(other as u32));
        assert_eq!(completed, [0, 1, 2].map(single));
        // Five ratings are trusted half.
        assert!((completed[1] - 0.5 * 0.55).abs() < 1e-6, "{completed:?}");
    }
}
