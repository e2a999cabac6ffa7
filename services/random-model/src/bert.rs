//! Random models that read a whole text at once, shaped like BERT: one that ranks, or one that embeds.
//!
//! Names of tensors and keys are those of llama.cpp's `models/bert.cpp`. Words come from the byte-level vocabulary of
//! the other random models; a word that is read begins and ends as the vocabulary's flags say.

use std::{io, path::Path};

use super::{
    TensorType, VOCABULARY_MIN, Written,
    gguf::{Header, Tensor},
    vocabulary::Vocabulary,
    weights::Fill,
    write_file,
};

/// The shape of a random BERT.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RandomBert {
    /// `general.name` of the file.
    pub name: String,
    /// Layers.
    pub layers: u32,
    /// Width; a multiple of 32.
    pub width: u32,
    /// Attention heads; divides `width` into even parts.
    pub heads: u32,
    /// Width of the feed-forward part; a multiple of 32.
    pub feed_forward: u32,
    /// Tokens in the vocabulary; never fewer than [`VOCABULARY_MIN`].
    pub vocabulary: u32,
    /// Tokens that it reads at most.
    pub context: u32,
    /// It has a head that ranks; otherwise it embeds.
    pub ranks: bool,
    /// The template `rerank`, where the file has one.
    pub template: Option<String>,
    /// How its matrices are stored; everything else is F32.
    pub weights: TensorType,
    /// Seed of its weights.
    pub seed: u64,
}

impl Default for RandomBert {
    /// A reranker of about 400 KB for tests.
    fn default() -> Self {
        Self {
            name: "mercer-random-reranker".to_owned(),
            layers: 2,
            width: 64,
            heads: 4,
            feed_forward: 128,
            vocabulary: VOCABULARY_MIN,
            context: 512,
            ranks: true,
            template: None,
            weights: TensorType::F32,
            seed: 1,
        }
    }
}

impl RandomBert {
    /// Names that [`RandomBert::like`] knows.
    pub const NAMES: [&str; 1] = ["ms-marco-minilm-l6"];

    /// Returns the shape of a well-known reranker, from its published configuration, with Q8_0 weights. The vocabulary
    /// has the model's size, but made-up words.
    pub fn like(name: &str) -> Option<Self> {
        (name == Self::NAMES[0]).then(|| Self {
            name: format!("{name}-random"),
            layers: 6,
            width: 384,
            heads: 12,
            feed_forward: 1536,
            vocabulary: 30_522,
            weights: TensorType::Q8_0,
            ..Self::default()
        })
    }

    /// Writes the model file. The same shape and seed give the same bytes. `progress` is told the bytes written and all.
    ///
    /// # Errors
    /// As the file system says. What was written by then stays.
    pub fn write(
        &self,
        path: impl AsRef<Path>,
        progress: &mut dyn FnMut(u64, u64),
    ) -> io::Result<Written> {
        let vocabulary = Vocabulary::of_size(self.vocabulary as usize);
        let tensors = self.tensors(vocabulary.tokens.len() as u64);
        let header = self.header(&vocabulary);
        write_file(path.as_ref(), header, &tensors, self.seed, progress)
    }

