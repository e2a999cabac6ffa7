//! Templates, spans and writing noise: how an invented customer's message comes to be.
//!
//! A template is text with `{this|that|}` choices and `$name` slots. `[q:words]` marks a span that
//! a plan will use under the key `q`; marks survive casing and typing errors, so that the span is
//! always what the message really says.

use std::collections::BTreeMap;

use mercer_conversation::spans;
use rand::{Rng, rngs::StdRng, seq::IndexedRandom};

const MARK_BASE: u32 = 0xE000;
const MARK_END: char = '\u{E0FF}';

/// A message with the spans that a plan may use.
pub(crate) struct Said {
    /// As the customer wrote it.
    pub(crate) words: String,
    spans: BTreeMap<char, String>,
}

impl Said {
    /// Returns a marked span as plans write it.
    pub(crate) fn span(&self, key: char) -> Option<String> {
        self.spans.get(&key).cloned()
    }
}

/// Picks one of several texts.
pub(crate) fn pick<'a>(rng: &mut StdRng, from: &[&'a str]) -> &'a str {
    from.choose(rng).copied().unwrap_or("")
}

/// Says yes with a probability in percent.
pub(crate) fn chance(rng: &mut StdRng, percent: u32) -> bool {
    rng.random_range(0..100) < percent
}

/// Expands a template. Slot values are taken as they are, except that marks in them count.
pub(crate) fn expand(rng: &mut StdRng, template: &str, slots: &[(&str, &str)]) -> String {
    let chars: Vec<char> = template.chars().collect();
    let mut out = String::new();
    part(rng, &chars, slots, &mut out);
    out
}

fn part(rng: &mut StdRng, chars: &[char], slots: &[(&str, &str)], out: &mut String) {
    let mut at = 0;
    while at < chars.len() {
        match chars[at] {
            '{' => {
                let (end, cuts) = group(chars, at);
                let chosen = rng.random_range(0..cuts.len() - 1);
                part(rng, &chars[cuts[chosen] + 1..cuts[chosen + 1]], slots, out);
                at = end + 1;
            }
            '$' => {
                let mut end = at + 1;
                while end < chars.len() && chars[end].is_ascii_lowercase() {
                    end += 1;
                }
                let name: String = chars[at + 1..end].iter().collect();
                if let Some((_, value)) = slots.iter().find(|(slot, _)| *slot == name) {
                    marked(&value.chars().collect::<Vec<_>>(), out);
                }
                at = end;
            }
            '[' if chars.get(at + 2) == Some(&':') => {
                out.extend(mark(chars[at + 1]));
                at += 3;
            }
            ']' => {
                out.push(MARK_END);
                at += 1;
            }
            c => {
                out.push(c);
                at += 1;
            }
        }
    }
}

fn marked(chars: &[char], out: &mut String) {
    let mut at = 0;
    while at < chars.len() {
        match chars[at] {
            '[' if chars.get(at + 2) == Some(&':') => {
                out.extend(mark(chars[at + 1]));
                at += 2;
            }
            ']' => out.push(MARK_END),
            c => out.push(c),
        }
        at += 1;
    }
}

fn mark(key: char) -> Option<char> {
    char::from_u32(MARK_BASE + key as u32)
}

/// Finds the end of a group and where its choices are cut, the braces included.
fn group(chars: &[char], start: usize) -> (usize, Vec<usize>) {
    let mut depth = 0;
    let mut cuts = vec![start];
    for (at, c) in chars.iter().enumerate().skip(start) {
        match c {
            '{' => depth += 1,
            '|' if depth == 1 => cuts.push(at),
            '}' => {
                depth -= 1;
                if depth == 0 {
                    cuts.push(at);
                    return (at, cuts);
                }
            }
            _ => {}
        }
    }
    cuts.push(chars.len());
    (chars.len(), cuts)
}

fn is_mark(c: char) -> bool {
    (MARK_BASE..=MARK_END as u32).contains(&(c as u32))
}

/// Writes a message as a customer would: casing, missing punctuation, a typing error now and then.
pub(crate) fn say(rng: &mut StdRng, template: &str, slots: &[(&str, &str)]) -> Said {
    let opening = if chance(rng, 14) {
        pick(rng, OPENINGS)
    } else {
        ""
    };
    let closing = if chance(rng, 14) {
        pick(rng, CLOSINGS)
    } else {
        ""
    };
    let text = format!("{opening}{}{closing}", expand(rng, template, slots));
    finish(noise(
        rng,
        text.split_whitespace().collect::<Vec<_>>().join(" "),
    ))
}

