//! Writes model files with random weights: real shapes and vocabularies, no sense.
//!
//! The files are real GGUF, run by the same llama.cpp as any other: llama or qwen2 architecture, byte-level BPE, the
//! special tokens and the chat template of Mercer's own models. What comes out of them is noise unless a grammar
//! shapes it. Tests use tiny ones; a benchmark uses one of a well-known shape, which computes as long as the
//! trained model does.

mod bert;
mod gguf;
mod quoting;
mod shapes;
mod vocabulary;
mod weights;

use std::{
    fs::File,
    io::{self, BufWriter, Write},
    path::Path,
};

use self::{
    gguf::{Header, Tensor},
    quoting::Quoting,
    vocabulary::Vocabulary,
    weights::Fill,
};

pub use self::{
    bert::RandomBert,
    vocabulary::{SPECIAL_TOKENS, VOCABULARY_MIN},
    weights::TensorType,
};

/// The chat template of Mercer's own models.
pub const CHAT_TEMPLATE: &str = "{% for message in messages %}<|{{ message.role }}|>{{ message.content }}<|end|>{% endfor %}\
                                 {% if add_generation_prompt %}<|assistant|>{% endif %}";

/// What llama.cpp takes the file for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Architecture {
    /// Llama and its many descendants.
    Llama,
    /// Qwen 2 and 2.5: as llama, with biases on queries, keys and values.
    Qwen2,
}

impl Architecture {
    fn as_str(self) -> &'static str {
        match self {
            Self::Llama => "llama",
            Self::Qwen2 => "qwen2",
        }
    }
}

/// The shape of a random model.
#[derive(Debug, Clone, PartialEq)]
pub struct RandomModel {
    /// `general.name` of the file.
    pub name: String,
    /// What llama.cpp takes it for.
    pub architecture: Architecture,
    /// Layers.
    pub layers: u32,
    /// Width; a multiple of 32.
    pub width: u32,
    /// Attention heads; divides `width` into even parts.
    pub heads: u32,
    /// Heads of keys and values; divides `heads`. Fewer than `heads` is grouped-query attention.
    pub heads_kv: u32,
    /// Width of the feed-forward part; a multiple of 32.
    pub feed_forward: u32,
    /// Tokens in the vocabulary; never fewer than [`VOCABULARY_MIN`].
    pub vocabulary: u32,
    /// Tokens it says it was trained with.
    pub context: u32,
    /// Base of the rotary position encoding; none leaves it out of the file, which means 10,000.
    pub rope_base: Option<f32>,
    /// Smallest number that a norm divides by.
    pub norm_epsilon: f32,
    /// The output uses the embeddings instead of weights of its own.
    pub tied_output: bool,
    /// It quotes its prompt instead of writing noise, see [`RandomModel::can_quote`].
    pub quotes: bool,
    /// How its matrices are stored; norms and biases are always F32.
    pub weights: TensorType,
    /// Seed of its weights.
    pub seed: u64,
    /// The chat template; none leaves it out of the file.
    pub chat_template: Option<String>,
}

impl Default for RandomModel {
    /// A model of about 500 KB for tests.
    fn default() -> Self {
        Self {
            name: "mercer-random".to_owned(),
            architecture: Architecture::Llama,
            layers: 2,
            width: 64,
            heads: 4,
            heads_kv: 4,
            feed_forward: 128,
            vocabulary: VOCABULARY_MIN,
            context: 2048,
            rope_base: None,
            norm_epsilon: 1e-5,
            tied_output: false,
            quotes: false,
            weights: TensorType::F32,
            seed: 1,
            chat_template: Some(CHAT_TEMPLATE.to_owned()),
        }
    }
}

/// What was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Written {
    /// Parameters of the model.
    pub parameters: u64,
    /// Bytes of the file.
    pub bytes: u64,
}

impl RandomModel {
    /// Writes the model file, one piece of a tensor at a time, and tells `progress` the bytes written so far and the
    /// bytes in all. The same shape and seed give the same bytes.
    ///
    /// # Errors
    /// As the file system says; [`io::ErrorKind::InvalidInput`] when it is to quote and cannot. What was written by then
    /// stays.
    pub fn write(
        &self,
        path: impl AsRef<Path>,
        progress: &mut dyn FnMut(u64, u64),
    ) -> io::Result<Written> {
        if self.quotes && !self.can_quote() {
            let why = "a model of this shape is too small to quote";
            return Err(io::Error::new(io::ErrorKind::InvalidInput, why));
        }
        let vocabulary = Vocabulary::of_size(self.vocabulary as usize);
        let tensors = self.tensors(vocabulary.tokens.len() as u64);
        let header = self.header(&vocabulary);
        write_file(path.as_ref(), header, &tensors, self.seed, progress)
    }

