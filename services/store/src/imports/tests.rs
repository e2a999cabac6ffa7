//! Each phase of an import, held still, on both databases.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use mercer_schemas::{
    Customer, CustomerId, Document, DocumentId, DocumentKind, Money, Order, OrderLine, OrderNumber,
    OrderStatus, Product, ProductId, RecordKey, ShopId, Sku, Variant,
};

use super::{Batch, ImportError, Imports, Phase, Prepared, Task, ledger};
use crate::db::{exec, get, one};
use crate::records::version_of;
use crate::{ChangeKind, Error, ProductFilter, Store, StoreConfig};
use mercer_testing::{PostgresServer, sqlite_url};

macro_rules! on_both {
    ($($topic:ident),+ $(,)?) => {
        mod sqlite {
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $topic() {
                    let folder = tempfile::tempdir().expect("folder");
                    super::$topic(super::open(sqlite_url(folder.path())).await).await;
                }
            )+
            use super::sqlite_url;
        }

        #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn all_of_it_holds_on_postgres() {
            let server = PostgresServer::shared().expect("a PostgreSQL server");
            $(
                println!("{}", stringify!($topic));
                $topic(open(server.create_database().await.expect("a database")).await).await;
            )+
        }
    };
}

on_both![
    nobody_sees_what_is_staged,
    all_see_everything_from_the_switch_on,
    who_changes_a_record_that_is_not_moved_yet_changes_the_new_one,
    a_sku_may_move_between_products_of_an_import,
    a_staged_sku_is_taken,
    a_process_that_dies_before_the_switch_leaves_the_old_records,
    a_process_that_dies_after_the_switch_leaves_the_new_records,
    one_import_a_shop_runs_at_a_time,
    a_run_that_was_given_up_writes_nothing_more,
    a_renamed_document_is_told_under_both_names,
    every_record_counts_twice_in_the_progress,
];

async fn open(url: String) -> Store {
    Store::open(&StoreConfig::new(url)).await.expect("a store")
}

fn shop() -> ShopId {
    ShopId::new("highbarn").expect("key")
}

fn gbp(minor: i64) -> Money {
    Money {
        minor,
        currency: "GBP".parse().expect("currency"),
    }
}

fn id(number: usize) -> ProductId {
    ProductId::new(format!("P-{number:03}")).expect("key")
}

fn sku(number: usize) -> Sku {
    Sku::new(format!("S-{number:03}")).expect("key")
}

fn product(number: usize, title: &str, price: i64) -> Product {
    Product {
        id: id(number),
        title: title.to_owned(),
        brand: title.to_owned(),
        category: "Kitchen > Kettles".to_owned(),
        description: "Boils water.".to_owned(),
        attributes: BTreeMap::new(),
        visible: true,
        variants: vec![Variant {
            sku: sku(number),
            ean: None,
            options: BTreeMap::new(),
            price: gbp(price),
            list_price: None,
            stock: 3,
        }],
    }
}

/// In these tests a product's brand is its title.
fn brands_of(products: &[(String, i64, i64)]) -> BTreeSet<String> {
    products.iter().map(|(title, ..)| title.clone()).collect()
}

fn document(kind: DocumentKind, body: &str) -> Document {
    Document {
        id: DocumentId::new("returns").expect("key"),
        kind,
        title: "Returns".to_owned(),
        body: body.to_owned(),
        valid_from_ms: None,
        valid_to_ms: None,
        code: None,
    }
}

fn customer(email: &str) -> Customer {
    Customer {
        id: CustomerId::new("C-1").expect("key"),
        name: "Ada Example".to_owned().into(),
        email: email.to_owned().into(),
        postcode: "AB1 2CD".to_owned().into(),
        phone: None,
    }
}

fn order(status: OrderStatus) -> Order {
    Order {
        number: OrderNumber::new("HB-1").expect("key"),
        customer_id: CustomerId::new("C-1").expect("key"),
        placed_at: "2026-10-01T10:00:00Z".to_owned(),
        status,
        lines: vec![OrderLine {
            sku: sku(0),
            title: "Kettle".to_owned(),
            quantity: 1,
            unit_price: gbp(100),
        }],
        carrier: None,
        tracking: None,
        eta: None,
        total: gbp(100),
    }
}

