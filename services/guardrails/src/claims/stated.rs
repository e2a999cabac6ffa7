//! Whether a clause states what it speaks of, or asks, admits, requests or wonders.
//!
//! Each excuse has a scope: it covers what follows in its own clause, up to where another clause
//! begins without a joint ("once dispatched | it arrives tomorrow").

use super::{Clause, VERBS};
use crate::words::{begins, find, has};

/// First words of a clause that asks, where its sentence ends with a question mark.
const ASKING: &[&str] = &[
    "any", "anything", "are", "by", "can", "could", "did", "do", "does", "for", "has", "have",
    "how", "in", "is", "may", "might", "need", "shall", "should", "to", "want", "was", "were",
    "what", "what's", "when", "where", "which", "who", "why", "will", "would",
];
/// Second words with which these do not ask: "when it arrives", "have it tomorrow".
const NOT_ASKING: &[&str] = &[
    "when it",
    "when it's",
    "when we",
    "when you",
    "when the",
    "when your",
    "where we",
    "why wait",
    "why not",
    "have it",
    "have them",
    "for only",
    "for just",
    "in fact",
    "to be",
];
/// Questions that take for granted what they seem to ask.
const PRESUPPOSING: &[&str] = &[
    "did|do you know that|it|we|there|our|this",
    "did you hear|see|notice",
    "can|could|would you believe|imagine",
    "who can|could|would|wouldn't",
    "how|what about a|an|our|some",
    "now that",
    "we have",
    "we've",
];
/// Questions in which the speaker offers to do something.
const PROPOSING: &[&str] = &[
    "shall|should|can|could|may|might i|we",
    "want|like me|us to",
];
/// Questions in which the speaker proposes a day.
const PROPOSED: &[&str] = &[
    "ok|okay|alright|fine|good|convenient|suitable|suit|suits|work|works",
    "all right",
];
/// What a speaker may offer to do; anything else the shop may not keep.
const LOOKING: &[&str] = &[
    "answer", "ask", "bring", "call", "check", "connect", "do", "explain", "find", "forward",
    "get", "go", "have", "help", "hand", "look", "note", "pass", "put", "repeat", "search", "see",
    "show", "suggest", "take", "tell", "transfer",
];
/// Beginnings of a clause that asks the customer for something or says where to look.
const REQUESTING: &[&str] = &[
    "ask", "check", "choose", "confirm", "contact", "enter", "give", "provide", "reply", "send",
    "share", "tell", "write",
];
/// What "let me" may go on with to state nothing.
const LETTING: &[&str] =
    &["let me|us know|check|look|see|ask|find|help|get|pass|search|hand|connect"];
