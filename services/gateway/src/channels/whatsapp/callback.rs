//! What Meta gives back with each report (`biz_opaque_callback_data`): our id of the message, and
//! of which part of it.
//!
//! `msg_…` for a message of one part, `msg_…/2of3` for a part of several.

use mercer_schemas::MessageId;
use mercer_store::Part;

/// Writes the text that goes out with a part.
pub(super) fn write(message: &MessageId, part: Part) -> String {
    if part.is_whole() {
        message.to_string()
    } else {
        format!("{message}/{}of{}", part.number, part.of)
    }
}

/// Reads it back; nothing where it is not ours.
pub(super) fn read(text: &str) -> Option<(MessageId, Option<Part>)> {
    let Some((message, part)) = text.split_once('/') else {
        return Some((text.parse().ok()?, None));
    };
    let (number, of) = part.split_once("of")?;
    let part = Part::new(number.parse().ok()?, of.parse().ok()?)?;
    Some((message.parse().ok()?, Some(part)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_back_and_nothing_else() {
        let message = MessageId::from_parts(1, 2);
        for (number, of, back) in [
            (1, 1, None),
            (1, 2, Part::new(1, 2)),
            (3, 3, Part::new(3, 3)),
        ] {
            let text = write(&message, Part::new(number, of).expect("part"));
            assert_eq!(read(&text), Some((message.clone(), back)), "{text}");
        }
        for other in ["", "msg_", "order-7", "/1of2", "msg_/1of2"] {
            assert_eq!(read(other), None, "{other}");
        }
        for tail in ["", "1", "0of2", "3of2", "1of9999", "-1of2", "1of2of3"] {
            assert_eq!(read(&format!("{message}/{tail}")), None, "{tail}");
        }
    }
}
