//! The vocabulary: common nouns and adjectives, dictionary words, and words that nobody ever said.
//!
//! A small model learns where a noun phrase ends only if it meets very many of them, so product
//! nouns are mostly drawn from the machine's dictionary or invented from syllables.

mod kinds;

use rand::{Rng, rngs::StdRng, seq::IndexedRandom};

use crate::text::{chance, pick};
use kinds::KINDS;

/// Dictionary words of the machine, if it has a word list; the crate's own words do otherwise.
const DICTIONARY: &str = "/usr/share/dict/words";

/// Words to draw from. Training and held-out vocabularies share no dictionary word, no kind of
/// product and no first syllable of an invented word.
pub(crate) struct Vocab {
    words: Vec<String>,
    kinds: Vec<&'static str>,
    heldout: bool,
}

impl Vocab {
    /// Reads the dictionary and keeps the part for training or for held-out dialogues.
    pub(crate) fn load(heldout: bool) -> Self {
        let text = std::fs::read_to_string(DICTIONARY).unwrap_or_default();
        let own = KINDS.iter().flat_map(|kind| kind.split(' '));
        let mut words: Vec<String> = text
            .lines()
            .chain(own)
            .filter(|word| {
                (3..=10).contains(&word.len()) && word.bytes().all(|b| b.is_ascii_lowercase())
            })
            .map(str::to_owned)
            .collect();
        words.sort_unstable();
        words.dedup();
        words.retain(|word| is_heldout(word) == heldout);
        let kinds = KINDS
            .iter()
            .copied()
            .filter(|kind| is_heldout(kind) == heldout)
            .collect();
        Self {
            words,
            kinds,
            heldout,
        }
    }

    /// Returns a dictionary word.
    pub(crate) fn word(&self, rng: &mut StdRng) -> &str {
        self.words.choose(rng).map_or("thing", String::as_str)
    }

    /// Returns an invented word, lower case.
    pub(crate) fn invented(&self, rng: &mut StdRng) -> String {
        let firsts = if self.heldout { HELDOUT_FIRSTS } else { FIRSTS };
        let mut word = pick(rng, firsts).to_owned();
        for _ in 0..rng.random_range(1..3) {
            word.push_str(pick(rng, MIDDLES));
        }
        if chance(rng, 60) {
            word.push_str(pick(rng, LASTS));
        }
        word
    }

    /// Returns a brand or line name, capitalised.
    pub(crate) fn brand(&self, rng: &mut StdRng) -> String {
        let word = match rng.random_range(0..100) {
            0..55 => self.invented(rng),
            55..80 => self.word(rng).to_owned(),
            _ => {
                let first = self.word(rng);
                let first = first.get(..6).unwrap_or(first);
                format!("{first}{}", pick(rng, LINES))
            }
        };
        title(&word)
    }

    /// Returns what a product is called, without adjectives: `desk lamp`, `marble tureen`, `vospik`.
    pub(crate) fn noun(&self, rng: &mut StdRng) -> String {
        match rng.random_range(0..100) {
            0..48 => self.kinds.choose(rng).copied().unwrap_or("lamp").to_owned(),
            48..82 => {
                let count = [1, 1, 2, 2, 2, 3][rng.random_range(0..6)];
                let mut words: Vec<&str> = (0..count).map(|_| self.word(rng)).collect();
                if chance(rng, 25)
                    && let Some(last) = words.last_mut()
                    && let Some(kind) = self.kinds.choose(rng)
                {
                    *last = kind;
                }
                words.join(" ")
            }
            _ => {
                let word = self.invented(rng);
                if chance(rng, 40) {
                    format!("{word} {}", self.word(rng))
                } else {
                    word
                }
            }
        }
    }
}

/// Says to which half a word belongs; a fixed tenth is held out.
fn is_heldout(word: &str) -> bool {
    word.bytes().fold(7_u32, |hash, b| {
        hash.wrapping_mul(31).wrapping_add(u32::from(b))
    }) % 10
        == 3
}

/// Capitalises every word.
pub(crate) fn title(text: &str) -> String {
    text.split(' ')
        .map(|word| {
            let mut chars = word.chars();
            chars
                .next()
                .map_or_else(String::new, |c| c.to_uppercase().chain(chars).collect())
        })
        .collect::<Vec<_>>()
        .join(" ")
}

