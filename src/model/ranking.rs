//! How models that predict stars rank.
//!
//! The best predicted stars make a poor list: they lift films that few have seen and those few loved, while what people go on to
//! watch is mostly well known and like what they have watched before. So three things are added up:
//!
//! - the expected stars;
//! - 0.7 ln(1 + n), n being the number of ratings of the movie;
//! - γ times how near the movie's vector y is to those that the person has rated: t·y with t = m / √(mᵀCm) and
//!   m = (C + ρI)⁻¹ Σ w_j n_j / (n_j + 20) y_j. C is the mean of y yᵀ over the ratings of the most rated movies, ρ the mean
//!   of its diagonal, and w_j the stars above a third of the scale, so that t·y counts in standard deviations and what was disliked
//!   pushes away. As t is added to the person's vector, it costs nothing per movie.
//!
//! γ is 0.4 for ALS and 1 for NMF. The constants were chosen by NDCG@10 on validation splits of MovieLens latest-small, of users and of
//! people with 2 to 64 ratings, and by reading lists (`scripts/profiles.sh`). Shrinking stars towards the mean did worse than nothing.

use std::cmp::Reverse;
use std::sync::OnceLock;

use crate::dataset::ids::ItemIx;
use crate::io::values::Scale;
use crate::linalg::cholesky;
use crate::linalg::dense::{Matrix, add_rows, dot, scores};
use crate::model::catalogue::Catalogue;

/// What the third term weighs, and what a score made so means.
#[derive(Debug, Clone, Copy)]
pub struct Weighing {
    of_taste: f32,
    /// What a score means.
    pub meaning: &'static str,
}

/// Of ALS, whose vectors hold little but what stars tell.
pub const ALS: Weighing = Weighing {
    of_taste: 0.4,
    meaning: "expected stars + 0.7 x ln(1 + ratings of the movie) + 0.4 x nearness to what the person rated, in standard deviations",
};

/// Of NMF, whose vectors are large where people have rated much.
pub const NMF: Weighing = Weighing {
    of_taste: 1.0,
    meaning: "expected stars + 0.7 x ln(1 + ratings of the movie) + 1.0 x nearness to what the person rated, in standard deviations",
};

const OF_COUNT: f32 = 0.7;
/// Ratings at which a movie's vector is trusted half.
const TRUSTED_HALF: f32 = 20.0;
/// Movies that C is taken of.
const MOST_RATED: usize = 2000;

/// Ranks by stars, counts and taste.
#[derive(Debug)]
pub struct StarRanking {
    weighing: Weighing,
    n_ratings: Vec<u32>,
    bonus: Vec<f32>,
    /// Stars from which on a rating speaks for a movie.
    neutral: f32,
    spread: OnceLock<Option<Spread>>,
}

/// How vectors are spread.
#[derive(Debug)]
struct Spread {
    /// C, row after row.
    moments: Vec<f32>,
    /// (C + ρI)⁻¹, row after row.
    inverse: Vec<f32>,
}

/// What a person's ratings say about a list, beside the stars that they make expect.
#[derive(Debug)]
pub struct Taste {
    /// t: to be added to the factors of the person's vector.
    pub vector: Vec<f32>,
    /// What m has to be multiplied with to be t.
    scale: f32,
}

impl StarRanking {
    /// Takes the counts of the training data and the stars that people can give.
    pub fn of(weighing: Weighing, catalogue: &Catalogue, scale: Scale) -> Self {
        let bonus = catalogue.n_ratings.iter().map(|&n| OF_COUNT * (n as f32).ln_1p());
        Self {
            weighing,
            bonus: bonus.collect(),
            n_ratings: catalogue.n_ratings.clone(),
            neutral: scale.min + (scale.max - scale.min) / 3.0,
            spread: OnceLock::new(),
        }
    }

