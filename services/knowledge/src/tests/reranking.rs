//! A reranker has the last say on the order of the first hits, and nothing else.

use std::sync::Mutex;

use mercer_inference::Reranker;
use mercer_schemas::DocumentKind;

use super::*;

/// Scores a document by whether it holds a word; fails when told to. It keeps what it was given.
struct Prefers {
    word: &'static str,
    fails: bool,
    read: Mutex<Vec<(String, Vec<String>)>>,
}

impl Prefers {
    fn new(word: &'static str, fails: bool) -> Arc<Self> {
        let read = Mutex::default();
        Arc::new(Self { word, fails, read })
    }
}

#[async_trait]
impl Reranker for Prefers {
    fn id(&self) -> &str {
        "prefers@1"
    }

    async fn scores(
        &self,
        query: &str,
        documents: Vec<String>,
    ) -> Result<Vec<f32>, mercer_inference::Error> {
        let scores = documents
            .iter()
            .map(|document| f32::from(u8::from(document.contains(self.word))));
        let scores = scores.collect();
        let mut read = self.read.lock().expect("nobody panics");
        read.push((query.to_owned(), documents));
        match self.fails {
            true => Err(mercer_inference::Error::Deadline),
            false => Ok(scores),
        }
    }
}

async fn open(world: &World, reranker: &Arc<Prefers>) -> Knowledge {
    let models = SearchModels {
        embedder: None,
        reranker: Some(reranker.clone()),
    };
    let config = SearchConfig::default();
    Knowledge::open(&world.index(), world.store.clone(), models, config)
        .await
        .expect("open the indexes")
}

#[tokio::test(flavor = "multi_thread")]
async fn the_reranker_orders_what_was_found_and_finds_nothing() {
    let world = World::filled().await;
    let plain = world.open(None).await;
    let before = world.ids(&plain, "kettle").await;
    drop(plain);
    assert!(before.len() > 1, "{before:?}");
    let catalog = world.store.catalog();
    let last = ProductId::new(before[before.len() - 1].as_str()).expect("an id");
    let last = catalog.get(&world.shop, &last).await.expect("read");
    let title: &'static str = last.expect("there").value.title.leak();

    let reranker = Prefers::new(title, false);
    let knowledge = open(&world, &reranker).await;
    let found = world.search(&knowledge, words("kettle")).await;
    let after = ids(&found);
    assert_eq!(after[0], before[before.len() - 1]);
    let sorted = |mut ids: Vec<String>| {
        ids.sort();
        ids
    };
    assert_eq!(sorted(after), sorted(before.clone()));
    let scores: Vec<f32> = found.hits.iter().map(|hit| hit.score).collect();
    assert!(scores.is_sorted_by(|a, b| a >= b), "{scores:?}");
    let (query, documents) = reranker.read.lock().expect("nobody panics")[0].clone();
    assert_eq!(query, "kettle");
    assert!((2..=30).contains(&documents.len()) && documents.iter().all(|text| !text.is_empty()));
    drop(knowledge);

    let broken = open(&world, &Prefers::new(title, true)).await;
    assert_eq!(world.ids(&broken, "kettle").await, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn passages_are_read_again_too() {
    let world = World::new().await;
    for (id, text) in [
        ("refunds", "Refunds take five days."),
        ("returns", "Refunds of returns take nine days."),
    ] {
        let title = "Refunds";
        world
            .put_document(document(id, DocumentKind::Policy, title, text))
            .await;
    }
    for word in ["five", "nine"] {
        let knowledge = open(&world, &Prefers::new(word, false)).await;
        knowledge.catch_up().await.expect("index");
        let found = knowledge
            .search_documents(&world.shop, asked("how long do refunds take", 0, 2))
            .await
            .expect("search");
        assert_eq!(found.len(), 2);
        assert!(found[0].text.contains(word), "{word}");
        drop(knowledge);
    }
}
