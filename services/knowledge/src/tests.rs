//! Tests against a real SQLite store, a real tantivy index and a real LanceDB table in a temporary
//! folder. Only the embedder is a small one of our own: see [`NGrams`].

mod demo;
mod evaluation;
mod freshness;
mod reranking;
mod searching;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use mercer_inference::{Embedder, EmbedderInfo};
use mercer_schemas::{
    Document, DocumentId, DocumentKind, Money, Product, ProductId, Shop, ShopId, Sku, Variant,
};
use mercer_store::{Store, StoreConfig};
use mercer_testing::sqlite_url;
use tempfile::TempDir;

use crate::{Found, Knowledge, PassageQuery, ProductQuery, SearchConfig, SearchModels};

/// An embedder without a model: a text's vector counts its character trigrams, hashed into 256
/// places and scaled to length 1. Texts with common spellings are near each other, nothing more;
/// it knows no meaning. It counts the texts it was given.
struct NGrams {
    info: EmbedderInfo,
    texts: AtomicUsize,
}

impl NGrams {
    fn new() -> Arc<Self> {
        Self::named("ngrams@1")
    }

    fn named(id: &str) -> Arc<Self> {
        let info = EmbedderInfo {
            id: id.to_owned(),
            dim: 256,
        };
        Arc::new(Self {
            info,
            texts: AtomicUsize::new(0),
        })
    }

    fn count(&self) -> usize {
        self.texts.load(Ordering::SeqCst)
    }
}

#[async_trait]
impl Embedder for NGrams {
    fn info(&self) -> &EmbedderInfo {
        &self.info
    }

    async fn embed(&self, texts: Vec<String>) -> Result<Vec<Vec<f32>>, mercer_inference::Error> {
        self.texts.fetch_add(texts.len(), Ordering::SeqCst);
        let embed = |text: &String| {
            let mut vector = vec![0.0_f32; self.info.dim];
            let signs: Vec<char> = format!("  {}  ", text.to_lowercase()).chars().collect();
            for gram in signs.windows(3) {
                let hash = gram.iter().fold(17_usize, |hash, c| {
                    hash.wrapping_mul(31).wrapping_add(*c as usize)
                });
                vector[hash % self.info.dim] += 1.0;
            }
            let length = vector.iter().map(|x| x * x).sum::<f32>().sqrt();
            vector.iter().map(|x| x / length).collect()
        };
        Ok(texts.iter().map(embed).collect())
    }
}

/// A store and a folder for indexes, both temporary.
struct World {
    folder: TempDir,
    store: Store,
    shop: ShopId,
}

impl World {
    async fn new() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let url = sqlite_url(folder.path());
        let store = Store::open(&StoreConfig::new(url))
            .await
            .expect("open the store");
        let shop = ShopId::new("highbarn").expect("a valid key");
        let world = Self {
            folder,
            store,
            shop,
        };
        world.add_shop("highbarn").await;
        world
    }

    /// A world with [`catalog`] in it.
    async fn filled() -> Self {
        let world = Self::new().await;
        world.put(catalog()).await;
        world
    }

    async fn add_shop(&self, id: &str) -> ShopId {
        let id = ShopId::new(id).expect("a valid key");
        let shop = Shop {
            id: id.clone(),
            name: "Highbarn".to_owned(),
            currency: "GBP".parse().expect("a currency"),
            locale: "en-GB".to_owned(),
            link_hosts: Vec::new(),
            greeting: String::new(),
            introduction: None,
        };
        self.store.shops().put(shop).await.expect("put a shop");
        id
    }

    async fn put(&self, products: Vec<Product>) {
        self.store
            .catalog()
            .put_many(&self.shop, products)
            .await
            .expect("put products");
    }

    async fn put_document(&self, document: Document) {
        self.store
            .documents()
            .put(&self.shop, document, None)
            .await
            .expect("put a document");
    }

    fn index(&self) -> std::path::PathBuf {
        self.folder.path().join("index")
    }

    async fn open(&self, embedder: Option<Arc<NGrams>>) -> Knowledge {
        let models = SearchModels {
            embedder: embedder.map(|embedder| embedder as Arc<dyn Embedder>),
            reranker: None,
        };
        Knowledge::open(
            &self.index(),
            self.store.clone(),
            models,
            SearchConfig::default(),
        )
        .await
        .expect("open the indexes")
    }

    async fn search(&self, knowledge: &Knowledge, query: ProductQuery) -> Found {
        knowledge
            .search_products(&self.shop, query)
            .await
            .expect("search")
    }

    /// Searches by words and returns the ids.
    async fn ids(&self, knowledge: &Knowledge, text: &str) -> Vec<String> {
        ids(&self.search(knowledge, words(text)).await)
    }
}

