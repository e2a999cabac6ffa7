//! A byte-level BPE vocabulary of any size: bytes, merges, and Mercer's special tokens.
//!
//! Merges are grown as training grows them: a word is cut by the merges so far, and its parts are joined from the
//! left. So every word that was grown is one token, and ordinary text is cut as by a trained vocabulary. First come
//! common English words, then made-up ones until the vocabulary has its size.

use std::collections::HashMap;

/// The special tokens of Mercer's own models; the last one ends a message.
pub const SPECIAL_TOKENS: [&str; 5] = [
    "<|system|>",
    "<|user|>",
    "<|assistant|>",
    "<|tool|>",
    "<|end|>",
];

/// Tokens of the smallest vocabulary: 256 bytes, a few merges, the special tokens.
pub const VOCABULARY_MIN: u32 = 256 + MERGES.len() as u32 + SPECIAL_TOKENS.len() as u32;

/// A few merges, so that some tokens of the smallest vocabulary hold several characters. `Ġ` stands for a space.
const MERGES: [&str; 16] = [
    "Ġ t", "h e", "Ġt he", "i n", "r e", "o n", "Ġ a", "e r", "a t", "Ġ s", "o r", "e n", "a n",
    "\" :", "{ {", "} }",
];

const COMMON: &str = "the of and to in is it you that for on are with as be at this have from or one had by not but what \
all were when we there can an your which their said if do will each about how up out them then she many some so these \
would other into has more her two like him see time could no make than first been its who now people my made over did \
down only way find use may water long little very after words called just where most know price order stock delivery \
return refund days within shop product colour size warranty please thank customer policy available free cost item \
kettle lamp chair table bottle cotton steel glass small large medium black white blue green red grey parts box \
weight height width litre number card payment address email phone receipt original unused packaging";

const CONSONANTS: [&str; 16] = [
    "b", "c", "d", "f", "g", "h", "k", "l", "m", "n", "p", "r", "s", "t", "v", "w",
];
const VOWELS: [&str; 5] = ["a", "e", "i", "o", "u"];
const CODAS: [&str; 6] = ["", "n", "r", "s", "l", "t"];

/// Tokens, their types, and the merges that make them.
pub(super) struct Vocabulary {
    pub(super) tokens: Vec<String>,
    pub(super) types: Vec<i32>,
    pub(super) merges: Vec<String>,
}

impl Vocabulary {
    /// Builds a vocabulary of `size` tokens, or of [`VOCABULARY_MIN`] if that is more. The last token ends a message.
    pub(super) fn of_size(size: usize) -> Self {
        const NORMAL: i32 = 1;
        const CONTROL: i32 = 3;
        let mut growing = Growing::smallest(size.saturating_sub(SPECIAL_TOKENS.len()));
        let common = COMMON
            .split_ascii_whitespace()
            .flat_map(|word| [format!("Ġ{word}"), word.to_owned()]);
        for word in common.chain(made_up_words()) {
            if growing.is_full() {
                break;
            }
            growing.grow(&word);
        }
        let Growing {
            mut tokens, merges, ..
        } = growing;
        let mut types = vec![NORMAL; tokens.len()];
        tokens.extend(SPECIAL_TOKENS.map(str::to_owned));
        types.resize(tokens.len(), CONTROL);
        Self {
            tokens,
            types,
            merges,
        }
    }
}

/// A vocabulary without its special tokens, on its way to a size.
struct Growing {
    size: usize,
    tokens: Vec<String>,
    ids: HashMap<String, u32>,
    merges: Vec<String>,
    /// What two tokens make. The token made first is merged first.
    made: HashMap<(u32, u32), u32>,
}

impl Growing {
    fn smallest(size: usize) -> Self {
        let tokens: Vec<String> = byte_names().iter().map(char::to_string).collect();
        let ids = (0..).zip(&tokens).map(|(id, token)| (token.clone(), id));
        let mut growing = Self {
            size,
            ids: ids.collect(),
            tokens,
            merges: Vec::new(),
            made: HashMap::new(),
        };
        for merge in MERGES {
            if let Some((left, right)) = merge.split_once(' ') {
                let (left, right) = (growing.ids[left], growing.ids[right]);
                growing.join(left, right);
            }
        }
        growing
    }

    fn is_full(&self) -> bool {
        self.tokens.len() >= self.size
    }

