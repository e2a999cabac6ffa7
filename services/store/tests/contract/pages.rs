//! Lists: page by page they show everything once, also while rows come and go.

use std::collections::BTreeSet;

use mercer_schemas::{Channel, Personal, ProductId, ShopId};
use mercer_store::{ConversationFilter, Error, ProductFilter};
use rand::Rng;

use crate::support::{Env, append, message, product, record, shop};

pub async fn products_are_listed_completely(env: Env) {
    let catalog = env.store.catalog();
    for round in 0..6 {
        let shop = ShopId::new(format!("shop-{round}")).expect("key");
        let count = rand::rng().random_range(0..40_usize);
        let limit = rand::rng().random_range(1..12_u64);
        let mut expected = BTreeSet::new();
        let mut values = Vec::new();
        while expected.len() < count {
            // Keys as retailers have them: signs, spaces, letters of other alphabets.
            let id = format!(
                "é-{} {}",
                rand::rng().random_range(0..500),
                ["a", "Z", "ß"][count % 3]
            );
            if expected.insert(id.clone()) {
                values.push(product(&id));
            }
        }
        catalog.put_many(&shop, values).await.expect("put");
        let mut seen = Vec::new();
        let mut cursor: Option<String> = None;
        loop {
            let page = catalog
                .list(&shop, &ProductFilter::default(), cursor.as_deref(), limit)
                .await;
            let page = page.expect("list");
            assert!(page.items.len() as u64 <= limit);
            seen.extend(page.items.iter().map(|item| item.value.id.to_string()));
            // What was shown may go meanwhile.
            if let Some(shown) = page.items.last() {
                catalog
                    .delete(&shop, &shown.value.id, None)
                    .await
                    .expect("delete");
            }
            match page.next {
                Some(next) => cursor = Some(next),
                None => break,
            }
        }
        assert_eq!(seen.len(), expected.len(), "count {count}, limit {limit}");
        assert_eq!(seen.into_iter().collect::<BTreeSet<_>>(), expected);
    }
    let bad = catalog
        .list(&shop(), &ProductFilter::default(), Some("zz"), 10)
        .await;
    assert!(matches!(
        bad,
        Err(Error::Invalid {
            field: "cursor",
            ..
        })
    ));
}

pub async fn conversations_are_listed_completely(env: Env) {
    let conversations = env.store.conversations();
    let mut items = Vec::new();
    for number in 0..23 {
        items.push(message(
            &format!("4477009{number:05}"),
            &format!("w{number}"),
            1,
        ));
    }
    let inserted = env
        .store
        .inbox()
        .insert(&shop(), items)
        .await
        .expect("insert");
    let expected: BTreeSet<_> = inserted
        .into_iter()
        .filter_map(|row| row.stream)
        .map(|stream| stream.conversation)
        .collect();
    assert_eq!(expected.len(), 23);
    for limit in [1, 7, 23, 24] {
        let mut seen = Vec::new();
        let mut cursor: Option<String> = None;
        loop {
            let filter = ConversationFilter::default();
            let page = conversations
                .list(&shop(), &filter, cursor.as_deref(), limit)
                .await;
            let page = page.expect("list");
            seen.extend(page.items.iter().map(|row| row.id.clone()));
            match page.next {
                Some(next) => cursor = Some(next),
                None => break,
            }
        }
        assert_eq!(seen.len(), 23);
        assert_eq!(seen.into_iter().collect::<BTreeSet<_>>(), expected);
    }
    let streams = conversations
        .all_streams(None, None)
        .await
        .expect("streams");
    assert_eq!((streams.items.len(), streams.next), (23, None));
    let other = ShopId::new("other").expect("key");
    let none = conversations
        .all_streams(Some(&other), None)
        .await
        .expect("streams");
    assert!(none.items.is_empty());

    let address: Personal<String> = "web-1".into();
    let made = conversations
        .ensure(&shop(), Channel::Webchat, &address, 5)
        .await
        .expect("ensure");
    let found = conversations
        .ensure(&shop(), Channel::Webchat, &address, 9)
        .await
        .expect("ensure");
    assert_eq!(made.id, found.id);
    let by_address = conversations
        .get_by_address(&shop(), Channel::Webchat, "web-1")
        .await;
    assert!(
        by_address
            .expect("get")
            .is_some_and(|row| row.id == made.id)
    );
    let on_whatsapp = conversations
        .get_by_address(&shop(), Channel::Whatsapp, "web-1")
        .await;
    assert!(on_whatsapp.expect("get").is_none());
}

