//! The rules against claims made up by the hundred, and against honest replies.
//!
//! `claims/*.txt` hold one reply a line; lines with `#` are comments.

use std::collections::BTreeSet;
use std::path::Path;

use mercer_guardrails::{RULES, ReplyPolicy, check, check_with};
use mercer_schemas::{DocumentId, Evidence, Field, Handle, OrderNumber, ProductId, RecordKey};
use proptest::prelude::*;

mod shouting;

fn record(key: RecordKey, number: usize, fields: &[(&str, &str)]) -> Evidence {
    Evidence::Record {
        handle: Handle::new(&key, number),
        key,
        version: 1,
        role: None,
        fields: fields
            .iter()
            .map(|(name, value)| Field::new(name, *value))
            .collect(),
    }
}

fn product(number: usize, name: &str, stock: &str) -> Evidence {
    let key = RecordKey::Product(ProductId::new(format!("K-{number}")).expect("key"));
    let fields = [
        ("name", name),
        ("price", "£45.99"),
        ("stock", stock),
        ("capacity", "1.7 l"),
    ];
    record(key, number, &fields)
}

fn returns() -> Evidence {
    let key = RecordKey::Document(DocumentId::new("returns").expect("key"));
    let text = "Send it back within 30 days; return postage is free.";
    record(key, 1, &[("title", "Returns"), ("text", text)])
}

/// All that the honest replies speak of.
fn everything() -> Vec<Evidence> {
    let order = RecordKey::Order(OrderNumber::new("HB-70417").expect("key"));
    let fields = [
        ("number", "HB-70417"),
        ("status", "shipped"),
        ("carrier", "Example Post"),
        ("eta", "5 October 2026"),
    ];
    vec![
        product(1, "Arden Kettle", "in stock"),
        product(2, "Copper Kettle", "out of stock"),
        returns(),
        record(order, 1, &fields),
    ]
}

fn broken(text: &str, evidence: &[Evidence], words: &str) -> Vec<String> {
    let policy = ReplyPolicy {
        link_hosts: vec!["shop.example".into()],
        names: BTreeSet::from(["arden".into(), "velora".into()]),
    };
    check(text, evidence, words, &policy)
        .into_iter()
        .filter(|verdict| !verdict.passed)
        .map(|verdict| verdict.rule)
        .collect()
}

fn lines(name: &str) -> Vec<String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/rules/claims")
        .join(name);
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{name}: {error}"));
    let lines: Vec<String> = text
        .lines()
        .filter(|line| !line.trim().is_empty() && !line.starts_with('#'))
        .map(str::to_owned)
        .collect();
    assert!(!lines.is_empty(), "{name} is empty");
    lines
}

/// The claims of a file that pass all rules.
fn passed(name: &str, evidence: &[Evidence]) -> Vec<String> {
    let mut passed = lines(name);
    passed.retain(|line| broken(line, evidence, "what about this kettle?").is_empty());
    passed
}

#[test]
fn three_hundred_claims_of_stock_price_and_delivery_are_blocked() {
    let sold_out = [product(1, "Arden Kettle", "out of stock")];
    let files = ["stock.txt", "price.txt", "delivery.txt"];
    let let_pass: Vec<String> = files
        .iter()
        .flat_map(|name| passed(name, &sold_out))
        .collect();
    assert!(let_pass.is_empty(), "{let_pass:#?}");
    let all: usize = files.iter().map(|name| lines(name).len()).sum();
    assert!(all >= 300, "{all}");
}

#[test]
fn honest_replies_pass() {
    let evidence = everything();
    let blocked: Vec<(String, Vec<String>)> = lines("honest.txt")
        .into_iter()
        .map(|line| {
            let rules = broken(
                &line,
                &evidence,
                "do you deliver the 2 litre one by Friday?",
            );
            (line, rules)
        })
        .filter(|(_, rules)| !rules.is_empty())
        .collect();
    assert!(blocked.is_empty(), "{blocked:#?}");
}

