//! Claims: clauses that say something on a topic, and what may stand behind them.
//!
//! A reply's facts come by reference. Where words alone speak of a price, of stock or of delivery,
//! they must ask, admit that something is not known, or say what the evidence says. Everything else
//! is taken for an invention, however it is worded.

use mercer_schemas::{Evidence, Field};

use crate::draft::Draft;
use crate::words::{REFERENCE, has, has_form, is_content, plain, tokens};

/// First words of a clause that asks, where its sentence ends with a question mark.
const ASKING: &[&str] = &[
    "anything", "are", "can", "could", "did", "do", "does", "how", "is", "may", "might", "need",
    "shall", "should", "want", "was", "were", "what", "what's", "when", "where", "which", "who",
    "why", "will", "would",
];
/// First words of a clause that asks the customer for something or says where to look.
const REQUESTING: &[&str] = &[
    "ask", "check", "choose", "contact", "enter", "give", "let", "please", "send", "share", "tell",
];
/// "Please note" asks for nothing.
const ANNOUNCING: &[&str] = &["note", "please be", "let you know", "remember", "tell you"];
/// How far before a topic it may be wondered about: "if you order today it comes tomorrow" is a claim.
const WONDERING_WORDS_MAX: usize = 5;
/// Before a topic: what follows is not stated but wondered about.
const WONDERING: &[&str] = &[
    "if",
    "whether",
    "unless",
    "until",
    "once",
    "when",
    "check",
    "ask",
    "asking",
    "look up",
    "find out",
    "questions",
    "question",
];
/// Says that the shop cannot, or does not know.
const ADMITTING: &[&str] = &[
    "cannot",
    "can't",
    "can not",
    "could not",
    "couldn't",
    "unable",
    "not able",
    "don't know",
    "do not know",
    "not know",
    "not sure",
    "not certain",
    "no record",
    "no records",
    "no information",
    "no details",
    "nothing about",
    "nothing on",
    "not find",
    "found nothing",
    "don't see",
    "do not see",
    "not in our",
];
/// Who admits it. "It can't cost more" is a claim.
const SPEAKERS: &[&str] = &[
    "i", "i'm", "i'd", "we", "we're", "there", "there's", "that", "sorry",
];
/// Offers of help, after which topics are only named: "I can help with products, prices and stock".
const OFFERING: &[&str] = &[
    "help with",
    "help you with",
    "help you find",
    "ask about",
    "ask me about",
    "questions about",
    "question about",
    "tell me about",
    "know about",
    "know more about",
    "information about",
    "information on",
    "details on",
    "details of",
    "details about",
];
/// Words without which a clause states nothing.
const VERBS: &[&str] = &[
    "are", "arrives", "be", "can", "costs", "comes", "deliver", "gets", "has", "have", "is",
    "it's", "ships", "that's", "there's", "they're", "was", "we'll", "we're", "we've", "were",
    "will", "you'll",
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
        let text = plain(&sentence.words).to_lowercase();
        let is_question = text.trim_end().ends_with('?');
        let mut at = 0;
        let mut is_offered = false;
        for part in parts(&text) {
            is_offered |= has(&tokens(part), OFFERING);
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

/// Splits a sentence where a new thought begins.
fn parts(sentence: &str) -> Vec<&str> {
    let mut out = Vec::new();
    for piece in sentence.split([',', ':', '(', ')', '–', '—', '…', '?', '!']) {
        let mut rest = piece;
        while let Some((at, joint)) = [" but ", " so ", " - "]
            .iter()
            .filter_map(|joint| rest.find(joint).map(|at| (at, joint)))
            .min()
        {
            out.push(&rest[..at]);
            rest = &rest[at + joint.len()..];
        }
        out.push(rest);
    }
    out
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

    /// Says whether what begins at a word is stated: neither asked nor wondered about, and nothing
    /// that the shop says it cannot do or does not know.
    pub(crate) fn states(&self, at: usize) -> bool {
        let words = self.words();
        let before = &words[..at];
        let first = words
            .iter()
            .find(|word| !matches!(**word, "and" | "or" | "so" | "also"));
        let begins = |list: &[&str]| first.is_some_and(|first| list.contains(first));
        let asks = self.is_question && begins(ASKING);
        let admits = has(&words, ADMITTING) && has(&words, SPEAKERS);
        let names = self.is_offered && !has(&words[at.min(words.len())..], VERBS);
        let requests = begins(REQUESTING) && !has(&words, ANNOUNCING);
        let near = &before[before.len().saturating_sub(WONDERING_WORDS_MAX)..];
        !(asks || admits || names || requests || has(near, WONDERING))
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
    let mut out = String::new();
    for line in evidence {
        if let Evidence::Record { fields, .. } = line {
            for field in fields.iter().filter(|field| fits(&field.name)) {
                out.push_str(&plain(&shown(field)).to_lowercase());
                out.push('\n');
            }
        }
    }
    out
}
