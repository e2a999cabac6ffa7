//! How changes reach a search, and what a crash or damage leaves.

use std::collections::BTreeSet;
use std::time::Duration;

use mercer_schemas::DocumentKind;
use tokio_util::sync::CancellationToken;

use super::*;
use crate::index::entry::{self, Kind, Owner};

#[tokio::test(flavor = "multi_thread")]
async fn the_indexer_follows_the_feed() {
    let world = World::new().await;
    let knowledge = world.open(Some(NGrams::new())).await;
    let cancel = CancellationToken::new();
    let indexer = tokio::spawn({
        let (knowledge, cancel) = (knowledge.clone(), cancel.clone());
        async move { knowledge.run_indexer(cancel).await }
    });
    world.put(catalog()).await;
    let seq = world.store.feed().head().await.expect("read the feed");
    assert!(knowledge.wait_indexed(seq, Duration::from_secs(20)).await);
    assert_eq!(world.ids(&knowledge, "toaster").await, ["HB-2001"]);
    let gone = ProductId::new("HB-2001").expect("a valid key");
    assert!(
        world
            .store
            .catalog()
            .delete(&world.shop, &gone, None)
            .await
            .expect("delete")
    );
    let seq = world.store.feed().head().await.expect("read the feed");
    assert!(knowledge.wait_indexed(seq, Duration::from_secs(20)).await);
    assert!(world.ids(&knowledge, "toaster").await.is_empty());
    cancel.cancel();
    indexer.await.expect("the indexer ends");
}

