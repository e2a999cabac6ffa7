//! What customers say, and what the records call it: attributes, sizes, units.

/// Everyday words for attributes. Left: what customers say; right: parts of attribute names, the
/// likeliest first. From the attribute names of common product feeds.
pub(super) const SAID_FOR: &[(&str, &[&str])] = &[
    ("heavy", &["weight"]),
    ("heavier", &["weight"]),
    ("heaviest", &["weight"]),
    ("light", &["weight"]),
    ("lighter", &["weight"]),
    ("lightest", &["weight"]),
    ("weigh", &["weight"]),
    ("weighs", &["weight"]),
    ("big", &["dimensions", "size", "capacity", "volume"]),
    ("bigger", &["dimensions", "size", "capacity", "volume"]),
    ("smaller", &["dimensions", "size", "capacity", "volume"]),
    ("large", &["dimensions", "size", "capacity", "volume"]),
    ("larger", &["dimensions", "size", "capacity", "volume"]),
    ("size", &["dimensions", "capacity"]),
    ("measurements", &["dimensions", "size"]),
    ("measure", &["dimensions", "size", "length", "diameter"]),
    ("across", &["diameter", "width", "dimensions"]),
    ("tall", &["height", "dimensions"]),
    ("taller", &["height", "dimensions"]),
    ("high", &["height", "dimensions"]),
    ("wide", &["width", "dimensions"]),
    ("wider", &["width", "dimensions"]),
    ("deep", &["depth", "dimensions"]),
    ("thick", &["thickness", "pile"]),
    (
        "long",
        &["length", "battery_life", "burn_time", "dimensions"],
    ),
    ("hold", &["capacity", "volume", "maximum_load"]),
    ("holds", &["capacity", "volume", "maximum_load"]),
    ("litres", &["capacity", "volume"]),
    ("liters", &["capacity", "volume"]),
    ("gallons", &["capacity", "volume"]),
    ("pints", &["capacity", "volume"]),
    ("made", &["material", "made_in", "upper", "fabric", "frame"]),
    ("fabric", &["material", "fabric"]),
    ("leather", &["material", "upper", "fabric"]),
    ("wool", &["material", "fabric", "fill", "filling"]),
    ("stuffed", &["filling", "fill"]),
    ("stuffing", &["filling", "fill"]),
    ("wash", &["care", "washing"]),
    ("washed", &["care", "washing"]),
    ("washer", &["care", "washing"]),
    ("washable", &["care", "washing"]),
    ("washing", &["care"]),
    ("machine", &["care"]),
    ("dishwasher", &["dishwasher_safe", "care"]),
    ("clean", &["care"]),
    ("cleaned", &["care"]),
    ("cleaning", &["care"]),
    ("scrub", &["care"]),
    ("wipe", &["care"]),
    ("hose", &["care"]),
    ("iron", &["care"]),
    ("tumble", &["care"]),
    ("oven", &["oven_safe", "care"]),
    ("microwave", &["microwave_safe", "microwave"]),
    ("guarantee", &["warranty", "guarantee"]),
    ("guaranteed", &["warranty", "guarantee"]),
    (
        "waterproof",
        &["waterproof", "water_resistance", "waterproof_rating"],
    ),
    ("showerproof", &["waterproof", "water_resistance"]),
    ("rain", &["waterproof", "water_resistance"]),
    ("wet", &["waterproof", "water_resistance"]),
    ("soaked", &["waterproof", "water_resistance"]),
    ("water", &["waterproof", "water_resistance"]),
    ("battery", &["battery_life", "battery", "power"]),
    (
        "batteries",
        &["battery", "power", "charging", "battery_life"],
    ),
    ("charge", &["battery_life", "charging", "charging_time"]),
    ("recharge", &["charging", "charging_time"]),
    ("mains", &["power", "charging"]),
    (
        "plug",
        &["power", "charging", "cord_length", "cable_length"],
    ),
    ("cord", &["cord_length", "cable_length"]),
    ("cable", &["cable_length", "cord_length"]),
    ("lead", &["cord_length", "cable_length"]),
    ("flex", &["cord_length", "cable_length"]),
    ("bright", &["brightness", "lumens", "output"]),
    ("brighter", &["brightness", "lumens", "output"]),
    ("brightest", &["brightness", "lumens", "output"]),
    ("lumens", &["brightness", "output"]),
    ("noisy", &["noise", "noise_level", "loudness"]),
    (
        "loud",
        &["noise", "noise_level", "loudness", "movement", "volume"],
    ),
    ("louder", &["noise", "noise_level", "loudness", "volume"]),
    ("loudest", &["noise", "noise_level", "loudness", "volume"]),
    ("loudly", &["noise", "noise_level", "loudness", "movement"]),
    ("quiet", &["noise", "noise_level", "movement"]),
    ("quieter", &["noise", "noise_level", "movement"]),
    ("silent", &["noise", "noise_level", "movement"]),
    ("tick", &["movement"]),
    ("ticks", &["movement"]),
    ("ticking", &["movement"]),
    ("powerful", &["power", "wattage", "output"]),
    ("stronger", &["power", "wattage", "output"]),
    ("watts", &["power", "wattage", "output"]),
    ("heat", &["power", "heat_output", "wattage"]),
    ("matches", &["ignition"]),
    ("spark", &["ignition"]),
    ("gas", &["fuel"]),
    ("runs", &["fuel", "power", "run_time"]),
    (
        "warm",
        &[
            "keeps_warm",
            "temperature",
            "comfort",
            "comfort_temperature",
            "insulation",
            "tog",
            "fill",
            "hot_for",
        ],
    ),
    (
        "warmer",
        &[
            "temperature",
            "comfort",
            "comfort_temperature",
            "insulation",
            "tog",
            "fill",
        ],
    ),
    ("hot", &["keeps_warm", "hot_for"]),
    (
        "cold",
        &[
            "temperature",
            "comfort",
            "comfort_temperature",
            "insulation",
            "cold_for",
        ],
    ),
    (
        "freezing",
        &[
            "temperature",
            "comfort",
            "comfort_temperature",
            "frost_proof",
        ],
    ),
    ("frost", &["frost_proof", "comfort_temperature"]),
    ("degrees", &["comfort_temperature", "temperature"]),
    (
        "people",
        &["sleeps", "seats", "serves", "capacity", "persons"],
    ),
    ("sleep", &["sleeps", "capacity"]),
    ("sit", &["seats", "maximum_load"]),
    ("seat", &["seats"]),
    ("load", &["maximum_load"]),
    ("safe", &["security_rating", "safety"]),
    ("secure", &["security_rating"]),
    ("score", &["security_rating", "rating"]),
    ("thieves", &["security_rating"]),
    ("assemble", &["assembly"]),
    ("assembled", &["assembly"]),
    ("build", &["assembly"]),
    ("tools", &["assembly"]),
    ("pitch", &["pitch_time"]),
    ("allergy", &["allergy_friendly"]),
    ("allergies", &["allergy_friendly"]),
    ("allergic", &["allergy_friendly"]),
    ("sleeves", &["sleeve"]),
    ("country", &["made_in", "origin"]),
    ("squirrels", &["squirrel_proof"]),
    ("hob", &["hob_safe", "induction"]),
    ("dim", &["dimmable"]),
    ("dimmed", &["dimmable"]),
    ("phone", &["touchscreen"]),
];

