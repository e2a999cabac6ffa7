//! How much the core takes in: bounds on what a customer can make it keep, read or build.
//!
//! A channel bounds a message before it comes here (`Channel::capabilities`). These hold whatever
//! comes, records of older versions included, so that no message can cost memory or time without end.

/// Characters of a turn that are kept and read: two long messages, or many short ones. What a
/// customer writes beyond them is in the log as received, and the reply says that it was not read.
pub const TURN_CHARS_MAX: usize = 8_000;

/// Times that a running turn begins again because messages came in. A person who writes in pieces
/// needs a handful; without a bound, who never stops writing never gets an answer.
pub const MERGES_MAX: u32 = 32;

/// Amounts of a turn that may limit a price, the last ones said: 32 give at most 560 pairs. Nobody
/// means more, and the pairs grow with the square.
pub const AMOUNTS_MAX: usize = 32;

/// Numbers of the customer's that a reply may repeat, the last ones said.
pub const NUMBERS_SAID_MAX: usize = 64;

/// Letters of a word that a search phrase may hold. No word of a shop's is longer; a longer run of
/// letters would come back in every phrase around it.
pub const WORD_CHARS_MAX: usize = 64;

/// Characters of evidence that one call with free words brings, written in full; a prompt may tell them more briefly. One that
/// answers has 300 to 900; five products with long attributes and their variants had thousands, and a model finds
/// less in more. Some 600 tokens.
pub const CALL_EVIDENCE_CHARS_MAX: usize = 2_000;

/// The same of all calls of a round, so that a second call has what the first one leaves, and at least half
/// of its own. Four rounds have some 4,000 tokens then, of the 8,192 that such a model reads.
pub const ROUND_EVIDENCE_CHARS_MAX: usize = 3_000;

/// Keys that a conversation remembers: what the seven pieces of a proof give. Each more would be one
/// that a later proof is compared with, and that proof counts once.
pub const PROOF_DETAILS_MAX: usize = 28;

/// Bytes of a grammar's alternatives, all lists together. A worker takes 256 KiB, and compiling
/// takes time with the size; a usual grammar has 2 KiB.
pub(crate) const GRAMMAR_BYTES_MAX: usize = 96 * 1024;

/// Returns the first characters of a text.
pub fn head(text: &str, chars_max: usize) -> &str {
    match text.char_indices().nth(chars_max) {
        Some((end, _)) => &text[..end],
        None => text,
    }
}

/// Returns the last characters of a text.
pub fn tail(text: &str, chars_max: usize) -> &str {
    match text.chars().count().checked_sub(chars_max) {
        Some(before) => &text[head(text, before).len()..],
        None => text,
    }
}
