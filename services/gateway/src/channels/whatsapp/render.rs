//! A message as WhatsApp shows it: plain text, in parts that the platform takes.
//!
//! Product cards become lines under the text. Interactive messages are not built here yet.

use mercer_schemas::{OutboundMessage, ProductCard};

/// Most characters of a text message.
/// Source: Meta, Cloud API reference, text object: `body` up to 4096 characters. We count UTF-16
/// units, which are never fewer than characters however the platform counts them.
pub const TEXT_UNITS_MAX: usize = 4096;

/// Returns the message as texts of at most [`TEXT_UNITS_MAX`], in order; none for an empty one.
pub fn parts(content: &OutboundMessage) -> Vec<String> {
    let mut text = content.text.expose().trim().to_owned();
    let mut lines = Vec::new();
    for card in &content.cards {
        if !says_all_of(&text, card) {
            lines.push(line(card));
        }
    }
    if !lines.is_empty() {
        if !text.is_empty() {
            text.push_str("\n\n");
        }
        text.push_str(&lines.join("\n"));
    }
    split(&text, TEXT_UNITS_MAX)
}

/// Says whether the text already names the card's product, price and stock.
fn says_all_of(text: &str, card: &ProductCard) -> bool {
    [&card.name, &card.price, &card.stock]
        .into_iter()
        .all(|part| text.contains(part.as_str()))
}

fn line(card: &ProductCard) -> String {
    let mut line = format!("• {}: {}, {}", card.name, card.price, card.stock);
    if !card.options.is_empty() {
        line.push_str(&format!(" ({})", card.options.join("; ")));
    }
    line
}

/// Splits at the end of a paragraph, else a line, else a sentence, else a word, else anywhere.
/// An end in the first half of a part counts only where there is no later one of a lesser kind.
fn split(text: &str, units_max: usize) -> Vec<String> {
    let mut parts = Vec::new();
    let mut rest = text.trim();
    while !rest.is_empty() {
        let window = window(rest, units_max);
        let cut = if window == rest.len() {
            window
        } else {
            cut(&rest[..window])
        };
        parts.push(rest[..cut].trim_end().to_owned());
        rest = rest[cut..].trim_start();
    }
    parts
}

/// Returns the bytes of the longest start that has at most `units_max` UTF-16 units, at least one
/// character.
fn window(text: &str, units_max: usize) -> usize {
    let mut units = 0;
    for (at, letter) in text.char_indices() {
        units += letter.len_utf16();
        if units > units_max && at > 0 {
            return at;
        }
    }
    text.len()
}

fn cut(window: &str) -> usize {
    let half = window.len() / 2;
    let paragraph = window.rfind("\n\n");
    let line = window.rfind('\n');
    let sentence = [". ", "! ", "? ", "… ", "。"]
        .iter()
        .filter_map(|end| window.rfind(end).map(|at| at + end.trim_end().len()))
        .max();
    let word = window.rfind(char::is_whitespace);
    let candidates = [paragraph, line, sentence, word];
    let late = candidates.iter().flatten().find(|at| **at >= half);
    let any = candidates.iter().flatten().find(|at| **at > 0);
    late.or(any).copied().unwrap_or(window.len())
}

#[cfg(test)]
mod tests {
    use mercer_schemas::{Personal, ProductId};
    use proptest::prelude::*;

    use super::*;

    fn card(name: &str) -> ProductCard {
        ProductCard {
            product_id: ProductId::new("HB-1").expect("key"),
            name: name.to_owned(),
            price: "£45.99".to_owned(),
            stock: "in stock".to_owned(),
            options: vec!["colour: red, blue".to_owned()],
        }
    }

    fn message(text: &str, cards: Vec<ProductCard>) -> OutboundMessage {
        OutboundMessage {
            text: Personal::new(text.to_owned()),
            cards,
        }
    }

    #[test]
    fn cards_follow_the_text_as_lines() {
        let parts = parts(&message(
            "Two kettles fit.",
            vec![card("Arden"), card("Bree")],
        ));
        assert_eq!(
            parts,
            [
                "Two kettles fit.\n\n• Arden: £45.99, in stock (colour: red, blue)\n• Bree: £45.99, in stock (colour: red, blue)"
            ]
        );
    }

    #[test]
    fn a_card_that_the_text_spells_out_is_not_repeated() {
        let text = "The Arden costs £45.99 and is in stock.";
        assert_eq!(parts(&message(text, vec![card("Arden")])), [text]);
    }

    #[test]
    fn an_empty_message_has_no_parts() {
        assert!(parts(&message("  ", vec![])).is_empty());
        assert_eq!(parts(&message("", vec![card("Arden")])).len(), 1);
    }

    #[test]
    fn long_texts_end_at_paragraphs_then_sentences_then_words() {
        assert_eq!(
            split("one two.\n\nthree four. five", 16),
            ["one two.", "three four. five"]
        );
        assert_eq!(
            split("one two. three four. five", 22),
            ["one two. three four.", "five"]
        );
        assert_eq!(split("one two three", 8), ["one two", "three"]);
        assert_eq!(split("abcdefgh", 3), ["abc", "def", "gh"]);
        assert_eq!(split("😀😀😀", 4), ["😀😀", "😀"]);
    }

    proptest! {
        #[test]
        fn no_word_is_lost_and_no_part_is_too_long(text in "[a-z .!?\n😀é]{0,400}", max in 2_usize..60) {
            let parts = split(&text, max);
            for part in &parts {
                prop_assert!(!part.is_empty());
                prop_assert!(part.encode_utf16().count() <= max);
            }
            let solid = |s: &str| s.split_whitespace().collect::<String>();
            prop_assert_eq!(solid(&parts.concat()), solid(&text));
        }
    }
}
