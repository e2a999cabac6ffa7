//! Running plans: what a tool needs to be run, and calls that are none.

use mercer_knowledge::{Knowledge, SearchConfig, SearchModels};
use mercer_schemas::{
    Channel, Evidence, EvidenceRole, Handle, Identity, Personal, Plan, RecordKey, Shop, ShopId,
};
use mercer_store::{Store, StoreConfig};
use mercer_testing::sqlite_url;

use super::{ALL, Answer, Error, Request, Tools};

async fn run(plan: &str) -> Result<Answer, Error> {
    let folder = tempfile::tempdir().expect("folder");
    let url = sqlite_url(folder.path());
    let store = Store::open(&StoreConfig::new(&url)).await.expect("store");
    let index = folder.path().join("index");
    let (models, config) = (SearchModels::default(), SearchConfig::default());
    let knowledge = Knowledge::open(&index, store.clone(), models, config)
        .await
        .expect("indexes");
    let shop = Shop {
        id: ShopId::new("highbarn").expect("key"),
        name: "Highbarn".to_owned(),
        currency: "GBP".parse().expect("currency"),
        locale: "en-GB".to_owned(),
        link_hosts: Vec::new(),
        greeting: String::new(),
        introduction: None,
    };
    let plan: Plan = serde_json::from_str(plan).expect("plan");
    let words: Personal<String> = "can i have it wrapped in red".into();
    let request = Request {
        shop: &shop,
        channel: Channel::Webchat,
        address: &"guest".into(),
        customer: None,
        identity: &Identity::default(),
        attempt: "turn:tools:0",
        shown: &[],
        found: &[],
        is_open: false,
        spoken_of: &[],
        plan: &plan,
        words: &words,
        hints: true,
        at_ms: 1,
    };
    Tools::new(store, knowledge).run(&request).await
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
