//! The shop's records.

use mercer_schemas::{
    Channel, Customer, CustomerId, Document, DocumentId, DocumentKind, Order, OrderLine,
    OrderNumber, OrderStatus, ProductId, RecordKey, ShopId, Sku,
};
use mercer_store::{ChangeKind, Error, ProductFilter, ProofOutcome, ProofTry};

use crate::support::{Env, gbp, product, shop};

fn id(text: &str) -> ProductId {
    ProductId::new(text).expect("key")
}

pub async fn versions_rise_and_conflicts_are_named(env: Env) {
    let catalog = env.store.catalog();
    let first = catalog
        .put(&shop(), product("HB-1"), Some(0))
        .await
        .expect("create");
    assert_eq!(first.version, 1);
    assert!(first.value == product("HB-1"));
    let again = catalog.put(&shop(), product("HB-1"), Some(0)).await;
    assert_eq!(again, Err(Error::VersionConflict { current: 1 }));
    let mut changed = product("HB-1");
    changed.title = "New title".to_owned();
    let second = catalog
        .put(&shop(), changed.clone(), Some(1))
        .await
        .expect("put");
    assert_eq!(second.version, 2);
    let stale = catalog.put(&shop(), changed.clone(), Some(1)).await;
    assert_eq!(stale, Err(Error::VersionConflict { current: 2 }));
    let same = catalog.put(&shop(), changed, None).await.expect("put");
    assert_eq!(same.version, 2, "a put that changes nothing is no change");

    let sku = first.value.variants[0].sku.clone();
    let stock = catalog
        .set_stock(&shop(), &sku, 7, Some(2))
        .await
        .expect("set")
        .expect("there");
    assert_eq!((stock.version, stock.value.variants[0].stock), (3, 7));
    let stale = catalog
        .set_price(&shop(), &sku, gbp(1), None, Some(2))
        .await;
    assert_eq!(stale, Err(Error::VersionConflict { current: 3 }));
    let negative = catalog.set_price(&shop(), &sku, gbp(-1), None, None).await;
    assert!(matches!(
        negative,
        Err(Error::Invalid { field: "price", .. })
    ));
    let sale = catalog
        .set_price(&shop(), &sku, gbp(3999), Some(gbp(4599)), None)
        .await;
    let sale = sale.expect("set").expect("there");
    assert_eq!(sale.value.variants[0].list_price, Some(gbp(4599)));
    let nothing = Sku::new("NOTHING").expect("key");
    assert_eq!(
        catalog.set_stock(&shop(), &nothing, 1, None).await,
        Ok(None)
    );
    assert_eq!(catalog.by_sku(&shop(), &sku).await, Ok(Some(sale.clone())));
    let mut none = product("HB-2");
    none.variants.clear();
    let refused = catalog.put(&shop(), none, None).await;
    assert!(matches!(
        refused,
        Err(Error::Invalid {
            field: "variants",
            ..
        })
    ));

    // Stock written from many places at once: every write counts once.
    let mut tasks = Vec::new();
    for stock in 100..120 {
        let (catalog, sku) = (env.store.catalog(), sku.clone());
        tasks.push(tokio::spawn(async move {
            catalog.set_stock(&shop(), &sku, stock, None).await
        }));
    }
    for task in tasks {
        task.await.expect("task").expect("set").expect("there");
    }
    let last = catalog
        .get(&shop(), &id("HB-1"))
        .await
        .expect("get")
        .expect("there");
    assert_eq!(last.version, sale.version + 20);
}

pub async fn changes_are_text_or_live(env: Env) {
    let catalog = env.store.catalog();
    let feed = env.store.feed();
    catalog
        .put(&shop(), product("HB-1"), None)
        .await
        .expect("put");
    let sku = product("HB-1").variants[0].sku.clone();
    catalog
        .set_stock(&shop(), &sku, 0, None)
        .await
        .expect("set");
    catalog
        .set_price(&shop(), &sku, gbp(1), None, None)
        .await
        .expect("set");
    let current = catalog
        .get(&shop(), &id("HB-1"))
        .await
        .expect("get")
        .expect("there")
        .value;
    let edits: [fn(&mut mercer_schemas::Product); 5] = [
        |p| p.title.push('!'),
        |p| p.visible = false,
        |p| p.variants[0].ean = None,
        |p| drop(p.attributes.insert("colour".to_owned(), "red".to_owned())),
        |p| {
            drop(
                p.variants[1]
                    .options
                    .insert("size".to_owned(), "L".to_owned()),
            )
        },
    ];
    let mut edited = current;
    for edit in edits {
        edit(&mut edited);
        catalog
            .put(&shop(), edited.clone(), None)
            .await
            .expect("put");
    }
    assert!(matches!(
        catalog.delete(&shop(), &id("HB-1"), Some(99)).await,
        Err(mercer_store::Error::VersionConflict { .. })
    ));
    catalog
        .delete(&shop(), &id("HB-1"), None)
        .await
        .expect("delete");
    assert_eq!(catalog.delete(&shop(), &id("HB-1"), None).await, Ok(false));
    let changes = feed.read(0, 100).await.expect("read");
    let kinds: Vec<_> = changes.iter().map(|change| change.kind).collect();
    use ChangeKind::{Deleted, Live, Text};
    assert_eq!(
        kinds,
        [Text, Live, Live, Text, Text, Text, Text, Text, Deleted]
    );
    assert!(
        changes
            .iter()
            .all(|change| change.record == RecordKey::Product(id("HB-1")))
    );
    assert!(changes.windows(2).all(|pair| pair[0].seq < pair[1].seq));
    assert_eq!(catalog.get(&shop(), &id("HB-1")).await, Ok(None));
    assert_eq!(catalog.by_sku(&shop(), &sku).await, Ok(None));
}

