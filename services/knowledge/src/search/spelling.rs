//! Spelling, against the words that the shop itself names things with. Codes and numbers are never touched.

use crate::error::Result;
use crate::index::entry::Kind;
use crate::index::terms::{Class, Terms};
use crate::text::analysis::{Word, stem};
use crate::text::edits::{distance_within, edits_allowed};
use crate::text::stop_words::{is_function, is_shopping};

/// Shortest part of a word that is split in two.
const PART_CHARS_MIN: usize = 3;

/// Joins neighbours that the shop writes as one word (`rain coat` → `raincoat`), where it does not
/// know one of them.
pub(super) fn join_known(terms: &Terms<'_>, kind: Kind, all: Vec<Word>) -> Result<Vec<Word>> {
    let mut out: Vec<Word> = Vec::with_capacity(all.len());
    for word in all {
        if let Some(last) = out.last() {
            let joined = format!("{}{}", last.plain, word.plain);
            let unknown = terms.records_with(Class::Stem(kind), &last.stem)? == 0
                || terms.records_with(Class::Stem(kind), &word.stem)? == 0;
            let joined_stem = stem(&joined);
            if unknown && terms.records_with(Class::Stem(kind), &joined_stem)? > 0 {
                out.pop();
                out.push(Word {
                    plain: joined,
                    stem: joined_stem,
                });
                continue;
            }
        }
        out.push(word);
    }
    Ok(out)
}

/// Returns what a word that occurs nowhere probably stands for: the known word with the fewest
/// edits, then in most records; or two known words that it runs together.
pub(super) fn correct(terms: &Terms<'_>, kind: Kind, word: &str) -> Result<Option<String>> {
    let edits_max = edits_allowed(word);
    if edits_max == 0 || word.chars().any(|c| !c.is_alphabetic()) || is_english(terms, kind, word)?
    {
        return Ok(None);
    }
    let mut best: Option<(usize, u64, String)> = None;
    let mut consider = |known: &str, records: u32| {
        if known.chars().any(|c| !c.is_alphabetic()) {
            return;
        }
        let Some(edits) = distance_within(word, known, edits_max) else {
            return;
        };
        match &mut best {
            Some((_, count, same)) if same == known => *count += u64::from(records),
            Some((least, count, _))
                if (*least, u64::MAX - *count) <= (edits, u64::MAX - u64::from(records)) => {}
            _ => best = Some((edits, u64::from(records), known.to_owned())),
        }
    };
    // With two edits the first letter itself may be one; with one edit it is as written.
    let start = if edits_max == 1 {
        word.chars().next().map(String::from)
    } else {
        None
    };
    terms.each(
        Class::Name(kind),
        start.as_deref().unwrap_or_default(),
        &mut consider,
    )?;
    match best {
        Some((_, _, known)) => Ok(Some(known)),
        None => split_known(terms, kind, word),
    }
}

fn split_known(terms: &Terms<'_>, kind: Kind, word: &str) -> Result<Option<String>> {
    let chars = word.chars().count();
    for (at, (byte, _)) in word.char_indices().enumerate() {
        if at < PART_CHARS_MIN || chars - at < PART_CHARS_MIN {
            continue;
        }
        let (left, right) = word.split_at(byte);
        if terms.records_with(Class::Name(kind), left)? > 0
            && terms.records_with(Class::Name(kind), right)? > 0
        {
            return Ok(Some(format!("{left} {right}")));
        }
    }
    Ok(None)
}

/// Says whether a word is right as it is, although no record of the kind has it: the shop uses it
/// elsewhere, or it only helps to ask.
fn is_english(terms: &Terms<'_>, kind: Kind, word: &str) -> Result<bool> {
    let other = match kind {
        Kind::Product => Kind::Passage,
        Kind::Passage => Kind::Product,
    };
    Ok(is_function(word)
        || is_shopping(word)
        || terms.records_with(Class::Stem(other), &stem(word))? > 0)
}