/// Words before a request.
const FILLERS: &[&str] = &[
    "please", "just", "kindly", "simply", "and", "but", "or", "so", "also", "then", "first",
    "feel", "free", "to",
];
/// How far before a topic it may be wondered about.
const WONDERING_WORDS_MAX: usize = 5;
/// Before a topic: what follows is not stated but wondered about, or the customer's to say.
const WONDERING: &[&str] = &[
    "if",
    "whether",
    "unless",
    "check",
    "ask",
    "asking",
    "asked",
    "look up",
    "look into",
    "find out",
    "to know",
    "you need|needed|want|wanted it|them|this|that",
    "questions",
    "question",
    "sorry for",
    "apologies for",
    "apologise|apologize for",
];
/// The same, for what will be so at an unknown time; a day or date behind them is fixed after all.
const AWAITING: &[&str] = &["until", "once", "when"];
/// How far behind "about" its topic stands.
const ABOUT_WORDS_MAX: usize = 3;
/// "Nothing to worry about" reassures, it names no topic.
const REASSURING: &[&str] = &[
    "worry",
    "worries",
    "worried",
    "worrying",
    "concern",
    "concerned",
];
/// Before "if": the speaker does not wonder at all.
const SURE: &[&str] = &["surprised|amazed|shocked|astonished"];
/// What customers said has happened to them.
const REGRETTING: &[&str] = &["sorry to hear|read|learn"];
/// Says that the shop cannot, or does not know.
const ADMITTING: &[&str] = &[
    "cannot",
    "can't",
    "can|could not",
    "couldn't",
    "unable",
    "not able|allowed|sure|certain|know|find|mention|say",
    "not in a position",
    "not have any|enough",
    "not have information|details|records",
    "don't|doesn't|didn't know|see|find|mention|say",
    "don't have any|enough|information|details|records|access",
    "no delivery|shipping|arrival|expected|estimated date|time|estimate|information",
    "not up to me|us",
    "do|does not see",
    "no record|records|information|details|way|idea|means",
    "nothing about|on",
    "found nothing",
    "say|says|said nothing",
    "find|found|know|see of no",
    "find|found|see no",
    "not in our records|policies",
    "won't guess|promise",
    "not|aren't|isn't something i|we can|could",
    "nobody|none of us here can",
];
/// Beginnings that look like one and praise or reassure.
const IDIOMS: &[&str] = &[
    "can't|cannot wait|complain|beat|fail|lie|deny|stress|lose|miss|imagine|believe|recommend",
    "can't|cannot go wrong",
    "find|found|see|know no|of delay*|problem*|reason*|issue*|trouble|shortage*|hold*|risk|need",
    "find|found|know of no delay*|problem*|reason*|issue*|shortage*",
    "not|don't|couldn't|can't|cannot find|see any|a|better cheaper|better|delay*|problem*|reason*|issue*",
    "can't|cannot|couldn't|don't find|see a better",
    "can't|cannot|couldn't find anything cheaper|better",
];
/// Who admits it. "It can't cost more" is a claim.
const SPEAKERS: &[&str] = &[
    "i", "i'm", "i'd", "i've", "we", "we're", "we've", "there", "there's", "that", "policy",
    "policies", "record", "records", "sorry", "nobody", "none",
];
/// Others of whom a clause may speak.
const OTHERS: &[&str] = &[
    "it", "it's", "it'll", "you", "you'll", "you'd", "they", "they'll", "he", "she", "this",
];
/// Beginnings of what is only named: "when it arrives I cannot say".
const NAMING: &[&str] = &[
    "when",
    "whether",
    "if",
    "what",
    "how",
    "which",
    "where",
    "about",
    "regarding",
    "who",
];
/// Before a speaker who admits something of what the clause named: "something that I cannot change".
const NAMED: &[&str] = &[
    "something",
    "nothing",
    "anything",
    "question",
    "what",
    "thing",
];
/// Offers of help, after which topics are only named: "I can help with products, prices and stock".
pub(super) const OFFERING: &[&str] = &[
    "help with",
    "help you with|find",
    "ask about",
    "ask me about",
    "question|questions about",
    "tell me about",
    "know about",
    "know more about",
    "information about|on",
    "details on|of|about",
    "look up",
];
/// Wishes, in which a day is none of the shop's.
const WISHING: &[&str] = &[
    "have|wish*|enjoy a|an|you|your nice|lovely|great|good|wonderful|pleasant|relaxing|happy",
    "have a|an",
    "enjoy your|the",
    "happy|merry|good",
];

impl Clause<'_> {
    /// Says whether what begins at a word is stated: neither asked nor wondered about, and nothing
    /// that the shop says it cannot do or does not know.
    pub(crate) fn states(&self, at: usize) -> bool {
        self.is_said(at, &[WONDERING, AWAITING])
    }

    /// Says the same of a day or a date: "when it arrives tomorrow" states tomorrow.
    pub(crate) fn states_time(&self, at: usize) -> bool {
        let words = self.words();
        let is_proposed = self.is_question && has(&words, PROPOSED);
        let is_wish = WISHING
            .iter()
            .any(|wish| find(&words, wish).any(|found| found.start == 0 && found.end <= at));
        is_proposed || !is_wish && self.is_said(at, &[WONDERING])
    }

    fn is_said(&self, at: usize, openers: &[&[&str]]) -> bool {
        let words = self.words();
        let names = self.is_offered && !has(&words[at.min(words.len())..], VERBS);
        !(names
            || self.is_question && asks(&words)
            || admits(&words, at)
            || requests(&words)
            || has(&words, REGRETTING)
            || wonders(&words, at, openers))
    }
}

