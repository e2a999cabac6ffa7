//! The demo shop of `fixtures/shop`, whole.

use std::collections::HashSet;
use std::time::{Duration, Instant};

use mercer_import::{OnError, import_shop};

use super::*;

/// Share of products whose title finds them among the first three. Titles repeat words within a
/// range ("… 2-person", "… 3-person"), so a few may be crowded out.
const BY_TITLE_MIN: f64 = 0.98;

#[tokio::test(flavor = "multi_thread")]
async fn every_product_is_found_by_its_code_and_by_its_title() {
    let mut world = World::new().await;
    let report = import_shop(
        &mercer_testing::fixture("shop"),
        &world.store,
        None,
        OnError::Abort,
        Arc::new(()),
    )
    .await
    .expect("import");
    world.shop = ShopId::new(report.shop.as_str()).expect("a valid key");
    let knowledge = world.open(Some(NGrams::new())).await;
    let page = world
        .store
        .catalog()
        .list(&world.shop, &Default::default(), None, 1000)
        .await
        .expect("list");
    let products: Vec<Product> = page
        .items
        .into_iter()
        .map(|p| p.value)
        .filter(|p| p.visible)
        .collect();
    assert!(products.len() >= 400, "{}", products.len());

    let mut times: Vec<Duration> = Vec::new();
    let mut missed = Vec::new();
    let mut titles = HashSet::new();
    for product in &products {
        let sku = product.variants[0].sku.as_str();
        let found = world.search(&knowledge, words(sku)).await;
        assert_eq!(
            ids(&found).first().map(String::as_str),
            Some(product.id.as_str()),
            "{sku}"
        );
        if !titles.insert(product.title.to_lowercase()) {
            continue;
        }
        let since = Instant::now();
        let found = world.search(&knowledge, words(&product.title)).await;
        times.push(since.elapsed());
        if !ids(&found)
            .iter()
            .take(3)
            .any(|id| id == product.id.as_str())
        {
            missed.push(product.title.clone());
        }
    }
    times.sort();
    let at = |share: f64| times[((times.len() - 1) as f64 * share) as usize].as_secs_f64() * 1000.0;
    println!(
        "{} titles, p50 {:.1} ms, p95 {:.1} ms, missed: {missed:?}",
        times.len(),
        at(0.5),
        at(0.95)
    );
    let share = 1.0 - missed.len() as f64 / titles.len() as f64;
    assert!(share >= BY_TITLE_MIN, "{share}: {missed:?}");
}
