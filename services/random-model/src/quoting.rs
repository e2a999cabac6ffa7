//! Weights that quote: a model that says what followed in its prompt the last time its newest word was seen.
//!
//! Two layers hold the circuit that trained models grow for this, an induction head (Olsson and others, "In-context
//! Learning and Induction Heads", 2022). The first layer notes at every token which one came before it; the second looks for
//! the places that note the newest token and says what stands there. Everything else is random and too quiet to matter,
//! so the model computes as long as any other of its shape, and what it writes is drawn from its prompt as a grounded
//! answer is. Words that stand there several times are continued as they are most often: it is no perfect copy.

use super::{Architecture, RandomModel, weights::Fill};

/// Size of the numbers that the embeddings hold, small as trained ones are.
const SIZE: f32 = 0.1;
/// How much louder the token that follows is than the newest one, which the output would repeat otherwise.
const NEXT: f32 = 4.0;
/// How far the scores of attention lie above the others where a head looks: e to this is how much more weight it has there.
const SHARP: f32 = 40.0;
/// Where the code of a token is compared, its numbers must not be turned by their position: pairs of numbers that
/// rotate by less than this a token, in radians, serve.
const STILL: f32 = 3e-4;
/// Pairs that must serve, or codes of different words look alike.
const PAIRS_MIN: usize = 8;
/// What other weights that write into the stream are multiplied by.
const QUIET: f32 = 1e-4;

/// The places of the circuit in a shape.
///
/// The first numbers of the stream hold the code of the token, as many again the code of the one before, and the next
/// one the same number for every token.
#[derive(Debug, Clone, Copy)]
pub(super) struct Quoting {
    width: usize,
    heads: usize,
    heads_kv: usize,
    head: usize,
    /// Numbers of a code.
    code: usize,
    rope_base: f32,
    /// Whether a head's number `i` is turned together with number `i + head / 2`; otherwise neighbours are.
    halves: bool,
}

impl Quoting {
    /// Finds room for the circuit; none in a shape that is too small.
    pub(super) fn of(model: &RandomModel) -> Option<Self> {
        let (heads, heads_kv) = (model.heads as usize, model.heads_kv as usize);
        let head = (model.width as usize).checked_div(heads)?;
        let quoting = Self {
            width: model.width as usize,
            heads,
            heads_kv,
            head,
            code: head * heads_kv,
            rope_base: model.rope_base.unwrap_or(10_000.0),
            halves: model.architecture == Architecture::Qwen2,
        };
        let fits = model.layers >= 2
            && head.is_multiple_of(32)
            && 2 * quoting.code + 32 <= quoting.width
            && quoting.still_pairs().count() >= PAIRS_MIN;
        fits.then_some(quoting)
    }

    /// Returns the numbers of the embeddings, and of an output that has its own.
    pub(super) fn embedding(self) -> Fill {
        Fill::Codes {
            width: self.width as u64,
            code: self.code as u64,
            size: SIZE,
            // As loud as the code in all.
            constant: SIZE * (self.code as f32).sqrt(),
        }
    }

    /// Returns the numbers of a layer's matrix that reads `rows` numbers, and none where they stay random.
    pub(super) fn matrix(self, layer: u32, name: &str, rows: u64) -> Option<Fill> {
        let cells = match (layer, name) {
            (0, "attn_q") => self.looks_back(self.heads, true),
            (0, "attn_k") => self.looks_back(self.heads_kv, false),
            (0, "attn_v") => self.reads_code(),
            (0, "attn_output") => self.writes(self.code, 1.0 / self.normed(2.0)),
            (1, "attn_q") => self.compares(self.heads, 0),
            (1, "attn_k") => self.compares(self.heads_kv, self.code),
            (1, "attn_v") => self.reads_code(),
            (1, "attn_output") => self.writes(0, NEXT / self.normed(3.0)),
            (_, "attn_output" | "ffn_down") => {
                return Some(Fill::Even(QUIET / (rows as f32).sqrt()));
            }
            _ => return None,
        };
        Some(Fill::sparse(self.width as u64, cells))
    }

    /// Returns what a number of size 1 of a code becomes by the norm, where so many parts as loud as a code are there.
    fn normed(self, parts: f32) -> f32 {
        (self.width as f32 / (parts * self.code as f32)).sqrt() / SIZE
    }

    /// Lists the places in a head of the pairs that are turned together, with the angle of one position.
    fn pairs(self) -> impl Iterator<Item = (usize, usize, f32)> {
        let half = self.head / 2;
        (0..half).map(move |pair| {
            let angle = self.rope_base.powf(-(pair as f32) / half as f32);
            if self.halves {
                (pair, pair + half, angle)
            } else {
                (2 * pair, 2 * pair + 1, angle)
            }
        })
    }

    fn still_pairs(self) -> impl Iterator<Item = (usize, usize, f32)> {
        self.pairs().filter(|&(_, _, angle)| angle < STILL)
    }

    /// Queries and keys that are the same for every token and agree best where the key stands one before the query.
    fn looks_back(self, heads: usize, turned: bool) -> Vec<(usize, usize, f32)> {
        let constant = 2 * self.code;
        // The score falls by about one pair's part when the place is wrong by one.
        let size = (SHARP * (self.head as f32).sqrt()).sqrt();
        let weight = size / (self.normed(2.0) * SIZE * (self.code as f32).sqrt());
        let mut cells = Vec::new();
        for head in 0..heads {
            for (first, second, angle) in self.pairs() {
                let (sin, cos) = if turned {
                    (-angle).sin_cos()
                } else {
                    (0.0, 1.0)
                };
                cells.push((head * self.head + first, constant, weight * cos));
                cells.push((head * self.head + second, constant, weight * sin));
            }
        }
        cells
    }

    /// Queries of the token's code and keys of the code of the token before: equal ones agree.
    fn compares(self, heads: usize, from: usize) -> Vec<(usize, usize, f32)> {
        let compared = 2 * self.still_pairs().count();
        // Codes of different words agree in up to three quarters of their numbers, so half of the score is theirs.
        let size = (2.0 * SHARP * (self.head as f32).sqrt() / compared as f32).sqrt();
        let weight = size / (self.normed(3.0) * SIZE);
        let mut cells = Vec::new();
        for head in 0..heads {
            // Each group of heads sees its own part of the code.
            let part = from + head / (heads / self.heads_kv) * self.head;
            for (first, second, _) in self.still_pairs() {
                for place in [first, second] {
                    cells.push((head * self.head + place, part + place, weight));
                }
            }
        }
        cells
    }

    /// Values: the token's code, a part for each head.
    fn reads_code(self) -> Vec<(usize, usize, f32)> {
        (0..self.code).map(|place| (place, place, 1.0)).collect()
    }

    /// Adds what the first head of each group found to the stream, from a place on.
    fn writes(self, to: usize, gain: f32) -> Vec<(usize, usize, f32)> {
        let group = self.heads / self.heads_kv;
        (0..self.code)
            .map(|place| {
                let head = place / self.head * group;
                (to + place, head * self.head + place % self.head, gain)
            })
            .collect()
    }
}
