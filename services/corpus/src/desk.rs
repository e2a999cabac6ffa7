//! Turns about everything that is not a product: policies, orders, people, small talk.

mod handoff;
mod off_topic;
mod orders;
mod phrases_handoff;
mod phrases_injection;
mod phrases_more;
mod phrases_orders;
mod phrases_talk;
mod talk;

use mercer_conversation::tools::SearchPolicies;
use mercer_schemas::{
    DocumentId, Evidence, EvidenceRole, Field, Handle, Plan, RecordKey, ToolCall,
};
use rand::{Rng, rngs::StdRng, seq::IndexedRandom};

use crate::browse::{found, plain_call};
use crate::dialogue::{Memory, reply};
use crate::drive::Gold;
use crate::shop::Shop;
use crate::text::{chance, expand, pick, say};
use crate::topics::{PROMOTIONS, TOPICS};

pub(crate) use handoff::handoff;
pub(crate) use orders::{Identity, order};
pub(crate) use talk::chat;

const POLICY_REPLY: &str = "~d1~";
/// Where two passages belong to the question.
const BOTH_REPLY: &str = "~d1~ ~d2~";
const PROMOTION_REPLY: &str = "~m1~";
const NO_POLICY_REPLY: &str =
    "I found nothing about that in our policies. Shall I ask a colleague?";
const ODD_POLICY: &[&str] = &[
    "what is your policy on [d:$v]?",
    "what are the rules {about|for|on} [d:$v]?",
    "what are your terms for [d:$v]?",
    "do you have a policy about [d:$v]?",
    "is there a faq about [d:$v]?",
    "what do your terms say about [d:$v]?",
    "i have a question about your [d:$v policy]",
    "how does your [d:$v programme] work?",
    "where can i read about [d:$v]?",
    "what is the [d:$v fee]?",
    "is there a [d:$v service]?",
    "do you offer [d:$v service]?",
];

/// Puts a sentence that only tells before a question.
pub(crate) fn with_story(rng: &mut StdRng, words: &str) -> String {
    let story = pick(rng, phrases_more::STORIES);
    let story = if chance(rng, 40) {
        story.to_lowercase()
    } else {
        story.to_owned()
    };
    format!("{story}{words}")
}

/// A question that goes on about the policy that was just told.
pub(crate) fn more(rng: &mut StdRng, shop: &Shop<'_>) -> Option<Gold> {
    policy_asked(rng, shop, Some(phrases_more::MORE))
}

/// A question on policies, delivery, offers or the shop itself.
pub(crate) fn policy(rng: &mut StdRng, shop: &Shop<'_>) -> Option<Gold> {
    policy_asked(rng, shop, None)
}

fn policy_asked(rng: &mut StdRng, shop: &Shop<'_>, questions: Option<&[&str]>) -> Option<Gold> {
    let v = shop.vocab.noun(rng);
    let odd = questions.is_none() && chance(rng, 18);
    let promotion = !odd && chance(rng, 18);
    let table = if promotion { PROMOTIONS } else { TOPICS };
    let topic = table.choose(rng)?;
    let template = match questions {
        Some(questions) => pick(rng, questions),
        None if odd => pick(rng, ODD_POLICY),
        None => pick(rng, topic.questions),
    };
    let marked_code = voucher(rng, shop);
    let country = pick(rng, crate::topics::COUNTRIES);
    let said = say(
        rng,
        template,
        &[("v", &v), ("c", country), ("code", &marked_code)],
    );
    let plan = Plan {
        calls: vec![ToolCall::new(&SearchPolicies {
            query: said.span('d')?.into(),
        })],
    };
    let (evidence, text) = if chance(rng, if odd { 45 } else { 9 }) {
        (vec![Evidence::NoPolicy], NO_POLICY_REPLY)
    } else {
        let title = if odd {
            crate::vocab::title(&v)
        } else {
            pick(rng, topic.titles).to_owned()
        };
        let body = pick(rng, topic.texts);
        let mut evidence = vec![passage(
            rng,
            shop,
            promotion,
            &title,
            body,
            &v,
            country,
            &marked_code,
            1,
        )?];
        let mut text = if promotion {
            PROMOTION_REPLY
        } else {
            POLICY_REPLY
        };
        if chance(rng, 40) {
            let same = !promotion && !odd && chance(rng, 35);
            let other = if same { topic } else { TOPICS.choose(rng)? };
            let number = if promotion { 1 } else { 2 };
            let (other_title, other_text) = (pick(rng, other.titles), pick(rng, other.texts));
            if other_text == body {
                return None;
            }
            evidence.push(passage(
                rng,
                shop,
                false,
                other_title,
                other_text,
                &v,
                country,
                &marked_code,
                number,
            )?);
            if !promotion && !odd && std::ptr::eq(other, topic) {
                text = BOTH_REPLY;
            }
        }
        (evidence, text)
    };
    let text = reply(rng, text);
    Some(Gold {
        words: said.words,
        plan,
        evidence,
        identified: false,
        reply: text,
        intent: if promotion { "promotion" } else { "policy" },
    })
}

