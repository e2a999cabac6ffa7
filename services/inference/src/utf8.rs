//! Turns a stream of token bytes into whole characters.

/// Holds back the bytes of a character that is not complete yet.
#[derive(Debug, Default)]
pub(crate) struct Utf8Stream {
    held: Vec<u8>,
}

impl Utf8Stream {
    /// Adds bytes and returns the text that is complete now. Bytes that can never become a character turn into U+FFFD.
    pub(crate) fn push(&mut self, bytes: &[u8]) -> String {
        self.held.extend_from_slice(bytes);
        let mut text = String::new();
        loop {
            match std::str::from_utf8(&self.held) {
                Ok(valid) => {
                    text.push_str(valid);
                    self.held.clear();
                    return text;
                }
                Err(error) => {
                    let valid = error.valid_up_to();
                    text.push_str(&String::from_utf8_lossy(&self.held[..valid]));
                    let Some(wrong) = error.error_len() else {
                        self.held.drain(..valid);
                        return text;
                    };
                    text.push(char::REPLACEMENT_CHARACTER);
                    self.held.drain(..valid + wrong);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::Utf8Stream;

    proptest! {
        #[test]
        fn text_cut_anywhere_comes_out_whole(text in ".{0,60}", cuts in prop::collection::vec(1usize..5, 0..80)) {
            let mut stream = Utf8Stream::default();
            let mut out = String::new();
            let mut rest = text.as_bytes();
            for cut in cuts {
                let (part, tail) = rest.split_at(cut.min(rest.len()));
                let piece = stream.push(part);
                prop_assert!(!piece.contains(char::REPLACEMENT_CHARACTER) || text.contains(char::REPLACEMENT_CHARACTER));
                out.push_str(&piece);
                rest = tail;
            }
            out.push_str(&stream.push(rest));
            prop_assert_eq!(out, text);
        }

        #[test]
        fn any_bytes_read_like_the_standard_library(bytes in prop::collection::vec(any::<u8>(), 0..60)) {
            let mut stream = Utf8Stream::default();
            let mut out = String::new();
            for byte in &bytes {
                out.push_str(&stream.push(&[*byte]));
            }
            let expected = String::from_utf8_lossy(&bytes).into_owned();
            // What is still held back is one incomplete character at most, shown as one U+FFFD by the standard library.
            let with_rest = out.clone() + "\u{FFFD}";
            prop_assert!(expected == out || expected == with_rest);
        }
    }
}
