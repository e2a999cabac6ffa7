//! Recorded conversations are decided as they were.
//!
//! `fixtures/logs/vN/NAME.jsonl` is a conversation as logic version N decided it, a record a line, and
//! `NAME.end.json` the state at its end. Those of this version are decided again: whatever changes a
//! decision, a list of words included, is seen here and needs a new version. Those of older versions
//! must still be read and fold to the state they had; they never change.
//!
//! After `LOGIC_VERSION` was raised: `MERCER_WRITE_LOGS=1 cargo nextest run -p mercer-conversation -E
//! 'test(golden)'` records the conversations below for it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use mercer_conversation::{LOGIC_VERSION, Phase, State, decide, evolve, invariants};
use mercer_schemas::evidence::field;
use mercer_schemas::{
    Channel, Content, CustomerId, DeliveryStatus, Detail, Event, Evidence, EvidenceRole, Field,
    Handle, Input, LogBody, LogRecord, Money, OrderNumber, OrderStatus, Proof, RecordKey, Sender,
    ShopTerms, Stock, Value,
};

use crate::script::{Script, message, product, received};

/// The first version of which conversations are recorded: a run of the demo by the program as it was.
const FIRST_RECORDED: u32 = 4;

fn folder(version: u32) -> PathBuf {
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures");
    fixtures.join(format!("logs/v{version}"))
}

/// A log with the state at its end, as text.
struct Recorded {
    log: String,
    end: String,
}

fn recorded(version: u32) -> BTreeMap<String, Recorded> {
    let folder = folder(version);
    let read = |name: &str| {
        std::fs::read_to_string(folder.join(name)).unwrap_or_else(|e| panic!("{name}: {e}"))
    };
    let files = std::fs::read_dir(&folder).into_iter().flatten();
    let names = files.filter_map(|file| file.ok()?.file_name().into_string().ok());
    names
        .filter_map(|name| Some(name.strip_suffix(".jsonl")?.to_owned()))
        .map(|name| {
            let log = read(&format!("{name}.jsonl"));
            let end = read(&format!("{name}.end.json"));
            (name, Recorded { log, end })
        })
        .collect()
}

/// Folds a log; where it is of this version, decides again on each input.
fn replay(name: &str, log: &str) -> State {
    let records: Vec<LogRecord> = log
        .lines()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|e| panic!("{name}: {e}: {line}")))
        .collect();
    let mut state = State::default();
    for (at, record) in records.iter().enumerate() {
        match &record.body {
            LogBody::Input { input, meta } if record.logic_version == LOGIC_VERSION => {
                let decided = decide(&state, input, meta);
                let decided =
                    decided.unwrap_or_else(|refusal| panic!("{name}:{}: {refusal}", at + 1));
                let stored = records[at + 1..]
                    .iter()
                    .map_while(|record| match &record.body {
                        LogBody::Event { event } => Some(event),
                        LogBody::Input { .. } => None,
                    });
                let json = |event: &Event| serde_json::to_string(event).expect("json");
                assert_eq!(
                    decided.iter().map(json).collect::<Vec<_>>(),
                    stored.map(json).collect::<Vec<_>>(),
                    "{name}.jsonl:{}: this input is decided in another way now",
                    at + 1
                );
            }
            LogBody::Input { .. } => {}
            LogBody::Event { event } => {
                state = evolve(state, event);
                invariants::check(&state).unwrap_or_else(|e| panic!("{name}:{}: {e}", at + 1));
            }
        }
    }
    state
}

#[test]
fn golden_logs_of_every_version_are_read_and_this_versions_are_decided_again() {
    for version in FIRST_RECORDED..=LOGIC_VERSION {
        let recorded = recorded(version);
        assert!(
            !recorded.is_empty(),
            "no logs of version {version}; see the head of this file"
        );
        for (name, Recorded { log, end }) in recorded {
            let end: State = serde_json::from_str(&end).expect("a state");
            assert!(
                replay(&name, &log) == end,
                "v{version}/{name}: another state"
            );
        }
    }
}

