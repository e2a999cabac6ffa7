//! Which of a shop's brands the free words of a call mean.
//!
//! A shop with many brands has no list that a model could choose from, and a list may be older than the
//! shop: so a brand is looked for as customers write it.

use mercer_knowledge::plain_words;

/// Says whether a brand's words fit.
type Fits<'a> = &'a dyn Fn(&[String]) -> bool;

/// What words mean among a shop's brands.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Meant<'a> {
    /// This one, as the shop writes it.
    One(&'a str),
    /// Several of them.
    Several,
    /// None: no product is of it.
    Nothing,
}

/// Looks for a brand: the one that is so called; else one that is the same but for accents and marks; else the
/// only one that begins with the words, or that they begin with; else the only one within them, or that they
/// are within.
pub(crate) fn meant<'a>(wanted: &str, brands: &'a [String]) -> Meant<'a> {
    let called = wanted.trim().to_lowercase();
    if let Some(brand) = brands.iter().find(|brand| brand.to_lowercase() == called) {
        return Meant::One(brand);
    }
    let wanted = words_of(wanted);
    if wanted.is_empty() {
        return Meant::Nothing;
    }
    let own: Vec<(&str, Vec<String>)> = brands
        .iter()
        .map(|brand| (brand.as_str(), words_of(brand)))
        .filter(|(_, words)| !words.is_empty())
        .collect();
    let is_same = |own: &[String]| own.concat() == wanted.concat();
    let begins = |own: &[String]| own.starts_with(&wanted) || wanted.starts_with(own);
    // A short brand within many words is one of them by chance: `Pro` in "Bosch Pro".
    let is_within = |own: &[String]| {
        holds(own, &wanted) || (2 * own.len() > wanted.len() && holds(&wanted, own))
    };
    let ways: [Fits<'_>; 3] = [&is_same, &begins, &is_within];
    for fits in ways {
        let mut found = own.iter().filter(|(_, words)| fits(words));
        let Some((first, _)) = found.next() else {
            continue;
        };
        // A search takes upper and lower case for the same.
        let is_first = |brand: &str| brand.to_lowercase() == first.to_lowercase();
        return if found.all(|(brand, _)| is_first(brand)) {
            Meant::One(first)
        } else {
            Meant::Several
        };
    }
    Meant::Nothing
}

/// `Black & Decker` is said "Black and Decker".
fn words_of(name: &str) -> Vec<String> {
    let mut words = plain_words(name);
    words.retain(|word| word != "and");
    words
}

/// Says whether words stand among others, one after the other.
fn holds(words: &[String], part: &[String]) -> bool {
    words.windows(part.len()).any(|window| window == part)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_brand_is_found_as_customers_write_it() {
        let brands = [
            "Black & Decker",
            "Black Diamond",
            "Bosch Professional",
            "DeWalt",
            "L'Oréal",
            "North Face",
            "Pro",
            "3M",
        ]
        .map(str::to_owned);
        for (words, brand) in [
            ("dewalt", "DeWalt"),
            ("De Walt", "DeWalt"),
            ("LOREAL", "L'Oréal"),
            ("l’oréal", "L'Oréal"),
            ("3m", "3M"),
            ("pro", "Pro"),
            ("black and decker", "Black & Decker"),
            ("decker", "Black & Decker"),
            ("bosch", "Bosch Professional"),
            ("DeWalt tools", "DeWalt"),
            ("the north face", "North Face"),
        ] {
            assert_eq!(meant(words, &brands), Meant::One(brand), "{words}");
        }
        assert_eq!(meant("black", &brands), Meant::Several);
        for words in ["Makita", "Makita Pro", "dec", "", "&"] {
            assert_eq!(meant(words, &brands), Meant::Nothing, "{words}");
        }
    }

    #[test]
    fn the_same_name_comes_before_longer_ones() {
        let brands = ["Orn Kids", "ORN", "Orn Home"].map(str::to_owned);
        assert_eq!(meant("orn", &brands), Meant::One("ORN"));
        // Written in two ways, it is one all the same.
        let brands = ["Orn", "ORN"].map(str::to_owned);
        assert_eq!(meant("orn", &brands), Meant::One("Orn"));
    }

    #[test]
    fn a_brand_by_its_own_name_is_that_one_whatever_else_there_is() {
        let brands = ["AND", "A+", "A", "L'Oréal", "Loreal", "+++"].map(str::to_owned);
        for brand in &brands {
            assert_eq!(meant(brand, &brands), Meant::One(brand));
        }
        assert_eq!(meant(" and ", &brands), Meant::One("AND"));
        assert_eq!(meant("l’oreal", &brands), Meant::Several);
    }
}