pub async fn codes_are_found_however_they_are_written(env: Env) {
    let catalog = env.store.catalog();
    catalog
        .put_many(&shop(), vec![product("HB-1"), product("HB-2")])
        .await
        .expect("put");
    let ean = product("HB-1").variants[0].ean.clone().expect("ean");
    let spaced = format!("{} {}", &ean[..3], &ean[3..]);
    for code in ["hb 1", "HB-1-RED", "hb_1.blue", &ean, &spaced] {
        assert_eq!(
            catalog.by_code(&shop(), code).await,
            Ok(vec![id("HB-1")]),
            "{code}"
        );
    }
    for code in ["", "-", "HB-3", "HB"] {
        assert_eq!(catalog.by_code(&shop(), code).await, Ok(vec![]), "{code}");
    }
}

pub async fn an_import_is_all_or_nothing(env: Env) {
    let catalog = env.store.catalog();
    let many: Vec<_> = (0..450).map(|n| product(&format!("P-{n:04}"))).collect();
    assert_eq!(catalog.put_many(&shop(), many.clone()).await, Ok(450));
    assert_eq!(catalog.put_many(&shop(), many.clone()).await, Ok(0));
    let mut edited = many.clone();
    edited[449].title = "edited".to_owned();
    edited[3].variants[0].sku = edited[4].variants[0].sku.clone();
    let refused = catalog.put_many(&shop(), edited.clone()).await;
    assert!(matches!(refused, Err(Error::Invalid { field: "sku", .. })));
    let last = catalog
        .get(&shop(), &many[449].id)
        .await
        .expect("get")
        .expect("there");
    assert_eq!(
        (last.version, last.value.title),
        (1, many[449].title.clone())
    );
    // A SKU may move between products of one import.
    let red = edited[4].variants.remove(0);
    edited[3].variants[0] = red;
    assert_eq!(catalog.put_many(&shop(), edited).await, Ok(3));
    let ids: Vec<_> = many.iter().rev().map(|p| p.id.clone()).collect();
    let found = catalog.get_many(&shop(), &ids).await.expect("get");
    assert_eq!(
        found.iter().map(|f| f.value.id.clone()).collect::<Vec<_>>(),
        ids
    );
    assert_eq!(
        env.store.feed().read(0, 1_000).await.expect("read").len(),
        453
    );
}

pub async fn shops_never_see_each_other(env: Env) {
    let other = ShopId::new("other").expect("key");
    let catalog = env.store.catalog();
    catalog
        .put(&shop(), product("HB-1"), None)
        .await
        .expect("put");
    let sku = product("HB-1").variants[0].sku.clone();
    assert_eq!(catalog.get(&other, &id("HB-1")).await, Ok(None));
    assert_eq!(catalog.by_sku(&other, &sku).await, Ok(None));
    assert_eq!(catalog.by_code(&other, "HB-1").await, Ok(vec![]));
    assert_eq!(catalog.set_stock(&other, &sku, 9, None).await, Ok(None));
    assert_eq!(catalog.delete(&other, &id("HB-1"), None).await, Ok(false));
    // The same keys in another shop are other records.
    let theirs = catalog
        .put(&other, product("HB-1"), None)
        .await
        .expect("put");
    assert_eq!(theirs.version, 1);
    catalog
        .delete(&other, &id("HB-1"), None)
        .await
        .expect("delete");
    let ours = catalog
        .get(&shop(), &id("HB-1"))
        .await
        .expect("get")
        .expect("there");
    assert_eq!((ours.version, ours.value.variants.len()), (1, 2));
    let (stream, _) = env.receive("447700900030", "1").await;
    let row = env
        .store
        .conversations()
        .get(&other, &stream.conversation)
        .await;
    assert!(row.expect("get").is_none());
}

