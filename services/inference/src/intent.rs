//! The intent classifier: a small network over a sentence embedder's vectors.
//!
//! It reads a safetensors file with four matrices: `w1` (hidden × inputs), `b1`, `w2` (classes × hidden) and `b2`,
//! all F32. Inputs are the vector of the customer's words times `scale`, and the features that the caller gives. The
//! metadata tell `embedder` (the id of the embedder it was trained with: vectors of another one mean nothing to it),
//! `scale`, and `intents`, the names of the classes.

use std::{fs, path::Path, sync::Arc};

use mercer_schemas::Intent;
use safetensors::{Dtype, SafeTensors};

use crate::{Embedder, Error, model_file::fault};

/// An intent is kept if its probability is at least this share of the likeliest one's. A small chat model
/// that is offered a second one takes it too often.
const SHARE_MIN: f32 = 0.95;
/// Intents that are kept at most.
const KEPT_MAX: usize = 3;
/// A call for a person is kept from this probability on, since nobody who asks for one should be held
/// back; the plan's grammar keeps it by the words too.
const HANDOFF_MIN: f32 = 0.2;
/// Products and a policy at once are wanted seldom, and offering both tools leaves the choice open: kept
/// from this probability on.
const BOTH_MIN: f32 = 0.6;

/// A classifier with the embedder that it was trained for.
pub struct IntentClassifier {
    embedder: Arc<dyn Embedder>,
    intents: Vec<Intent>,
    features: usize,
    scale: f32,
    hidden: Layer,
    output: Layer,
}

/// A matrix by rows, and what is added to each row's sum.
struct Layer {
    weights: Vec<f32>,
    bias: Vec<f32>,
    inputs: usize,
}

impl IntentClassifier {
    /// Loads a classifier that reads `features` numbers beside the vectors. None, with a warning, where it was trained
    /// with another embedder than this one.
    ///
    /// # Errors
    /// [`Error::ModelFile`] names the file and what is wrong.
    pub fn load(
        path: impl AsRef<Path>,
        embedder: Arc<dyn Embedder>,
        features: usize,
    ) -> Result<Option<Self>, Error> {
        const FIX: &str = "fetch the file again, or use none (models.intents = \"\")";
        let path = path.as_ref();
        let wrong = |problem: String| fault(path, problem, FIX);
        let bytes = fs::read(path).map_err(|error| wrong(format!("it cannot be read: {error}")))?;
        let unreadable = |error: safetensors::SafeTensorError| {
            wrong(format!("it is not a safetensors file ({error})"))
        };
        let (_, header) = SafeTensors::read_metadata(&bytes).map_err(unreadable)?;
        let tensors = SafeTensors::deserialize(&bytes).map_err(unreadable)?;
        let metadata = header.metadata().clone().unwrap_or_default();
        let told = |key: &str| {
            metadata
                .get(key)
                .cloned()
                .ok_or_else(|| wrong(format!("its metadata lack `{key}`")))
        };
        let trained_with = told("embedder")?;
        if trained_with != embedder.info().id {
            tracing::warn!(
                file = %path.display(),
                trained_with,
                configured = embedder.info().id,
                "intent classifier is not used: it belongs to another embedder"
            );
            return Ok(None);
        }
        let scale = told("scale")?
            .parse()
            .map_err(|_| wrong("its `scale` is no number".to_owned()))?;
        let intents: Vec<Intent> = told("intents")?
            .split(',')
            .map(|name| {
                Intent::ALL
                    .into_iter()
                    .find(|intent| intent.name() == name)
                    .ok_or_else(|| wrong(format!("it names the intent `{name}`, which is unknown")))
            })
            .collect::<Result<_, _>>()?;
        let layer = |weights: &str, bias: &str| -> Result<Layer, Error> {
            let rows = numbers(&tensors, bias).map_err(&wrong)?;
            let weights = numbers(&tensors, weights).map_err(&wrong)?;
            let inputs = weights.len() / rows.len().max(1);
            Ok(Layer {
                weights,
                bias: rows,
                inputs,
            })
        };
        let (hidden, output) = (layer("w1", "b1")?, layer("w2", "b2")?);
        let inputs = embedder.info().dim + features;
        let fits = |layer: &Layer, inputs: usize, outputs: usize| {
            layer.bias.len() == outputs && layer.weights.len() == inputs * outputs
        };
        if hidden.bias.is_empty()
            || !fits(&hidden, inputs, hidden.bias.len())
            || !fits(&output, hidden.bias.len(), intents.len())
        {
            return Err(wrong(format!(
                "its matrices do not fit {inputs} inputs and {} intents",
                intents.len()
            )));
        }
        Ok(Some(Self {
            embedder,
            intents,
            features,
            scale,
            hidden,
            output,
        }))
    }

