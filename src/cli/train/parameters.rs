//! `--params`: parameters from a file, which options on the command line change.

use std::path::Path;

use serde_json::{Map, Value, json};

use crate::cli::args::GivenOptions;
use crate::cli::error::{Result, usage};
use crate::cli::train::{CommonArgs, PassesArgs};
use crate::io::json;
use crate::model::AlgorithmParams;
use crate::tune::space::with_values;

/// An algorithm with all its parameters.
pub(super) struct ParametersFile {
    name: String,
    algorithm: AlgorithmParams,
}

impl ParametersFile {
    /// Reads `best.json` of a search, or a model's `model.json`.
    pub(super) fn read(path: &Path) -> Result<Self> {
        let name = path.display().to_string();
        let (object, _) = json::read_manifest::<Map<String, Value>>(path)?;
        let algorithm = serde_json::from_value(Value::Object(object))
            .map_err(|error| anyhow::anyhow!("{name}: no parameters of an algorithm: {error}"))?;
        Ok(Self { name, algorithm })
    }

    /// Returns the parameters of the file, and where the command line gives a number, that one.
    pub(super) fn complete(
        &self,
        typed: &AlgorithmParams,
        given: &GivenOptions,
    ) -> Result<AlgorithmParams> {
        let (name, wanted) = (&self.name, self.algorithm.name());
        if wanted != typed.name() {
            return Err(usage(format!("--params {name}: it holds parameters of {wanted}")));
        }
        let typed = json!(typed);
        let mut values = Map::new();
        for option in given.without::<CommonArgs>().without::<PassesArgs>().names() {
            match typed["parameters"].get(option) {
                Some(value) if value.is_number() => {
                    values.insert(option.clone(), value.clone());
                }
                _ => {
                    let option = option.replace('_', "-");
                    return Err(usage(format!(
                        "--{option} does not go with --params, which says it"
                    )));
                }
            }
        }
        with_values(&self.algorithm, values).map_err(usage)
    }
}