pub async fn brands_are_those_of_visible_products(env: Env) {
    let catalog = env.store.catalog();
    let mut hidden = product("HB-3");
    hidden.visible = false;
    hidden.brand = "Unseen".to_owned();
    let mut toaster = product("HB-2");
    toaster.brand = String::new();
    let all = vec![product("HB-1"), product("HB-4"), toaster, hidden];
    catalog.put_many(&shop(), all).await.expect("put");
    let brands = catalog.brands(&shop()).await.expect("brands");
    assert_eq!(brands, ["Hob & Hearth"]);
}

pub async fn documents_are_in_force_for_their_time(env: Env) {
    let documents = env.store.documents();
    let document = |key: &str, kind, from, to| Document {
        id: DocumentId::new(key).expect("key"),
        kind,
        title: key.to_owned(),
        body: "You can send back most items within 30 days.".to_owned(),
        valid_from_ms: from,
        valid_to_ms: to,
        code: None,
    };
    let all = vec![
        document("always", DocumentKind::Policy, None, None),
        document("sale", DocumentKind::Promotion, Some(100), Some(200)),
        document("later", DocumentKind::Faq, Some(200), None),
    ];
    assert_eq!(documents.put_many(&shop(), all).await, Ok(3));
    let in_force = |at: i64| {
        let documents = documents.clone();
        async move {
            let page = documents
                .list(&shop(), None, Some(at), None, 10)
                .await
                .expect("list");
            page.items
                .into_iter()
                .map(|item| item.value.id.to_string())
                .collect::<Vec<_>>()
        }
    };
    assert_eq!(in_force(99).await, ["always"]);
    assert_eq!(in_force(100).await, ["always", "sale"]);
    assert_eq!(in_force(199).await, ["always", "sale"]);
    assert_eq!(in_force(200).await, ["always", "later"]);
    let promotions = documents
        .list(&shop(), Some(DocumentKind::Promotion), None, None, 10)
        .await;
    assert_eq!(promotions.expect("list").items.len(), 1);
    let backwards = document("bad", DocumentKind::Faq, Some(5), Some(5));
    let refused = documents.put(&shop(), backwards, None).await;
    assert!(matches!(
        refused,
        Err(Error::Invalid {
            field: "valid_to_ms",
            ..
        })
    ));

    let mut sale = document("sale", DocumentKind::Promotion, Some(100), Some(300));
    sale.code = Some("AUTUMN".to_owned());
    let stored = documents
        .put(&shop(), sale.clone(), Some(1))
        .await
        .expect("put");
    assert_eq!((stored.version, &stored.value), (2, &sale));
    assert_eq!(documents.delete(&shop(), &sale.id, None).await, Ok(true));
    assert_eq!(documents.get(&shop(), &sale.id).await, Ok(None));
    let again = documents
        .put(&shop(), sale.clone(), None)
        .await
        .expect("put");
    assert_eq!(again.version, 3);
    let records: Vec<_> = env.store.feed().read(0, 10).await.expect("read");
    let last = records.last().expect("a change");
    assert_eq!(last.record, RecordKey::Promotion(sale.id));
}

pub async fn customers_are_identified_by_exactly_one_match(env: Env) {
    let customers = env.store.customers();
    let customer = |key: &str, email: &str, postcode: &str, phone: Option<&str>| Customer {
        id: CustomerId::new(key).expect("key"),
        name: "Ann Example".into(),
        email: email.into(),
        postcode: postcode.into(),
        phone: phone.map(Into::into),
    };
    let all = vec![
        customer(
            "C-1",
            "Ann@Example.com",
            "SW1A 1AA",
            Some("+44 7700 900123"),
        ),
        customer("C-2", "bob@example.com", "M1 1AE", Some("+447700900124")),
        customer("C-3", "bob@example.com", "M1 1AE", Some("+447700900124")),
    ];
    assert_eq!(customers.put_many(&shop(), all).await, Ok(3));
    let who = |address: &'static str| {
        let customers = customers.clone();
        async move {
            customers
                .by_channel_identity(&shop(), Channel::Whatsapp, address)
                .await
                .expect("find")
        }
    };
    let first = CustomerId::new("C-1").expect("key");
    assert_eq!(who("447700900123").await, Some(first.clone()));
    assert_eq!(who("447700900124").await, None, "two customers share it");
    assert_eq!(who("").await, None);
    let on_the_page = customers
        .by_channel_identity(&shop(), Channel::Webchat, "447700900123")
        .await;
    assert_eq!(on_the_page, Ok(None));
    let record = customers
        .get(&shop(), &first)
        .await
        .expect("get")
        .expect("there");
    let stamp = customers.stamp(&shop(), &first, None).await.expect("stamp");
    assert!(stamp.is_some());
    let of_owner = customers
        .stamp(&shop(), &first, Some(&first))
        .await
        .expect("stamp");
    assert!(
        of_owner.is_some() && of_owner != stamp,
        "whose address it is counts"
    );
    let moved = Customer {
        postcode: "SW1A 1AB".into(),
        ..record
    };
    customers.put_many(&shop(), vec![moved]).await.expect("put");
    let after = customers.stamp(&shop(), &first, None).await.expect("stamp");
    assert!(after.is_some() && after != stamp, "contact data count");
    let nobody = CustomerId::new("C-9").expect("key");
    assert!(
        customers
            .stamp(&shop(), &nobody, None)
            .await
            .is_ok_and(|stamp| stamp.is_none())
    );
    assert_eq!(who("CO.447700900123").await, None, "no phone number");
    let stored = customers
        .get(&shop(), &first)
        .await
        .expect("get")
        .expect("there");
    assert_eq!(stored.email.expose(), "Ann@Example.com");
}