fn asked(text: &str, at_ms: i64, limit: usize) -> PassageQuery {
    PassageQuery {
        text: text.to_owned(),
        at_ms,
        limit,
        ..PassageQuery::default()
    }
}

fn words(text: &str) -> ProductQuery {
    ProductQuery {
        text: text.to_owned(),
        limit: 5,
        ..ProductQuery::default()
    }
}

fn ids(found: &Found) -> Vec<String> {
    found
        .hits
        .iter()
        .map(|hit| hit.product.value.id.to_string())
        .collect()
}

fn gbp(minor: i64) -> Money {
    Money {
        minor,
        currency: "GBP".parse().expect("a currency"),
    }
}

/// Builds a product with one variant for each option value (or one without options).
fn product(
    id: &str,
    title: &str,
    category: &str,
    colours: &[&str],
    minor: i64,
    stock: u32,
) -> Product {
    let variant = |sku: String, options: BTreeMap<String, String>| Variant {
        sku: Sku::new(sku).expect("a valid key"),
        ean: None,
        options,
        price: gbp(minor),
        list_price: None,
        stock,
    };
    let mut variants: Vec<Variant> = colours
        .iter()
        .map(|colour| {
            let options = BTreeMap::from([("colour".to_owned(), (*colour).to_owned())]);
            variant(format!("{id}-{}", colour.to_uppercase()), options)
        })
        .collect();
    if variants.is_empty() {
        variants.push(variant(format!("{id}-STD"), BTreeMap::new()));
    }
    Product {
        id: ProductId::new(id).expect("a valid key"),
        title: title.to_owned(),
        brand: "Fellside".to_owned(),
        category: category.to_owned(),
        description: format!("{title} for every day."),
        attributes: BTreeMap::from([("material".to_owned(), "steel".to_owned())]),
        visible: true,
        variants,
    }
}

/// A small catalog: kettles, toasters, shoes and a decoy.
fn catalog() -> Vec<Product> {
    vec![
        product(
            "HB-1001",
            "Harbour Kettle",
            "Kitchen > Kettles",
            &["red", "black"],
            3999,
            12,
        ),
        product(
            "HB-1002",
            "Quiet Kettle Pro",
            "Kitchen > Kettles",
            &["blue"],
            6450,
            3,
        ),
        product(
            "HB-1003",
            "Camping Kettle",
            "Camping > Cooking",
            &[],
            1500,
            0,
        ),
        product(
            "HB-2001",
            "Morning Toaster",
            "Kitchen > Toasters",
            &["red"],
            4500,
            7,
        ),
        product(
            "HB-3001",
            "Trail Runner Shoes",
            "Footwear > Trail",
            &["blue", "grey"],
            5999,
            4,
        ),
        product(
            "HB-3002",
            "Road Runner Shoes",
            "Footwear > Road",
            &["red"],
            7999,
            2,
        ),
        product(
            "HB-4001",
            "Waterproof Jacket",
            "Clothing > Jackets",
            &["green"],
            8900,
            9,
        ),
    ]
}

fn document(id: &str, kind: DocumentKind, title: &str, body: &str) -> Document {
    Document {
        id: DocumentId::new(id).expect("a valid key"),
        kind,
        title: title.to_owned(),
        body: body.to_owned(),
        valid_from_ms: None,
        valid_to_ms: None,
        code: None,
    }
}

fn write(folder: &Path, name: &str, text: impl AsRef<[u8]>) {
    let path = folder.join(name);
    std::fs::create_dir_all(path.parent().expect("a folder")).expect("make the folder");
    std::fs::write(path, text).expect("write a file");
}