/// Records of every kind. Of the products, 0 to 9 are new by title, 10 to 19 by price, 20 to 29 are
/// the same in both, 30 to 39 exist in the new batch only.
fn batch(new: bool) -> Batch {
    let mut products = Vec::new();
    for number in 0..if new { 40 } else { 30 } {
        products.push(match number {
            0..10 if new => product(number, "new", 100),
            10..20 if new => product(number, "old", 200),
            30.. => product(number, "new", 100),
            _ => product(number, "old", 100),
        });
    }
    let (body, email, status) = match new {
        false => (
            "Within 30 days.",
            "old@example.com",
            OrderStatus::Processing,
        ),
        true => ("Within 60 days.", "new@example.com", OrderStatus::Shipped),
    };
    Batch {
        shop: None,
        products,
        documents: vec![document(DocumentKind::Policy, body)],
        customers: vec![customer(email)],
        orders: vec![order(status)],
    }
}

/// What readers see of the shop.
#[derive(Debug, PartialEq, Eq)]
struct Seen {
    /// Title, price and version of each product.
    products: Vec<(String, i64, i64)>,
    /// The same of those that are found by their variants.
    by_sku: Vec<(String, i64, i64)>,
    brands: BTreeSet<String>,
    document: (String, i64),
    email: String,
    order: (OrderStatus, i64),
    versions: Vec<Option<i64>>,
}

async fn see(store: &Store) -> Seen {
    let shop = shop();
    let catalog = store.catalog();
    let page = catalog
        .list(&shop, &ProductFilter::default(), None, 100)
        .await
        .expect("list");
    let brief = |found: &crate::Versioned<Product>| {
        let price = found.value.variants[0].price.minor;
        (found.value.title.clone(), price, found.version)
    };
    let ids: Vec<ProductId> = (0..40).map(id).collect();
    let many = catalog.get_many(&shop, &ids).await.expect("get");
    assert_eq!(page.items, many);
    let mut by_sku = Vec::new();
    for number in 0..40 {
        let found = catalog.by_sku(&shop, &sku(number)).await.expect("by sku");
        by_sku.extend(found.as_ref().map(brief));
        let coded = catalog.by_code(&shop, sku(number).as_str()).await;
        assert_eq!(
            coded,
            Ok(found.map(|found| found.value.id).into_iter().collect())
        );
    }
    let brands = catalog.brands(&shop).await.expect("brands");
    let key = DocumentId::new("returns").expect("key");
    let documents = store.documents();
    let document = documents.get(&shop, &key).await.expect("get").expect("it");
    let listed = documents.list(&shop, None, None, None, 10).await;
    assert_eq!(listed.expect("list").items, std::slice::from_ref(&document));
    let key_of_customer = CustomerId::new("C-1").expect("key");
    let customers = store.customers();
    let customer = customers.get(&shop, &key_of_customer).await.expect("get");
    let customer = customer.expect("it");
    let listed = customers.list(&shop, None, 10).await.expect("list").items;
    assert_eq!(listed.len(), 1);
    assert_eq!(listed[0].email.expose(), customer.email.expose());
    let number = OrderNumber::new("HB-1").expect("key");
    let order = store
        .orders()
        .get(&shop, &number)
        .await
        .expect("get")
        .expect("it");
    let keys = [
        RecordKey::Product(id(0)),
        RecordKey::Variant(sku(10)),
        RecordKey::Product(id(30)),
        RecordKey::Document(key),
        RecordKey::Order(number),
    ];
    let versions = store.db.write(move |tx| {
        Box::pin(async move {
            let mut versions = Vec::new();
            for key in keys {
                versions.push(version_of(tx, &self::shop(), &key).await?);
            }
            Ok::<_, Error>(versions)
        })
    });
    Seen {
        products: many.iter().map(brief).collect(),
        by_sku,
        brands: brands.into_iter().collect(),
        document: (document.value.body, document.version),
        email: customer.email.expose().clone(),
        order: (order.value.status, order.version),
        versions: versions.await.expect("versions"),
    }
}