pub async fn orders_are_found_without_case(env: Env) {
    let orders = env.store.orders();
    let order = |number: &str, customer: &str, placed_at: &str| Order {
        number: OrderNumber::new(number).expect("key"),
        customer_id: CustomerId::new(customer).expect("key"),
        placed_at: placed_at.to_owned(),
        status: OrderStatus::Processing,
        lines: vec![OrderLine {
            sku: Sku::new("HB-1-RED").expect("key"),
            title: "Kettle (red)".to_owned(),
            quantity: 2,
            unit_price: gbp(4599),
        }],
        carrier: None,
        tracking: None,
        eta: None,
        total: gbp(9198),
    };
    let all = vec![
        order("HB-70417", "C-1", "2026-10-01T10:00:00Z"),
        order("HB-70418", "C-1", "2026-10-01T11:30:00+02:00"),
        order("HB-70419", "C-2", "2026-10-02T10:00:00Z"),
    ];
    assert_eq!(orders.put_many(&shop(), all.clone()).await, Ok(3));
    let lower = OrderNumber::new("hb-70417").expect("key");
    let found = orders
        .get(&shop(), &lower)
        .await
        .expect("get")
        .expect("there");
    assert_eq!((&found.value, found.version), (&all[0], 1));
    let mine = orders
        .of_customer(&shop(), &all[0].customer_id, 10)
        .await
        .expect("list");
    let numbers: Vec<_> = mine.iter().map(|o| o.value.number.as_str()).collect();
    assert_eq!(
        numbers,
        ["HB-70417", "HB-70418"],
        "newest first, by the moment and not its text"
    );
    let mut shipped = all[0].clone();
    shipped.status = OrderStatus::Shipped;
    assert_eq!(
        orders
            .put_many(&shop(), vec![shipped, all[1].clone()])
            .await,
        Ok(1)
    );
    assert_eq!(
        orders
            .get(&shop(), &lower)
            .await
            .expect("get")
            .expect("there")
            .version,
        2
    );
    let refused = orders
        .put_many(&shop(), vec![order("X", "C-1", "yesterday")])
        .await;
    assert!(matches!(
        refused,
        Err(Error::Invalid {
            field: "placed_at",
            ..
        })
    ));
}

/// PostgreSQL refuses NUL where SQLite takes it: a look-up must not tell them apart.
pub async fn a_look_up_with_nul_finds_nothing(env: Env) {
    let catalog = env.store.catalog();
    catalog
        .put(&shop(), product("HB-1042"), None)
        .await
        .expect("put");
    assert_eq!(
        catalog.by_code(&shop(), "HB-\u{0}1042").await,
        Ok(Vec::new())
    );
    for is_proof in [false, true] {
        let given = ProofTry {
            attempt: "a".to_owned(),
            channel: Channel::Webchat,
            address: "visitor".to_owned(),
            details: vec!["a\0@b.example".to_owned(), "nr1\0".to_owned()],
            counted: vec!["a\0".to_owned()],
            is_proof,
            at_ms: 0,
        };
        let found = env.store.proofs().compare(&shop(), given).await;
        assert!(found.is_ok_and(|found| found == ProofOutcome::Wrong(Vec::new())));
    }
    let cursor: String = br#""a\u0000b""#.iter().map(|byte| format!("{byte:02x}")).collect();
    let page = catalog
        .list(&shop(), &ProductFilter::default(), Some(&cursor), 10)
        .await;
    assert!(matches!(
        page,
        Err(Error::Invalid {
            field: "cursor",
            ..
        })
    ));
    // What no edge has caught is the caller's fault on both, or none.
    let filter = ProductFilter {
        text: Some("a\0b".to_owned()),
        ..ProductFilter::default()
    };
    let page = catalog.list(&shop(), &filter, None, 10).await;
    assert!(
        matches!(&page, Ok(page) if page.items.is_empty())
            || matches!(page, Err(Error::Invalid { field: "text", .. })),
        "a database that is well must not count as away"
    );
}
