//! LoRA adapters: loaded with the model, chosen by each request.
//!
//! A step computes with one adapter, so requests of different ones take turns; and what one has computed is of no use
//! to another, so every cache belongs to an adapter.

use std::path::PathBuf;

use llama_cpp_2::{
    context::LlamaContext,
    model::{LlamaLoraAdapter, LlamaModel},
};

use crate::{Error, model_file};

/// An adapter to load.
#[derive(Debug, Clone, PartialEq)]
pub struct AdapterConfig {
    /// What requests call it.
    pub name: String,
    /// The GGUF file.
    pub path: PathBuf,
    /// How strongly it changes the model; 1 as it was trained.
    pub scale: f32,
}

/// Which adapter computes; none is the model as it is.
pub(super) type AdapterId = Option<usize>;

/// The adapters of an engine.
pub(super) struct Adapters {
    loaded: Vec<(LlamaLoraAdapter, f32)>,
    active: AdapterId,
}

impl Adapters {
    /// Loads adapters for a model. Their ids are their places.
    ///
    /// # Errors
    /// [`Error::ModelFile`] names the file.
    pub(super) fn load(model: &mut LlamaModel, configs: &[AdapterConfig]) -> Result<Self, Error> {
        let mut loaded = Vec::with_capacity(configs.len());
        for config in configs {
            model_file::check(&config.path)?;
            let adapter = model.lora_adapter_init(&config.path).map_err(|error| {
                model_file::fault(
                    &config.path,
                    format!("llama.cpp does not load it as a LoRA adapter ({error})"),
                    "check that it was trained for this very model and converted to GGUF",
                )
            })?;
            loaded.push((adapter, config.scale));
        }
        Ok(Self {
            loaded,
            active: None,
        })
    }

    /// Makes the context compute with an adapter from now on.
    pub(super) fn switch(
        &mut self,
        context: &mut LlamaContext<'_>,
        wanted: AdapterId,
    ) -> Result<(), Error> {
        if self.active == wanted {
            return Ok(());
        }
        let refused = |error: &dyn std::fmt::Display| Error::Decode(error.to_string());
        match wanted.and_then(|id| self.loaded.get_mut(id)) {
            Some((adapter, scale)) => context
                .lora_adapter_set(adapter, *scale)
                .map_err(|error| refused(&error))?,
            None => {
                if let Some((adapter, _)) = self.loaded.first_mut() {
                    context
                        .lora_adapter_remove(adapter)
                        .map_err(|error| refused(&error))?;
                }
            }
        }
        self.active = wanted;
        Ok(())
    }
}

/// Returns whose turn it is: the next adapter after the last one, of those that are wanted.
pub(super) fn next_turn(
    wanted: impl Iterator<Item = AdapterId> + Clone,
    last: AdapterId,
) -> AdapterId {
    wanted
        .clone()
        .filter(|adapter| *adapter > last)
        .min()
        .or_else(|| wanted.min())
        .flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn adapters_take_turns() {
        let wanted = [Some(2), None, Some(0), Some(2)];
        let turns: Vec<AdapterId> = std::iter::successors(Some(None), |last| {
            Some(next_turn(wanted.iter().copied(), *last))
        })
        .take(5)
        .collect();
        assert_eq!(turns, [None, Some(0), Some(2), None, Some(0)]);
        assert_eq!(next_turn([Some(1)].into_iter(), Some(1)), Some(1));
        assert_eq!(next_turn(std::iter::empty(), Some(1)), None);
    }
}