/// Says whether words are a question that leaves the answer open.
fn asks(words: &[&str]) -> bool {
    let start = words
        .iter()
        .position(|word| !matches!(*word, "and" | "or" | "so" | "also" | "but"))
        .unwrap_or(0);
    let words = &words[start..];
    let proposes = PROPOSING
        .iter()
        .flat_map(|phrase| find(words, phrase))
        .any(|found| {
            words
                .get(found.end)
                .is_some_and(|verb| !LOOKING.contains(verb))
        });
    begins(words, ASKING) && !begins(words, NOT_ASKING) && !has(words, PRESUPPOSING) && !proposes
}

/// Says whether the shop admits that it cannot, or does not know, what stands at a word.
fn admits(words: &[&str], at: usize) -> bool {
    let is_idiom = |start: usize| {
        IDIOMS
            .iter()
            .any(|idiom| find(words, idiom).any(|found| found.contains(&start)))
    };
    ADMITTING
        .iter()
        .flat_map(|phrase| find(words, phrase))
        .filter(|found| !is_idiom(found.start))
        .any(|found| {
            let who = words[..found.end]
                .iter()
                .rposition(|word| SPEAKERS.contains(word) || OTHERS.contains(word));
            let Some(who) = who.filter(|who| SPEAKERS.contains(&words[*who])) else {
                return false;
            };
            let is_named = NAMING.contains(&words[0])
                || words[..who]
                    .iter()
                    .rev()
                    .take(2)
                    .any(|word| NAMED.contains(word))
                || has(&words[found.clone()], &["something|me|us"]);
            found.start <= at || is_named
        })
}

/// Says whether words ask the customer for something.
fn requests(words: &[&str]) -> bool {
    let start = words.iter().position(|word| !FILLERS.contains(word));
    let Some(words) = start.map(|start| &words[start..]) else {
        return false;
    };
    begins(words, REQUESTING) || begins(words, LETTING)
}

/// Says whether what stands at a word is wondered about shortly before it.
fn wonders(words: &[&str], at: usize, openers: &[&[&str]]) -> bool {
    let from = at.saturating_sub(WONDERING_WORDS_MAX);
    let near = &words[from..at];
    let opens = openers
        .iter()
        .flat_map(|list| list.iter())
        .flat_map(|opener| find(near, opener))
        .any(|found| {
            !has(&words[..from + found.start], SURE)
                && !begins_another(&words[from + found.end..], at - from - found.end)
        });
    let names = find(near, "about").any(|found| {
        let before = words[..from + found.start].last().copied().unwrap_or("");
        near.len() - found.start <= ABOUT_WORDS_MAX && !REASSURING.contains(&before)
    });
    opens || names
}

/// Says whether a second clause begins among the first words: the first word is the subject of the
/// one that was opened.
fn begins_another(words: &[&str], length: usize) -> bool {
    (1..length).any(|at| {
        let next = words.get(at + 1).copied().unwrap_or("");
        match words[at] {
            "i" | "we" | "they" | "he" | "she" | "i'll" | "we'll" | "we're" | "we've"
            | "you'll" | "you're" | "it'll" | "it's" | "there's" | "that's" => true,
            "it" | "you" => {
                VERBS.contains(&next)
                    || next.ends_with('s') && next.len() > 2 && !matches!(next, "this" | "less")
            }
            _ => false,
        }
    })
}
