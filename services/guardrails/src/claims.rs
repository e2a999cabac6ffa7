//! Claims: clauses that say something on a topic, and what may stand behind them.
//!
//! A reply's facts come by reference. Where words alone speak of a price, of stock or of delivery,
//! they must ask, admit that something is not known, or say what the evidence says. Everything else
//! is taken for an invention, however it is worded.

use mercer_schemas::evidence::field;
use mercer_schemas::{Evidence, Field, RecordKey};

use crate::draft::Draft;
use crate::words::{REFERENCE, has, has_form, is_content, plain, tokens};

mod stated;

pub(crate) use stated::reaches;

/// Words that begin a clause of its own after one of [`JOINTS`].
const SUBJECTS: &[&str] = &[
    "he", "i", "i'll", "i'm", "i've", "it", "it'll", "it's", "she", "that's", "there", "there's",
    "they", "they'll", "they're", "they've", "we", "we'll", "we're", "we've", "you", "you'd",
    "you'll", "you're", "you've",
];
/// Words that begin a clause where one of [`VERBS`] follows; else they only name something more.
const ARTICLES: &[&str] = &[
    "a",
    "an",
    "another",
    "delivery",
    "everything",
    "more",
    "my",
    "our",
    "shipping",
    "some",
    "that",
    "the",
    "these",
    "this",
    "your",
];
/// How far behind its first word a clause has its verb.
const VERB_WORDS_MAX: usize = 4;
/// Words of which a clause has one.
pub(super) const VERBS: &[&str] = &[
    "are", "arrived", "arrives", "be", "can", "comes", "costs", "deliver", "gets", "goes", "had",
    "has", "have", "is", "it's", "leaves", "ships", "should", "that's", "there's", "they're",
    "was", "we'll", "we're", "we've", "went", "were", "will", "won't", "would", "you'll",
];
/// Words between two thoughts, whatever follows.
const BREAKS: &[&str] = &["but", "so", "because", "although", "whereas", "-", "/"];
/// Signs between two thoughts.
const SIGNS: &[char] = &[
    ',', ';', ':', '(', ')', '[', ']', '–', '—', '―', '?', '!', '|', '~', '•', '·', '→',
];
/// A dash as it is typed.
const DASH: &str = "--";
/// Words between two thoughts where a clause of its own follows.
const JOINTS: &[&str] = &[
    "and", "as", "or", "plus", "since", "still", "then", "though", "while", "yet",
];
/// Words that point at what the evidence says without adding to it.
const NEUTRAL: &[&str] = &[
    "also",
    "both",
    "currently",
    "each",
    "now",
    "order",
    "ordered",
    "orders",
    "policy",
    "says",
    "sorry",
    "yes",
];

/// A clause with what stands around it.
pub(crate) struct Clause<'a> {
    /// As the reader sees it, lower case.
    text: String,
    /// What it refers to.
    pub(crate) references: Vec<&'a str>,
    /// What its sentence refers to before and after it.
    before: Vec<&'a str>,
    after: Vec<&'a str>,
    is_question: bool,
    /// Its sentence offered help before it.
    is_offered: bool,
}

/// Takes a draft apart into clauses.
pub(crate) fn clauses<'a>(draft: &Draft<'a>) -> Vec<Clause<'a>> {
    let mut out = Vec::new();
    for sentence in draft.sentences() {
        let text = sentence.words.to_lowercase();
        let is_question = text.trim_end().ends_with('?');
        let mut at = 0;
        let mut is_offered = false;
        for part in parts(&text) {
            let words = tokens(part);
            if words.is_empty() {
                continue;
            }
            // An offer goes on over a list, not over a clause that says something.
            is_offered = has(&words, stated::OFFERING) || is_offered && !has(&words, VERBS);
            let count = part.matches(REFERENCE).count();
            let (before, rest) = sentence.references.split_at(at);
            let (own, after) = rest.split_at(count.min(rest.len()));
            out.push(Clause {
                text: part.to_owned(),
                references: own.to_vec(),
                before: before.to_vec(),
                after: after.to_vec(),
                is_question,
                is_offered,
            });
            at += own.len();
        }
    }
    out
}