/// Turns of phrase for attributes: all of the words, in this order.
pub(super) const TURNS_FOR: &[(&[&str], &[&str])] = &[
    (&["much", "hold"], &["capacity", "volume", "maximum_load"]),
    (&["much", "take"], &["capacity", "volume", "maximum_load"]),
    (&["much", "fit"], &["capacity", "volume"]),
    (&["much", "fits"], &["capacity", "volume"]),
    (&["many", "hold"], &["capacity", "volume"]),
    (&["many", "sleep"], &["sleeps"]),
    (&["many", "people"], &["sleeps", "seats", "serves"]),
    (&["how", "long", "hot"], &["hot_for", "keeps_warm"]),
    (&["long", "warm"], &["keeps_warm", "hot_for"]),
    (&["stay", "warm"], &["keeps_warm", "hot_for"]),
    (&["stays", "warm"], &["keeps_warm", "hot_for"]),
    (&["stay", "hot"], &["hot_for", "keeps_warm"]),
    (&["stays", "hot"], &["hot_for", "keeps_warm"]),
    (&["stay", "cold"], &["cold_for"]),
    (&["stays", "cold"], &["cold_for"]),
    (&["long", "cold"], &["cold_for"]),
    (&["how", "long", "burn"], &["burn_time"]),
    (&["how", "long", "run"], &["run_time", "battery_life"]),
    (
        &["how", "long", "last"],
        &["battery_life", "burn_time", "run_time"],
    ),
    (&["how", "cold"], &["comfort_temperature", "temperature"]),
    (&["made", "of"], &["material", "fabric", "upper", "frame"]),
    (&["made", "from"], &["material", "fabric", "upper", "frame"]),
    (&["made", "in"], &["made_in", "origin"]),
    (&["where", "made"], &["made_in", "origin"]),
];

