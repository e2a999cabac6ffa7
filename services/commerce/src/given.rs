//! What a message gives that may prove who writes: e-mail addresses, and codes of any country.
//!
//! Nothing here knows what an order number or a postcode looks like. A code is letters and digits
//! with a digit among them, in pieces that follow each other (`1234 AB`, `ORD 55 12`); whether it is
//! anything is said by the store.

use mercer_store::{code_key, email_key};

/// Pieces with a digit, and e-mail addresses, that one message may give: a proof needs seven at
/// most, and each beyond is a guess. Those written last count.
const PIECES_MAX: usize = 12;
/// Pieces that are put together to one code.
const JOINED_MAX: usize = 4;
/// Longest piece of letters alone that belongs to a code though it stands apart from it, in
/// characters: `AB` in `1234 AB`, `ORD` in `ORD 55 12`.
const LETTERS_MAX: usize = 3;
/// Keys that one message may give: twelve pieces, each the first of four codes. More come of letters
/// between them alone.
pub(crate) const KEYS_MAX: usize = PIECES_MAX * JOINED_MAX;
/// Longest e-mail address, in characters (RFC 5321), and longest code: keys have at most 128.
const EMAIL_CHARS_MAX: usize = 254;
const CODE_CHARS_MAX: usize = 128;
/// Characters of a message that are looked at, the last ones. Details are short.
const TEXT_CHARS_MAX: usize = 4_000;

/// Keys of what a message gives, in the order written.
#[derive(Default)]
pub(crate) struct Given {
    pub(crate) emails: Vec<String>,
    pub(crate) codes: Vec<String>,
}

/// A stretch of letters and digits, or an e-mail address.
enum Piece {
    Email(String),
    Code {
        text: String,
        /// Follows another one without a space between.
        is_joined: bool,
        has_digit: bool,
    },
    /// What parts codes: the end of a line or a clause.
    End,
}

impl Given {
    /// Finds what a text gives.
    pub(crate) fn of(text: &str) -> Self {
        let mut pieces = pieces(text);
        let counts = |piece: &Piece| match piece {
            Piece::Email(_) => true,
            Piece::Code { has_digit, .. } => *has_digit,
            Piece::End => false,
        };
        let mut left = PIECES_MAX;
        let first = pieces.iter().rposition(|piece| {
            let is_beyond = counts(piece) && left == 0;
            left -= usize::from(counts(piece) && left > 0);
            is_beyond
        });
        pieces.drain(..first.map_or(0, |first| first + 1));
        let mut given = Self::default();
        for (at, piece) in pieces.iter().enumerate() {
            match piece {
                Piece::Email(email) => push(&mut given.emails, email.clone()),
                Piece::Code { .. } => {
                    for code in codes_from(&pieces[at..]) {
                        push(&mut given.codes, code);
                    }
                }
                Piece::End => {}
            }
        }
        let beyond = given
            .codes
            .len()
            .saturating_sub(KEYS_MAX - given.emails.len());
        given.codes.drain(..beyond);
        given
    }

    /// Returns all keys.
    pub(crate) fn keys(&self) -> impl Iterator<Item = &String> {
        self.emails.iter().chain(&self.codes)
    }

    /// Says whether nothing is given.
    pub(crate) fn is_empty(&self) -> bool {
        self.keys().next().is_none()
    }
}

fn push(keys: &mut Vec<String>, key: String) {
    if !keys.contains(&key) {
        keys.push(key);
    }
}

/// Returns the codes that begin with the first piece, each a piece longer than the one before.
fn codes_from(pieces: &[Piece]) -> Vec<String> {
    let mut codes = Vec::new();
    let mut code = String::new();
    let mut is_code = false;
    for (at, piece) in pieces.iter().take(JOINED_MAX).enumerate() {
        let Piece::Code {
            text,
            is_joined,
            has_digit,
        } = piece
        else {
            break;
        };
        let is_near = match pieces.get(at + 1) {
            Some(Piece::Code { is_joined, .. }) => *is_joined,
            _ => false,
        };
        let belongs = *has_digit
            || text.chars().count() <= LETTERS_MAX
            || (at == 0 && is_near)
            || (at > 0 && *is_joined);
        if !belongs {
            break;
        }
        code.push_str(text);
        is_code |= has_digit;
        if is_code && code.chars().count() <= CODE_CHARS_MAX {
            codes.push(code.clone());
        }
    }
    codes
}

fn pieces(text: &str) -> Vec<Piece> {
    let from = text.char_indices().rev().nth(TEXT_CHARS_MAX - 1);
    let text = &text[from.map_or(0, |(at, _)| at)..];
    let mut pieces = Vec::new();
    for line in text.lines() {
        for word in line.split_whitespace() {
            split_word(word, &mut pieces);
        }
        pieces.push(Piece::End);
    }
    pieces
}