    /// Adds the merges that make a word one token, as far as there is room.
    fn grow(&mut self, word: &str) {
        let parts = self.cut(word);
        let mut parts = parts.into_iter();
        let Some(mut whole) = parts.next() else {
            return;
        };
        for part in parts {
            if self.is_full() {
                return;
            }
            // The same text may have been made from other parts: then the word stays in two.
            match self.join(whole, part) {
                Some(joined) => whole = joined,
                None => return,
            }
        }
    }

    fn join(&mut self, left: u32, right: u32) -> Option<u32> {
        let (left_text, right_text) = (&self.tokens[left as usize], &self.tokens[right as usize]);
        let text = format!("{left_text}{right_text}");
        if self.ids.contains_key(&text) {
            return None;
        }
        self.merges.push(format!("{left_text} {right_text}"));
        let id = self.tokens.len() as u32;
        self.made.insert((left, right), id);
        self.ids.insert(text.clone(), id);
        self.tokens.push(text);
        Some(id)
    }

    /// Cuts a word into tokens: of all neighbours that make a token, those go first whose token was made first.
    fn cut(&self, word: &str) -> Vec<u32> {
        let mut parts: Vec<u32> = word
            .chars()
            .filter_map(|letter| {
                self.ids
                    .get(letter.encode_utf8(&mut [0; 4]) as &str)
                    .copied()
            })
            .collect();
        loop {
            let first = parts
                .windows(2)
                .enumerate()
                .filter_map(|(at, pair)| Some((*self.made.get(&(pair[0], pair[1]))?, at)))
                .min();
            let Some((joined, at)) = first else {
                return parts;
            };
            parts[at] = joined;
            parts.remove(at + 1);
        }
    }
}

/// Lists syllables, then words of two syllables, most of them behind a space as most words of a text are.
fn made_up_words() -> impl Iterator<Item = String> {
    /// A prime, so that steps of it visit every word once, in an order that looks mixed.
    const STEP: usize = 7919;
    let syllables: Vec<String> = CODAS
        .iter()
        .flat_map(|coda| VOWELS.map(|vowel| format!("{vowel}{coda}")))
        .flat_map(|rime| CONSONANTS.map(|consonant| format!("{consonant}{rime}")))
        .collect();
    let count = syllables.len();
    let words = {
        let syllables = syllables.clone();
        (0..count * count).map(move |number| {
            let word = number * STEP % (count * count);
            let space = if number % 4 == 0 { "" } else { "Ġ" };
            format!(
                "{space}{}{}",
                syllables[word / count],
                syllables[word % count]
            )
        })
    };
    syllables.into_iter().chain(words)
}

/// Returns the character that byte-level BPE writes for each byte: printable ones as they are, the others from U+0100 on.
fn byte_names() -> [char; 256] {
    let mut names = ['\0'; 256];
    let mut next = 0x100;
    for byte in 0..=255u8 {
        let printable = matches!(byte, b'!'..=b'~' | 0xA1..=0xAC | 0xAE..=0xFF);
        names[usize::from(byte)] = if printable {
            char::from(byte)
        } else {
            next += 1;
            char::from_u32(next - 1).unwrap_or('?')
        };
    }
    names
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn bytes_have_distinct_names_and_a_space_is_the_usual_one() {
        let names = byte_names();
        assert_eq!(names[usize::from(b' ')], 'Ġ');
        assert_eq!(names[usize::from(b'\n')], 'Ċ');
        let distinct: HashSet<_> = names.into_iter().collect();
        assert_eq!(distinct.len(), 256);
    }

    #[test]
    fn a_vocabulary_has_its_size_and_every_token_is_made_once() {
        for size in [0, 300, 4096, 20_000] {
            let vocabulary = Vocabulary::of_size(size);
            assert_eq!(vocabulary.tokens.len(), size.max(VOCABULARY_MIN as usize));
            assert_eq!(vocabulary.types.len(), vocabulary.tokens.len());
            assert_eq!(
                vocabulary.merges.len(),
                vocabulary.tokens.len() - 256 - SPECIAL_TOKENS.len()
            );
            let distinct: HashSet<_> = vocabulary.tokens.iter().collect();
            assert_eq!(distinct.len(), vocabulary.tokens.len());
        }
    }

    #[test]
    fn common_words_become_one_token() {
        let mut growing = Growing::smallest(4096);
        for word in ["Ġdelivery", "Ġthe", "kettle"] {
            growing.grow(word);
            assert_eq!(growing.cut(word).len(), 1, "{word}");
        }
    }
}
