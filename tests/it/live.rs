//! A price or a stock that changes through the admin API is in the very next reply and search.

use mercer_schemas::{Claim, Event, LogRecord, ProductId, RecordKey};
use serde_json::{Value, json};

use crate::support::{Caller, Mercer, Model, World, events};

const PRODUCT: &str = "HB-3211";
const SKU: &str = "HB-3211";
const TITLE: &str = "Yarrincote Remote Canister Stove";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_change_by_the_admin_api_is_in_the_very_next_reply_and_search() {
    // Without room for a model's words the answer is what search finds, filled from the stores.
    let mut world = World::with_shop(Model::Reflex).await;
    world.output_tokens_max = 1;
    let key = admin_key(&world).await;
    let mercer = world.start().await;
    let mut caller = Caller::new(&world, &mercer, "447700900730");
    let reply = caller.say(SKU).await.reply;
    assert!(
        reply.contains(&format!("{TITLE}: £24.50, in stock.")),
        "{reply}"
    );

    let price = json!({ "price": { "minor": 4321, "currency": "GBP" } });
    put(&mercer, &key, "price", &price).await;
    let turn = caller.say(SKU).await;
    assert!(
        turn.reply.contains(&format!("{TITLE}: £43.21, in stock.")),
        "{}",
        turn.reply
    );
    let catalog = world.store().await.catalog();
    let stored = catalog
        .get(&world.shop, &ProductId::new(PRODUCT).expect("key"))
        .await
        .expect("product")
        .expect("product");
    let claim = price_claim(&turn.records).expect("the ledger has the price");
    assert_eq!(
        (claim.value.expose().as_str(), claim.version),
        ("£43.21", stored.version)
    );

    // Another customer, another search: by words, and nothing was indexed anew.
    put(&mercer, &key, "stock", &json!({ "stock": 3 })).await;
    let reply = Caller::new(&world, &mercer, "447700900731")
        .say(TITLE)
        .await
        .reply;
    assert!(
        reply.contains(&format!("{TITLE}: £43.21, only 3 left.")),
        "{reply}"
    );
    put(&mercer, &key, "stock", &json!({ "stock": 0 })).await;
    let reply = caller.say(TITLE).await.reply;
    assert!(
        reply.contains(&format!("{TITLE}: £43.21, out of stock.")),
        "{reply}"
    );
    mercer.stop().await;
    world.verify_replay().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_a_model_says_of_a_price_is_the_price_of_that_moment() {
    let world = World::with_shop(Model::best()).await;
    let key = admin_key(&world).await;
    let mercer = world.start().await;
    let mut caller = Caller::new(&world, &mercer, "447700900732");
    let mut before = "£24.50".to_owned();
    for minor in [4321, 1999, 25_000] {
        let now = format!("£{}.{:02}", minor / 100, minor % 100);
        put(
            &mercer,
            &key,
            "price",
            &json!({ "price": { "minor": minor, "currency": "GBP" } }),
        )
        .await;
        let turn = caller.say(&format!("what does the {TITLE} cost")).await;
        assert!(!turn.reply.contains(&before), "{}", turn.reply);
        if let Some(claim) = price_claim(&turn.records) {
            assert_eq!(*claim.value.expose(), now);
            assert!(turn.reply.contains(&now), "{}", turn.reply);
        }
        before = now;
    }
    mercer.stop().await;
}

/// Makes a key for the admin API by the command line.
pub(crate) async fn admin_key(world: &World) -> String {
    let output = world
        .run(&["admin", "key", "create", "tests", "--role", "operator"])
        .await;
    assert_eq!(output.code, Some(0), "{}", output.stderr);
    output.stdout.trim().to_owned()
}

/// Changes one thing of the variant, and reads it back.
async fn put(mercer: &Mercer, key: &str, what: &str, body: &Value) {
    let url = format!("{}/v1/shops/hollinbeck/variants/{SKU}", mercer.url);
    let answer = mercer
        .http
        .put(format!("{url}/{what}"))
        .bearer_auth(key)
        .json(body)
        .send()
        .await
        .expect("an answer");
    let (status, text) = (answer.status(), answer.text().await.expect("a body"));
    assert!(status.is_success(), "{status}: {text}");
    let read = mercer
        .http
        .get(url)
        .bearer_auth(key)
        .send()
        .await
        .expect("an answer");
    let read: Value = read.json().await.expect("JSON");
    assert_eq!(read["variant"][what], body[what]);
}

/// Returns the ledger's row of the product's price, if the reply speaks of it.
fn price_claim(records: &[LogRecord]) -> Option<&Claim> {
    let claims = events(records).filter_map(|event| match event {
        Event::ReplyQueued { claims, .. } => Some(claims),
        _ => None,
    });
    claims.flatten().find(|claim| {
        let of_product = match &claim.record {
            RecordKey::Product(id) => id.as_str() == PRODUCT,
            RecordKey::Variant(sku) => sku.as_str() == SKU,
            _ => false,
        };
        of_product && claim.reference.ends_with(".price")
    })
}