/// Words of a question that name no option and no attribute.
pub(super) const PLAIN: &[&str] = &[
    "one",
    "ones",
    "price",
    "cost",
    "costs",
    "much",
    "stock",
    "available",
    "availability",
    "buy",
    "take",
    "get",
    "want",
    "more",
    "details",
    "info",
    "information",
    "nice",
    "looks",
    "good",
    "this",
    "that",
    "the",
    "it",
    "in",
    "a",
    "an",
    "of",
    "is",
    "and",
    "or",
    "for",
    "to",
    "does",
    "do",
    "with",
    "first",
    "second",
    "third",
    "last",
    "instead",
    "sell",
    "left",
    "still",
    "any",
    "them",
    "those",
    "these",
    "they",
    "got",
    "have",
    "you",
    "many",
    "how",
    "go",
    "please",
];

/// Spellings of one size or unit. Left: what is said or written; right: the word compared.
const SAME: &[(&str, &str)] = &[
    ("s", "small"),
    ("m", "medium"),
    ("med", "medium"),
    ("l", "large"),
    ("xl", "xlarge"),
    ("xxl", "xxlarge"),
    ("xs", "xsmall"),
    ("color", "colour"),
    ("gray", "grey"),
];

/// Spellings of units behind a number.
const UNITS: &[(&str, &str)] = &[
    ("l", "litre"),
    ("ltr", "litre"),
    ("litre", "litre"),
    ("litres", "litre"),
    ("liter", "litre"),
    ("liters", "litre"),
    ("cm", "cm"),
    ("cms", "cm"),
    ("centimetres", "cm"),
    ("mm", "mm"),
    ("m", "metre"),
    ("metre", "metre"),
    ("metres", "metre"),
    ("meter", "metre"),
    ("meters", "metre"),
    ("kg", "kg"),
    ("kilos", "kg"),
    ("g", "gram"),
    ("grams", "gram"),
    ("by", "by"),
    ("x", "by"),
    ("×", "by"),
];

/// A word of an option's value or of a question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct OptionWord {
    /// As it is compared.
    pub(super) text: String,
    /// A unit behind a number: alone it names nothing.
    pub(super) is_unit: bool,
}

/// Splits an option's value or a question into words that can be compared: numbers apart from their
/// units, sizes and units in one spelling.
pub(super) fn option_words(text: &str) -> Vec<OptionWord> {
    let mut out: Vec<OptionWord> = Vec::new();
    for raw in pieces(&text.to_lowercase()) {
        let after_number = out
            .last()
            .is_some_and(|last| last.text.starts_with(|c: char| c.is_ascii_digit()));
        let unit = UNITS.iter().find(|(said, _)| after_number && *said == raw);
        let extra = ["extra", "x"].contains(&out.last().map_or("", |last| last.text.as_str()));
        if extra && ["large", "small"].contains(&raw.as_str()) {
            out.pop();
            out.push(plain(format!("x{raw}")));
        } else if let Some((_, unit)) = unit {
            out.push(OptionWord {
                text: (*unit).to_owned(),
                is_unit: true,
            });
        } else {
            let same = SAME.iter().find(|(said, _)| *said == raw);
            out.push(plain(same.map_or(raw, |(_, word)| (*word).to_owned())));
        }
    }
    out
}

fn plain(text: String) -> OptionWord {
    OptionWord {
        text,
        is_unit: false,
    }
}

/// Cuts at everything but letters, digits and apostrophes inside a word, and between a number and the
/// letters behind it. A decimal point stays.
fn pieces(lower: &str) -> Vec<String> {
    let mut out: Vec<String> = Vec::new();
    let split = |c: char| !(c.is_alphanumeric() || matches!(c, '.' | '\'' | '’' | '×'));
    for word in lower.split(split) {
        let word = word.trim_matches(|c: char| !c.is_alphanumeric() && c != '×');
        let mut piece = String::new();
        for c in word.chars() {
            let last = piece.chars().last();
            let numeric = |c: char| c.is_ascii_digit() || c == '.';
            if last.is_some_and(|last| numeric(last) != numeric(c)) {
                out.push(std::mem::take(&mut piece));
            }
            piece.push(c);
        }
        if !piece.is_empty() {
            out.push(piece);
        }
    }
    out.retain(|piece| piece.chars().any(|c| c.is_alphanumeric() || c == '×'));
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_and_units_have_one_spelling() {
        let words = |text: &str| {
            option_words(text)
                .into_iter()
                .map(|word| word.text)
                .collect::<Vec<_>>()
                .join(" ")
        };
        for (said, value) in [
            ("10 litre", "10 l"),
            ("10L", "10 l"),
            ("160x230cm", "160 by 230 cm"),
            ("160 × 230 cm", "160 by 230 cm"),
            ("an extra large", "an XL"),
            ("large", "L"),
            ("0.5 liters", "0.5 l"),
        ] {
            assert_eq!(words(said), words(value), "{said}");
        }
        assert_eq!(words("what's left"), "what's left");
    }
}