#[test]
fn a_claim_is_blocked_by_the_rule_meant_for_it() {
    let evidence = [
        product(2, "Copper Kettle", "out of stock"),
        product(1, "Arden Kettle", "in stock"),
        returns(),
    ];
    for (text, rule) in [
        ("", "empty_or_too_long"),
        ("It is {{p3.price}}.", "unknown_reference"),
        ("It is {p1.price}.", "broken_reference"),
        ("You have 60 days.", "number_not_in_evidence"),
        ("You have ٣٠ days.", "number_not_in_evidence"),
        ("Yours for £45.99!", "money_in_words"),
        ("Yours for 2 quid.", "money_in_words"),
        ("Yours for 2 SEK.", "money_in_words"),
        ("Yours for a tenner.", "money_in_words"),
        ("Two grand, then.", "money_in_words"),
        ("Yours for ₹2.", "money_in_words"),
        ("Delivery takes two days.", "number_word_without_source"),
        (
            "Delivery takes sixteen working days.",
            "number_word_without_source",
        ),
        ("It lasts seventy hours.", "number_word_without_source"),
        ("By the fifth of May.", "number_word_without_source"),
        ("It holds sev\u{ad}en litres.", "number_word_without_source"),
        ("It costs 2.", "price_in_figures"),
        ("It costs five.", "price_in_figures"),
        (
            "I cannot give a discount. Your discount is applied.",
            "commitment_without_source",
        ),
        ("No problem, you get a refund.", "commitment_without_source"),
        ("We guarantee it.", "commitment_without_source"),
        ("It is a bargain for {{p1.price}}.", "price_without_source"),
        ("It is sold out.", "stock_without_source"),
        ("{{p2.name}} is in stock.", "stock_without_source"),
        ("{{p2.name}} is available.", "stock_without_source"),
        ("{{p1.name}} is not available.", "stock_without_source"),
        ("Both are in stock.", "stock_without_source"),
        ("{{d1}} The kettle is in stock.", "stock_without_source"),
        ("It comes in a fortnight.", "delivery_without_source"),
        ("{{p1.name}} is here tomorrow.", "delivery_without_source"),
        ("Yes, 2 years.", "number_not_in_evidence"),
        ("See https://evil.example/x", "link_not_allowed"),
        ("The Velora is better.", "name_not_in_evidence"),
    ] {
        let rules = broken(text, &evidence, "is the arden 2 litre kettle good?");
        assert!(rules.contains(&rule.to_owned()), "{text}: {rules:?}");
    }
}

#[test]
fn what_the_evidence_says_may_be_said() {
    let delivery = RecordKey::Document(DocumentId::new("delivery").expect("key"));
    let text = "We deliver to Ireland within three working days, by Friday if you order on Monday. Delivery costs nothing.";
    let evidence = [
        product(1, "Arden Kettle", "in stock"),
        record(delivery, 1, &[("title", "Delivery"), ("text", text)]),
    ];
    for honest in [
        "We deliver to Ireland.",
        "Delivery to Ireland is within three working days.",
        "We deliver by Friday.",
        "Delivery costs nothing.",
        "It is in stock.",
        "It's available.",
    ] {
        let rules = broken(honest, &evidence, "do you deliver to Ireland?");
        assert_eq!(rules, Vec::<String>::new(), "{honest}");
    }
    for claim in [
        "We deliver to France.",
        "We deliver by Saturday.",
        "Delivery is within four working days.",
        "It is not available.",
    ] {
        assert!(!broken(claim, &evidence, "").is_empty(), "{claim}");
    }
}

