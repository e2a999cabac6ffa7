//! Only the shop's own hosts are linked, however an address is written.
//!
//! A word is read as the strictest reader of a message would: a browser takes `https://` apart, the
//! chat page and messengers make links of what looks like an address, and a bare domain is one.

use std::net::{Ipv4Addr, Ipv6Addr};

use url::{Host, Url};

use super::{Reply, Rule};
use crate::words::{REFERENCE, plain};

mod disguise;

use disguise::with_dots;

pub(super) const RULE: Rule = Rule {
    name: "link_not_allowed",
    holds,
};

/// Schemes that open something without `//`. Others without it are ordinary colons.
const SCHEMES: &[&str] = &[
    "http",
    "https",
    "hxxp",
    "hxxps",
    "ttp",
    "ttps",
    "javascript",
    "vbscript",
    "data",
    "file",
    "blob",
    "about",
    "mailto",
    "sms",
    "smsto",
    "tel",
    "ftp",
    "intent",
    "market",
    "whatsapp",
    "tg",
    "skype",
    "magnet",
    "view-source",
    "ws",
    "wss",
];
/// Top-level domains that the registry leaves out on purpose (RFC 2606, 6761, 7686).
const RESERVED: &[&str] = &[
    "example",
    "test",
    "invalid",
    "localhost",
    "local",
    "onion",
    "internal",
];
/// No address holds one of these; where one does, readers disagree on where it ends.
const NEVER_IN_AN_ADDRESS: &[char] = &['"', '<', '>', '\\', '^', '`', '{', '|', '}', REFERENCE];

fn holds(reply: &Reply<'_>) -> bool {
    let said = plain(&reply.said);
    let theirs = plain(reply.words).to_lowercase();
    let all_allowed = |text: &str| {
        text.split_whitespace()
            .all(|word| is_allowed(word, &theirs, &reply.policy.link_hosts))
    };
    !said.contains("](") && all_allowed(&said) && all_allowed(&with_dots(&said.to_lowercase()))
}

fn is_allowed(word: &str, theirs: &str, hosts: &[String]) -> bool {
    let lower = word.to_lowercase();
    let word = lower
        .trim_start_matches([
            '(', '[', '"', '\'', '<', '*', '_', '“', '„', '«', '-', '–', '—',
        ])
        .trim_end_matches([
            '.', ',', ';', ':', '!', '?', ')', ']', '"', '\'', '>', '*', '_', '”', '»', '…',
        ]);
    if word.contains("://")
        || word.starts_with("//")
        || word.starts_with("www.")
        || has_scheme(word)
    {
        return is_own_address(word, hosts);
    }
    // No version and no time has two colons side by side and reads as an address.
    if word.contains("::") && word.parse::<Ipv6Addr>().is_ok() {
        return false;
    }
    if word.contains('\\') && word.contains(['.', ':', '/']) {
        return false;
    }
    domains(word).all(|(before, domain)| {
        let Some(host) = ascii(domain) else {
            return false;
        };
        // The customer's own e-mail address may be told back.
        let is_theirs = before.ends_with('@') && {
            let name = before[..before.len() - 1]
                .rsplit(|c: char| !(c.is_alphanumeric() || matches!(c, '.' | '-' | '_' | '+')))
                .next()
                .unwrap_or_default();
            theirs.contains(&format!("{name}@{domain}"))
        };
        is_theirs || is_own(&host, hosts)
    })
}

/// `javascript:alert(1)`, but neither `size: 42` nor `10:30`.
fn has_scheme(word: &str) -> bool {
    let (before, after) = word.split_once(':').unwrap_or((word, ""));
    let scheme = before
        .rsplit(|c: char| !(c.is_ascii_alphanumeric() || c == '-'))
        .next()
        .unwrap_or_default();
    !after.is_empty() && !after.starts_with(REFERENCE) && SCHEMES.contains(&scheme)
}

/// Says whether a word is one whole address of the shop, and nothing else.
fn is_own_address(word: &str, hosts: &[String]) -> bool {
    if word.contains(NEVER_IN_AN_ADDRESS) || word.matches("://").count() > 1 {
        return false;
    }
    let address = match word {
        _ if word.starts_with("http://") || word.starts_with("https://") => word.to_owned(),
        _ if word.starts_with("//") => format!("https:{word}"),
        _ if word.starts_with("www.") => format!("https://{word}"),
        _ => return false,
    };
    let Ok(url) = Url::parse(&address) else {
        return false;
    };
    let authority = address.split("//").nth(1).unwrap_or_default();
    let authority = authority.split(['/', '?', '#']).next().unwrap_or_default();
    let rest = &address[address.find(authority).unwrap_or(0) + authority.len()..];
    url.port().is_none()
        && authority.chars().all(in_host)
        && url.host_str().is_some_and(|host| is_own(host, hosts))
        && !rest.contains("www.")
        && domains(rest).all(|(_, domain)| ascii(domain).is_some_and(|host| is_own(&host, hosts)))
}

/// Says whether a sign belongs to a host's name. A browser takes others too (`evil.com,.shop.example`),
/// where what makes links of a text may end the address.
fn in_host(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '.' | '-')
}

/// Finds what readers may take for a domain: labels joined by dots, the last one a top-level
/// domain or in letters that only look like one. Each comes with what stands before it.
fn domains(word: &str) -> impl Iterator<Item = (&str, &str)> {
    let in_domain = |c: char| c.is_alphanumeric() || matches!(c, '.' | '-' | '_' | '%');
    word.split(move |c: char| !in_domain(c))
        .map(|part| part.trim_matches(['.', '-', '_']))
        .filter(|part| part.contains('.') && looks_like_domain(part))
        .map(move |part| {
            let at = part.as_ptr() as usize - word.as_ptr() as usize;
            (&word[..at], part)
        })
}

fn looks_like_domain(part: &str) -> bool {
    if part.parse::<Ipv4Addr>().is_ok() {
        return true;
    }
    let last = part.rsplit('.').next().unwrap_or_default();
    // Readers disagree on whether "evil.com-deals" ends before the hyphen.
    let last = match last.find(['-', '_', '%']) {
        Some(end) if !last.starts_with("xn--") => &last[..end],
        _ => last,
    };
    let is_name = last.starts_with("xn--") || last.chars().all(char::is_alphabetic);
    let mixes_scripts =
        last.chars().any(|c| c.is_ascii_alphabetic()) && last.chars().any(is_far_letter);
    let known = |label: &str| tld::exist(label) || RESERVED.contains(&label);
    last.chars().count() >= 2
        && is_name
        && (mixes_scripts || known(last) || ascii(last).is_some_and(|label| known(&label)))
}

/// A letter of a script in which letters look like Latin ones.
fn is_far_letter(c: char) -> bool {
    c.is_alphabetic() && !('\0'..='\u{24f}').contains(&c)
}

/// Returns a host as it is looked up, or none where it is no host.
fn ascii(domain: &str) -> Option<String> {
    match Host::parse(domain).ok()? {
        Host::Domain(host) => Some(host),
        _ => None,
    }
}

fn is_own(host: &str, hosts: &[String]) -> bool {
    let host = host.trim_end_matches('.');
    hosts
        .iter()
        .filter_map(|allowed| ascii(allowed))
        .any(|allowed| host == allowed || host.ends_with(&format!(".{allowed}")))
}