    /// Tells whether a model of this shape can quote: it needs two layers, heads of a multiple of 32 numbers, more than
    /// twice as many numbers as its keys, and a rotary base that leaves some of them nearly in place.
    pub fn can_quote(&self) -> bool {
        Quoting::of(self).is_some()
    }

    /// Writes a LoRA adapter for this model, random too: it changes queries and values of every layer by matrices of
    /// the given rank. The same shape and seed give the same bytes.
    ///
    /// # Errors
    /// As the file system says. What was written by then stays.
    pub fn write_adapter(
        &self,
        path: impl AsRef<Path>,
        rank: u32,
        seed: u64,
    ) -> io::Result<Written> {
        let mut header = Header::default();
        header.text("general.architecture", self.architecture.as_str());
        header.text("general.type", "adapter");
        header.text("general.name", "mercer-random-adapter");
        header.text("adapter.type", "lora");
        header.float("adapter.lora.alpha", rank as f32);
        let (width, rank) = (u64::from(self.width), u64::from(rank));
        let mut tensors = Vec::new();
        for layer in 0..self.layers {
            for (name, columns) in [("attn_q", width), ("attn_v", self.width_kv())] {
                for (part, rows, columns) in [("lora_a", width, rank), ("lora_b", rank, columns)] {
                    tensors.push(Tensor::new(
                        format!("blk.{layer}.{name}.weight.{part}"),
                        &[rows, columns],
                        TensorType::F32,
                        Fill::Even(1.7 / (rows as f32).sqrt()),
                    ));
                }
            }
        }
        write_file(path.as_ref(), header, &tensors, seed, &mut |_, _| {})
    }

    /// Returns the width of keys and values.
    fn width_kv(&self) -> u64 {
        u64::from(self.width) / u64::from(self.heads.max(1)) * u64::from(self.heads_kv)
    }

    fn header(&self, vocabulary: &Vocabulary) -> Header {
        let architecture = self.architecture.as_str();
        let key = |name: &str| format!("{architecture}.{name}");
        let head = self.width / self.heads.max(1);
        let mut header = Header::default();
        header.text("general.architecture", architecture);
        header.text("general.name", &self.name);
        header.text("mercer.prompt", "compact");
        header.number(&key("context_length"), self.context);
        header.number(&key("embedding_length"), self.width);
        header.number(&key("block_count"), self.layers);
        header.number(&key("feed_forward_length"), self.feed_forward);
        header.number(&key("attention.head_count"), self.heads);
        header.number(&key("attention.head_count_kv"), self.heads_kv);
        header.number(&key("rope.dimension_count"), head);
        if let Some(base) = self.rope_base {
            header.float(&key("rope.freq_base"), base);
        }
        header.number(&key("vocab_size"), vocabulary.tokens.len() as u32);
        header.float(&key("attention.layer_norm_rms_epsilon"), self.norm_epsilon);
        header.text("tokenizer.ggml.model", "gpt2");
        header.text("tokenizer.ggml.pre", "smollm");
        header.texts("tokenizer.ggml.tokens", &vocabulary.tokens);
        header.integers("tokenizer.ggml.token_type", &vocabulary.types);
        header.texts("tokenizer.ggml.merges", &vocabulary.merges);
        let end = vocabulary.tokens.len() as u32 - 1;
        header.number("tokenizer.ggml.bos_token_id", end);
        header.number("tokenizer.ggml.eos_token_id", end);
        header.flag("tokenizer.ggml.add_bos_token", false);
        if let Some(template) = &self.chat_template {
            header.text("tokenizer.chat_template", template);
        }
        header
    }

