//! Dialogue files: YAML with what a customer says and what is expected of each turn.
//! `docs/dialogues.md` explains how to write them.

use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use serde::Deserialize;

/// A dialogue.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Dialogue {
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
    pub(crate) evidence: Vec<String>,
    /// Values of the stores that the reply holds: `product:ID.price`, `policy:ID.text` …
    #[serde(default)]
    pub(crate) facts: Vec<String>,
    /// Whether the conversation is with a person after the turn.
    pub(crate) handoff: Option<bool>,
    /// Text that the reply does not hold, whatever its case.
    #[serde(default)]
    pub(crate) forbid: Vec<String>,
}

/// Reads one file, or all `.yaml` files of a folder and its subfolders in order of their paths.
///
/// # Errors
/// Names the file, and line and column where YAML or a field is wrong.
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
    let dialogue: Dialogue =
        serde_norway::from_str(&text).with_context(|| format!("{}", file.display()))?;
    if dialogue.turns.is_empty() {
        bail!("{}: turns: a dialogue needs at least one", file.display());
    }
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
