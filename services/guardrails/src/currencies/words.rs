//! Words for money that ISO 4217 does not have, and words that are money only sometimes.

/// Words for money that no list of currencies has, in European languages and common elsewhere, and
/// forms that a common ending does not make.
pub(super) const EVERYDAY: &[&str] = &[
    "quid",
    "smackers",
    "buck",
    "bucks",
    "greenbacks",
    "pence",
    "penny",
    "pennies",
    "cent",
    "cents",
    "centime",
    "centimes",
    "cts",
    "aurar",
    "grosz",
    "groszy",
    "grosze",
    "centavo",
    "centavos",
    "centesimi",
    "centimo",
    "centimos",
    "paise",
    "kopeck",
    "kopecks",
    "kopek",
    "kopeks",
    "haleru",
    "stotinki",
    "kuai",
    "rmb",
    "renminbi",
    "bitcoin",
    "bitcoins",
    "btc",
    "satoshis",
    "usdt",
    "euron",
    "euroa",
    "eurot",
    "eurow",
    "evro",
    "evra",
    "evri",
    "dolares",
    "dolar",
    "dolari",
    "dolarow",
    "dolary",
    "dollari",
    "dollaria",
    "livre",
    "livres",
    "pfund",
    "sterline",
    "punten",
    "franken",
    "frankow",
    "leva",
    "lire",
    "reais",
    "reales",
    "roubles",
    "rouble",
    "rubel",
    "zlotowek",
    "евро",
    "доллар",
    "долларов",
    "лв",
    "лева",
    "левов",
    "руб",
    "рубль",
    "рубля",
    "рублеи",
    "рубли",
    "грн",
    "гривня",
    "гривень",
    "гривна",
    "гривен",
    "денара",
    "динара",
    "ευρω",
    "λιρες",
    "δολαρια",
    "元",
    "块",
    "圆",
    "圓",
    "円",
    "원",
    "บาท",
    "रुपये",
];
/// Short forms that mean money only right beside a number, without accents.
pub(super) const SHORT: &[&str] = &[
    "kr", "skr", "nkr", "dkr", "rs", "zl", "kc", "kn", "lv", "tl", "hrn", "fr", "sfr", "bob", "dh",
    "dhs",
];
/// Short forms that are other words unless they are written like this.
pub(super) const SHORT_EXACT: &[&str] = &["Ft", "R"];
/// Symbols of ISO 4217 that are units or words as well: kilometres, feet, decibels.
pub(super) const NO_SYMBOLS: &[&str] = &[
    "ar", "br", "db", "ft", "km", "le", "ll", "ls", "mt", "nu", "um", "esc", "vt",
];
/// Codes that are English words or names: money in capitals only.
pub(super) const WORDS_TOO: &[&str] = &[
    "all", "bam", "bob", "che", "cop", "cup", "gel", "mad", "mop", "pen", "rub", "sos", "top",
    "try",
];
/// Names of currencies that are other words as well, each also with -s: money only behind a number.
pub(super) const NAMES_TOO: &[&str] = &[
    "colon", "crown", "dram", "fen", "frank", "haler", "kip", "lei", "libra", "mark", "nicker",
    "ore", "pula", "punt", "real", "sol", "som", "squid", "sterling", "won",
];
/// Words in the names of ISO 4217 that do not say what is counted: "Israeli new shekel".
pub(super) const NO_NAMES: &[&str] = &["and", "convertible", "new"];
/// Endings of the longer names in European languages, in place of a vowel at the end.
pub(super) const ENDINGS: &[&str] = &[
    "", "a", "ach", "ami", "an", "ar", "as", "ch", "e", "ech", "ei", "em", "en", "er", "es", "ey",
    "i", "ia", "ie", "ii", "in", "is", "n", "na", "ne", "o", "om", "on", "or", "os", "ov", "ow",
    "r", "s", "t", "ta", "u", "ur", "y", "ych", "ym", "ys",
];
/// Words that look like a form of a name.
pub(super) const FORMS_TOO: &[&str] = &[
    "afghan", "afghans", "balbo", "denary", "dobro", "florine", "france", "frances", "francis",
    "franco", "gourd", "gourds", "kronos", "leon", "leona", "leonor", "nair", "nairn", "pounder",
];