const FIRSTS: &[&str] = &[
    "vo", "zor", "kel", "bri", "tha", "mun", "pla", "sko", "dre", "fli", "gor", "hex", "jal",
    "kry", "lum", "nim", "ost", "pra", "qui", "rav", "sil", "tor", "umb", "vex", "wim", "yar",
    "zan", "alt", "bex", "cor", "dax", "elm", "fro", "gly", "hol", "ino", "jor", "kas", "lox",
    "mer", "nor", "opa", "pix", "ror", "syl", "tri", "ulv", "ver", "wol", "xan", "yel", "zep",
    "cle", "stra", "ada", "bru", "cal", "dor", "eri", "fal", "gal", "har", "isk", "jup", "kov",
    "lor", "mal", "nev", "oru", "pel", "quo", "rho", "sor", "tam", "una", "val", "wen", "xer",
    "yol", "zil", "ark", "bor", "dru", "glo", "ive", "kne", "loch", "mir", "pho", "sha", "tre",
    "ula",
];
const HELDOUT_FIRSTS: &[&str] = &[
    "bla", "cro", "dun", "esk", "fen", "gru", "hul", "jen", "mav", "nol", "pur", "sna", "twi",
    "vil",
];
const MIDDLES: &[&str] = &[
    "ra", "ve", "li", "mo", "tu", "ska", "ndo", "rri", "pe", "xa", "bo", "lle", "ni", "sto", "ga",
    "fi", "du", "ke", "wa", "zo", "mble", "nta", "rgo", "shi", "the", "vu", "cca", "dri", "hou",
    "ju", "be", "ci", "do", "fe", "go", "hi", "la", "ma", "nu", "pi", "ro", "sa", "ti", "va", "wi",
    "ya", "lda", "mmi", "nne", "rra", "ssi", "tto", "ppa",
];
const LASTS: &[&str] = &[
    "n", "x", "rk", "sk", "th", "ly", "ta", "ria", "ton", "wick", "dale", "mar", "vik", "nor",
    "lux", "bek", "ron", "so", "ne", "dry", "by", "ham", "ley", "den", "gate", "field", "well",
    "ard", "ett", "ino", "ora", "ane", "ish", "us", "el", "ox",
];

/// Second halves of line names.
const LINES: &[&str] = &[
    "line", "way", "side", "craft", "field", "mark", "wood", "stone", "works", "bay", "crest",
    "fell", "haven", "light", "moor", "peak", "ridge", "root", "smith", "wave", "well", "worth",
    "bank", "barn", "beck", "bridge", "brook", "burn", "cliff", "cote", "dell", "ford", "gale",
    "garth", "grove", "hall", "hearth", "hill", "holt", "home", "house", "hurst", "land", "lane",
    "leaf", "loft", "lock", "mill", "mere", "nest", "path", "pine", "pool", "quay", "reach",
    "rock", "row", "spring", "star", "stead", "street", "thorn", "tide", "tree", "vale", "view",
    "ware", "yard",
];