/// Takes the marks out of a message.
fn finish(text: String) -> Said {
    let mut words = String::new();
    let mut open: Vec<(char, usize)> = Vec::new();
    let mut found = BTreeMap::new();
    for c in text.chars() {
        if c == MARK_END {
            if let Some((key, from)) = open.pop() {
                found.insert(key, spans::words(&words[from..]).join(" "));
            }
        } else if is_mark(c) {
            open.extend(char::from_u32(c as u32 - MARK_BASE).map(|key| (key, words.len())));
        } else {
            words.push(c);
        }
    }
    Said {
        words,
        spans: found,
    }
}

fn noise(rng: &mut StdRng, text: String) -> String {
    let mut text = text;
    match rng.random_range(0..100) {
        0..42 => text = text.to_lowercase(),
        42..80 => {
            let mut upper = false;
            text = text
                .chars()
                .map(|c| {
                    if !upper && c.is_alphanumeric() {
                        upper = true;
                        c.to_ascii_uppercase()
                    } else {
                        c
                    }
                })
                .collect();
        }
        80..82 => text = text.to_uppercase(),
        _ => {}
    }
    if chance(rng, 35) {
        while text.ends_with(['.', '?', '!']) {
            text.pop();
        }
    }
    if chance(rng, 20) {
        text = text.replace('\'', "");
    }
    if chance(rng, 12) {
        text = text.replace(',', "");
    }
    if chance(rng, 9) {
        text = typo(rng, &text);
    }
    if chance(rng, 4) {
        text = text.replacen(" and ", "\n", 1);
    }
    if chance(rng, 4) {
        text = text.replacen(". ", "\n", 1);
    }
    text
}

/// One error in one word of letters.
fn typo(rng: &mut StdRng, text: &str) -> String {
    let mut words: Vec<String> = text.split(' ').map(str::to_owned).collect();
    let long: Vec<usize> = (0..words.len())
        .filter(|at| words[*at].len() > 4 && words[*at].bytes().all(|b| b.is_ascii_alphabetic()))
        .collect();
    if let Some(at) = long.choose(rng) {
        let mut letters: Vec<char> = words[*at].chars().collect();
        let place = rng.random_range(1..letters.len() - 1);
        match rng.random_range(0..3) {
            0 => letters.swap(place, place + 1),
            1 => drop(letters.remove(place)),
            _ => letters.insert(place, letters[place]),
        }
        words[*at] = letters.into_iter().collect();
    }
    words.join(" ")
}

const OPENINGS: &[&str] = &[
    "hi, ",
    "hello, ",
    "hey ",
    "hi there, ",
    "good morning, ",
    "good evening. ",
    "hiya ",
    "Hello! ",
    "Hi! ",
    "morning, ",
    "ok, ",
    "ok so ",
    "well, ",
    "alright, ",
    "great, ",
    "cool, ",
    "thanks, ",
    "excuse me, ",
    "sorry to bother you, ",
    "quick question: ",
    "hmm, ",
    "good day, ",
    "right, ",
    "one more thing: ",
    "and ",
    "also, ",
    "Dear team, ",
    "hello again, ",
    "nice. ",
    "perfect, ",
    "i see. ",
    "fair enough. ",
    "never mind. ",
    "oh and ",
    "yo ",
    "afternoon! ",
    "by the way, ",
];
const CLOSINGS: &[&str] = &[
    " please",
    " pls",
    " thanks",
    ", thank you",
    " :)",
    ", cheers",
    "? thanks",
    " please?",
    " Thanks in advance.",
    " thx",
    ", many thanks",
    " if possible",
    ", it's urgent",
    ", can you help?",
    "...",
    "!!",
    ", ta",
    " Kind regards",
    ". I am in a hurry",
    ", any help is welcome",
    ", please let me know",
    "??",
];

/// Writes a message from one of several templates.
pub(crate) fn say_any(rng: &mut StdRng, templates: &[&str], slots: &[(&str, &str)]) -> Said {
    let template = pick(rng, templates);
    say(rng, template, slots)
}
