//! What `iso_currency` lists, as it was last read.

use std::collections::BTreeSet;

use super::LISTED;

/// A word a line break or space apart; lines with `#` say of what kind those below are.
const READ: &str = include_str!("listed.txt");

fn read(kind: &str) -> BTreeSet<String> {
    let heading = format!("# {kind}\n");
    let (_, below) = READ.split_once(&heading).expect("heading");
    let own = below.split('#').next().unwrap_or_default();
    own.split_whitespace().map(str::to_owned).collect()
}

/// A word of every day among the new ones would block honest replies: such words belong into
/// `words.rs`.
#[test]
fn every_word_that_the_crate_lists_has_been_read() {
    for (kind, listed) in [
        ("codes", &LISTED.codes),
        ("symbols", &LISTED.symbols),
        ("names", &LISTED.names),
        ("stems", &LISTED.stems),
    ] {
        let read = read(kind);
        let new: Vec<_> = listed.difference(&read).collect();
        let gone: Vec<_> = read.difference(listed).collect();
        assert!(
            new.is_empty() && gone.is_empty(),
            "read the {kind} and write them to listed.txt: new {new:?}, gone {gone:?}"
        );
    }
}
