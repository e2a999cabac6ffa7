//! Cutting a reply into sentences while it is being written.

/// Collects text and gives back sentences as they become complete. A sentence ends at `.`, `!`,
/// `?` or a line break that is followed by white space, outside a reference.
#[derive(Default)]
pub(crate) struct Sentences {
    pending: String,
}

impl Sentences {
    /// Adds text; returns the sentences that it completes, white space included.
    pub(crate) fn push(&mut self, text: &str) -> Vec<String> {
        self.pending.push_str(text);
        let mut out = Vec::new();
        while let Some(end) = sentence_end(&self.pending) {
            let rest = self.pending.split_off(end);
            out.push(std::mem::replace(&mut self.pending, rest));
        }
        out
    }
}

fn sentence_end(text: &str) -> Option<usize> {
    let mut depth = 0_u32;
    let mut chars = text.char_indices().peekable();
    while let Some((_, c)) = chars.next() {
        match c {
            '{' => depth += 1,
            '}' => depth = depth.saturating_sub(1),
            '.' | '!' | '?' | '\n' if depth == 0 => {
                if let Some((at, next)) = chars.peek()
                    && next.is_whitespace()
                {
                    return Some(at + next.len_utf8());
                }
            }
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sentences_come_out_whole_however_the_text_arrives() {
        let text = "It is {{p1.stock}}. It costs {{p1.price}}! Shall I? Yes";
        for size in 1..12 {
            let mut sentences = Sentences::default();
            let chars: Vec<char> = text.chars().collect();
            let found: Vec<String> = chars
                .chunks(size)
                .flat_map(|part| sentences.push(&part.iter().collect::<String>()))
                .collect();
            assert_eq!(
                found,
                [
                    "It is {{p1.stock}}. ",
                    "It costs {{p1.price}}! ",
                    "Shall I? "
                ],
                "{size}"
            );
        }
    }
}