    /// Says what a score means.
    #[must_use]
    pub fn meaning(&self) -> &'static str {
        self.weighing.meaning
    }

    /// Returns what is added to the products of each item.
    pub fn bonus(&self) -> &[f32] {
        &self.bonus
    }

    /// Returns the taste of a person who has given `ratings`; nothing where they say nothing.
    pub fn taste(&self, items: &Matrix, k: usize, ratings: &[(ItemIx, f32)]) -> Option<Taste> {
        let spread = self.spread.get_or_init(|| self.spread(items, k)).as_ref()?;
        let (rows, weights): (Vec<u32>, Vec<f32>) =
            ratings.iter().map(|&(item, stars)| (item.0, self.weight(item, stars))).unzip();
        let mut sum = vec![0.0; items.cols];
        add_rows(items, &rows, &weights, &mut sum);
        let (mut vector, mut spread_out) = (vec![0.0; k], vec![0.0; k]);
        scores(&spread.inverse, &sum[..k], &mut vector);
        scores(&spread.moments, &vector, &mut spread_out);
        let variance = dot(&vector, &spread_out);
        if !(variance.is_finite() && variance > 0.0) {
            return None;
        }
        let scale = self.weighing.of_taste / variance.sqrt();
        vector.iter_mut().for_each(|x| *x *= scale);
        Some(Taste { vector, scale })
    }

    /// Returns what each rating brings to t·y of an item.
    pub fn parts(
        &self,
        items: &Matrix,
        taste: &Taste,
        ratings: &[(ItemIx, f32)],
        item: ItemIx,
    ) -> Vec<f32> {
        let Some(spread) = self.spread.get().and_then(Option::as_ref) else { return Vec::new() };
        let k = taste.vector.len();
        let mut near = vec![0.0; k];
        scores(&spread.inverse, &items.row(item.at())[..k], &mut near);
        let part = |&(rated, stars): &(ItemIx, f32)| {
            self.weight(rated, stars) * taste.scale * dot(&items.row(rated.at())[..k], &near)
        };
        ratings.iter().map(part).collect()
    }

    fn weight(&self, item: ItemIx, stars: f32) -> f32 {
        let n = self.n_ratings[item.at()] as f32;
        (stars - self.neutral) * n / (n + TRUSTED_HALF)
    }

    fn spread(&self, items: &Matrix, k: usize) -> Option<Spread> {
        let mut most: Vec<u32> = (0..self.n_ratings.len() as u32).collect();
        let key = |item: &u32| (Reverse(self.n_ratings[*item as usize]), *item);
        if most.len() > MOST_RATED {
            most.select_nth_unstable_by_key(MOST_RATED, key);
            most.truncate(MOST_RATED);
        }
        most.sort_unstable();
        let total: f64 = most.iter().map(|&item| f64::from(self.n_ratings[item as usize])).sum();
        let mut moments = vec![0.0; k * k];
        for &item in &most {
            let share = f64::from(self.n_ratings[item as usize]) / total;
            let row = &items.row(item as usize)[..k];
            for (i, sums) in moments.chunks_exact_mut(k.max(1)).enumerate() {
                let weight = share * f64::from(row[i]);
                sums.iter_mut().zip(row).for_each(|(sum, &y)| *sum += weight * f64::from(y));
            }
        }
        let ridge = (0..k).map(|i| moments[i * k + i]).sum::<f64>() / k as f64;
        let mut factor = moments.clone();
        (0..k).for_each(|i| factor[i * k + i] += ridge);
        // Without counts, as in Spark's models, or without any spread there is no taste to tell.
        cholesky::factor(&mut factor, k).ok()?;
        let column = |i: usize| {
            let mut unit = vec![0.0; k];
            unit[i] = 1.0;
            cholesky::solve(&factor, &mut unit);
            unit.into_iter().map(|x| x as f32)
        };
        let moments = moments.iter().map(|&c| c as f32).collect();
        // The inverse is symmetric: its columns are its rows.
        Some(Spread { moments, inverse: (0..k).flat_map(column).collect() })
    }
}