#[test]
fn golden_conversations_are_recorded_for_this_version() {
    let folder = folder(LOGIC_VERSION);
    let known = recorded(LOGIC_VERSION);
    for (name, play) in CONVERSATIONS {
        let mut script = Script::default();
        play(&mut script);
        let log: String = script
            .records
            .iter()
            .map(|record| serde_json::to_string(record).expect("json") + "\n")
            .collect();
        if std::env::var_os("MERCER_WRITE_LOGS").is_some() {
            let end = serde_json::to_string(&script.state).expect("json") + "\n";
            std::fs::create_dir_all(&folder).expect("a folder");
            std::fs::write(folder.join(format!("{name}.jsonl")), log).expect("written");
            std::fs::write(folder.join(format!("{name}.end.json")), end).expect("written");
            continue;
        }
        let same = known.get(*name).is_some_and(|known| known.log == log);
        assert!(
            same,
            "{name} is not recorded as it is played; see the head of this file"
        );
    }
}

/// How a conversation goes.
type Course = fn(&mut Script);

/// What is recorded.
const CONVERSATIONS: &[(&str, Course)] = &[
    ("search", search),
    ("rounds", rounds),
    ("order", order),
    ("handoff", handoff),
    ("merge", merge),
    ("person", person),
    ("quarantine", quarantine),
    ("blocked", blocked),
    ("failed", failed),
    ("words", words),
    ("lists", lists),
    ("typed", typed),
    ("identity", identity),
    ("looked_up", looked_up),
];

/// Words at which a search phrase ends, as version 5 knew them, and a few at which none does.
const ENDING: &str = "a an the i im i'm ive i've id i'd me my we us our you your u it its it's this that these \
    those is are am was were be been do does did have has had can could would will should \
    shall may might of for to in on at by with from as and or but if so than then there here \
    what which who whats what's how when where why any some got get please pls thanks thank hi \
    hello hey ok okay yes no not just also too very about under below over above between max \
    min up less more show find looking look need want like one ones let lets let's tell again \
    anywhere around available because before cos cost costing costs doesn't don't either \
    exactly going he instead isn't left mate maybe now off out plz price right since still \
    them they though today tops while within yet you've \
    red with-out outside waterproof seventy";
/// Numbers in words, smallest first.
const NUMBERS: &[(&str, &str)] = &[
    ("one", "two"),
    ("three", "four"),
    ("a fiver", "six"),
    ("seven", "eight"),
    ("nine", "a tenner"),
    ("ten", "eleven"),
    ("twelve", "thirteen"),
    ("fourteen", "fifteen"),
    ("sixteen", "seventeen"),
    ("eighteen", "nineteen"),
    ("twenty", "thirty"),
    ("forty", "fifty"),
    ("sixty", "seventy"),
    ("eighty", "ninety"),
    ("a hundred", "two hundred and five"),
];
/// What they come to.
const IN_FIGURES: &[(u32, u32)] = &[
    (1, 2),
    (3, 4),
    (5, 6),
    (7, 8),
    (9, 10),
    (10, 11),
    (12, 13),
    (14, 15),
    (16, 17),
    (18, 19),
    (20, 30),
    (40, 50),
    (60, 70),
    (80, 90),
    (100, 205),
];

fn kettles() -> Vec<Evidence> {
    vec![
        Evidence::Found {
            products: 2,
            corrected: None,
            total: None,
        },
        product(1, "Arden Kettle"),
        product(2, "Velora Kettle"),
    ]
}

fn answer(script: &mut Script, plan: &str, evidence: Vec<Evidence>) {
    script.plan(plan);
    if !plan.contains("[]") {
        script.find(evidence);
    }
    script.write("So it is.");
    script.check(Some("So it is."));
}