fn old() -> Seen {
    let products = vec![("old".to_owned(), 100, 1); 30];
    Seen {
        by_sku: products.clone(),
        brands: brands_of(&products),
        products,
        document: ("Within 30 days.".to_owned(), 1),
        email: "old@example.com".to_owned(),
        order: (OrderStatus::Processing, 1),
        versions: vec![Some(1), Some(1), None, Some(1), Some(1)],
    }
}

fn new() -> Seen {
    let products: Vec<_> = (0..40)
        .map(|number| match number {
            0..10 => ("new".to_owned(), 100, 2),
            10..20 => ("old".to_owned(), 200, 2),
            20..30 => ("old".to_owned(), 100, 1),
            _ => ("new".to_owned(), 100, 1),
        })
        .collect();
    Seen {
        by_sku: products.clone(),
        brands: brands_of(&products),
        products,
        document: ("Within 60 days.".to_owned(), 2),
        email: "new@example.com".to_owned(),
        order: (OrderStatus::Shipped, 2),
        versions: vec![Some(2), Some(2), Some(1), Some(2), Some(2)],
    }
}

fn task(store: &Store) -> Task {
    Task {
        db: store.db.clone(),
        shop: shop(),
        progress: Arc::new(|_| {}),
    }
}

/// Fills the shop with the old records and stages the new ones.
async fn staged(store: &Store) -> (Task, i64) {
    let imports = store.imports();
    imports
        .run(&shop(), batch(false), |_| {})
        .await
        .expect("import");
    let task = task(store);
    let run = task.begin().await.expect("begin");
    let prepared = Prepared::new(batch(true)).expect("sound records");
    // 30 products, a document, a customer and an order; ten products are as before.
    assert_eq!(task.stage(run, prepared).await, Ok(33));
    (task, run)
}

/// The same, and puts them in force.
async fn in_force(store: &Store) -> (Task, i64) {
    let (task, run) = staged(store).await;
    task.switch(run, None).await.expect("switch");
    (task, run)
}

async fn leftovers(store: &Store) -> i64 {
    let counted = store.db.read(|c| async move {
        let mut sum = 0;
        for table in [
            "shop_import",
            "staged_product",
            "staged_variant",
            "staged_document",
            "staged_customer",
            "staged_shop_order",
        ] {
            let row = one(&c, format!("SELECT count(*) AS n FROM {table}"), []).await?;
            sum += get::<i64>(&row.expect("a row"), "n")?;
        }
        Ok(sum)
    });
    counted.await.expect("count")
}

/// Lets time pass for the import on record.
async fn fall_silent(store: &Store) {
    let silent = store.db.write(|tx| {
        Box::pin(async move {
            let sql = "UPDATE shop_import SET heard_at_ms = heard_at_ms - $1";
            let past = ledger::SILENCE_MAX_MS + 1_000;
            exec(tx, sql, [past.into()]).await?;
            Ok::<(), Error>(())
        })
    });
    silent.await.expect("update");
}

async fn nobody_sees_what_is_staged(store: Store) {
    let head = async || store.feed().head().await.expect("head");
    staged(&store).await;
    assert_eq!(see(&store).await, old());
    assert_eq!(head().await, 31, "the feed has the first import only");
}

async fn all_see_everything_from_the_switch_on(store: Store) {
    let (task, run) = in_force(&store).await;
    assert_eq!(see(&store).await, new());
    let head = store.feed().head().await.expect("head");
    task.sort_out(run, Phase::InForce).await.expect("move");
    assert_eq!(see(&store).await, new());
    assert_eq!(leftovers(&store).await, 0);
    let changes = store.feed().read(head, 1_000).await.expect("feed");
    let told = |kind: ChangeKind| changes.iter().filter(|change| change.kind == kind).count();
    // Ten new prices; ten new titles, ten new products and a document.
    assert_eq!((told(ChangeKind::Live), told(ChangeKind::Text)), (10, 21));
    assert_eq!(changes.len(), 31);
    // The same once more changes nothing.
    assert_eq!(
        store.imports().run(&shop(), batch(true), |_| {}).await,
        Ok(1),
        "the customer, who has no version"
    );
    assert_eq!(see(&store).await, new());
}