pub async fn filters_narrow_the_list(env: Env) {
    let catalog = env.store.catalog();
    let mut toaster = product("T-1");
    toaster.category = "Kitchen > Toasters".to_owned();
    toaster
        .variants
        .iter_mut()
        .for_each(|variant| variant.stock = 0);
    let mut garden = product("G-1");
    garden.category = "Kitchen garden".to_owned();
    garden.title = "100% jute_twine".to_owned();
    garden.visible = false;
    catalog
        .put_many(&shop(), vec![product("K-1"), toaster, garden])
        .await
        .expect("put");
    let ids = |filter: ProductFilter| {
        let catalog = catalog.clone();
        async move {
            let page = catalog
                .list(&shop(), &filter, None, 10)
                .await
                .expect("list");
            page.items
                .into_iter()
                .map(|item| item.value.id)
                .collect::<Vec<ProductId>>()
        }
    };
    let keys = |texts: &[&str]| -> Vec<ProductId> {
        texts
            .iter()
            .map(|text| ProductId::new(*text).expect("key"))
            .collect()
    };
    let category = |text: &str| ProductFilter {
        category_prefix: Some(text.to_owned()),
        ..Default::default()
    };
    assert_eq!(ids(category("Kitchen")).await, keys(&["K-1", "T-1"]));
    assert_eq!(ids(category("Kitchen > Toasters")).await, keys(&["T-1"]));
    assert_eq!(ids(category("kitchen")).await, keys(&[]));
    let stocked = |in_stock| ProductFilter {
        in_stock: Some(in_stock),
        ..Default::default()
    };
    assert_eq!(ids(stocked(true)).await, keys(&["G-1", "K-1"]));
    assert_eq!(ids(stocked(false)).await, keys(&["T-1"]));
    let visible = ProductFilter {
        visible: Some(false),
        ..Default::default()
    };
    assert_eq!(ids(visible).await, keys(&["G-1"]));
    let text = |text: &str| ProductFilter {
        text: Some(text.to_owned()),
        ..Default::default()
    };
    assert_eq!(ids(text("KETTLE k")).await, keys(&["K-1"]));
    assert_eq!(ids(text("100%")).await, keys(&["G-1"]));
    assert_eq!(
        ids(text("e_t")).await,
        keys(&["G-1"]),
        "signs of LIKE are plain signs"
    );
    assert_eq!(ids(text("hearth")).await.len(), 3);

    let (stream, _) = env.receive("447700900040", "1").await;
    env.receive("447700900041", "2").await;
    let lease = env.lease("node", &stream).await;
    let mut step = append(&stream, &lease);
    step.records = vec![record(1, lease.epoch)];
    step.handed_over = true;
    step.phase = "with_person".to_owned();
    let written_at = step.records[0].at_ms;
    let conversations = env.store.conversations();
    conversations.append(step).await.expect("append");
    let filters = [
        ConversationFilter {
            handed_over: Some(true),
            ..Default::default()
        },
        ConversationFilter {
            phase: Some("with_person".to_owned()),
            ..Default::default()
        },
        ConversationFilter {
            since_ms: Some(written_at),
            handed_over: Some(true),
            ..Default::default()
        },
    ];
    for filter in filters {
        let page = conversations
            .list(&shop(), &filter, None, 10)
            .await
            .expect("list");
        let found: Vec<_> = page.items.iter().map(|row| row.stream()).collect();
        assert_eq!(found, std::slice::from_ref(&stream), "{filter:?}");
    }
    let webchat = ConversationFilter {
        channel: Some(Channel::Webchat),
        ..Default::default()
    };
    let page = conversations
        .list(&shop(), &webchat, None, 10)
        .await
        .expect("list");
    assert!(page.items.is_empty());
}
