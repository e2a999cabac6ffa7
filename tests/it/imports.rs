//! Imports that die: at each named point of `mercer import`, readers see all of the old records or
//! all of the new ones, and importing again completes it.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use mercer_store::{CRASH_AT, ProductFilter};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};

use crate::crash::named_points;
use crate::support::{Model, World};

/// Points of an import: within a chunk, and on both sides of the switch.
const POINTS_MIN: usize = 4;
/// Products of the catalog: several chunks.
const PRODUCTS: usize = 300;
/// Until an import of which nothing is heard counts as dead, and some.
const PATIENCE: Duration = Duration::from_secs(120);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_import_that_dies_leaves_all_of_the_old_or_all_of_the_new() {
    die_at_every_point(World::with_shop(Model::best()).await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_postgres_too_an_import_that_dies_leaves_all_of_one() {
    die_at_every_point(World::with_shop_in_postgres(Model::best()).await).await;
}

async fn die_at_every_point(base: World) {
    let old = catalog(base.folder(), "old");
    let new = catalog(base.folder(), "new");
    import(&base, &old).await;
    let points: Vec<String> = named_points()
        .into_iter()
        .filter(|point| is_of_imports(point))
        .collect();
    assert!(points.len() >= POINTS_MIN, "only {points:?} are named");
    let (base, mut runs) = (Arc::new(base), JoinSet::new());
    for point in points {
        let (base, new) = (Arc::clone(&base), new.clone());
        runs.spawn(async move { die_and_import_again(&base.copy().await, &new, &point).await });
    }
    while let Some(ended) = runs.join_next().await {
        ended.unwrap_or_else(|error| std::panic::resume_unwind(error.into_panic()));
    }
}

/// Says whether a point is one of an import, which a customer's message does not pass.
pub(crate) fn is_of_imports(point: &str) -> bool {
    point.starts_with("import_")
}

async fn die_and_import_again(world: &World, new: &Path, point: &str) {
    let shop = world.shop.to_string();
    let args = ["import", &new.to_string_lossy(), "--shop", &shop];
    let died = world.run_with(&args, &[(CRASH_AT, point)]).await;
    assert_eq!(died.code, None, "{point}: {}", died.stderr);
    let before_the_switch = matches!(point, "import_chunk_staged" | "import_staged");
    let expected = if before_the_switch { "old" } else { "new" };
    assert_eq!(titles(world).await, [expected], "{point}");
    // Until the dead one has been silent for long enough, another is refused.
    let began = Instant::now();
    loop {
        let again = world.run(&args).await;
        if again.code == Some(0) {
            break;
        }
        assert!(
            again.stderr.contains("another import into this shop runs"),
            "{point}: {}",
            again.stderr
        );
        assert_eq!(titles(world).await, [expected], "{point}");
        assert!(began.elapsed() < PATIENCE, "{point}: it is never over");
        sleep(Duration::from_secs(1)).await;
    }
    assert_eq!(titles(world).await, ["new"], "{point}");
    // Each product changed once, however often it was imported.
    let everything = ProductFilter::default();
    let catalog = world.store().await.catalog();
    let page = catalog.list(&world.shop, &everything, None, 1_000).await;
    let versions = page.expect("products").items;
    let versions = versions.iter().filter(|p| p.value.brand == "Imported");
    assert!(
        versions.clone().all(|product| product.version == 2),
        "{point}"
    );
    assert_eq!(versions.count(), PRODUCTS, "{point}");
}

/// Returns the different titles of the products that the import is about.
async fn titles(world: &World) -> Vec<String> {
    let everything = ProductFilter::default();
    let catalog = world.store().await.catalog();
    let page = catalog.list(&world.shop, &everything, None, 1_000).await;
    let products = page.expect("products").items.into_iter();
    let mut titles: Vec<String> = products
        .filter(|product| product.value.brand == "Imported")
        .map(|product| product.value.title)
        .collect();
    titles.sort();
    titles.dedup();
    titles
}

async fn import(world: &World, file: &Path) {
    let shop = world.shop.to_string();
    let args = ["import", &file.to_string_lossy(), "--shop", &shop];
    let output = world.run(&args).await;
    assert_eq!(output.code, Some(0), "{}", output.stderr);
}

fn catalog(folder: &Path, title: &str) -> PathBuf {
    let mut text = "id,title,brand,sku,price,currency,stock\n".to_owned();
    for number in 0..PRODUCTS {
        text.push_str(&format!(
            "I-{number:04},{title},Imported,I-{number:04}-S,1.00,GBP,1\n"
        ));
    }
    let path = folder.join(format!("{title}.csv"));
    fs::write(&path, text).expect("catalog");
    path
}
