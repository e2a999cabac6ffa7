//! Dialogue files: YAML with what a customer says and what is expected of each turn.
//! `docs/dialogues.md` explains how to write them. What is expected is judged in `judge`.

use std::fmt;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use mercer_schemas::evidence::field_name;
use mercer_schemas::{DocumentId, RecordKey};
use serde::de::{Error, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};

use crate::evaluation::wording::Wording;
use crate::evaluation::yaml::{self, scalar};

/// Longest name of a kind, characters: it is a column of the report.
const KIND_CHARS_MAX: usize = 40;

/// A dialogue.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Dialogue {
    /// The file that it was read from.
    #[serde(skip)]
    pub(crate) file: PathBuf,
    /// Short name.
    pub(crate) name: String,
    /// The customer, where they are known to the shop.
    #[serde(default)]
    pub(crate) customer: Option<Who>,
    /// What is said, at least one turn.
    pub(crate) turns: Vec<Turn>,
}

/// Who writes.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Who {
    /// Phone number in international form.
    pub(crate) whatsapp: String,
}

/// One turn.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Turn {
    /// The customer's words.
    pub(crate) customer: String,
    /// What kind of turn it is, for the report's table.
    #[serde(default)]
    pub(crate) kind: Option<Kind>,
    /// What is expected; what is left out is not checked.
    #[serde(default)]
    pub(crate) expect: Expect,
}

/// What is expected of a turn.
#[derive(Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Expect {
    /// Tools that are called, in any order; no others.
    pub(crate) tools: Option<Vec<String>>,
    /// Records that are among the evidence: `product:ID`, `variant:SKU`, `policy:ID`, `order:NUMBER`.
    #[serde(default)]
    pub(crate) evidence: Vec<Record>,
    /// Values of the stores that the reply holds: `product:ID.price`, `policy:ID.text` …
    #[serde(default)]
    pub(crate) facts: Vec<Fact>,
    /// Sentences of policies that the reply holds.
    #[serde(default)]
    pub(crate) quotes: Vec<Quote>,
    /// Whether a person is called in the turn.
    pub(crate) handoff: Option<bool>,
    /// Whether anything is sent in the turn; nothing is while a person has the conversation.
    pub(crate) reply: Option<bool>,
    /// What the reply holds.
    #[serde(default)]
    pub(crate) contains: Vec<Wording>,
    /// What the reply does not hold.
    #[serde(default)]
    pub(crate) not_contains: Vec<Wording>,
    /// Text that the reply does not hold, whatever its case.
    #[serde(default)]
    pub(crate) forbid: Vec<String>,
    /// Expectations of which at least one holds, beside all of the above; empty where there are none.
    #[serde(default, deserialize_with = "alternatives")]
    pub(crate) any_of: Vec<Expect>,
}

/// A kind of turn: lower-case letters, digits, `_` and `-`.
#[derive(Clone)]
pub(crate) struct Kind(pub(crate) String);

/// A record of the shop.
#[derive(Clone)]
pub(crate) struct Record(pub(crate) RecordKey);

/// A field of a record.
#[derive(Clone)]
pub(crate) struct Fact {
    /// The record.
    pub(crate) record: RecordKey,
    /// The field's name in references.
    pub(crate) field: String,
    /// As the file writes it.
    pub(crate) written: String,
}

/// A sentence of a policy.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Quote {
    /// The document: a policy, question or promotion.
    pub(crate) policy: Document,
    /// Its sentence, word for word.
    pub(crate) sentence: String,
}

/// Id of a policy, question or promotion.
#[derive(Clone)]
pub(crate) struct Document(pub(crate) DocumentId);

impl Expect {
    /// Says whether it holds whatever happens.
    fn is_empty(&self) -> bool {
        self.tools.is_none()
            && self.handoff.is_none()
            && self.reply.is_none()
            && self.evidence.is_empty()
            && self.facts.is_empty()
            && self.quotes.is_empty()
            && self.contains.is_empty()
            && self.not_contains.is_empty()
            && self.forbid.is_empty()
            && self.any_of.is_empty()
    }
}