async fn who_changes_a_record_that_is_not_moved_yet_changes_the_new_one(store: Store) {
    let (task, run) = in_force(&store).await;
    let catalog = store.catalog();
    let stale = catalog.set_stock(&shop(), &sku(0), 9, Some(1)).await;
    assert_eq!(stale, Err(Error::VersionConflict { current: 2 }));
    let set = catalog.set_stock(&shop(), &sku(0), 9, Some(2)).await;
    let set = set.expect("set").expect("a variant");
    assert_eq!((set.value.title.as_str(), set.version), ("new", 3));
    let put = catalog.put(&shop(), product(1, "put", 1), Some(2)).await;
    assert_eq!(put.expect("put").version, 3);
    assert_eq!(catalog.delete(&shop(), &id(30), Some(1)).await, Ok(true));
    let documents = store.documents();
    let mine = document(DocumentKind::Policy, "Never.");
    let put = documents.put(&shop(), mine, Some(2)).await;
    assert_eq!(put.expect("put").version, 3);
    task.sort_out(run, Phase::InForce).await.expect("move");
    let seen = see(&store).await;
    assert_eq!(seen.products.len(), 39);
    assert_eq!(seen.products[0], ("new".to_owned(), 100, 3));
    assert_eq!(seen.products[1], ("put".to_owned(), 1, 3));
    assert_eq!(seen.products[2], ("new".to_owned(), 100, 2));
    assert_eq!(seen.document, ("Never.".to_owned(), 3));
    assert_eq!(leftovers(&store).await, 0);
}

async fn a_sku_may_move_between_products_of_an_import(store: Store) {
    let imports = store.imports();
    let two = |first: usize, second: usize| {
        let mut products = vec![product(0, "a", 1), product(1, "b", 1)];
        products[0].variants[0].sku = sku(first);
        products[1].variants[0].sku = sku(second);
        Batch {
            products,
            ..Batch::default()
        }
    };
    imports
        .run(&shop(), two(0, 1), |_| {})
        .await
        .expect("import");
    let task = task(&store);
    let run = task.begin().await.expect("begin");
    let prepared = Prepared::new(two(1, 2)).expect("sound");
    task.stage(run, prepared).await.expect("stage");
    task.refuse_doubled_skus().await.expect("none");
    task.switch(run, None).await.expect("switch");
    // A third product takes the SKU that is free for readers, though it is not moved yet.
    let mut third = product(2, "c", 1);
    third.variants[0].sku = sku(0);
    store
        .catalog()
        .put(&shop(), third, None)
        .await
        .expect("put");
    task.sort_out(run, Phase::InForce).await.expect("move");
    for (number, owner) in [(0, 2), (1, 0), (2, 1)] {
        let found = store.catalog().by_sku(&shop(), &sku(number)).await;
        assert_eq!(found.expect("get").expect("it").value.id, id(owner));
    }
}

async fn a_staged_sku_is_taken(store: Store) {
    let (task, run) = staged(&store).await;
    let mut thief = product(99, "thief", 1);
    thief.variants[0].sku = sku(35);
    let refused = store.catalog().put(&shop(), thief, None).await;
    assert!(matches!(refused, Err(Error::Invalid { field: "sku", .. })));
    // Its own product may be written beside the import.
    let own = store
        .catalog()
        .put(&shop(), product(0, "mine", 1), None)
        .await;
    assert_eq!(own.expect("put").version, 2);
    task.refuse_doubled_skus().await.expect("none");
    task.give_up(run).await.expect("give up");
    // A product that stays as it is keeps its SKU.
    let mut foreign = product(50, "foreign", 1);
    foreign.variants[0].sku = sku(25);
    let refused = store.catalog().put_many(&shop(), vec![foreign]).await;
    assert!(matches!(refused, Err(Error::Invalid { field: "sku", .. })));
    assert_eq!(leftovers(&store).await, 0);
}