/// Writes numbers as English does.
fn in_words(n: u32) -> String {
    const SMALL: [&str; 20] = [
        "zero",
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
    const TENS: [&str; 10] = [
        "", "", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety",
    ];
    let joined = |head: String, rest: u32, joint: &str| match rest {
        0 => head,
        rest => format!("{head}{joint}{}", in_words(rest)),
    };
    match n {
        0..20 => SMALL[n as usize].to_owned(),
        20..100 => joined(TENS[(n / 10) as usize].to_owned(), n % 10, "-"),
        100..1_000 => joined(format!("{} hundred", in_words(n / 100)), n % 100, " and "),
        1_000..1_000_000 => {
            let joint = if n % 1_000 < 100 { " and " } else { " " };
            joined(
                format!("{} thousand", in_words(n / 1_000)),
                n % 1_000,
                joint,
            )
        }
        _ => joined(
            format!("{} million", in_words(n / 1_000_000)),
            n % 1_000_000,
            " ",
        ),
    }
}

/// Steps through the numbers to a million: all small ones, then every 307th.
fn numbers() -> impl Iterator<Item = u32> {
    (0..2_000)
        .chain((2_000..1_000_000).step_by(307))
        .chain([1_000_000])
}

#[test]
fn every_number_in_words_needs_its_source() {
    let number_word = RULES
        .iter()
        .filter(|rule| rule.name == "number_word_without_source")
        .copied()
        .collect::<Vec<_>>();
    let policy = ReplyPolicy::default();
    let holds = |text: &str, evidence: &[Evidence]| {
        check_with(&number_word, text, evidence, "", &policy)[0].passed
    };
    for n in numbers() {
        let words = in_words(n);
        let claim = format!("You have {words} days.");
        assert!(!holds(&claim, &[]), "{claim}");
        let key = RecordKey::Document(DocumentId::new("returns").expect("key"));
        let evidence = [record(key, 1, &[("text", &format!("You have {n} days."))])];
        assert!(holds(&claim, &evidence), "{claim}");
        let other = in_words(n + 1);
        assert!(
            !holds(&format!("You have {other} days."), &evidence),
            "{other}"
        );
    }
}

#[test]
fn no_price_is_said_in_words() {
    let evidence = everything();
    for n in numbers().step_by(7) {
        let words = in_words(n);
        for claim in [
            format!("It costs {words}."),
            format!("It is {words} pounds."),
            format!("Yours for {words}!"),
            format!("{words} quid."),
        ] {
            assert!(!broken(&claim, &evidence, "").is_empty(), "{claim}");
        }
    }
}

#[test]
fn tricks_with_addresses_are_seen() {
    for trick in [
        "https://evil.example/x",
        "http://evil.example",
        "HTTPS://EVIL.EXAMPLE",
        "https://shop.example.evil.example",
        "https://shop.example:x@evil.example/",
        "https://shop.example@evil.example/",
        "https://user:secret@shop.example/",
        "https://shop.example:8443/",
        "https://shop.example/\"https://evil.example/x",
        "https://shop.example/<https://evil.example/x>",
        "https://shop.example/https://evil.example/x",
        "https://shop.example/?to=https://evil.example",
        "https://shop.example/?to=evil.example",
        "https://shop.example/?to=www.evil.example",
        "https://shop.example/?to=%2f%2fevil.example",
        "https://shop.example\\@evil.example/",
        "https://evil.example\\@shop.example/",
        "https:\\\\evil.example",
        "https:/evil.example",
        "https:evil.example",
        "//evil.example/x",
        "\\\\evil.example\\x",
        "https://evil.example#@shop.example",
        "https://evil.example?shop.example",
        "https://evil.example.",
        "https://evil%2eexample/",
        "https://еvil.example/",
        "https://shop.examplе/",
        "https://shор.example/",
        "https://xn--shp-tlc.example/",
        "https://ｅｖｉｌ.example/",
        "https://evil。example/",
        "https://192.0.2.1/",
        "https://[2001:db8::1]/",
        "https://3221225985/",
        "https://localhost/",
        "https://shop.example{{p1.name}}/",
        "https://{{p1.name}}.evil.example/",
        "see:https://shop.example",
        "shop.example,https://evil.example",
        "evil.example",
        "evil.example/x",
        "Evil.Example",
        "evil.example.",
        "(evil.example)",
        "*evil.example*",
        "\"evil.example\"",
        "evil\u{200b}.example",
        "ev\u{ad}il.example",
        "evil\u{2060}.exam\u{feff}ple",
        "evil。example",
        "ｅｖｉｌ．ｅｘａｍｐｌｅ",
        "evil.examplе",
        "bit.ly/x",
        "t.co/abc",
        "evil.com",
        "www.evil",
        "www.evil.example",
        "WWW.evil.example",
        "evil.xn--p1ai",
        "кто.рф",
        "evil.co.uk:8080/x",
        "shop.example.evil.com",
        "shop-example.com",
        "help@evil.example",
        "shop.example@evil.example",
        "mailto:help@evil.example",
        "tel:+447700900001",
        "sms:+447700900001",
        "javascript:alert(1)",
        "JavaScript:alert(1)",
        "java\u{200b}script:alert(1)",
        "data:text/html,x",
        "vbscript:x",
        "ftp://shop.example/",
        "file:///etc/passwd",
        "whatsapp://send?x",
        "intent://x",
        "[here](evil)",
        "![x](y)",
        "[shop](https://shop.example)",
    ] {
        for text in [
            format!("See {trick}"),
            format!("{trick}"),
            format!("Go: {trick} now"),
        ] {
            let rules = broken(&text, &everything(), "");
            assert!(
                rules.contains(&"link_not_allowed".to_owned()),
                "{text}: {rules:?}"
            );
        }
    }
}

#[test]
fn ordinary_text_is_no_address() {
    for text in [
        "See https://shop.example/kettles?colour=red#top.",
        "See (https://shop.example/kettles).",
        "See HTTPS://Shop.Example.",
        "See http://help.shop.example/a-b_c/",
        "See shop.example, or www.shop.example/x!",
        "Write to help@shop.example.",
        "I found nothing for ann@mail.example.",
        "It is for tea, e.g. green, i.e. no coffee, etc. and so on.",
        "It is Arden Ltd.The kettle holds 1.7 l.",
        "Read the manual.pdf, it is short.",
        "A. B. Smith, Ph.D. said so at noon... or not.",
        "Note: this one; and/or that one - the {{p1.name}}.",
        "Price:{{p1.price}}",
        "Hm...well.",
        "U.K. and U.S.A. plugs",
        "Emoji 👩‍👩‍👧 ❤️ too.",
    ] {
        let rules = broken(text, &everything(), "my address is Ann@mail.example");
        assert!(
            !rules.contains(&"link_not_allowed".to_owned()),
            "{text}: {rules:?}"
        );
    }
}

proptest! {
    #[test]
    fn any_text_gets_a_verdict_of_every_rule(text in "\\PC{0,120}", words in "\\PC{0,60}") {
        let policy = ReplyPolicy::default();
        let verdicts = check(&text, &everything(), &words, &policy);
        prop_assert!(verdicts.len() == RULES.len() || verdicts[0].rule == "broken_reference");
    }

    #[test]
    fn no_host_but_the_shops_is_linked(
        scheme in prop::sample::select(vec!["https://", "http://", "//", "www.", ""]),
        user in prop::sample::select(vec!["", "shop.example@", "shop.example:x@", "a:b@"]),
        host in "[a-z]{1,8}(\\.shop)?\\.(example|com|io|co\\.uk)",
        tail in "[/?#][a-z.]{0,6}",
    ) {
        let text = format!("See {scheme}{user}{host}{tail}");
        prop_assume!(host != "shop.example" && !host.ends_with(".shop.example"));
        let rules = broken(&text, &[], "");
        prop_assert!(rules.contains(&"link_not_allowed".to_owned()), "{}", text);
    }
}

#[test]
fn a_rule_is_one_file_and_one_line() {
    let rules = [RULES, &[shouting::RULE]].concat();
    let verdicts =
        |text: &str| check_with(&rules, text, &everything(), "", &ReplyPolicy::default());
    assert!(
        verdicts("Hello, what do you need?")
            .iter()
            .all(|verdict| verdict.passed)
    );
    let failed: Vec<String> = verdicts("HELLO!")
        .into_iter()
        .filter(|verdict| !verdict.passed)
        .map(|verdict| verdict.rule)
        .collect();
    assert_eq!(failed, ["shouting"]);
}

#[test]
fn every_rule_has_a_name_of_its_own_and_a_file() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/rules");
    let files = std::fs::read_dir(folder).expect("folder").count();
    let names: BTreeSet<&str> = RULES.iter().map(|rule| rule.name).collect();
    assert_eq!((names.len(), RULES.len()), (files, files));
}
