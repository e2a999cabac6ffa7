//! Addresses that are hidden from those who look for links, and that a reader puts together.

/// Top-level domains that a reader sees in an address that is spelt out, "evil dot com". Others are
/// words as well: "the polka dot one".
const SPELT_OUT: &[&str] = &[
    "com", "net", "org", "info", "biz", "co", "io", "uk", "de", "eu", "ru", "shop", "store",
    "online", "site", "website", "xyz", "app", "dev", "example",
];
/// Those that are words of every day.
const WORDS_TOO: &[&str] = &[
    "app", "example", "info", "online", "shop", "site", "store", "website",
];
/// Words before "dot" with which it is a spot: "a polka dot store bag".
const SPOTS: &[&str] = &[
    "a", "an", "each", "every", "micro", "no", "one", "pin", "polka", "that", "the", "this",
];
/// How a dot is written that no link is made of.
const HIDDEN_DOTS: &[&str] = &[
    "(dot)", "[dot]", "<dot>", "( dot )", "[ dot ]", "(.)", "[.]", "<.>", "( . )", "[ . ]",
    "(punkt)", "[punkt]", "(point)", "[point]", "_dot_", "-dot-",
];
/// Signs that look like a dot.
const LIKE_DOTS: &[char] = &['·', '•', '∙', '‧', '・', '⋅', '●', '▪', '।', '۔', '⸳'];

/// Writes an address that is hidden from those who look for links as a reader understands it:
/// "evil (dot) com", "evil .com" and "evil dot com" as "evil.com".
pub(super) fn with_dots(lower: &str) -> String {
    let mut text = lower.replace(LIKE_DOTS, ".");
    for dot in HIDDEN_DOTS {
        if text.contains(dot) {
            let parts: Vec<&str> = text.split(dot).map(str::trim).collect();
            text = parts.join(".");
        }
    }
    let words: Vec<&str> = text.split_whitespace().collect();
    let mut out = String::new();
    let mut at = 0;
    while at < words.len() {
        let spelt = spelt_address(&words[at..]);
        let goes_on = words[at]
            .strip_prefix('.')
            .is_some_and(ends_an_address)
            // "evil. com/x"
            || out.ends_with('.') && words[at].contains('/') && ends_an_address(words[at]);
        if !goes_on {
            out.push(' ');
        }
        let address = spelt.join(".");
        out.push_str(&without_commas(&address).unwrap_or(address));
        at += 2 * spelt.len() - 1;
    }
    out
}

/// The labels of an address that is spelt out at the start of words, or the first word alone.
fn spelt_address<'a>(words: &[&'a str]) -> Vec<&'a str> {
    let mut labels = vec![words[0]];
    for pair in words[1..].chunks_exact(2) {
        if !matches!(pair[0], "dot" | "." | "punkt") {
            break;
        }
        labels.push(pair[1]);
    }
    let last = labels.iter().rposition(|label| ends_an_address(label));
    labels.truncate(last.unwrap_or(0) + 1);
    if is_spot(&labels, words) {
        labels.truncate(1);
    }
    labels
}

/// Says whether the labels of an address are words of every day around a spot.
fn is_spot(labels: &[&str], words: &[&str]) -> bool {
    let &[first, last] = labels else {
        return false;
    };
    let bare = last.trim_end_matches(['.', ',', ';', ':', '!', '?', ')', '\'', '"']);
    words[1] == "dot" && SPOTS.contains(&first) && WORDS_TOO.contains(&bare)
}

/// Says whether a word begins with a top-level domain, and no other letter follows.
fn ends_an_address(word: &str) -> bool {
    let end = word
        .find(|c: char| !c.is_alphanumeric())
        .unwrap_or(word.len());
    SPELT_OUT.contains(&&word[..end])
}

/// Writes commas in a word as dots where an address would have them: "www,evil,com".
fn without_commas(word: &str) -> Option<String> {
    let (_, last) = word.rsplit_once(',')?;
    ends_an_address(last).then(|| word.replace(',', "."))
}