    fn header(&self, vocabulary: &Vocabulary) -> Header {
        // Numbers of llama.h: 1 mean, 4 rank.
        let pooling = if self.ranks { 4 } else { 1 };
        let mut header = Header::default();
        header.text("general.architecture", "bert");
        header.text("general.name", &self.name);
        header.number("bert.context_length", self.context);
        header.number("bert.embedding_length", self.width);
        header.number("bert.block_count", self.layers);
        header.number("bert.feed_forward_length", self.feed_forward);
        header.number("bert.attention.head_count", self.heads);
        header.float("bert.attention.layer_norm_epsilon", 1e-12);
        header.flag("bert.attention.causal", false);
        header.number("bert.pooling_type", pooling);
        header.text("tokenizer.ggml.model", "gpt2");
        header.text("tokenizer.ggml.pre", "smollm");
        header.texts("tokenizer.ggml.tokens", &vocabulary.tokens);
        header.integers("tokenizer.ggml.token_type", &vocabulary.types);
        header.texts("tokenizer.ggml.merges", &vocabulary.merges);
        header.number("tokenizer.ggml.token_type_count", 2);
        let last = vocabulary.tokens.len() as u32 - 1;
        header.number("tokenizer.ggml.bos_token_id", last - 1);
        header.number("tokenizer.ggml.eos_token_id", last);
        header.number("tokenizer.ggml.seperator_token_id", last);
        header.flag("tokenizer.ggml.add_bos_token", true);
        header.flag("tokenizer.ggml.add_eos_token", true);
        header.flag("tokenizer.ggml.add_sep_token", true);
        if let Some(template) = &self.template {
            header.text("tokenizer.chat_template.rerank", template);
        }
        header
    }

    fn tensors(&self, vocabulary: u64) -> Vec<Tensor> {
        let width = u64::from(self.width);
        let hidden = u64::from(self.feed_forward);
        let tensor = |name: String, shape: &[u64], fill: Fill| {
            Tensor::new(name, shape, TensorType::F32, fill)
        };
        // About one over the root of what is summed up, so that numbers keep their size.
        let matrix = |name: String, rows: u64, columns: u64| {
            let fill = Fill::Even(1.7 / (rows as f32).sqrt());
            Tensor::new(name, &[rows, columns], self.weights, fill)
        };
        let norm = |name: &str| {
            [
                tensor(format!("{name}.weight"), &[width], Fill::Ones),
                tensor(format!("{name}.bias"), &[width], Fill::Even(0.1)),
            ]
        };
        let mut tensors = vec![
            Tensor::new(
                "token_embd.weight".to_owned(),
                &[width, vocabulary],
                self.weights,
                Fill::Even(0.6),
            ),
            tensor(
                "token_types.weight".to_owned(),
                &[width, 2],
                Fill::Even(0.1),
            ),
            tensor(
                "position_embd.weight".to_owned(),
                &[width, u64::from(self.context)],
                Fill::Even(0.3),
            ),
        ];
        tensors.extend(norm("token_embd_norm"));
        for layer in 0..self.layers {
            let name = |part: &str| format!("blk.{layer}.{part}");
            for (part, rows, columns) in [
                ("attn_q", width, width),
                ("attn_k", width, width),
                ("attn_v", width, width),
                ("attn_output", width, width),
                ("ffn_up", width, hidden),
                ("ffn_down", hidden, width),
            ] {
                tensors.push(matrix(name(&format!("{part}.weight")), rows, columns));
                let bias = name(&format!("{part}.bias"));
                tensors.push(tensor(bias, &[columns], Fill::Even(0.1)));
            }
            tensors.extend(norm(&name("attn_output_norm")));
            tensors.extend(norm(&name("layer_output_norm")));
        }
        if self.ranks {
            tensors.push(matrix("cls.weight".to_owned(), width, width));
            tensors.push(tensor("cls.bias".to_owned(), &[width], Fill::Even(0.1)));
            tensors.push(matrix("cls.output.weight".to_owned(), width, 1));
            tensors.push(tensor("cls.output.bias".to_owned(), &[1], Fill::Even(0.1)));
        }
        tensors
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_named_reranker_has_the_parameters_that_its_model_publishes() {
        for name in RandomBert::NAMES {
            let shape = RandomBert::like(name).unwrap();
            let tensors = shape.tensors(u64::from(shape.vocabulary));
            let numbers: u64 = tensors.iter().map(Tensor::numbers).sum();
            assert_eq!((numbers + 50_000) / 100_000, 227, "{name}");
        }
        assert_eq!(RandomBert::like("bert"), None);
    }
}
