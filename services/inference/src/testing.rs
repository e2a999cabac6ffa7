//! Writes tiny model files with random weights, for tests that need a real model but no sense.
//!
//! The files are real: llama architecture, byte-level BPE, the special tokens and the chat template of Mercer's own
//! models, run by the same llama.cpp. What comes out of them is noise unless a grammar shapes it.

use std::{fs, io, path::Path};

/// The chat template of Mercer's own models.
pub const CHAT_TEMPLATE: &str = "{% for message in messages %}<|{{ message.role }}|>{{ message.content }}<|end|>{% endfor %}\
                                 {% if add_generation_prompt %}<|assistant|>{% endif %}";

/// The special tokens of Mercer's own models; the last one ends a message.
pub const SPECIAL_TOKENS: [&str; 5] = [
    "<|system|>",
    "<|user|>",
    "<|assistant|>",
    "<|tool|>",
    "<|end|>",
];

/// A few merges, so that some tokens hold several characters, as in a trained vocabulary. `Ġ` stands for a space.
const MERGES: [&str; 16] = [
    "Ġ t", "h e", "Ġt he", "i n", "r e", "o n", "Ġ a", "e r", "a t", "Ġ s", "o r", "e n", "a n",
    "\" :", "{ {", "} }",
];
const ALIGNMENT: usize = 32;

/// The shape of a random model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RandomModel {
    /// Layers.
    pub layers: u32,
    /// Width; a multiple of 32.
    pub width: u32,
    /// Attention heads; divides `width` into even parts.
    pub heads: u32,
    /// Tokens it says it was trained with.
    pub context: u32,
    /// Seed of its weights.
    pub seed: u64,
    /// The chat template; none leaves it out of the file.
    pub chat_template: Option<String>,
}

impl Default for RandomModel {
    fn default() -> Self {
        Self {
            layers: 2,
            width: 64,
            heads: 4,
            context: 2048,
            seed: 1,
            chat_template: Some(CHAT_TEMPLATE.to_owned()),
        }
    }
}

/// Writes a model file; about 500 KB for the default shape.
///
/// # Errors
/// As the file system says.
pub fn write_random_model(path: impl AsRef<Path>, model: &RandomModel) -> io::Result<()> {
    let (tokens, types) = vocabulary();
    let width = u64::from(model.width);
    let hidden = 2 * width;
    let mut file = GgufFile::default();
    file.text("general.architecture", "llama");
    file.text("general.name", "mercer-random");
    file.text("mercer.prompt", "compact");
    file.number("llama.context_length", model.context);
    file.number("llama.embedding_length", model.width);
    file.number("llama.block_count", model.layers);
    file.number("llama.feed_forward_length", hidden as u32);
    file.number("llama.attention.head_count", model.heads);
    file.number("llama.attention.head_count_kv", model.heads);
    file.number(
        "llama.rope.dimension_count",
        model.width / model.heads.max(1),
    );
    file.number("llama.vocab_size", tokens.len() as u32);
    file.float("llama.attention.layer_norm_rms_epsilon", 1e-5);
    file.text("tokenizer.ggml.model", "gpt2");
    file.text("tokenizer.ggml.pre", "smollm");
    file.texts("tokenizer.ggml.tokens", &tokens);
    file.integers("tokenizer.ggml.token_type", &types);
    file.texts("tokenizer.ggml.merges", &MERGES.map(str::to_owned));
    let end = tokens.len() as u32 - 1;
    file.number("tokenizer.ggml.bos_token_id", end);
    file.number("tokenizer.ggml.eos_token_id", end);
    file.flag("tokenizer.ggml.add_bos_token", false);
    if let Some(template) = &model.chat_template {
        file.text("tokenizer.chat_template", template);
    }

    let mut random = Random(model.seed);
    let vocabulary = tokens.len() as u64;
    file.tensor(
        "token_embd.weight",
        &[width, vocabulary],
        random.weights(width * vocabulary, 0.6),
    );
    file.tensor(
        "output.weight",
        &[width, vocabulary],
        random.weights(width * vocabulary, 0.6),
    );
    file.tensor("output_norm.weight", &[width], ones(width));
    for layer in 0..model.layers {
        let mut add = |name: &str, rows: u64, columns: u64| {
            let weights = random.weights(rows * columns, 1.7 / (rows as f32).sqrt());
            file.tensor(
                &format!("blk.{layer}.{name}.weight"),
                &[rows, columns],
                weights,
            );
        };
        for name in ["attn_q", "attn_k", "attn_v", "attn_output"] {
            add(name, width, width);
        }
        add("ffn_gate", width, hidden);
        add("ffn_up", width, hidden);
        add("ffn_down", hidden, width);
        for name in ["attn_norm", "ffn_norm"] {
            file.tensor(&format!("blk.{layer}.{name}.weight"), &[width], ones(width));
        }
    }
    fs::write(path, file.bytes())
}

