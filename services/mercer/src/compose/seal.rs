//! Seals what processes around one database tell one another over NATS: whoever else can publish there can write nothing
//! that they read. What is told is not secret from those who can read there.
//!
//! | bytes | what |
//! |---|---|
//! | 32 | HMAC-SHA-256 over the subject, a zero byte and all that follows, under a key that the database holds |
//! | 8 | the sender: a random number |
//! | 8 | counts what the sender has sealed |
//! | | the payload |
//!
//! A reader takes what a sender sealed once and in order, so nothing that was recorded can be played back to it. To one
//! that has just started it can: the feed is provisional, and the store has the last word.

use std::collections::HashMap;

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

const TAG_BYTES: usize = 32;

type Key = [u8; mercer_store::SECRET_BYTES];

/// Seals messages for one subject.
pub(crate) struct Sealer {
    mac: Hmac<Sha256>,
    sender: u64,
    count: u64,
}

/// Opens messages of one subject.
pub(crate) struct Opener {
    mac: Hmac<Sha256>,
    /// The last count of each sender. Only who knows the key gets in: a number for each process that there was.
    last: HashMap<u64, u64>,
}

impl Sealer {
    /// Begins as a new sender.
    pub(crate) fn new(key: &Key, subject: &str) -> Self {
        Self {
            mac: keyed(key, subject),
            sender: rand::random(),
            count: 0,
        }
    }

    /// Returns a payload with its seal.
    pub(crate) fn seal(&mut self, payload: &[u8]) -> Vec<u8> {
        self.count += 1;
        let told = [
            &self.sender.to_be_bytes()[..],
            &self.count.to_be_bytes()[..],
            payload,
        ]
        .concat();
        let tag = self.mac.clone().chain_update(&told).finalize();
        [&tag.into_bytes()[..], &told].concat()
    }
}

impl Opener {
    /// Begins without having read anything.
    pub(crate) fn new(key: &Key, subject: &str) -> Self {
        Self {
            mac: keyed(key, subject),
            last: HashMap::new(),
        }
    }

    /// Returns the payload; none where the seal is not one, or its message was read before.
    pub(crate) fn open<'a>(&mut self, message: &'a [u8]) -> Option<&'a [u8]> {
        let (tag, told) = message.split_first_chunk::<TAG_BYTES>()?;
        let (sender, rest) = told.split_first_chunk::<8>()?;
        let (count, payload) = rest.split_first_chunk::<8>()?;
        let mac = self.mac.clone().chain_update(told);
        mac.verify_slice(tag).ok()?;
        let (sender, count) = (u64::from_be_bytes(*sender), u64::from_be_bytes(*count));
        let last = self.last.entry(sender).or_default();
        if count <= *last {
            return None;
        }
        *last = count;
        Some(payload)
    }
}

fn keyed(key: &Key, subject: &str) -> Hmac<Sha256> {
    let mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes keys of any length");
    mac.chain_update(subject).chain_update([0_u8])
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: Key = [7; 32];

    #[test]
    fn what_was_sealed_is_read_once_and_in_order() {
        let mut sealer = Sealer::new(&KEY, "a.b");
        let (first, second) = (sealer.seal(b"one"), sealer.seal(b"two"));
        let mut opener = Opener::new(&KEY, "a.b");
        assert_eq!(opener.open(&first), Some(&b"one"[..]));
        assert_eq!(opener.open(&first), None, "played back");
        assert_eq!(opener.open(&second), Some(&b"two"[..]));
        assert_eq!(opener.open(&first), None);
        let another = Sealer::new(&KEY, "a.b").seal(b"");
        assert_eq!(opener.open(&another), Some(&b""[..]));
    }

    #[test]
    fn nothing_else_is_read() {
        let mut sealer = Sealer::new(&KEY, "a.b");
        let sealed = sealer.seal(b"one");
        let mut opener = Opener::new(&KEY, "a.b");
        for at in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[at] ^= 1;
            assert_eq!(opener.open(&changed), None, "byte {at}");
            assert_eq!(opener.open(&sealed[..at]), None, "cut at {at}");
        }
        assert_eq!(opener.open(br#"{"conversation":"conv_1"}"#), None);
        assert_eq!(
            Opener::new(&KEY, "a.c").open(&sealed),
            None,
            "of another subject"
        );
        assert_eq!(
            Opener::new(&[8; 32], "a.b").open(&sealed),
            None,
            "of another key"
        );
        assert_eq!(opener.open(&sealed), Some(&b"one"[..]));
    }
}