    /// Lists the tensors in the order of the file.
    ///
    /// Weights have a spread of about one over the root of what they sum up, so that every part answers numbers of
    /// about its input's size and nothing grows out of range however many layers there are.
    fn tensors(&self, vocabulary: u64) -> Vec<Tensor> {
        let width = u64::from(self.width);
        let width_kv = self.width_kv();
        let hidden = u64::from(self.feed_forward);
        // Wide models get smaller output weights: the logits stay as far apart as a trained model's.
        let output = Fill::Even(4.8 / (width as f32).sqrt());
        let matrix = |name: String, rows: u64, columns: u64, fill: Fill| {
            Tensor::new(name, &[rows, columns], self.weights, fill)
        };
        let vector = |name: String, length: u64, fill: Fill| {
            Tensor::new(name, &[length], TensorType::F32, fill)
        };

        let quoting = Quoting::of(self).filter(|_| self.quotes);
        let (embedding, output) = match quoting {
            Some(quoting) => (quoting.embedding(), quoting.embedding()),
            None if self.tied_output => (output.clone(), output),
            None => (Fill::Even(0.6), output),
        };
        let mut tensors = vec![matrix(
            "token_embd.weight".to_owned(),
            width,
            vocabulary,
            embedding,
        )];
        if !self.tied_output {
            tensors.push(matrix(
                "output.weight".to_owned(),
                width,
                vocabulary,
                output,
            ));
        }
        tensors.push(vector("output_norm.weight".to_owned(), width, Fill::Ones));
        for layer in 0..self.layers {
            let matrices = [
                ("attn_q", width, width),
                ("attn_k", width, width_kv),
                ("attn_v", width, width_kv),
                ("attn_output", width, width),
                ("ffn_gate", width, hidden),
                ("ffn_up", width, hidden),
                ("ffn_down", hidden, width),
            ];
            for (name, rows, columns) in matrices {
                let fill = quoting
                    .and_then(|quoting| quoting.matrix(layer, name, rows))
                    .unwrap_or(Fill::Even(1.7 / (rows as f32).sqrt()));
                tensors.push(matrix(
                    format!("blk.{layer}.{name}.weight"),
                    rows,
                    columns,
                    fill,
                ));
            }
            for name in ["attn_norm", "ffn_norm"] {
                tensors.push(vector(
                    format!("blk.{layer}.{name}.weight"),
                    width,
                    Fill::Ones,
                ));
            }
            if self.architecture == Architecture::Qwen2 {
                for (name, length) in [
                    ("attn_q", width),
                    ("attn_k", width_kv),
                    ("attn_v", width_kv),
                ] {
                    tensors.push(vector(
                        format!("blk.{layer}.{name}.bias"),
                        length,
                        Fill::Even(if quoting.is_some() { 0.0 } else { 0.1 }),
                    ));
                }
            }
        }
        tensors
    }
}

/// Writes a model file for a test; about 500 KB for the default shape.
///
/// # Errors
/// As [`RandomModel::write`].
pub fn write_random_model(path: impl AsRef<Path>, model: &RandomModel) -> io::Result<()> {
    model.write(path, &mut |_, _| {}).map(|_| ())
}

fn write_file(
    path: &Path,
    header: Header,
    tensors: &[Tensor],
    seed: u64,
    progress: &mut dyn FnMut(u64, u64),
) -> io::Result<Written> {
    let head = header.bytes(tensors);
    let total = head.len() as u64 + tensors.iter().map(Tensor::bytes_padded).sum::<u64>();
    let mut out = BufWriter::with_capacity(1 << 20, File::create(path)?);
    out.write_all(&head)?;
    let mut done = head.len() as u64;
    let mut random = weights::Random::new(seed);
    for tensor in tensors {
        weights::write(&mut out, tensor, &mut random, &mut |bytes| {
            done += bytes;
            progress(done, total);
        })?;
    }
    out.flush()?;
    Ok(Written {
        parameters: tensors.iter().map(Tensor::numbers).sum(),
        bytes: total,
    })
}

#[cfg(test)]
mod tests {
    use sha2::{Digest, Sha256};

    use super::*;

    fn bytes_of(model: &RandomModel) -> (Vec<u8>, Written) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("model.gguf");
        let mut last = (0, 0);
        let written = model
            .write(&path, &mut |done, total| last = (done, total))
            .unwrap();
        assert_eq!(last, (written.bytes, written.bytes));
        let bytes = std::fs::read(path).unwrap();
        assert_eq!(bytes.len() as u64, written.bytes);
        (bytes, written)
    }

    #[test]
    fn the_default_model_is_the_same_file_for_ever() {
        let (bytes, written) = bytes_of(&RandomModel::default());
        assert_eq!(written.parameters, 117_696);
        assert_eq!(
            hex::encode(Sha256::digest(&bytes)),
            "f87889f9b67bb0157041096a54955bf94bb49a19caf75c785fe116416785b47b",
            "tests and their recorded results rest on these bytes"
        );
    }
}
