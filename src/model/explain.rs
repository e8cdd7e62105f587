//! Why a movie is recommended: the contribution of each rating of a user to its score.
//!
//! A user's factors x solve A x = Σ t_j y_j over the rated movies, so the score x·y_i is the sum
//! of what each rating brings, t_j · y_iᵀA⁻¹y_j (Hu, Koren & Volinsky 2008, section 5): exact, and
//! nothing is left over.

use crate::linalg::cholesky;

/// The contributions that add up to a score.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Explanation {
    /// What the score would be without any rating.
    pub base: f32,
    /// The contribution of each rating of the user, in their order.
    pub contributions: Vec<f32>,
}

/// The equations that a user's factors solve.
#[derive(Debug)]
pub(crate) struct FoldInEquations {
    /// A, the upper triangle, row after row.
    pub(crate) a: Vec<f64>,
    /// Rows y_j, with a 1 at the end where there are biases, one after another.
    pub(crate) features: Vec<f64>,
    /// t_j.
    pub(crate) targets: Vec<f64>,
}

impl FoldInEquations {
    /// Returns the contribution of each rating to the score of each of the items with the rows
    /// `items`, and A⁻¹y_i; `None` if A is singular.
    pub(crate) fn contributions(mut self, items: &[Vec<f64>]) -> Option<Vec<(Vec<f32>, Vec<f64>)>> {
        let width = items.first().map_or(0, Vec::len);
        cholesky::factor(&mut self.a, width).ok()?;
        let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
        let explain = |item: &Vec<f64>| {
            let mut z = item.clone();
            cholesky::solve(&self.a, &mut z);
            let rows = self.features.chunks_exact(width.max(1)).zip(&self.targets);
            let contributions = rows.map(|(feature, target)| (target * dot(&z, feature)) as f32);
            (contributions.collect(), z)
        };
        Some(items.iter().map(explain).collect())
    }
}
