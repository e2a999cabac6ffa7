//! The vocabulary: common nouns and adjectives, dictionary words, and words that nobody ever said.
//!
//! A small model learns where a noun phrase ends only if it meets very many of them, so product
//! nouns are mostly drawn from the machine's dictionary or invented from syllables.

use rand::{Rng, rngs::StdRng, seq::IndexedRandom};

use crate::text::{chance, pick};

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
        let word = if chance(rng, 70) {
            self.invented(rng)
        } else {
            self.word(rng).to_owned()
        };
        title(&word)
    }

    /// Returns what a product is called, without adjectives: `desk lamp`, `marble tureen`, `vospik`.
    pub(crate) fn noun(&self, rng: &mut StdRng) -> String {
        match rng.random_range(0..100) {
            0..27 => self.kinds.choose(rng).copied().unwrap_or("lamp").to_owned(),
            27..77 => {
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
    "cle", "stra",
];
const HELDOUT_FIRSTS: &[&str] = &[
    "bla", "cro", "dun", "esk", "fen", "gru", "hul", "jen", "mav", "nol", "pur", "sna", "twi",
    "vil",
];
const MIDDLES: &[&str] = &[
    "ra", "ve", "li", "mo", "tu", "ska", "ndo", "rri", "pe", "xa", "bo", "lle", "ni", "sto", "ga",
    "fi", "du", "ke", "wa", "zo", "mble", "nta", "rgo", "shi", "the", "vu", "cca", "dri", "hou",
    "ju",
];
const LASTS: &[&str] = &[
    "n", "x", "rk", "sk", "th", "ly", "ta", "ria", "ton", "wick", "dale", "mar", "vik", "nor",
    "lux", "bek", "ron", "so", "ne", "dry",
];

/// Kinds of products; none of the demo shop's.
const KINDS: &[&str] = &[
    "desk lamp",
    "floor lamp",
    "headphones",
    "earbuds",
    "keyboard",
    "mouse mat",
    "monitor",
    "printer",
    "scanner",
    "webcam",
    "microphone",
    "guitar",
    "ukulele",
    "violin",
    "trumpet",
    "drum kit",
    "piano stool",
    "music stand",
    "jigsaw puzzle",
    "board game",
    "card game",
    "doll",
    "doll house",
    "toy train",
    "building blocks",
    "teddy bear",
    "kite",
    "dog bed",
    "cat tree",
    "dog lead",
    "cat litter",
    "aquarium",
    "fish food",
    "bird cage",
    "hamster wheel",
    "fountain pen",
    "notebook",
    "stapler",
    "highlighter",
    "envelopes",
    "diary",
    "calendar",
    "sofa",
    "armchair",
    "bookcase",
    "wardrobe",
    "office chair",
    "coffee table",
    "bed frame",
    "mattress",
    "chest of drawers",
    "shelf",
    "mirror",
    "picture frame",
    "curtains",
    "blinds",
    "wallpaper",
    "paint",
    "paint roller",
    "drill",
    "hammer",
    "screwdriver set",
    "ladder",
    "saw",
    "sander",
    "toolbox",
    "tape measure",
    "necklace",
    "bracelet",
    "earrings",
    "ring",
    "wrist watch",
    "perfume",
    "shampoo",
    "soap",
    "lipstick",
    "face cream",
    "razor",
    "hair dryer",
    "toothbrush",
    "nail polish",
    "yarn",
    "knitting needles",
    "sewing machine",
    "fabric",
    "buttons",
    "easel",
    "acrylic paints",
    "sketchbook",
    "clay",
    "green tea",
    "coffee beans",
    "dark chocolate",
    "honey",
    "olive oil",
    "pasta",
    "jam",
    "biscuits",
    "wine",
    "gin",
    "vase",
    "blender",
    "microwave",
    "dishwasher",
    "fridge",
    "vacuum cleaner",
    "steam iron",
    "ironing board",
    "fan",
    "heater",
    "air purifier",
    "camera",
    "tripod",
    "camera bag",
    "telescope",
    "microscope",
    "drone",
    "router",
    "usb cable",
    "speaker",
    "soundbar",
    "phone case",
    "tablet",
    "laptop",
    "laptop stand",
    "charger",
    "smart watch",
    "television",
    "projector",
    "dumbbells",
    "yoga mat",
    "football",
    "tennis racket",
    "skateboard",
    "surfboard",
    "snowboard",
    "golf clubs",
    "basketball",
    "boxing gloves",
    "swimsuit",
    "goggles",
    "pram",
    "cot",
    "high chair",
    "baby monitor",
    "nappies",
    "bib",
    "dummy",
    "car seat",
    "dress",
    "skirt",
    "shirt",
    "jeans",
    "hoodie",
    "blouse",
    "suit",
    "tie",
    "belt",
    "scarf",
    "pyjamas",
    "dressing gown",
    "cardigan",
    "handbag",
    "wallet",
    "umbrella",
    "sunglasses",
    "heels",
    "loafers",
    "ballet flats",
    "wok",
    "cake tin",
    "whisk",
    "rolling pin",
    "teapot",
    "wine glasses",
    "dinner plates",
    "cutlery",
    "chopping board",
    "lunch box",
    "espresso machine",
    "waffle iron",
    "rice cooker",
    "novel",
    "cookbook",
    "atlas",
    "comic",
    "poster",
    "greeting cards",
    "gift wrap",
    "balloons",
    "fairy lights",
    "wreath",
    "lawn mower",
    "hedge trimmer",
    "compost bin",
    "greenhouse",
    "trampoline",
    "paddling pool",
    "parasol",
    "hammock",
    "barbecue",
    "car mat",
    "jump leads",
    "dash cam",
    "bike trailer",
    "scooter",
    "roller skates",
    "chess set",
    "dartboard",
    "pool cue",
    "door handle",
    "light bulb",
    "extension lead",
    "doorbell",
    "smoke alarm",
    "safe",
    "bath mat",
    "shower head",
    "laundry basket",
    "bin",
    "mop",
    "bucket",
    "broom",
    "sponges",
    "detergent",
    "vitamins",
    "plasters",
    "thermometer",
    "massage gun",
    "heat pad",
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
