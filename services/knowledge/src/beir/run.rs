//! The evaluation itself.

use std::path::Path;
use std::time::Instant;

use mercer_schemas::{ProductId, Shop, ShopId};
use mercer_store::{Store, StoreConfig};

use super::dataset::{self, Dataset};
use super::measure::Sums;
use super::{Error, Gain, Report};
use crate::error::Result as SearchResult;
use crate::index::entry::Kind;
use crate::knowledge::Inner;
use crate::search::rank::{Legs, Ranked, Wanted, rank};
use crate::search::{codes, products};
use crate::{Knowledge, Progress, SearchConfig, SearchModels};

/// Hits of a query; the deepest measure looks at 100.
const DEPTH: usize = 100;

/// Products written in one transaction.
const WRITE: usize = 1000;

/// Evaluates search on a data set. The database and the indexes are temporary.
///
/// # Errors
/// Names the file and line of a broken data set; otherwise what the store or search says.
pub async fn evaluate(
    folder: &Path,
    gain: Gain,
    models: SearchModels,
    config: SearchConfig,
    progress: &Progress,
) -> Result<Report, Error> {
    let place = folder.to_owned();
    let Dataset { products, queries } =
        tokio::task::spawn_blocking(move || dataset::read(&place)).await??;
    let nothing = |message| Error::Nothing {
        path: folder.to_owned(),
        message,
    };
    if products.is_empty() {
        return Err(nothing("corpus.jsonl holds no documents"));
    }
    if queries.is_empty() {
        return Err(nothing(
            "no query in qrels/test.tsv has a relevant document",
        ));
    }
    let documents = products.len();
    let temporary = tempfile::tempdir().map_err(|source| Error::Read {
        path: std::env::temp_dir(),
        source,
    })?;
    let url = format!("sqlite://{}", temporary.path().join("beir.db").display());
    let store = Store::open(&StoreConfig::new(url)).await?;
    let shop = shop()?;
    store.shops().put(shop.clone()).await?;
    let bar = progress.bar("writing", Some(documents as u64));
    let mut products = products.into_iter();
    loop {
        let some: Vec<_> = products.by_ref().take(WRITE).collect();
        if some.is_empty() {
            break;
        }
        let count = some.len() as u64;
        store.catalog().put_many(&shop.id, some).await?;
        bar.inc(count);
    }
    bar.finish();
    let with_vectors = models.embedder.is_some();
    // Opens empty, then fills the indexes under a progress bar.
    let knowledge =
        Knowledge::open_empty(&temporary.path().join("index"), store, models, config).await?;
    knowledge.reindex(progress).await?;

    let legs: &[Legs] = if with_vectors {
        &[Legs::Lexical, Legs::Vector, Legs::Hybrid]
    } else {
        &[Legs::Lexical, Legs::Hybrid]
    };
    let bar = progress.bar("searching", Some((queries.len() * legs.len()) as u64));
    let mut sums = [Sums::default(), Sums::default(), Sums::default()];
    for (text, grades) in queries.values() {
        for leg in legs {
            let since = Instant::now();
            let found = ranking(&knowledge.inner, &shop.id, text, *leg).await?;
            let time = since.elapsed();
            let found: Vec<String> = found.iter().map(ToString::to_string).collect();
            sums[*leg as usize].add(&found, grades, gain, time);
            bar.inc(1);
        }
    }
    bar.finish();
    let [lexical, vector, hybrid] = sums.map(Sums::leg);
    let vector = with_vectors.then_some(vector);
    Ok(Report {
        documents,
        queries: queries.len(),
        lexical,
        vector,
        hybrid,
    })
}

/// Ranks as a search does: codes first, except where meaning alone is measured; then reads live.
async fn ranking(
    inner: &Inner,
    shop: &ShopId,
    text: &str,
    legs: Legs,
) -> SearchResult<Vec<ProductId>> {
    let coded = match legs {
        Legs::Vector => codes::Coded {
            products: Vec::new(),
            rest: text.to_owned(),
        },
        Legs::Lexical | Legs::Hybrid => codes::find(&inner.store, shop, text).await?,
    };
    let wanted = Wanted {
        shop,
        kind: Kind::Product,
        text: &coded.rest,
        meaning: "",
        amounts: &[],
        legs,
        depth: DEPTH,
    };
    let mut hits: Vec<Ranked> = coded.products.iter().map(products::of_code).collect();
    let ranked = rank(inner, &wanted).await?.hits;
    hits.extend(
        ranked
            .into_iter()
            .filter(|hit| !coded.products.iter().any(|id| id.as_str() == hit.record)),
    );
    hits.truncate(DEPTH);
    products::live(inner, shop, &hits).await
}

fn shop() -> Result<Shop, Error> {
    let settings = r#"{"id": "beir", "name": "BEIR", "currency": "XXX", "locale": "en"}"#;
    let broken = |error: serde_json::Error| Error::Line {
        file: "shop".to_owned(),
        line: 1,
        message: error.to_string(),
    };
    serde_json::from_str(settings).map_err(broken)
}
