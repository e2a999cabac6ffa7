//! Running plans: what a tool needs to be run, and calls that are none.

use mercer_conversation::KnownPassage;
use mercer_conversation::bounds::{CALL_EVIDENCE_CHARS_MAX, ROUND_EVIDENCE_CHARS_MAX};
use mercer_conversation::prompt::evidence_text;
use mercer_knowledge::{Knowledge, SearchConfig, SearchModels};
use mercer_schemas::{
    Channel, Document, DocumentId, DocumentKind, Evidence, EvidenceRole, Handle, Identity, Plan,
    Product, RecordKey, Shop, ShopId,
};
use mercer_store::{Store, StoreConfig};
use mercer_testing::sqlite_url;

use super::{ALL, Answer, Error, Request, Tools};

/// A shop with tools.
struct World {
    shop: Shop,
    tools: Tools,
    /// Passages that the prompt shows.
    passages: Vec<KnownPassage>,
    _folder: tempfile::TempDir,
}

impl World {
    async fn with(products: Vec<Product>) -> Self {
        let folder = tempfile::tempdir().expect("folder");
        let url = sqlite_url(folder.path());
        let store = Store::open(&StoreConfig::new(&url)).await.expect("store");
        let shop = Shop {
            id: ShopId::new("highbarn").expect("key"),
            name: "Highbarn".to_owned(),
            currency: "GBP".parse().expect("currency"),
            locale: "en-GB".to_owned(),
            link_hosts: Vec::new(),
            greeting: String::new(),
            introduction: None,
        };
        if !products.is_empty() {
            store.shops().put(shop.clone()).await.expect("shop");
            let catalog = store.catalog();
            catalog
                .put_many(&shop.id, products)
                .await
                .expect("products");
        }
        let index = folder.path().join("index");
        let (models, config) = (SearchModels::default(), SearchConfig::default());
        let knowledge = Knowledge::open(&index, store.clone(), models, config)
            .await
            .expect("indexes");
        knowledge.catch_up().await.expect("catch up");
        Self {
            shop,
            tools: Tools::new(store, knowledge),
            passages: Vec::new(),
            _folder: folder,
        }
    }

    /// Runs a plan; with free words where `is_open`.
    async fn run(
        &self,
        plan: &str,
        words: &str,
        is_open: bool,
        shown: &[(Handle, RecordKey)],
    ) -> Result<Answer, Error> {
        let plan: Plan = serde_json::from_str(plan).expect("plan");
        let request = Request {
            shop: &self.shop,
            channel: Channel::Webchat,
            address: &"guest".into(),
            customer: None,
            identity: &Identity::default(),
            attempt: "turn:tools:0",
            shown,
            found: shown,
            is_open,
            spoken_of: &[],
            told: shown,
            passages: &self.passages,
            plan: &plan,
            words: &words.into(),
            hints: !is_open,
            at_ms: 1,
        };
        self.tools.run(&request).await
    }

