//! A text whose every piece can be missed: numbers in order, each with a word of the model's own.
//!
//! Whoever reads it can tell, without knowing the model, that nothing is lost, repeated or out of order, and that the
//! grammar went on where it was.

/// Numbers in a text.
const ITEMS: usize = 32;
/// Tokens that the text takes at most: one for each of its bytes.
pub(super) const TOKENS_MAX: u32 = (ITEMS * "31 abc ".len()) as u32;

/// Returns the grammar of the text, as llguidance reads it.
pub(super) fn grammar() -> String {
    let items: Vec<String> = (0..ITEMS)
        .map(|number| format!("\"{number} \" WORD"))
        .collect();
    format!("start: {}\nWORD: /[a-z]{{3}} /\n", items.join(" "))
}

/// Says whether a text holds every number once and in order, each with its word.
pub(super) fn is_whole(text: &str) -> bool {
    let mut words = text.split_terminator(' ');
    let in_order = (0..ITEMS).all(|number| {
        words.next() == Some(number.to_string().as_str())
            && words.next().is_some_and(|word| {
                word.len() == 3 && word.bytes().all(|byte| byte.is_ascii_lowercase())
            })
    });
    in_order && words.next().is_none() && text.ends_with(' ')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_lost_repeated_or_added_is_seen() {
        let whole: String = (0..ITEMS).map(|number| format!("{number} abc ")).collect();
        assert!(is_whole(&whole));
        assert!(whole.len() <= TOKENS_MAX as usize);
        let wrong = [
            whole.replacen("7 abc ", "", 1),
            whole.replacen("7 abc ", "7 abc 7 abc ", 1),
            whole.replacen("7 abc ", "7 ab ", 1),
            whole.replacen("7 abc ", "7 aBc ", 1),
            whole.replacen("7 abc 8 abc ", "8 abc 7 abc ", 1),
            whole.trim_end().to_owned(),
            format!("{whole}32 abc "),
            whole[..40].to_owned(),
        ];
        for text in wrong {
            assert!(!is_whole(&text), "{text}");
        }
    }

    #[test]
    fn the_grammar_names_every_number() {
        let grammar = grammar();
        assert!(grammar.starts_with("start: \"0 \" WORD \"1 \" WORD"));
        assert!(grammar.contains("\"31 \" WORD\nWORD: /[a-z]{3} /"));
    }
}
