//! Running plans: what a tool needs to be run, and calls that are none.

use mercer_conversation::prompt::evidence_text;
use mercer_knowledge::{Knowledge, SearchConfig, SearchModels};
use mercer_schemas::{
    Channel, Evidence, EvidenceRole, Handle, Identity, Plan, Product, RecordKey, Shop, ShopId,
};
use mercer_store::{Store, StoreConfig};
use mercer_testing::sqlite_url;

use super::{ALL, Answer, Error, Request, Tools};

/// A shop with tools.
struct World {
    shop: Shop,
    tools: Tools,
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
    let mut answer = Answer {
        tool: "search_catalog",
        // The first of the products has left the history.
        handles: vec![(Handle::new(&key("B"), 2), key("B"))],
        evidence: Vec::new(),
        identified: None,
        proof: None,
    };
    let mut push = |id: &str| {
        let handle = answer.push(key(id), 1, EvidenceRole::Shown, Vec::new());
        handle.to_string()
    };
    assert_eq!(
        [push("C"), push("B"), push("D"), push("C")],
        ["p3", "p2", "p4", "p3"]
    );
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