#[tokio::test(flavor = "multi_thread")]
async fn writing_a_product_twice_leaves_one_row() {
    let world = World::filled().await;
    let embedder = NGrams::new();
    let knowledge = world.open(Some(Arc::clone(&embedder))).await;
    let mut changed = catalog().remove(0);
    for title in ["Harbour Kettle", "Harbour Kettle II", "Harbour Kettle III"] {
        changed.title = title.to_owned();
        world.put(vec![changed.clone()]).await;
        knowledge.catch_up().await.expect("index");
    }
    assert_eq!(
        embedder.count(),
        catalog().len() + 2,
        "only changed texts are embedded"
    );
    let found = world.ids(&knowledge, "harbour kettle").await;
    assert_eq!(found.iter().filter(|id| *id == "HB-1001").count(), 1);
    let vectors = knowledge
        .inner
        .projection
        .vectors
        .as_ref()
        .expect("a vector table");
    let mut keys = vectors.keys().await.expect("read the table");
    assert_eq!(keys.len(), catalog().len());
    keys.dedup();
    assert_eq!(keys.len(), catalog().len());
    assert_eq!(
        knowledge.inner.projection.lexical.searcher().num_docs(),
        catalog().len() as u64
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_price_shows_at_once_and_touches_no_index() {
    let world = World::filled().await;
    let knowledge = world.open(Some(NGrams::new())).await;
    let projection = &knowledge.inner.projection;
    let vectors = projection.vectors.as_ref().expect("a vector table");
    let before = (
        projection.lexical.opstamp(),
        vectors.version().await.expect("read the table"),
    );
    let sku = Sku::new("HB-1002-BLUE").expect("a valid key");
    let catalog = world.store.catalog();
    catalog
        .set_price(&world.shop, &sku, gbp(1999), None, None)
        .await
        .expect("set the price");
    catalog
        .set_stock(&world.shop, &sku, 0, None)
        .await
        .expect("set the stock");

    let query = ProductQuery {
        max_price: Some(gbp(2000)),
        ..words("quiet kettle")
    };
    let found = world.search(&knowledge, query).await;
    assert_eq!(ids(&found).first().map(String::as_str), Some("HB-1002"));
    assert_eq!(found.hits[0].product.value.variants[0].stock, 0);

    let head = world.store.feed().head().await.expect("read the feed");
    knowledge.catch_up().await.expect("index");
    assert_eq!(knowledge.indexed_seq(), head);
    let after = (
        projection.lexical.opstamp(),
        vectors.version().await.expect("read the table"),
    );
    assert_eq!(before, after);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shorter_document_loses_its_rows() {
    let world = World::new().await;
    world
        .put_document(document(
            "faq",
            DocumentKind::Faq,
            "FAQ",
            "## One\nAlpha.\n## Two\nBeta.\n## Three\nGamma.",
        ))
        .await;
    let knowledge = world.open(Some(NGrams::new())).await;
    let vectors = knowledge
        .inner
        .projection
        .vectors
        .as_ref()
        .expect("a vector table");
    assert_eq!(vectors.keys().await.expect("read the table").len(), 3);
    world
        .put_document(document("faq", DocumentKind::Faq, "FAQ", "## One\nAlpha."))
        .await;
    knowledge.catch_up().await.expect("index");
    assert_eq!(vectors.keys().await.expect("read the table").len(), 1);
    assert!(
        knowledge
            .search_documents(&world.shop, asked("gamma", 0, 3))
            .await
            .expect("search")
            .is_empty()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_crash_between_the_two_commits_is_caught_up() {
    let world = World::filled().await;
    let knowledge = world.open(Some(NGrams::new())).await;
    let added = product(
        "HB-5001",
        "Copper Teapot",
        "Kitchen > Teapots",
        &[],
        2500,
        1,
    );
    world.put(vec![added.clone()]).await;
    let seq = world.store.feed().head().await.expect("read the feed");
    // What the indexer does first; then the process dies.
    let owner = Owner {
        shop: world.shop.clone(),
        kind: Kind::Product,
        record: "HB-5001".to_owned(),
    };
    let entry = entry::of_product(&world.shop, &added).expect("a visible product");
    let lexical = Arc::clone(&knowledge.inner.projection.lexical);
    tokio::task::spawn_blocking(move || lexical.replace(&BTreeSet::from([owner]), &[entry], seq))
        .await
        .expect("the task ends")
        .expect("commit");
    drop(knowledge);

    let knowledge = world.open(Some(NGrams::new())).await;
    assert!(knowledge.indexed_seq() < seq, "the older position counts");
    knowledge.catch_up().await.expect("index");
    assert_eq!(knowledge.indexed_seq(), seq);
    let vectors = knowledge
        .inner
        .projection
        .vectors
        .as_ref()
        .expect("a vector table");
    let keys = vectors.keys().await.expect("read the table");
    assert_eq!(keys.iter().filter(|key| key.contains("HB-5001")).count(), 1);
    assert_eq!(world.ids(&knowledge, "teapot").await, ["HB-5001"]);
    assert_eq!(
        knowledge.inner.projection.lexical.searcher().num_docs(),
        catalog().len() as u64 + 1
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_or_missing_index_is_rebuilt_from_sql() {
    let world = World::filled().await;
    drop(world.open(Some(NGrams::new())).await);
    type Damage = (&'static str, fn(&Path));
    let damage: [Damage; 5] = [
        ("no lexical index", |index| {
            std::fs::remove_dir_all(index.join("lexical")).expect("remove")
        }),
        ("a broken meta file", |index| {
            write(index, "lexical/meta.json", "{")
        }),
        ("cut segment files", |index| {
            each_file(&index.join("lexical"), &["store", "idx", "term"])
        }),
        ("cut vector files", |index| {
            each_file(&index.join("vectors"), &["lance"])
        }),
        ("no vector position", |index| {
            std::fs::remove_file(index.join("vectors/cursor.json")).expect("remove")
        }),
    ];
    for (what, damage) in damage {
        damage(&world.index());
        let knowledge = world.open(Some(NGrams::new())).await;
        assert_eq!(
            world
                .ids(&knowledge, "toaster")
                .await
                .first()
                .map(String::as_str),
            Some("HB-2001"),
            "{what}"
        );
        let vectors = knowledge
            .inner
            .projection
            .vectors
            .as_ref()
            .expect("a vector table");
        assert_eq!(
            vectors.keys().await.expect("read the table").len(),
            catalog().len(),
            "{what}"
        );
        assert_eq!(
            knowledge.indexed_seq(),
            world.store.feed().head().await.expect("read the feed"),
            "{what}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn indexes_that_were_away_longer_than_the_feed_reaches_are_rebuilt() {
    let world = World::filled().await;
    let awake = world.open(Some(NGrams::new())).await;
    let mut changed = catalog().remove(0);
    let mut forget = async |title: &str| {
        changed.title = title.to_owned();
        // Twice: the newest change always stays.
        world.put(vec![changed.clone()]).await;
        changed.description.push('!');
        world.put(vec![changed.clone()]).await;
        let retention = world.store.retention();
        let table = mercer_store::retention::Table::Changes;
        let gone = retention.forget(table, i64::MAX, &[]).await;
        assert!(gone.expect("forget").rows > 0);
    };
    // The indexer runs, but was not that far.
    forget("Harbour Kettle").await;
    awake.catch_up().await.expect("index");
    let head = world.store.feed().head().await.expect("read the feed");
    assert_eq!(awake.indexed_seq(), head);
    let found = world.ids(&awake, "harbour").await;
    assert_eq!(found.first().map(String::as_str), Some("HB-1001"));
    // It was stopped.
    drop(awake);
    forget("Lighthouse Kettle").await;
    let again = world.open(Some(NGrams::new())).await;
    let found = world.ids(&again, "lighthouse").await;
    assert_eq!(found.first().map(String::as_str), Some("HB-1001"));
}

#[tokio::test(flavor = "multi_thread")]
async fn another_embedder_means_new_vectors() {
    let world = World::filled().await;
    drop(world.open(Some(NGrams::new())).await);
    let same = NGrams::new();
    drop(world.open(Some(Arc::clone(&same))).await);
    assert_eq!(same.count(), 0, "the same embedder embeds nothing again");
    let other = NGrams::named("ngrams@2");
    let knowledge = world.open(Some(Arc::clone(&other))).await;
    assert_eq!(other.count(), catalog().len());
    assert_eq!(
        world
            .ids(&knowledge, "toaster")
            .await
            .first()
            .map(String::as_str),
        Some("HB-2001")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_writer_is_refused_and_named() {
    let world = World::filled().await;
    let first = world.open(None).await;
    first
        .reindex(&crate::Progress::hidden())
        .await
        .expect("reindex");
    let second = world.open(None).await;
    let refused = second.reindex(&crate::Progress::hidden()).await;
    assert!(
        matches!(refused, Err(crate::Error::Locked(_))),
        "{refused:?}"
    );
    assert_eq!(world.ids(&second, "toaster").await, ["HB-2001"]);
}

/// Cuts every file of some kinds below a folder to half its length.
fn each_file(folder: &Path, extensions: &[&str]) {
    let mut cut = 0;
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).expect("read the folder") {
            let path = entry.expect("read the folder").path();
            let extension = path
                .extension()
                .map(|e| e.to_string_lossy().into_owned())
                .unwrap_or_default();
            if path.is_dir() {
                folders.push(path);
            } else if extensions.contains(&extension.as_str()) {
                let bytes = std::fs::read(&path).expect("read a file");
                std::fs::write(&path, &bytes[..bytes.len() / 2]).expect("write a file");
                cut += 1;
            }
        }
    }
    assert!(cut > 0, "there was nothing to damage");
}