    /// Returns the intents that a message may have, likeliest first.
    ///
    /// # Errors
    /// As the embedder; [`Error::Request`] for another number of features than it was loaded for.
    pub async fn likely(&self, words: &str, features: &[f32]) -> Result<Vec<Intent>, Error> {
        let mut ranked = self.probabilities(words, features).await?;
        ranked.sort_by(|a, b| b.1.total_cmp(&a.1));
        let best = ranked.first().map_or(0.0, |first| first.1);
        let is_likely = |at: usize, intent: Intent, probability: f32| match intent {
            Intent::SearchAndPolicies => at == 0 && probability >= BOTH_MIN,
            Intent::Handoff => probability >= HANDOFF_MIN.min(best * SHARE_MIN),
            _ => at < KEPT_MAX && probability >= best * SHARE_MIN,
        };
        Ok(ranked
            .iter()
            .enumerate()
            .filter(|(at, (intent, probability))| is_likely(*at, *intent, *probability))
            .map(|(_, (intent, _))| *intent)
            .collect())
    }

    /// Returns the probability of each intent.
    ///
    /// # Errors
    /// As [`Self::likely`].
    pub async fn probabilities(
        &self,
        words: &str,
        features: &[f32],
    ) -> Result<Vec<(Intent, f32)>, Error> {
        if features.len() != self.features {
            return Err(Error::Request("the intent classifier reads other features"));
        }
        let vectors = self.embedder.embed(vec![words.to_owned()]).await?;
        let mut inputs: Vec<f32> = vectors.concat().iter().map(|n| n * self.scale).collect();
        inputs.extend(features);
        let hidden: Vec<f32> = self
            .hidden
            .apply(&inputs)
            .iter()
            .map(|n| n.max(0.0))
            .collect();
        let logits = self.output.apply(&hidden);
        let highest = logits.iter().copied().fold(f32::MIN, f32::max);
        let weights: Vec<f32> = logits.iter().map(|logit| (logit - highest).exp()).collect();
        let total: f32 = weights.iter().sum();
        Ok(self
            .intents
            .iter()
            .copied()
            .zip(weights.into_iter().map(|weight| weight / total))
            .collect())
    }
}

impl Layer {
    fn apply(&self, inputs: &[f32]) -> Vec<f32> {
        self.weights
            .chunks_exact(self.inputs)
            .zip(&self.bias)
            .map(|(row, bias)| bias + row.iter().zip(inputs).map(|(a, b)| a * b).sum::<f32>())
            .collect()
    }
}

fn numbers(tensors: &SafeTensors<'_>, name: &str) -> Result<Vec<f32>, String> {
    let tensor = tensors
        .tensor(name)
        .map_err(|_| format!("it has no matrix `{name}`"))?;
    if tensor.dtype() != Dtype::F32 {
        return Err(format!("its matrix `{name}` is not of F32"));
    }
    Ok(tensor
        .data()
        .as_chunks::<4>()
        .0
        .iter()
        .map(|bytes| f32::from_le_bytes(*bytes))
        .collect())
}
