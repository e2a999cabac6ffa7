//! What the wording of a message tells: which of its sentences ask, whether it goes on about what was
//! spoken of, and whether it compares.

/// Words and turns of those who ask or wish without a question mark.
const ASKING: &[&str] = &[
    "looking for",
    "searching",
    "i need",
    "i want",
    "i'd like",
    "we need",
    "we want",
    "after a",
    "after some",
    "do you",
    "can you",
    "can i",
    "could you",
    "have you",
    "is there",
    "are there",
    "show me",
    "tell me",
    "what",
    "which",
    "how",
    "when",
    "where",
    "who",
];

/// Pronouns that stand for what was spoken of.
const PRONOUNS: &[&str] = &["it", "that", "this", "they", "them", "those", "these"];

/// Beginnings of a question that goes on with the one before.
const GOING_ON: &[&str] = &[
    "and",
    "what if",
    "what about",
    "how about",
    "so",
    "but",
    "also if",
];

/// Words of a question on several things side by side.
const SIDE_BY_SIDE: &[&str] = &["both", "compare", "compared", "each"];
/// Turns of such a question.
const WHICH_OF: &[&str] = &["which of", "which one", "difference between", "either of"];

/// Returns the sentences of a message that ask or wish; where none does, the last one. A long message
/// tells a story first.
pub fn asking(words: &str) -> String {
    let sentences: Vec<&str> = words
        .split_inclusive(['.', '!', '?', '\n'])
        .map(str::trim)
        .filter(|sentence| sentence.chars().any(char::is_alphanumeric))
        .collect();
    let asks = |sentence: &&&str| {
        let lower = format!(" {} ", sentence.to_lowercase());
        sentence.ends_with('?')
            || ASKING
                .iter()
                .any(|turn| lower.contains(&format!(" {turn} ")))
    };
    let asked: Vec<&str> = sentences.iter().filter(asks).copied().collect();
    if asked.is_empty() {
        sentences.last().copied().unwrap_or_default().to_owned()
    } else {
        asked.join(" ")
    }
}

/// Says whether a message may go on about what was spoken of: by a pronoun, or by how it begins.
pub fn points_back(words: &str) -> bool {
    let lower = words.to_lowercase();
    let begins = |turn: &&str| {
        lower
            .trim_start()
            .strip_prefix(*turn)
            .is_some_and(|rest| rest.starts_with([' ', ',']))
    };
    GOING_ON.iter().any(begins) || has_word(&lower, PRONOUNS)
}

/// Says whether a message asks of several things which is which.
pub fn compares(words: &str) -> bool {
    let lower = words.to_lowercase();
    has_word(&lower, SIDE_BY_SIDE) || WHICH_OF.iter().any(|turn| lower.contains(turn))
}

fn has_word(lower: &str, list: &[&str]) -> bool {
    lower
        .split(|c: char| !c.is_alphanumeric())
        .any(|word| list.contains(&word))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sentences_that_ask_are_found() {
        let story =
            "My old one broke on Sunday. Nobody could mend it. Have you a kettle that whistles?";
        assert_eq!(asking(story), "Have you a kettle that whistles?");
        assert_eq!(asking("We moved. I need a lamp. Thanks."), "I need a lamp.");
        assert_eq!(asking("It broke. Twice"), "Twice");
        assert_eq!(asking("..."), "");
    }

    #[test]
    fn pronouns_and_beginnings_point_back() {
        for words in [
            "how long does it take",
            "And for a duvet?",
            "what if I lose them",
        ] {
            assert!(points_back(words), "{words}");
        }
        for words in ["Android cases", "how long is the guarantee"] {
            assert!(!points_back(words), "{words}");
        }
        assert!(compares("which of them is lighter") && compares("Compare the two"));
        assert!(!compares("which colours do you have"));
    }
}
