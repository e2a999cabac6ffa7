//! What shops write about themselves, and how customers ask for it.

wordings!("topics": care, delivery, extras, guarantee, parcels, payment, places, prices, promotions, remedies, returns, shop, sizes);

/// A subject of a policy, FAQ entry or promotion.
#[derive(Clone, Copy)]
pub(crate) struct Topic {
    pub(crate) titles: &'static [&'static str],
    /// Questions; the span under `d` is what is searched for. It runs to the next function word or
    /// clause end, as the candidates of `spans::phrases` do.
    pub(crate) questions: &'static [&'static str],
    pub(crate) texts: &'static [&'static str],
}

/// Places to deliver to.
pub(crate) const COUNTRIES: &[&str] = &[
    "France",
    "the Republic of Ireland",
    "Northern Ireland",
    "New Zealand",
    "Australia",
    "the Netherlands",
    "Switzerland",
    "Ireland",
    "the Isle of Man",
    "the Channel Islands",
    "Spain",
    "Norway",
    "Japan",
    "Canada",
    "Poland",
    "Italy",
    "Germany",
    "Malta",
    "Iceland",
    "Greece",
    "the USA",
    "Belgium",
    "Sweden",
    "Austria",
    "Brazil",
    "Chile",
    "Kenya",
    "Scotland",
    "Wales",
    "Cyprus",
    "Denmark",
    "Finland",
    "Hungary",
    "India",
    "Latvia",
    "Mexico",
    "Portugal",
    "Turkey",
    "Jersey",
];

const PARTS: &[&[Topic]] = &[
    returns::TOPICS,
    remedies::TOPICS,
    delivery::TOPICS,
    places::TOPICS,
    parcels::TOPICS,
    payment::TOPICS,
    prices::TOPICS,
    guarantee::TOPICS,
    sizes::TOPICS,
    care::TOPICS,
    shop::TOPICS,
    extras::TOPICS,
];
const COUNT: usize = {
    let (mut count, mut at) = (0, 0);
    while at < PARTS.len() {
        count += PARTS[at].len();
        at += 1;
    }
    count
};

const fn joined() -> [Topic; COUNT] {
    let mut all = [PARTS[0][0]; COUNT];
    let (mut part, mut at, mut to) = (0, 0, 0);
    while part < PARTS.len() {
        if at < PARTS[part].len() {
            all[to] = PARTS[part][at];
            to += 1;
            at += 1;
        } else {
            part += 1;
            at = 0;
        }
    }
    all
}

/// Policies and frequent questions.
pub(crate) static TOPICS: &[Topic] = &joined();

/// Offers for a time.
pub(crate) static PROMOTIONS: &[Topic] = promotions::TOPICS;
