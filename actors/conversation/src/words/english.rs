//! The English that binds arguments: where a phrase ends, what is an amount of money, what limits a
//! price.

/// Function words that carry no meaning for a search.
pub(crate) const FUNCTION_WORDS: &[&str] = &[
    "a", "an", "the", "i", "im", "i'm", "ive", "i've", "id", "i'd", "me", "my", "we", "us", "our",
    "you", "your", "u", "it", "its", "it's", "this", "that", "these", "those", "is", "are", "am",
    "was", "were", "be", "been", "do", "does", "did", "have", "has", "had", "can", "could",
    "would", "will", "should", "shall", "may", "might", "of", "for", "to", "in", "on", "at", "by",
    "with", "from", "as", "and", "or", "but", "if", "so", "than", "then", "there", "here", "what",
    "which", "who", "whats", "what's", "how", "when", "where", "why", "any", "some", "got", "get",
    "please", "pls", "thanks", "thank", "hi", "hello", "hey", "ok", "okay", "yes", "no", "not",
    "just", "also", "too", "very", "about", "under", "below", "over", "above", "between", "max",
    "min", "up", "less", "more", "show", "find", "looking", "look", "need", "want", "like", "one",
    "ones", "let", "lets", "let's", "tell",
];

/// Words before which a phrase may end, although they may be part of one: "a tent around 90",
/// "what does the tent cost", but also "delivery cost".
pub(crate) const LOOSE_WORDS: &[&str] = &[
    "again",
    "anywhere",
    "around",
    "available",
    "because",
    "before",
    "cos",
    "cost",
    "costing",
    "costs",
    "doesn't",
    "don't",
    "either",
    "exactly",
    "going",
    "he",
    "instead",
    "isn't",
    "left",
    "mate",
    "maybe",
    "now",
    "off",
    "out",
    "plz",
    "price",
    "right",
    "since",
    "still",
    "them",
    "they",
    "though",
    "today",
    "tops",
    "while",
    "within",
    "yet",
    "you've",
];

/// Words that make a number an amount of money.
pub(crate) const CURRENCY_WORDS: &[&str] = &[
    "pound", "pounds", "quid", "pence", "euro", "euros", "dollar", "dollars", "cents", "gbp",
    "eur", "usd", "bucks", "yen",
];

/// Places as customers count them.
pub(crate) const ORDINALS: &[(&str, usize)] = &[
    ("first", 1),
    ("1st", 1),
    ("second", 2),
    ("2nd", 2),
    ("third", 3),
    ("3rd", 3),
    ("fourth", 4),
    ("4th", 4),
    ("fifth", 5),
    ("5th", 5),
];

/// What stands before an amount that is the lowest price although it ends like one of
/// [`MAX_WORDS`]; tried first.
pub(crate) const NOT_BELOW: &[&str] = &[
    "not under",
    "nothing under",
    "not below",
    "not less than",
    "no less than",
];

/// What stands before an amount that is the highest price; tried before [`MIN_WORDS`], since
/// "not more than" ends like "more than".
pub(crate) const MAX_WORDS: &[&str] = &[
    "under",
    "below",
    "less than",
    "less then",
    "cheaper than",
    "cheaper then",
    "up to",
    "at most",
    "max",
    "maximum",
    "no more than",
    "no more then",
    "not more than",
    "no dearer than",
    "not over",
    "nothing over",
    "not above",
    "nothing above",
    "budget of",
    "budget is",
];

/// Those of them that need no word for money: nothing else is limited like this. "Up to 6" may be
/// people.
pub(crate) const MAX_WORDS_OF_MONEY: &[&str] = &[
    "under",
    "below",
    "cheaper than",
    "cheaper then",
    "no dearer than",
    "not over",
    "nothing over",
    "not above",
    "nothing above",
    "budget of",
    "budget is",
];

/// What stands before an amount that is the lowest price.
pub(crate) const MIN_WORDS: &[&str] = &[
    "over",
    "above",
    "more than",
    "at least",
    "minimum",
    "starting at",
];

/// What follows an amount that is the highest price.
pub(crate) const MAX_AFTER: &[&str] = &[
    "or less",
    "or under",
    "or below",
    "or cheaper",
    "max",
    "maximum",
    "tops",
    "at most",
    "at the most",
    "budget",
    "limit",
];

/// What follows an amount that is the lowest price.
pub(crate) const MIN_AFTER: &[&str] = &[
    "or more",
    "or over",
    "or above",
    "and over",
    "and above",
    "and up",
    "upwards",
    "minimum",
];

/// Words beside which a bare number is no price: "trousers under 40, size wise".
pub(crate) const OTHER_MEASURES: &[&str] = &[
    "size",
    "sizes",
    "age",
    "aged",
    "ages",
    "old",
    "child",
    "children",
    "kid",
    "kids",
    "toddler",
    "year",
    "years",
    "people",
    "person",
    "minutes",
    "hours",
    "days",
    "degrees",
    "number",
    "girl",
    "girls",
    "boy",
    "boys",
    "son",
    "sons",
    "daughter",
    "daughters",
    "nephew",
    "niece",
    "grandson",
    "granddaughter",
    "baby",
    "babies",
    "teen",
    "teens",
    "teenager",
    "month",
    "months",
    "sleeps",
];

/// Words that turn a limit round: "I don't want to spend more than £40".
pub(crate) const NEGATIONS: &[&str] = &[
    "not", "never", "no", "nothing", "without", "cannot", "refuse", "avoid", "skip", "exclude",
    "ignore", "leave", "if", "mad",
    "rubbish", // Terms, not products: "free delivery over £50".
    "delivery", "shipping", "postage", "orders",
];

/// What follows an amount that was only named to be turned down: "anything over £40 is out".
pub(crate) const TURNED_DOWN: &[&str] = &[
    "is too",
    "is out",
    "is beyond",
    "are out",
    "and i'm out",
    "i'm out",
    "off",
];

/// Names of notes.
pub(crate) const NOTES: &[(&str, u32)] = &[("fiver", 5), ("tenner", 10)];

pub(crate) const UNITS: &[&str] = &[
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "ten",
    "eleven",
    "twelve",
    "thirteen",
    "fourteen",
    "fifteen",
    "sixteen",
    "seventeen",
    "eighteen",
    "nineteen",
];

pub(crate) const TENS: &[&str] = &[
    "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety",
];

/// Words of a limit that a slip of the finger may hide; shorter ones have too many neighbours.
pub(crate) const LIMIT_WORDS: &[&str] = &[
    "under", "below", "above", "between", "nothing", "cheaper", "maximum", "minimum",
];

/// Words that are one slip away from one of them and mean something else.
pub(crate) const NEIGHBOURS: &[&str] =
    &["bellow", "udder", "undergo", "noting", "abode", "cheaters"];