fn voucher(rng: &mut StdRng, shop: &Shop<'_>) -> String {
    let word = if chance(rng, 50) {
        shop.vocab.word(rng).to_uppercase()
    } else {
        shop.vocab.invented(rng).to_uppercase()
    };
    if chance(rng, 75) {
        format!("{word}{}", rng.random_range(1..10) * 5)
    } else {
        word
    }
}

#[allow(
    clippy::too_many_arguments,
    reason = "one place, all of them slots of a sentence"
)]
fn passage(
    rng: &mut StdRng,
    shop: &Shop<'_>,
    promotion: bool,
    title: &str,
    text: &str,
    v: &str,
    country: &str,
    code: &str,
    number: usize,
) -> Option<Evidence> {
    let id = DocumentId::new(format!("doc-{}", rng.random_range(1..999))).ok()?;
    let key = if promotion {
        RecordKey::Promotion(id)
    } else {
        RecordKey::Document(id)
    };
    let days = [7, 10, 14, 21, 30, 45, 60, 90][rng.random_range(0..8)].to_string();
    let few = rng.random_range(2..9).to_string();
    let percent = [5, 10, 15, 20, 25, 30][rng.random_range(0..6)].to_string();
    let hour = rng.random_range(7..11).to_string();
    let late = rng.random_range(16..22).to_string();
    let (money, more) = (shop.money(rng), shop.money(rng));
    let date = date(rng);
    let slots = [
        ("days", days.as_str()),
        ("few", &few),
        ("pct", &percent),
        ("hour", &hour),
        ("late", &late),
        ("money", &money),
        ("more", &more),
        ("date", &date),
        ("v", v),
        ("c", country),
        ("code", code),
        ("shop", &shop.name),
    ];
    let title = expand(rng, title, &slots);
    let text = expand(rng, text, &slots);
    Some(Evidence::Record {
        handle: Handle::new(&key, number),
        key,
        version: 1,
        role: Some(EvidenceRole::Shown),
        tool: None,
        fields: vec![Field::new("title", title), Field::new("text", text)],
    })
}

fn date(rng: &mut StdRng) -> String {
    let month = pick(
        rng,
        &[
            "January",
            "February",
            "March",
            "April",
            "May",
            "June",
            "July",
            "August",
            "September",
            "October",
            "November",
            "December",
        ],
    );
    format!(
        "{} {month} {}",
        rng.random_range(1..29),
        rng.random_range(2024..2029)
    )
}

/// Two questions in one message.
pub(crate) fn mixed(rng: &mut StdRng, shop: &Shop<'_>, memory: &mut Memory) -> Option<Gold> {
    let noun = shop.vocab.noun(rng);
    let wish = format!("[q:{}]", shop.wish(rng, &noun));
    let topic = TOPICS.choose(rng)?;
    let country = pick(rng, crate::topics::COUNTRIES);
    let question = pick(rng, topic.questions);
    let products = [
        "do you have {a |any |}$q",
        "i'm looking for {a |}$q",
        "how much is {a |the |}$q",
        "i need {a |}$q",
        "show me {your |}$q",
        "do you sell $q",
        "i'd like {a |}$q",
    ];
    let first = pick(rng, &products);
    let policy_first = chance(rng, 25);
    let template = if policy_first {
        format!("{question} {{and|also,|Also|And}} {first}?")
    } else {
        format!("{first}{{ and|? And|, and also|? Also,|. and}} {question}")
    };
    let said = say(
        rng,
        &template,
        &[("q", &wish), ("c", country), ("v", &noun)],
    );
    let search = plain_call(said.span('q')?);
    let policies = ToolCall::new(&SearchPolicies {
        query: said.span('d')?.into(),
    });
    let (mut evidence, items) = found(rng, shop, &noun, &said.span('q')?, false, 8)?;
    let (title, body) = (pick(rng, topic.titles), pick(rng, topic.texts));
    let document = passage(rng, shop, false, title, body, &noun, country, "SAVE", 1)?;
    let product = if items.is_empty() {
        "I could not find that product, sorry."
    } else {
        "We have ~p1.name~ for ~p1.price~."
    };
    let (calls, text) = if policy_first {
        evidence.insert(0, document);
        (vec![policies, search], format!("~d1~ {product}"))
    } else {
        evidence.push(document);
        (vec![search, policies], format!("{product} ~d1~"))
    };
    if !items.is_empty() {
        memory.items = items;
    }
    let text = reply(rng, &text);
    Some(Gold {
        words: said.words,
        plan: Plan { calls },
        evidence,
        identified: false,
        reply: text,
        intent: "mixed",
    })
}
