//! Writes training dialogues for the small chat model, through the pipeline's own code, and reads
//! those that were written by hand ([`written`]).
//!
//! Shops, products, customers and their words are invented from a seed. Every dialogue is played
//! through the conversation core (plans must be admissible, replies must be what the reply
//! grammar admits), so the model is trained on exactly the prompts that it will meet. Nothing here
//! is taken from the demo shop, and no model is trained here.

/// Declares modules of the constants that `build.rs` makes of `fixtures/phrases/FOLDER/NAME.toml`.
macro_rules! wordings {
    ($folder:literal: $($name:ident),* $(,)?) => {
        $(mod $name {
            include!(concat!(env!("OUT_DIR"), "/", $folder, "/", stringify!($name), ".rs"));
        })*
    };
}

mod browse;
mod check;
mod desk;
mod dialogue;
mod drive;
mod follow;
mod shop;
mod text;
mod topics;
mod vocab;
pub mod written;

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;

use anyhow::Context;
use mercer_schemas::ChatMessage;
use rand::{SeedableRng, rngs::StdRng};
use serde::Serialize;

/// What was written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Summary {
    /// Dialogues in `train.jsonl`.
    pub train: usize,
    /// Bytes of `train.jsonl`.
    pub train_bytes: usize,
    /// Dialogues in `heldout.jsonl`.
    pub heldout: usize,
    /// Bytes of `heldout.jsonl`.
    pub heldout_bytes: usize,
    /// Turns of the training dialogues by what the customer wants.
    pub intents: BTreeMap<&'static str, usize>,
    /// Inventions that were thrown away because no admissible turn was found, or for their length.
    pub dropped: usize,
}

#[derive(Serialize)]
struct Line<'a> {
    messages: &'a [ChatMessage],
}

#[derive(Default)]
struct Part {
    bytes: usize,
    dropped: usize,
    intents: BTreeMap<&'static str, usize>,
}

/// What an intent classifier learns from a turn.
#[derive(Serialize)]
struct IntentLine<'a> {
    words: &'a str,
    features: &'a [f32],
    intent: &'static str,
}

/// Writes `train.jsonl` and `heldout.jsonl` into a folder, made if absent, and beside each, with
/// `-intents` in its name, what an intent classifier learns from the same turns. The same arguments give
/// the same bytes on machines with the same word list (`/usr/share/dict/words`). Held-out
/// dialogues use words, kinds of products and brand syllables that no training dialogue uses.
///
/// # Errors
/// When the folder or the files cannot be written.
pub fn write(out: &Path, dialogues: usize, seed: u64, heldout: usize) -> anyhow::Result<Summary> {
    std::fs::create_dir_all(out).with_context(|| format!("cannot make {}", out.display()))?;
    let train = write_part(out, "train", dialogues, seed, false)?;
    let held = write_part(out, "heldout", heldout, !seed, true)?;
    Ok(Summary {
        train: dialogues,
        train_bytes: train.bytes,
        heldout,
        heldout_bytes: held.bytes,
        intents: train.intents,
        dropped: train.dropped + held.dropped,
    })
}

fn write_part(
    out: &Path,
    name: &str,
    count: usize,
    seed: u64,
    heldout: bool,
) -> anyhow::Result<Part> {
    let create = |name: String| {
        let path = out.join(name);
        let file =
            File::create(&path).with_context(|| format!("cannot write {}", path.display()))?;
        anyhow::Ok(BufWriter::new(file))
    };
    let mut file = create(format!("{name}.jsonl"))?;
    let mut questions = create(format!("{name}-intents.jsonl"))?;
    let mut part = Part::default();
    let vocab = vocab::Vocab::load(heldout);
    let mut rng = StdRng::seed_from_u64(seed);
    let mut written = 0;
    while written < count {
        let Some(lesson) = dialogue::invent(&mut rng, &vocab) else {
            part.dropped += 1;
            anyhow::ensure!(
                part.dropped < 1_000 + count * 4,
                "almost no invented dialogue is admissible"
            );
            continue;
        };
        let line = serde_json::to_string(&Line {
            messages: &lesson.messages,
        })?;
        writeln!(file, "{line}")?;
        part.bytes += line.len() + 1;
        for (question, intent) in &lesson.asked {
            let line = serde_json::to_string(&IntentLine {
                words: &question.words,
                features: &question.features,
                intent: intent.name(),
            })?;
            writeln!(questions, "{line}")?;
        }
        for intent in lesson.intents {
            *part.intents.entry(intent).or_default() += 1;
        }
        written += 1;
    }
    file.flush()?;
    questions.flush()?;
    Ok(part)
}

#[cfg(test)]
mod tests {
    use super::*;
    use mercer_schemas::{Plan, Role};

    #[test]
    fn dialogues_are_admissible_in_shape_deterministic_and_not_of_the_demo_shop() {
        let out = std::env::temp_dir().join(format!("mercer-corpus-{}", std::process::id()));
        let summary = write(&out.join("a"), 500, 7, 50).expect("first");
        assert_eq!(summary, write(&out.join("b"), 500, 7, 50).expect("second"));
        let read = |name: &str| std::fs::read_to_string(out.join(name)).expect("corpus");
        let (train, heldout) = (read("a/train.jsonl"), read("a/heldout.jsonl"));
        assert!(train == read("b/train.jsonl") && heldout == read("b/heldout.jsonl"));
        assert_eq!((train.lines().count(), heldout.lines().count()), (500, 50));
        assert!(summary.intents.len() > 14, "{:?}", summary.intents);
        for line in train.lines().chain(heldout.lines()) {
            let value: serde_json::Value = serde_json::from_str(line).expect("json");
            let messages: Vec<ChatMessage> =
                serde_json::from_value(value["messages"].clone()).expect("messages");
            assert_eq!(messages[0].role, Role::System);
            let mut before = Role::System;
            for message in &messages[1..] {
                let is_plan = Plan::is_begun_by(&message.content);
                match (message.role, before) {
                    (Role::User, Role::System | Role::Assistant)
                    | (Role::Tool, Role::Assistant) => {}
                    (Role::Assistant, Role::User) if is_plan => {
                        let plan: Plan = serde_json::from_str(&message.content).expect("plan");
                        assert_eq!(plan.to_line(), message.content);
                        assert!(!plan.calls.is_empty());
                    }
                    (Role::Assistant, Role::User | Role::Tool) => assert!(!is_plan),
                    roles => panic!("{roles:?}"),
                }
                before = message.role;
            }
        }
        let catalog =
            Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/shop/catalog.jsonl");
        let catalog = std::fs::read_to_string(catalog).expect("the demo shop's catalog");
        assert!(!catalog.is_empty());
        for line in catalog.lines() {
            let product: serde_json::Value = serde_json::from_str(line).expect("product");
            let title = product["title"].as_str().expect("title");
            assert!(
                !train.contains(title) && !heldout.contains(title),
                "{title}"
            );
        }
        std::fs::remove_dir_all(&out).expect("clean");
    }
}