    /// Runs a search with free words; returns what the model reads of it.
    async fn search(&self, call: &str) -> String {
        let plan = format!(r#"{{"calls":[{{"tool":"search_catalog"{call}}}]}}"#);
        let answer = self.run(&plan, "", true, &[]).await.expect("an answer");
        evidence_text(&answer.evidence, &self.shop.locale)
    }
}

async fn run(plan: &str) -> Result<Answer, Error> {
    let world = World::with(Vec::new()).await;
    world
        .run(plan, "can i have it wrapped in red", false, &[])
        .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_passage_that_the_prompt_shows_keeps_its_handle() {
    let mut world = World::with(vec![tent("A", "Orn")]).await;
    let document = |id: &str, body: &str| Document {
        id: DocumentId::new(id).expect("key"),
        kind: DocumentKind::Policy,
        title: "Returns".to_owned(),
        body: body.to_owned(),
        valid_from_ms: None,
        valid_to_ms: None,
        code: None,
    };
    let documents = vec![
        document(
            "returns",
            "## How\nSend a return back to us. Postage of a return is free.",
        ),
        document("shop-returns", "## How\nBring a return to a shop."),
    ];
    let store = world.tools.store().documents();
    store
        .put_many(&world.shop.id, documents)
        .await
        .expect("documents");
    world.tools.knowledge.catch_up().await.expect("catch up");
    let plan = r#"{"calls":[{"tool":"search_policies","query":"how to return"}]}"#;
    let found = async |world: &World| {
        let answer = world.run(plan, "how to return", true, &[]).await;
        let answer = answer.expect("an answer");
        evidence_text(&answer.evidence, "en-GB")
    };
    let anew = found(&world).await;
    assert!(anew.contains("d1 ") && anew.contains("d2 "), "{anew}");
    let passage = |first: &str| KnownPassage {
        handle: Handle::new(&"policy:returns".parse().expect("key"), 7),
        document: "policy:returns".parse().expect("key"),
        title: "Returns, How".to_owned(),
        first: first.to_owned(),
    };
    world.passages = vec![passage("Send a return back to us.")];
    let known = found(&world).await;
    assert!(known.contains("d7 Returns, How: [a] Send a"), "{known}");
    assert!(known.contains("d1 Returns, How: [a] Bring"), "{known}");
    // Another part of a long section has the same heading.
    world.passages = vec![passage("Wash it first.")];
    assert_eq!(found(&world).await, anew);
}

fn tent(id: &str, brand: &str) -> Product {
    let json = format!(
        r#"{{"id":"{id}","title":"Tent {id}","brand":"{brand}","category":"Tents","attributes":{{}},
            "variants":[{{"sku":"{id}-1","options":{{}},"price":{{"minor":100,"currency":"GBP"}},"stock":1}}]}}"#
    );
    serde_json::from_str(&json).expect("product")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_brand_in_free_words_is_the_shops_or_is_said_to_be_none() {
    let brands = ["Black & Decker", "Black Diamond", "Orn"];
    let tents = brands.iter().zip(["A", "B", "C"]);
    let world = World::with(tents.map(|(brand, id)| tent(id, brand)).collect()).await;
    let found = async |call: &str| {
        let told = world.search(call).await;
        let mut lines: Vec<String> = told.lines().map(str::to_owned).collect();
        let said = lines.iter().position(|line| line.starts_with('p'));
        let mut tents = lines.split_off(said.unwrap_or(lines.len()));
        tents.iter_mut().for_each(|line| {
            let name = line.split_once("name=").map_or("", |(_, name)| name);
            *line = name.split(';').next().unwrap_or_default().to_owned();
        });
        tents.sort();
        (lines.join("\n"), tents.join(", "))
    };
    let is = |told: (String, String), said: &str, tents: &str| {
        assert_eq!(told, (said.to_owned(), tents.to_owned()));
    };
    let one = "search: 1 product";
    is(
        found(r#","query":"tent","brand":"black and decker""#).await,
        one,
        "Tent A",
    );
    is(
        found(r#","query":"tent","brand":"decker""#).await,
        one,
        "Tent A",
    );
    is(found(r#","brand":"ORN""#).await, one, "Tent C");
    is(
        found(r#","query":"tent","without":{"brand":["orn tents","diamond"]}"#).await,
        one,
        "Tent A",
    );
    is(
        found(r#","query":"tent","brand":"Makita""#).await,
        "search: no such brand, any brand\nsearch: 3 products",
        "Tent A, Tent B, Tent C",
    );
    is(
        found(r#","category":"Tents","brand":"Makita""#).await,
        "search: no such brand, any brand\nsearch: 3 products",
        "Tent A, Tent B, Tent C",
    );
    is(
        found(r#","brand":"Makita""#).await,
        "search: no such brand, any brand\nsearch: nothing found",
        "",
    );
    is(
        found(r#","query":"tent","brand":"black""#).await,
        "search: several brands of that name, any brand\nsearch: 3 products",
        "Tent A, Tent B, Tent C",
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_search_tells_what_it_is_asked_about() {
    let mut tent = tent("A", "Orn");
    for (name, value) in [("weight", "3 kg"), ("poles", "fibreglass"), ("pegs", "14")] {
        tent.attributes.insert(name.to_owned(), value.to_owned());
    }
    let world = World::with(vec![tent]).await;
    let told = world.search(r#","query":"tent""#).await;
    assert!(!told.contains("weight"), "{told}");
    let told = world
        .search(r#","query":"tent","about":["weight","what are the poles of"]"#)
        .await;
    assert!(told.contains("weight=3 kg; poles=fibreglass"), "{told}");
    assert!(!told.contains("pegs"), "{told}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn words_are_looked_up_beside_what_was_told() {
    let mut tents = ["A", "B", "C", "D", "E"].map(|id| tent(id, "Orn"));
    tents[0]
        .attributes
        .insert("weight".to_owned(), "3 kg".to_owned());
    let mut small = tents[1].variants[0].clone();
    small.sku = "B-2".parse().expect("sku");
    tents[1].variants.push(small);
    for (variant, size) in tents[1].variants.iter_mut().zip(["one", "two"]) {
        variant.options = [("persons".to_owned(), size.to_owned())].into();
    }
    let world = World::with(tents.into()).await;
    let told = async |words: &str, shown: &[&str]| {
        let shown: Vec<(Handle, RecordKey)> = shown
            .iter()
            .enumerate()
            .map(|(at, key)| {
                let key: RecordKey = key.parse().expect("key");
                (Handle::new(&key, at + 1), key)
            })
            .collect();
        let plan = r#"{"calls":[{"tool":"look_up"}]}"#;
        let answer = world
            .run(plan, words, true, &shown)
            .await
            .expect("an answer");
        evidence_text(&answer.evidence, "en-GB")
    };
    let nothing = told("thanks, bye", &[]).await;
    assert_eq!(nothing, "none");
    let found = told("a tent", &[]).await;
    assert!(found.starts_with("search: 2 products\np1 "), "{found}");
    // What was told comes first, with all of it, and is not found again.
    let more = told(
        "is there another tent, and how heavy is it",
        &["product:A", "variant:B-2", "product:C"],
    )
    .await;
    let lines: Vec<&str> = more.lines().collect();
    assert!(lines[0].starts_with("p1 name=Tent A;") && lines[0].contains("weight=3 kg"));
    assert!(lines[1].contains("name=Tent B;"), "{more}");
    assert!(lines[2].starts_with("v1 name=two;") || lines[2].contains("name=one;"));
    assert!(lines[4].starts_with("p3 name=Tent C;"), "{more}");
    assert_eq!(lines[5], "search: 1 product", "{more}");
    let is_told = |line: &&&str| {
        ["A", "B", "C"]
            .iter()
            .any(|id| line.contains(&format!("Tent {id}")))
    };
    assert_eq!(lines[6..].iter().filter(is_told).count(), 0, "{more}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_tool_is_one_file_and_one_line() {
    let answer = run(r#"{"calls":[{"tool":"gift_wrap","paper":"red"}]}"#)
        .await
        .expect("an answer");
    let [Evidence::Outcome { tool, outcome }] = answer.evidence.as_slice() else {
        panic!("its outcome");
    };
    assert_eq!((tool.as_str(), outcome.as_str()), ("gift_wrap", "offered"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_call_that_no_tool_takes_is_an_error() {
    for plan in [
        r#"{"calls":[{"tool":"send_money"}]}"#,
        r#"{"calls":[{"tool":"search_policies","queries":["returns"]}]}"#,
    ] {
        assert!(matches!(run(plan).await, Err(Error::Call)), "{plan}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_plan_of_an_older_version_is_run() {
    let plan = r#"{"calls":[{"tool":"order_status","order":"HB-1","email":"ann@example.com"}]}"#;
    let answer = run(plan).await.expect("an answer");
    assert!(matches!(answer.evidence[..], [Evidence::IdentityNeeded]));
}

#[test]
fn a_handle_that_is_taken_is_never_given_again() {
    let key = |id: &str| format!("product:{id}").parse::<RecordKey>().expect("key");
    // The first of the products has left the history.
    let mut answer = Answer::new(vec![(Handle::new(&key("B"), 2), key("B"))], "en-GB");
    let mut push = |id: &str| {
        let handle = answer.push(key(id), 1, EvidenceRole::Shown, Vec::new());
        handle.to_string()
    };
    assert_eq!(
        [push("C"), push("B"), push("D"), push("C")],
        ["p3", "p2", "p4", "p3"]
    );
}

/// A tent of which there is too much to tell: long attributes, and a size in many colours.
fn wordy(id: &str) -> Product {
    let mut tent = tent(id, "Orn");
    for n in 0..20 {
        let name = format!("remark {}", char::from(b'a' + n));
        let text = format!("tent {}", "very sturdy ".repeat(9));
        tent.attributes.insert(name, text.trim().to_owned());
    }
    let variant = tent.variants.remove(0);
    for n in 0..12 {
        let mut variant = variant.clone();
        variant.sku = format!("{id}-{n}").parse().expect("sku");
        variant.options = [("colour".to_owned(), format!("colour number {n}"))].into();
        tent.variants.push(variant);
    }
    tent
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn evidence_fits_its_call_and_its_round() {
    let world = World::with(["A", "B", "C", "D", "E", "F"].map(wordy).into()).await;
    let words = "which colour and remark has the tent? very sturdy";
    let run = async |calls: &str, shown: &[(Handle, RecordKey)]| {
        let plan = format!(r#"{{"calls":[{calls}]}}"#);
        let answer = world
            .run(&plan, words, true, shown)
            .await
            .expect("an answer");
        let chars = evidence_text(&answer.evidence, "en-GB").chars().count();
        (answer.evidence, chars)
    };
    let search = r#"{"tool":"search_catalog","query":"tent","category":"Tents"}"#;
    let (found, chars) = run(search, &[]).await;
    assert!(
        (1_000..=CALL_EVIDENCE_CHARS_MAX).contains(&chars),
        "{chars}"
    );
    let records = |evidence: &[Evidence]| -> Vec<(Handle, RecordKey, usize)> {
        let records = evidence.iter().filter_map(|line| match line {
            Evidence::Record {
                handle,
                key,
                fields,
                ..
            } => Some((handle.clone(), key.clone(), fields.len())),
            _ => None,
        });
        records.collect()
    };
    let shown = records(&found);
    // The count says how many are told, and stays exact for the shop.
    assert!(matches!(
        found[0],
        Evidence::Found { products, total: Some(6), .. } if products == shown.len()
    ));
    assert!(
        shown.len() == 5 && shown[0].2 > shown[4].2,
        "the best is told best"
    );
    let shown: Vec<_> = shown
        .into_iter()
        .map(|(handle, key, _)| (handle, key))
        .collect();
    let all: Vec<String> = shown
        .iter()
        .map(|(handle, _)| format!("\"{handle}\""))
        .collect();
    let details = format!(
        r#"{{"tool":"product_details","products":[{}],"about":["remark","colour"]}}"#,
        all.join(",")
    );
    let (_, chars) = run(&details, &shown).await;
    assert!(
        (1_000..=CALL_EVIDENCE_CHARS_MAX).contains(&chars),
        "{chars}"
    );
    let (both, chars) = run(&format!("{search},{details}"), &shown).await;
    assert!(
        (2_000..=ROUND_EVIDENCE_CHARS_MAX).contains(&chars),
        "{chars}"
    );
    // Handles are not used up by what was left out.
    let last = records(&both)
        .into_iter()
        .filter_map(|(handle, key, _)| match key {
            RecordKey::Product(_) => handle.number(),
            _ => None,
        });
    assert!(last.max() <= Some(6));
}

#[test]
fn what_the_conversation_may_plan_is_run_here() {
    for planned in mercer_conversation::tools::ALL {
        assert!(
            ALL.iter().any(|tool| tool.name() == planned.name()),
            "{}",
            planned.name()
        );
    }
}