fn search(script: &mut Script) {
    script.says("a red kettle under £1,200 please");
    let plan = r#"{"calls":[{"tool":"search_catalog","query":"red kettle","max_price":"1200"}]}"#;
    answer(script, plan, kettles());
    let sent = script.state.deliveries.messages().next().cloned();
    for status in [
        DeliveryStatus::Sent,
        DeliveryStatus::Read,
        DeliveryStatus::Failed,
    ] {
        let message = sent.clone().expect("a message");
        script.take(Input::DeliveryReported { message, status });
    }
    script.says("how heavy is the second one?");
    let plan = r#"{"calls":[{"tool":"product_details","products":["p2"],"about":["heavy"]}]}"#;
    answer(script, plan, vec![product(2, "Velora Kettle")]);
    script.says("and what is your returns policy?");
    let plan = r#"{"calls":[{"tool":"search_policies","query":"returns policy"}]}"#;
    answer(script, plan, vec![Evidence::NoPolicy]);
    script.says("thanks!");
    answer(script, r#"{"calls":[]}"#, vec![]);
}

fn order(script: &mut Script) {
    script.says("where is my order HB-70417?");
    let plan = r#"{"calls":[{"tool":"order_status","order":"HB-70417"}]}"#;
    answer(script, plan, vec![Evidence::IdentityNeeded]);
    script.says("ann@example.com, BS1 4DJ");
    script.plan(plan);
    let key = RecordKey::Order(OrderNumber::new("HB-70417").expect("number"));
    let effect = script.effect();
    script.take(Input::ToolsAnswered {
        effect,
        evidence: vec![Evidence::Record {
            handle: Handle::new(&key, 1),
            key,
            version: 2,
            role: None,
            tool: None,
            fields: vec![
                Field::new("number", "HB-70417"),
                Field::new("status", "shipped"),
            ],
        }],
        identified: Some(CustomerId::new("C-1").expect("id")),
        proof: Some(Proof {
            stamp: Some("0a1b".into()),
            ..Proof::default()
        }),
    });
    script.fail();
    script.check(Some("Your order HB-70417: shipped."));
}

/// Turns of several rounds: to the reply, to calls made before, to the last round, and to a failure.
fn rounds(script: &mut Script) {
    let search = r#"{"calls":[{"tool":"search_catalog","query":"kettle"}]}"#;
    let details =
        |n: usize| format!(r#"{{"calls":[{{"tool":"product_details","products":["p{n}"]}}]}}"#);
    script.says("a kettle, which is lighter?");
    script.plan(search);
    script.find(kettles());
    script.plan(&details(1));
    script.find(vec![product(1, "Arden Kettle")]);
    answer(script, &details(2), vec![product(2, "Velora Kettle")]);
    script.says("a kettle");
    script.plan(search);
    script.find(kettles());
    script.plan(search);
    script.write("So it is.");
    script.check(Some("So it is."));
    script.says("the first kettle, returns, a person");
    for plan in [
        search.to_owned(),
        details(1),
        r#"{"calls":[{"tool":"search_policies","query":"returns"}]}"#.to_owned(),
    ] {
        script.plan(&plan);
        script.find(vec![product(1, "Arden Kettle")]);
    }
    let person = r#"{"calls":[{"tool":"handoff","reason":"asked"}]}"#;
    answer(script, person, vec![Evidence::HandedOver]);
    script.hand_back();
    script.says("a kettle");
    script.plan(search);
    script.find(kettles());
    script.plan(&details(2));
    script.fail();
    script.check(Some("Arden Kettle: £45.99, in stock."));
    script.says("a kettle");
    script.plan(search);
    script.find(kettles());
    script.plan(r#"{"calls":[{"tool":"no tool"}]}"#);
    script.fail();
    script.check(None);
}

/// Values have types, records say why they are there and who found them, and an outcome is told.
fn typed(script: &mut Script) {
    script.locale = "de-DE";
    script.introduction = Some("You are chatting with an assistant.");
    let price = Money {
        minor: 123_499,
        currency: "EUR".parse().expect("currency"),
    };
    let record = |key: &str, role, tool: &str, fields| {
        let key: RecordKey = key.parse().expect("key");
        Evidence::Record {
            handle: Handle::new(&key, 1),
            key,
            version: 4,
            role: Some(role),
            tool: Some(tool.to_owned()),
            fields,
        }
    };
    let name = || Field::new(field::NAME, "Arden Kettle");
    let stock = |stock| Field::new(field::STOCK, Value::Stock(stock));
    let found = vec![
        Evidence::Found {
            products: 1,
            corrected: Some(("ketle".into(), "kettle".to_owned())),
            total: None,
        },
        record(
            "product:K-1",
            EvidenceRole::Shown,
            "search_catalog",
            vec![
                name(),
                Field::new(field::PRICE, Value::MoneyFrom(price)),
                stock(Stock::Some),
                Field::new("colour", Value::List(vec!["red".into(), "blue".into()])),
            ],
        ),
        record(
            "variant:K-1-RED",
            EvidenceRole::Chosen,
            "search_catalog",
            vec![
                name(),
                Field::new(field::PRICE, Value::Money(price)),
                stock(Stock::Units(3)),
            ],
        ),
    ];
    script.says("K-1 in red, the ketle");
    let plan = r#"{"calls":[{"tool":"search_catalog","query":"red"}]}"#;
    answer(script, plan, found);
    script.says("how heavy is it, and when does HB-70417 come?");
    let plan = r#"{"calls":[{"tool":"product_details","products":["p1"]},{"tool":"order_status","order":"HB-70417"}]}"#;
    let told = vec![
        record(
            "product:K-1",
            EvidenceRole::Asked,
            "product_details",
            vec![Field::new("weight", "1,2 kg")],
        ),
        record(
            "order:HB-70417",
            EvidenceRole::Shown,
            "order_status",
            vec![
                Field::new(field::NUMBER, "HB-70417"),
                Field::new(field::STATUS, Value::Status(OrderStatus::Shipped)),
                Field::new(field::ETA, Value::Date("2026-12-01".into())),
            ],
        ),
        Evidence::Outcome {
            tool: "gift_wrap".into(),
            outcome: "offered".into(),
        },
    ];
    script.plan(plan);
    script.find(told);
    script.fail();
    script.check(Some("weight: 1,2 kg."));
    // A history of typed values, until it is compacted.
    for _ in 0..24 {
        script.says("a kettle");
        let plan = r#"{"calls":[{"tool":"search_catalog","query":"kettle"}]}"#;
        let priced = record(
            "product:K-1",
            EvidenceRole::Shown,
            "search_catalog",
            vec![name(), Field::new(field::PRICE, Value::Money(price))],
        );
        answer(script, plan, vec![priced]);
    }
}

/// Wrong proofs, a right one, and the end of what was proven.
fn identity(script: &mut Script) {
    let plan = r#"{"calls":[{"tool":"order_status","order":"HB-70417"}]}"#;
    let tried = |script: &mut Script, words: &str, evidence, identified: bool, proof| {
        script.says(words);
        script.plan(plan);
        let effect = script.effect();
        script.take(Input::ToolsAnswered {
            effect,
            evidence: vec![evidence],
            identified: identified.then(|| CustomerId::new("C-1").expect("id")),
            proof: Some(proof),
        });
        script.write("So it is.");
        script.check(Some("So it is."));
    };
    let given = || {
        vec![Detail {
            key: "ann@example.com".into(),
            fits: true,
        }]
    };
    let wrong = || Proof {
        wrong: true,
        given: given(),
        ..Proof::default()
    };
    let proven = |ended| Proof {
        stamp: Some("0a1b".into()),
        ended,
        ..Proof::default()
    };
    let not_found = || Evidence::OrderNotFound;
    tried(
        script,
        "HB-70417 ann@example.com BS1",
        not_found(),
        false,
        wrong(),
    );
    tried(
        script,
        "HB-70417 ann@example.com BS2",
        not_found(),
        false,
        wrong(),
    );
    let right = Evidence::NoPolicy;
    tried(
        script,
        "HB-70417 ann@example.com BS3",
        right,
        true,
        proven(false),
    );
    // The record's contact data changed meanwhile.
    tried(
        script,
        "and HB-70417 now?",
        not_found(),
        false,
        proven(true),
    );
    tried(
        script,
        "HB-70417 ann@example.com BS4",
        Evidence::HandedOver,
        false,
        wrong(),
    );
    script.hand_back();
    script.says("HB-70417?");
    script.plan(plan);
    // Another address: what was known of who writes ends.
    let mut elsewhere = received(vec![message(95, "it is me")]);
    if let Input::ReceiveMessages { address, .. } = &mut elsewhere {
        *address = "447700900002".into();
    }
    script.take(elsewhere);
}

fn handoff(script: &mut Script) {
    script.says("can I talk to a person please");
    let plan = r#"{"calls":[{"tool":"handoff","reason":"asked"}]}"#;
    answer(script, plan, vec![Evidence::HandedOver]);
    script.says("hello?");
}

fn merge(script: &mut Script) {
    script.says("a kettle");
    script.says("a red one");
    script.plan(r#"{"calls":[{"tool":"search_catalog","query":"red one"}]}"#);
    script.says("under fifty quid");
    let plan = r#"{"calls":[{"tool":"search_catalog","query":"kettle","max_price":"50"}]}"#;
    script.plan(plan);
    script.find(kettles());
    script.says(&"and a very long story ".repeat(400));
    script.says("are you there");
    answer(script, plan, kettles());
    script.take(received(vec![message(90, "hello"), message(91, "a tent")]));
    for number in 0..40 {
        script.says(&format!("{number}"));
    }
    answer(script, r#"{"calls":[]}"#, vec![]);
}

fn person(script: &mut Script) {
    script.says("a kettle");
    script.take_over();
    script.says("anyone?");
    script.answer("Hi, Ann here.");
    script.answer("What is it?");
    for _ in 0..6 {
        script.says(&"It is a long story. ".repeat(40));
    }
    script.hand_back();
    script.says("a kettle then");
    answer(script, r#"{"calls":[]}"#, vec![]);
}

fn quarantine(script: &mut Script) {
    let aside = || Input::Quarantine {
        inbox_ids: vec![7],
        from: Some(Sender {
            channel: Channel::Whatsapp,
            address: "447700900001".into(),
        }),
        by_person: false,
    };
    script.take(aside());
    script.take(aside());
    script.hand_back();
    script.says("a kettle");
    script.take(aside());
    script.hand_back();
    let mut picture = message(80, "");
    picture.content = Content::Unsupported {
        kind_name: "image".into(),
        quiet: false,
    };
    script.take(received(vec![picture]));
}

fn blocked(script: &mut Script) {
    script.says("a kettle");
    script.plan(r#"{"calls":[{"tool":"no tool"}]}"#);
    script.find(kettles());
    script.write("It is free!");
    script.check(None);
    script.write("It is guaranteed!");
    script.check(None);
    script.check(None);
}

fn failed(script: &mut Script) {
    for _ in 0..2 {
        script.says("a kettle");
        for _ in 0..2 {
            script.fail();
        }
    }
    script.hand_back();
    script.says("a kettle");
    script.plan(r#"{"calls":[{"tool":"search_catalog","query":"kettle"}]}"#);
    script.find(kettles());
    script.write("{{p1.name}}");
    script.fail();
    script.fail();
}

/// A model that chooses from the shop's names: every turn begins with a look-up, whatever becomes of it.
fn looked_up(script: &mut Script) {
    script.terms = Some(ShopTerms {
        categories: vec!["Kitchen > Kettles".into()],
        ..ShopTerms::default()
    });
    script.says("a kettle");
    script.says("a red one");
    script.find(kettles());
    script.write("{{p1.name}} and {{p2.name}}.");
    script.check(Some("Kettle and kettle."));
    // The stores cannot be read.
    script.says("how heavy are they");
    script.fail();
    // Small talk in between is no sign that they can be; then they cannot be read later on, and a person is called.
    script.says("thanks");
    script.find(vec![]);
    script.write("You're welcome.");
    script.check(Some("You're welcome."));
    script.says("how heavy are they now");
    script.find(kettles());
    script.plan(r#"{"calls":[{"tool":"product_details","products":["p1"]}]}"#);
    script.fail();
    assert!(script.state.phase == Phase::WithPerson);
    script.hand_back();
    // A draft is blocked twice, and then what it referred to is told.
    script.says("are they cheap");
    script.find(kettles());
    for _ in 0..2 {
        script.write("{{p2.name}} is free.");
        script.check(None);
    }
    script.check(Some("Kettle."));
    // Nothing is written.
    script.says("hello?");
    script.find(kettles());
    script.fail();
    script.check(Some("Kettle."));
    script.says("a person please");
    script.find(vec![]);
    script.plan(r#"{"calls":[{"tool":"handoff","reason":"asked"}]}"#);
    script.find(vec![Evidence::HandedOver]);
    script.write("A colleague will answer you.");
    script.check(Some("A colleague will answer you."));
    script.hand_back();
    script.says("a kettle");
}

/// Plans that a word list admits or does not: a change of a list changes one of these decisions.
fn words(script: &mut Script) {
    script.says("kettles and tents");
    let shown = r#"{"calls":[{"tool":"search_catalog","query":"kettles"}]}"#;
    answer(script, shown, kettles());
    let query =
        |query: &str| format!(r#"{{"calls":[{{"tool":"search_catalog","query":"{query}"}}]}}"#);
    let limit = |query: &str, min: &str, max: &str| {
        format!(
            r#"{{"calls":[{{"tool":"search_catalog","query":"{query}","min_price":"{min}","max_price":"{max}"}}]}}"#
        )
    };
    let details = |handle: &str| {
        format!(r#"{{"calls":[{{"tool":"product_details","products":["{handle}"]}}]}}"#)
    };
    let order =
        |number: &str| format!(r#"{{"calls":[{{"tool":"order_status","order":"{number}"}}]}}"#);
    for (said, plan) in [
        (
            "do you have a red kettle for the office?",
            query("red kettle"),
        ),
        ("do you have a red kettle for the office?", query("red")),
        (
            "do you have a red kettle for the office?",
            query("kettle for"),
        ),
        (
            "what does the ridge tent cost around here",
            query("ridge tent"),
        ),
        (
            "what does the ridge tent cost around here",
            query("ridge tent cost around"),
        ),
        (
            "electric kettle mate, still available?",
            query("electric kettle"),
        ),
        (
            "a bench between a fiver and two hundred and fifty euros",
            limit("bench", "5", "250"),
        ),
        (
            "a bench between a fiver and two hundred and fifty euros",
            limit("bench", "5", "200"),
        ),
        (
            "between £1,000 and 1.499,99 €",
            limit("1.499,99", "1000", "1499.99"),
        ),
        ("is the velora loud?", details("p2")),
        ("is the velora loud?", details("p1")),
        ("not the velora, the other one", details("p1")),
        ("the 1st one please", details("p1")),
        ("the first time I ask", details("p2")),
        ("what about 70417", order("70417")),
        ("what about 704", order("704")),
        (
            "{{p1.price}} to a person",
            r#"{"calls":[{"tool":"handoff","reason":"asked"}]}"#.to_owned(),
        ),
    ] {
        script.says(said);
        script.plan(&plan);
        script.take_over();
        script.hand_back();
    }
}

/// A plan for each word of a list: whether it is admitted tells whether the word is on it.
fn lists(script: &mut Script) {
    let mut decide = |said: String, plan: String| {
        script.says(&said);
        script.plan(&plan);
        script.take_over();
        script.hand_back();
    };
    let words: Vec<&str> = ENDING.split_whitespace().collect();
    for pair in words.chunks(2) {
        let (first, second) = (pair[0], pair[pair.len() - 1]);
        decide(
            format!("zebra {first} quagga. yak {second} okapi."),
            r#"{"calls":[{"tool":"search_catalog","query":"zebra"},{"tool":"search_policies","query":"yak"}]}"#.to_owned(),
        );
    }
    for ((low, high), (min, max)) in NUMBERS.iter().zip(IN_FIGURES) {
        decide(
            format!("a mug from {low} pounds to {high} pounds"),
            format!(
                r#"{{"calls":[{{"tool":"search_catalog","query":"mug","min_price":"{min}","max_price":"{max}"}}]}}"#
            ),
        );
    }
}