/// Splits a sentence where a new thought begins: what one says of itself, that it asks or is not
/// known, says nothing of the next.
fn parts(sentence: &str) -> Vec<&str> {
    let mut out = Vec::new();
    let pieces = sentence.split(SIGNS);
    for piece in pieces.flat_map(|piece| piece.split(DASH)) {
        let mut start = 0;
        let mut at = 0;
        for word in piece.split(' ') {
            let end = at + word.len();
            let rest = piece.get(end..).unwrap_or_default();
            let joins = BREAKS.contains(&word) || JOINTS.contains(&word) && begins_clause(rest);
            if joins && !piece[start..at].trim().is_empty() && !rest.trim().is_empty() {
                out.push(&piece[start..at]);
                start = end;
            }
            at = end + 1;
        }
        out.push(&piece[start..]);
    }
    out
}

/// Says whether a text begins with a clause: "it arrives", "your order was sent", but not "the lid".
fn begins_clause(text: &str) -> bool {
    let words = tokens(text);
    let Some(first) = words.first() else {
        return false;
    };
    SUBJECTS.contains(first)
        || ARTICLES.contains(first)
            && words
                .iter()
                .take(1 + VERB_WORDS_MAX)
                .any(|word| VERBS.contains(word))
}

impl<'a> Clause<'a> {
    /// Returns its words; a reference is one.
    pub(crate) fn words(&self) -> Vec<&str> {
        tokens(&self.text)
    }

    /// Returns all that its sentence refers to, nearest before first, then what comes after.
    pub(crate) fn nearest(&self, at: usize) -> impl Iterator<Item = &'a str> {
        let own = self.words()[..at]
            .iter()
            .filter(|word| word.starts_with(REFERENCE))
            .count();
        let (before, after) = self.references.split_at(own.min(self.references.len()));
        let mut all: Vec<&str> = before.iter().rev().copied().collect();
        all.extend(self.before.iter().rev());
        all.extend(after);
        all.extend(&self.after);
        all.into_iter()
    }

    /// Says whether its sentence has a reference of which this is true.
    pub(crate) fn refers_to(&self, is_meant: impl Fn(&str) -> bool) -> bool {
        [&self.before, &self.references, &self.after]
            .into_iter()
            .flatten()
            .any(|name| is_meant(name))
    }

    /// Says whether the sources have all words of the clause that carry meaning.
    pub(crate) fn is_backed(&self, sources: &[&str]) -> bool {
        let words = self.words();
        let mut content = words.iter().filter(|word| is_content(word)).peekable();
        content.peek().is_some()
            && content.all(|word| has_form(sources, word) || NEUTRAL.contains(word))
    }
}

/// The value of a field as words may lean on it. Nothing but money is worded by a locale, and its
/// figures back no words.
pub(crate) fn shown(field: &Field) -> String {
    field.value.text("")
}

/// The values of evidence fields that fit, in lower case, one a line.
pub(crate) fn values(evidence: &[Evidence], fits: impl Fn(&str) -> bool) -> String {
    values_of(evidence, |_, name| fits(name))
}

/// Returns the words of the evidence's documents, as [`values`] does.
pub(crate) fn passages(evidence: &[Evidence]) -> String {
    values_of(evidence, |key, name| {
        matches!(key, RecordKey::Document(_) | RecordKey::Promotion(_)) && field::is_passage(name)
    })
}

fn values_of(evidence: &[Evidence], fits: impl Fn(&RecordKey, &str) -> bool) -> String {
    let mut out = String::new();
    for line in evidence {
        if let Evidence::Record { key, fields, .. } = line {
            for field in fields.iter().filter(|field| fits(key, &field.name)) {
                out.push_str(&plain(&shown(field)).to_lowercase());
                out.push('\n');
            }
        }
    }
    out
}