/// Returns the tokens and their types: 256 bytes, the merges, the special tokens.
fn vocabulary() -> (Vec<String>, Vec<i32>) {
    const NORMAL: i32 = 1;
    const CONTROL: i32 = 3;
    let mut tokens: Vec<String> = byte_names().iter().map(char::to_string).collect();
    tokens.extend(MERGES.map(|merge| merge.replace(' ', "")));
    let mut types = vec![NORMAL; tokens.len()];
    tokens.extend(SPECIAL_TOKENS.map(str::to_owned));
    types.resize(tokens.len(), CONTROL);
    (tokens, types)
}

/// Returns the character that byte-level BPE writes for each byte: printable ones as they are, the others from U+0100 on.
fn byte_names() -> [char; 256] {
    let mut names = ['\0'; 256];
    let mut next = 0x100;
    for byte in 0..=255u8 {
        let printable = matches!(byte, b'!'..=b'~' | 0xA1..=0xAC | 0xAE..=0xFF);
        names[usize::from(byte)] = if printable {
            char::from(byte)
        } else {
            next += 1;
            char::from_u32(next - 1).unwrap_or('?')
        };
    }
    names
}

fn ones(count: u64) -> Vec<f32> {
    vec![1.0; count as usize]
}

/// SplitMix64 (Steele, Lea, Flood: "Fast splittable pseudorandom number generators", 2014).
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// Returns numbers spread evenly over `-size..size`.
    fn weights(&mut self, count: u64, size: f32) -> Vec<f32> {
        (0..count)
            .map(|_| ((self.next() >> 40) as f32 / (1u32 << 23) as f32 - 1.0) * size)
            .collect()
    }
}

/// A GGUF file of version 3: header, metadata, tensor table, padding, tensors of F32.
#[derive(Default)]
struct GgufFile {
    entries: u64,
    metadata: Vec<u8>,
    tensors: u64,
    table: Vec<u8>,
    data: Vec<u8>,
}

/// Type numbers of the format.
const U32: u32 = 4;
const I32: u32 = 5;
const F32: u32 = 6;
const BOOL: u32 = 7;
const STRING: u32 = 8;
const ARRAY: u32 = 9;

impl GgufFile {
    fn entry(&mut self, key: &str, kind: u32) {
        self.entries += 1;
        put_text(&mut self.metadata, key);
        self.metadata.extend(kind.to_le_bytes());
    }

    fn text(&mut self, key: &str, value: &str) {
        self.entry(key, STRING);
        put_text(&mut self.metadata, value);
    }

    fn number(&mut self, key: &str, value: u32) {
        self.entry(key, U32);
        self.metadata.extend(value.to_le_bytes());
    }

    fn float(&mut self, key: &str, value: f32) {
        self.entry(key, F32);
        self.metadata.extend(value.to_le_bytes());
    }

    fn flag(&mut self, key: &str, value: bool) {
        self.entry(key, BOOL);
        self.metadata.push(u8::from(value));
    }

    fn array(&mut self, key: &str, kind: u32, length: usize) {
        self.entry(key, ARRAY);
        self.metadata.extend(kind.to_le_bytes());
        self.metadata.extend((length as u64).to_le_bytes());
    }

    fn texts(&mut self, key: &str, values: &[String]) {
        self.array(key, STRING, values.len());
        values
            .iter()
            .for_each(|value| put_text(&mut self.metadata, value));
    }

    fn integers(&mut self, key: &str, values: &[i32]) {
        self.array(key, I32, values.len());
        values
            .iter()
            .for_each(|value| self.metadata.extend(value.to_le_bytes()));
    }

    fn tensor(&mut self, name: &str, shape: &[u64], values: Vec<f32>) {
        const F32_TENSOR: u32 = 0;
        self.tensors += 1;
        put_text(&mut self.table, name);
        self.table.extend((shape.len() as u32).to_le_bytes());
        shape
            .iter()
            .for_each(|side| self.table.extend(side.to_le_bytes()));
        self.table.extend(F32_TENSOR.to_le_bytes());
        self.table.extend((self.data.len() as u64).to_le_bytes());
        values
            .iter()
            .for_each(|value| self.data.extend(value.to_le_bytes()));
        pad(&mut self.data);
    }

    fn bytes(self) -> Vec<u8> {
        let mut out = b"GGUF".to_vec();
        out.extend(3u32.to_le_bytes());
        out.extend(self.tensors.to_le_bytes());
        out.extend(self.entries.to_le_bytes());
        out.extend(self.metadata);
        out.extend(self.table);
        pad(&mut out);
        out.extend(self.data);
        out
    }
}

fn put_text(out: &mut Vec<u8>, text: &str) {
    out.extend((text.len() as u64).to_le_bytes());
    out.extend(text.as_bytes());
}

fn pad(out: &mut Vec<u8>) {
    out.resize(out.len().next_multiple_of(ALIGNMENT), 0);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_have_distinct_names_and_a_space_is_the_usual_one() {
        let names = byte_names();
        assert_eq!(names[usize::from(b' ')], 'Ġ');
        assert_eq!(names[usize::from(b'\n')], 'Ċ');
        let distinct: std::collections::HashSet<_> = names.into_iter().collect();
        assert_eq!(distinct.len(), 256);
    }
}