/// Colours, as options and as adjectives.
pub(crate) const COLOURS: &[&str] = &[
    "red",
    "blue",
    "green",
    "black",
    "white",
    "grey",
    "yellow",
    "orange",
    "purple",
    "pink",
    "brown",
    "navy",
    "teal",
    "beige",
    "cream",
    "gold",
    "silver",
    "turquoise",
    "maroon",
    "olive",
    "mint",
    "charcoal",
    "ivory",
    "lilac",
    "burgundy",
    "coral",
    "copper",
    "khaki",
    "mustard",
    "peach",
    "plum",
    "rose",
    "sand",
    "ruby",
    "amber",
    "indigo",
    "magenta",
    "lavender",
    "tan",
    "dark blue",
    "light grey",
    "dark green",
    "light pink",
    "sky blue",
    "forest green",
    "off white",
    "aqua",
    "bright red",
    "bronze",
    "buff",
    "butter yellow",
    "caramel",
    "champagne",
    "cherry red",
    "chocolate",
    "cobalt",
    "crimson",
    "cyan",
    "denim blue",
    "dusty pink",
    "duck egg",
    "ecru",
    "emerald",
    "fuchsia",
    "ginger",
    "graphite",
    "gunmetal",
    "hot pink",
    "jade",
    "jet black",
    "lemon",
    "lime green",
    "mauve",
    "mocha",
    "moss green",
    "multicoloured",
    "neon green",
    "neon yellow",
    "nude",
    "ochre",
    "oatmeal",
    "pale blue",
    "pale yellow",
    "petrol blue",
    "pewter",
    "pistachio",
    "powder blue",
    "racing green",
    "rainbow",
    "rose gold",
    "royal blue",
    "rust",
    "sage",
    "salmon",
    "scarlet",
    "slate",
    "stone",
    "taupe",
    "terracotta",
    "tomato red",
    "ultramarine",
    "vanilla",
    "violet",
    "wine red",
    "baby blue",
    "bottle green",
];
/// Materials.
pub(crate) const MATERIALS: &[&str] = &[
    "oak",
    "pine",
    "steel",
    "leather",
    "cotton",
    "linen",
    "wool",
    "silk",
    "bamboo",
    "glass",
    "ceramic",
    "plastic",
    "aluminium",
    "brass",
    "copper",
    "velvet",
    "denim",
    "marble",
    "rubber",
    "paper",
    "walnut",
    "rattan",
    "cork",
    "titanium",
    "carbon",
    "felt",
    "cast iron",
    "stainless steel",
    "faux leather",
    "organic cotton",
    "recycled plastic",
    "beech",
    "satin",
    "suede",
    "vinyl",
    "acacia",
    "acrylic",
    "alpaca",
    "angora",
    "ash",
    "brushed steel",
    "burlap",
    "canvas",
    "cashmere",
    "cedar",
    "chenille",
    "cherry wood",
    "chrome",
    "clay",
    "concrete",
    "corduroy",
    "crystal",
    "driftwood",
    "earthenware",
    "enamel",
    "fibreglass",
    "fleece",
    "foam",
    "galvanised steel",
    "granite",
    "hemp",
    "hessian",
    "iron",
    "jute",
    "lace",
    "lambswool",
    "latex",
    "mahogany",
    "maple",
    "memory foam",
    "merino",
    "mesh",
    "microfibre",
    "mohair",
    "neoprene",
    "nylon",
    "oak veneer",
    "patent leather",
    "pewter",
    "plywood",
    "polyester",
    "porcelain",
    "raffia",
    "recycled cotton",
    "reclaimed wood",
    "resin",
    "rosewood",
    "seagrass",
    "sheepskin",
    "silicone",
    "slate",
    "softwood",
    "soapstone",
    "solid wood",
    "sterling silver",
    "stoneware",
    "teak",
    "terracotta",
    "tweed",
    "vegan leather",
    "viscose",
    "wicker",
    "willow",
    "zinc",
];
/// Other adjectives of products.
pub(crate) const ADJECTIVES: &[&str] = &[
    "small",
    "large",
    "mini",
    "foldable",
    "wireless",
    "portable",
    "electric",
    "vintage",
    "modern",
    "waterproof",
    "lightweight",
    "heavy duty",
    "handmade",
    "classic",
    "compact",
    "adjustable",
    "round",
    "square",
    "tall",
    "slim",
    "soft",
    "warm",
    "quiet",
    "cordless",
    "rechargeable",
    "vegan",
    "organic",
    "scented",
    "striped",
    "padded",
    "magnetic",
    "digital",
    "smart",
    "retro",
    "thick",
    "long",
    "short",
    "wide",
    "double",
    "king size",
    "outdoor",
    "indoor",
    "reusable",
    "eco friendly",
    "second hand",
    "professional",
    "beginner",
    "kids",
    "mens",
    "womens",
    "ladies",
    "childrens",
    "stackable",
    "non slip",
    "noise cancelling",
    "antique",
    "automatic",
    "baby",
    "battery powered",
    "bluetooth",
    "breathable",
    "child friendly",
    "collapsible",
    "combination",
    "cosy",
    "curved",
    "decorative",
    "deep",
    "designer",
    "dimmable",
    "dishwasher safe",
    "disposable",
    "drawstring",
    "energy saving",
    "extendable",
    "extra large",
    "extra long",
    "family size",
    "fast charging",
    "fitted",
    "flameproof",
    "flat pack",
    "fleece lined",
    "floral",
    "fluffy",
    "fragrance free",
    "freestanding",
    "full length",
    "gluten free",
    "glow in the dark",
    "hand painted",
    "hardwearing",
    "heated",
    "heavy",
    "hooded",
    "hypoallergenic",
    "industrial",
    "inflatable",
    "insulated",
    "junior",
    "knitted",
    "leakproof",
    "left handed",
    "limited edition",
    "lined",
    "lockable",
    "long sleeved",
    "low sugar",
    "machine washable",
    "manual",
    "matt",
    "mechanical",
    "multi purpose",
    "narrow",
    "natural",
    "oversized",
    "personalised",
    "petite",
    "plain",
    "plus size",
    "pocket",
    "pop-up",
    "quick drying",
    "quilted",
    "refillable",
    "reversible",
    "retractable",
    "rustic",
    "scratch resistant",
    "self adhesive",
    "semi automatic",
    "shatterproof",
    "shiny",
    "shockproof",
    "silent",
    "single",
    "sleeveless",
    "solar powered",
    "spotted",
    "stretchy",
    "sturdy",
    "sugar free",
    "super soft",
    "swivel",
    "tartan",
    "telescopic",
    "thermal",
    "thin",
    "toddler",
    "traditional",
    "travel size",
    "triple",
    "tropical",
    "twin",
    "unisex",
    "unscented",
    "upright",
    "usb",
    "victorian",
    "wall mounted",
    "washable",
    "weatherproof",
    "weighted",
    "wide fit",
    "windproof",
    "wooden",
    "zipped",
];
/// Sizes as options.
pub(crate) const SIZES: &[&[&str]] = &[
    &["small", "medium", "large"],
    &["S", "M", "L", "XL"],
    &["36", "37", "38", "39", "40", "41"],
    &["42", "43", "44", "45", "46"],
    &["single", "double", "king"],
    &["8", "10", "12", "14", "16"],
    &["250 ml", "500 ml"],
    &["A4", "A5"],
    &["60 cm", "80 cm", "120 cm"],
    &["1 m", "2 m", "3 m"],
    &["XS", "S", "M"],
];