async fn a_process_that_dies_before_the_switch_leaves_the_old_records(store: Store) {
    staged(&store).await;
    store.imports().sweep().await.expect("sweep");
    assert!(leftovers(&store).await > 0, "it may be alive yet");
    fall_silent(&store).await;
    store.imports().sweep().await.expect("sweep");
    assert_eq!(leftovers(&store).await, 0);
    assert_eq!(see(&store).await, old());
    let again = store.imports().run(&shop(), batch(true), |_| {}).await;
    assert_eq!(again, Ok(33));
    assert_eq!(see(&store).await, new());
}

async fn a_process_that_dies_after_the_switch_leaves_the_new_records(store: Store) {
    in_force(&store).await;
    assert_eq!(see(&store).await, new());
    fall_silent(&store).await;
    store.imports().sweep().await.expect("sweep");
    assert_eq!(leftovers(&store).await, 0);
    assert_eq!(see(&store).await, new());
    assert_eq!(
        store.feed().head().await,
        Ok(62),
        "31 records in each import"
    );
}

async fn one_import_a_shop_runs_at_a_time(store: Store) {
    let (task, run) = staged(&store).await;
    let second = async |imports: Imports| imports.run(&shop(), batch(false), |_| {}).await;
    assert_eq!(second(store.imports()).await, Err(ImportError::Busy));
    let other = ShopId::new("other").expect("key");
    let elsewhere = store.imports().run(&other, batch(false), |_| {}).await;
    assert_eq!(elsewhere, Ok(33), "another shop's runs");
    task.switch(run, None).await.expect("switch");
    assert_eq!(second(store.imports()).await, Err(ImportError::Busy));
    // What a dead process put in force is moved first.
    fall_silent(&store).await;
    assert_eq!(second(store.imports()).await, Ok(23));
    assert_eq!(leftovers(&store).await, 0);
}

async fn a_run_that_was_given_up_writes_nothing_more(store: Store) {
    let (frozen, run) = staged(&store).await;
    fall_silent(&store).await;
    store.imports().sweep().await.expect("sweep");
    let late = frozen.stage(run, Prepared::new(batch(true)).expect("sound"));
    assert_eq!(late.await, Err(ImportError::GivenUp));
    assert_eq!(frozen.switch(run, None).await, Err(ImportError::GivenUp));
    assert_eq!(leftovers(&store).await, 0);
    assert_eq!(see(&store).await, old());
}

async fn a_renamed_document_is_told_under_both_names(store: Store) {
    staged(&store).await;
    fall_silent(&store).await;
    let batch = Batch {
        documents: vec![document(DocumentKind::Promotion, "Half price.")],
        ..Batch::default()
    };
    let head = store.feed().head().await.expect("head");
    let imported = store.imports().run(&shop(), batch, |_| {}).await;
    assert_eq!(imported, Ok(1));
    let changes = store.feed().read(head, 10).await.expect("feed");
    let key = DocumentId::new("returns").expect("key");
    let told: Vec<_> = changes.into_iter().map(|c| (c.record, c.kind)).collect();
    assert_eq!(
        told,
        [
            (RecordKey::Document(key.clone()), ChangeKind::Deleted),
            (RecordKey::Promotion(key), ChangeKind::Text)
        ]
    );
}

async fn every_record_counts_twice_in_the_progress(store: Store) {
    for new in [false, true, true] {
        let counted = Arc::new(AtomicU64::new(0));
        let counter = Arc::clone(&counted);
        let all = batch(new).len() as u64;
        let count = move |n| {
            counter.fetch_add(n, Ordering::Relaxed);
        };
        let imported = store.imports().run(&shop(), batch(new), count).await;
        imported.expect("import");
        assert_eq!(counted.load(Ordering::Relaxed), 2 * all);
    }
}
