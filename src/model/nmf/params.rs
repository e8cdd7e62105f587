//! Parameters of NMF, with defaults that were tuned on a validation split of MovieLens
//! latest-small.

use serde::{Deserialize, Serialize};

/// How fitting begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum NmfInit {
    /// Absolute normal values around √(mean / k), as in scikit-learn
    Random,
    /// Leading singular vectors, zeros replaced by the mean (Boutsidis & Gallopoulos 2008)
    Nndsvda,
}

/// Parameters of NMF.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct NmfParams {
    /// Length k of the vectors.
    pub factors: usize,
    /// Passes over both sides.
    pub iterations: usize,
    /// λ.
    pub regularization: f64,
    /// Rating that every cell without a rating counts as; `None` looks at the rated cells alone.
    pub fill: Option<f32>,
    /// How fitting begins.
    pub init: NmfInit,
    /// Seed of the start.
    pub seed: u64,
}

impl NmfParams {
    /// Returns the parameters for ratings that were divided by a unit.
    #[must_use]
    pub(crate) fn in_units(self, unit: f32) -> Self {
        let fill = self.fill.map(|fill| fill / unit);
        Self { fill, ..self }
    }

    /// Returns the defaults for the rated cells alone.
    #[must_use]
    pub fn masked() -> Self {
        Self {
            factors: 32,
            iterations: 30,
            regularization: 0.15,
            fill: None,
            init: NmfInit::Random,
            seed: 42,
        }
    }

    /// Returns the defaults for a filled matrix.
    #[must_use]
    pub fn filled(fill: f32) -> Self {
        Self {
            factors: 20,
            iterations: 40,
            regularization: 0.0,
            fill: Some(fill),
            init: NmfInit::Nndsvda,
            ..Self::masked()
        }
    }
}