/// Takes a word apart: at marks that part clauses, then into letters and digits.
fn split_word(word: &str, pieces: &mut Vec<Piece>) {
    // Full-width signs are signs too, so the plain form comes first.
    let word = mercer_store::plain(word);
    let parts_clauses =
        |c: char| matches!(c, ',' | ';' | '(' | ')' | '<' | '>' | '"' | '、' | '。');
    let mut clauses = word.split(parts_clauses).peekable();
    while let Some(clause) = clauses.next() {
        if clause.contains('@') {
            // What an address is called, or what stands after it: `mail:ann@example.com:HB-1`.
            for part in clause.split([':', '=']) {
                match part.contains('@') {
                    true => pieces.extend(email(part)),
                    false => split_code(part, pieces),
                }
            }
        } else {
            split_code(clause, pieces);
            if clause.ends_with(['.', '!', '?']) {
                pieces.push(Piece::End);
            }
        }
        if clauses.peek().is_some() {
            pieces.push(Piece::End);
        }
    }
}

fn email(part: &str) -> Option<Piece> {
    let email = email_key(part.trim_matches(|c: char| !c.is_alphanumeric()));
    let is_email = email.contains('@') && !email.contains(char::is_control);
    (is_email && email.chars().count() <= EMAIL_CHARS_MAX).then_some(Piece::Email(email))
}

fn split_code(part: &str, pieces: &mut Vec<Piece>) {
    let mut is_joined = false;
    for text in part.split(|c: char| !c.is_alphanumeric()) {
        let text = code_key(text);
        if !text.is_empty() {
            pieces.push(Piece::Code {
                has_digit: text.contains(char::is_numeric),
                text,
                is_joined,
            });
            is_joined = true;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_found_in_any_countrys_form() {
        for (text, key) in [
            ("my postcode is sw1a 1aa, thanks", "sw1a1aa"),
            ("SW1A1AA", "sw1a1aa"),
            ("10115 Berlin", "10115"),
            ("we live in 1234 ab Utrecht", "1234ab"),
            ("zip: 94103-1234.", "941031234"),
            ("zip 94103", "94103"),
            ("it's d02 af30 in Dublin", "d02af30"),
            ("1000-205 Lisboa", "1000205"),
            ("1000 205 Lisboa", "1000205"),
            ("〒100-0001", "1000001"),
            ("〒１００－０００１", "1000001"),
            ("PIN 110 001 please", "110001"),
            ("order #A-2291?", "a2291"),
            ("number 2024/00017!", "202400017"),
            ("my order ord 55 12 please", "ord5512"),
            ("invoice INVOICE-2024-7", "invoice20247"),
            ("W#1234", "w1234"),
            ("HB-70417/EH829RJ", "eh829rj"),
        ] {
            let given = Given::of(text);
            assert!(
                given.codes.iter().any(|code| code == key),
                "{text}: {:?}",
                given.codes
            );
            assert!(given.emails.is_empty());
        }
    }

    #[test]
    fn emails_are_taken_out_of_their_surroundings() {
        for text in [
            "ann.o'hara@Example.com",
            "it's <ann.o'hara@example.com>.",
            "email:ann.o'hara@example.com, order HB-1",
            "mailto=ann.o'hara＠example.com",
        ] {
            assert_eq!(Given::of(text).emails, ["ann.o'hara@example.com"], "{text}");
        }
        assert!(Given::of("a\0b@example.com").emails.is_empty());
        assert!(
            Given::of("@ 12 @@")
                .emails
                .iter()
                .all(|email| email.len() < 3)
        );
    }

    #[test]
    fn what_stands_beside_an_email_is_found_too() {
        for text in [
            "ann@example.com:HB-1",
            "HB-1:ann@example.com",
            "order=HB-1:mail=ann@example.com",
        ] {
            let given = Given::of(text);
            assert_eq!(given.emails, ["ann@example.com"], "{text}");
            let has = |key: &str| given.codes.iter().any(|code| code == key);
            assert!(has("hb1") || has("orderhb1"), "{text}: {:?}", given.codes);
        }
    }

    #[test]
    fn a_message_gives_twelve_pieces_at_most_and_they_are_the_last() {
        let guesses: Vec<String> = (10_000..11_000).map(|code| format!("{code},")).collect();
        let given = Given::of(&guesses.join(" "));
        assert_eq!(given.codes.len(), PIECES_MAX);
        assert_eq!(given.codes.last().map(String::as_str), Some("10999"));
        let run: Vec<String> = (10_000..11_000).map(|code| code.to_string()).collect();
        for separator in [" ", "-", "\n", "@x.example "] {
            let given = Given::of(&run.join(separator));
            assert!(given.keys().count() <= KEYS_MAX, "{separator:?}");
        }
        for run in ["1-", "1a-b-c-d", "é1", "ﷺ"] {
            assert!(Given::of(&run.repeat(100_000)).keys().count() <= KEYS_MAX);
        }
        assert!(Given::of("where is my order, please? It was two kettles").is_empty());
    }
}