/// Reads one file, or all `.yaml` files of a folder and its subfolders in order of their paths.
///
/// # Errors
/// Names the file, and line, turn and field where YAML or a field is wrong.
pub(crate) fn read(path: &Path) -> anyhow::Result<Vec<Dialogue>> {
    let mut files = Vec::new();
    if path.is_dir() {
        collect(path, &mut files)?;
        files.sort();
    } else {
        files.push(path.to_owned());
    }
    if files.is_empty() {
        bail!("no .yaml file in {}", path.display());
    }
    files.iter().map(|file| read_file(file)).collect()
}

fn read_file(file: &Path) -> anyhow::Result<Dialogue> {
    let text = std::fs::read_to_string(file).with_context(|| format!("{}", file.display()))?;
    parse(file, &text)
}

/// Reads the text of a file.
///
/// # Errors
/// As [`read`].
pub(crate) fn parse(file: &Path, text: &str) -> anyhow::Result<Dialogue> {
    let mut dialogue: Dialogue =
        serde_norway::from_str(text).map_err(|error| yaml::wrong(file, &error))?;
    if dialogue.turns.is_empty() {
        bail!("{}: turns: a dialogue needs at least one", file.display());
    }
    dialogue.file = file.to_owned();
    Ok(dialogue)
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) -> anyhow::Result<()> {
    for entry in std::fs::read_dir(folder).with_context(|| format!("{}", folder.display()))? {
        let path = entry?.path();
        if path.is_dir() {
            collect(&path, files)?;
        } else if path
            .extension()
            .is_some_and(|extension| extension == "yaml" || extension == "yml")
        {
            files.push(path);
        }
    }
    Ok(())
}

/// Reads `any_of`: alternatives that expect something, without alternatives of their own.
fn alternatives<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Expect>, D::Error> {
    deserializer.deserialize_seq(Alternatives)
}

/// Checks while it reads, so that an error knows its line.
struct Alternatives;

impl<'de> Visitor<'de> for Alternatives {
    type Value = Vec<Expect>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of expectations")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Vec<Expect>, A::Error> {
        let mut alternatives: Vec<Expect> = Vec::new();
        while let Some(alternative) = items.next_element::<Expect>()? {
            let number = alternatives.len() + 1;
            if !alternative.any_of.is_empty() {
                let message = format!("alternative {number}: any_of cannot stand in any_of");
                return Err(A::Error::custom(message));
            }
            if alternative.is_empty() {
                let message =
                    format!("alternative {number} expects nothing, so it would always hold");
                return Err(A::Error::custom(message));
            }
            alternatives.push(alternative);
        }
        if alternatives.is_empty() {
            return Err(A::Error::custom("expected at least one alternative"));
        }
        Ok(alternatives)
    }
}

scalar!(Kind, "a kind of turn", |text| {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '_' | '-');
    let fits = (1..=KIND_CHARS_MAX).contains(&text.chars().count()) && text.chars().all(plain);
    match fits {
        true => Ok(Kind(text.to_owned())),
        false => Err(format!(
            "`{text}`: expected 1 to {KIND_CHARS_MAX} of a-z, 0-9, _ and -"
        )),
    }
});

scalar!(Record, "a record", |text| {
    let key: Result<RecordKey, _> = text.parse();
    key.map(Record)
        .map_err(|error| format!("`{text}`: {error}"))
});

scalar!(Fact, "a record's field", |text| {
    let (record, field) = text
        .rsplit_once('.')
        .ok_or_else(|| format!("`{text}`: expected RECORD.FIELD"))?;
    let record = record
        .parse()
        .map_err(|error| format!("`{text}`: {error}"))?;
    Ok(Fact {
        record,
        field: field_name(field),
        written: text.to_owned(),
    })
});

scalar!(Document, "id of a policy", |text| {
    DocumentId::new(text)
        .map(Document)
        .map_err(|error| format!("`{text}`: {error}"))
});

#[cfg(test)]
mod tests;
