//! What a search finds, and what it must not.

use mercer_schemas::DocumentKind;
use mercer_schemas::plan::Sort;

use super::*;
use crate::{Order, OrderBy, Values, Why};

#[tokio::test(flavor = "multi_thread")]
async fn a_spoken_question_finds_the_product_and_the_colour_decides() {
    let world = World::filled().await;
    let knowledge = world.open(None).await;
    let cases = [
        ("kettle", "HB-1001"),
        ("do you have a red kettle", "HB-1001"),
        ("hi, looking for a blue kettle please", "HB-1002"),
        ("Have you got any KETTLES in blue?", "HB-1002"),
        ("trail shoes", "HB-3001"),
        ("which toaster would you recommend", "HB-2001"),
        ("a jacket that is waterproof", "HB-4001"),
    ];
    for (text, first) in cases {
        let found = world.ids(&knowledge, text).await;
        assert_eq!(
            found.first().map(String::as_str),
            Some(first),
            "{text}: {found:?}"
        );
    }
    let kettles = world.ids(&knowledge, "red kettle").await;
    assert!(
        !kettles.contains(&"HB-3002".to_owned()),
        "red shoes are no kettle: {kettles:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_code_goes_before_everything_and_is_never_fuzzy() {
    let world = World::new().await;
    let mut products = catalog();
    // A decoy whose words are the code of another product.
    products.push(product(
        "HB-9001",
        "Spare lid HB 1002 BLUE HB1002 HB1002",
        "Kitchen > Parts",
        &[],
        500,
        9,
    ));
    products[1].variants[0].ean = Some("5012345678900".to_owned());
    world.put(products).await;
    let knowledge = world.open(None).await;
    for text in [
        "HB-1002-BLUE",
        "is hb 1002 blue in stock?",
        "hb1002",
        "5012345678900",
        "(HB-1002)",
    ] {
        let found = world.search(&knowledge, words(text)).await;
        assert_eq!(ids(&found)[0], "HB-1002", "{text}");
        assert_eq!(found.hits[0].why, Why::Code, "{text}");
    }
    let near = world.search(&knowledge, words("HB-1009")).await;
    assert!(near.hits.iter().all(|hit| hit.why != Why::Code));
    assert!(near.corrected.is_none(), "codes are not corrected");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_misspelt_word_is_corrected_and_said_so() {
    let world = World::filled().await;
    let knowledge = world.open(None).await;
    let cases = [
        ("red kettel", "HB-1001", Some(("kettel", "kettle"))),
        (
            "waterprof jaket",
            "HB-4001",
            Some(("waterprof", "waterproof")),
        ),
        (
            "trailrunner",
            "HB-3001",
            Some(("trailrunner", "trail runner")),
        ),
        ("kettles", "HB-1001", None),
        ("tea kettle", "HB-1001", None),
    ];
    for (text, first, corrected) in cases {
        let found = world.search(&knowledge, words(text)).await;
        assert_eq!(
            ids(&found).first().map(String::as_str),
            Some(first),
            "{text}"
        );
        let said = found
            .corrected
            .as_ref()
            .map(|(from, to)| (from.expose().as_str(), to.as_str()));
        assert_eq!(said, corrected, "{text}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_word_that_only_asks_can_name_a_product_and_a_denied_attribute_names_none() {
    let world = World::new().await;
    let mut shoe = product("A-1", "Road Shoe", "Footwear", &[], 100, 1);
    shoe.attributes
        .insert("waterproof".to_owned(), "no".to_owned());
    let bottle = product("A-2", "Water Bottle", "Camping", &[], 100, 1);
    let can = product("A-3", "Long Spouted Watering Can", "Garden", &[], 100, 1);
    world.put(vec![shoe, bottle, can]).await;
    let knowledge = world.open(None).await;
    let found = world
        .ids(&knowledge, "can I get a watering can please")
        .await;
    assert_eq!(found, ["A-3", "A-2"]);
    assert!(world.ids(&knowledge, "waterproof").await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn price_and_stock_are_never_relaxed() {
    let world = World::filled().await;
    let knowledge = world.open(Some(NGrams::new())).await;
    let cheap = ProductQuery {
        max_price: Some(gbp(4000)),
        ..words("kettle under £40")
    };
    assert_eq!(
        ids(&world.search(&knowledge, cheap.clone()).await),
        ["HB-1001", "HB-1003"]
    );
    let in_stock = ProductQuery {
        in_stock: true,
        ..cheap.clone()
    };
    assert_eq!(ids(&world.search(&knowledge, in_stock).await), ["HB-1001"]);
    let dear = ProductQuery {
        min_price: Some(gbp(6000)),
        ..words("kettle")
    };
    assert_eq!(ids(&world.search(&knowledge, dear).await), ["HB-1002"]);
    let nothing = ProductQuery {
        max_price: Some(gbp(100)),
        ..words("kettle")
    };
    assert!(world.search(&knowledge, nothing).await.hits.is_empty());
    let euros = Money {
        minor: 999_999,
        currency: "EUR".parse().expect("a currency"),
    };
    let foreign = ProductQuery {
        max_price: Some(euros),
        ..words("kettle")
    };
    assert!(
        world.search(&knowledge, foreign).await.hits.is_empty(),
        "no currency is converted"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_by_price_keeps_to_what_was_meant() {
    let world = World::filled().await;
    let knowledge = world.open(Some(NGrams::new())).await;
    let sorted = |text: &str, sort: Sort| ProductQuery {
        order: Some(sort.into()),
        ..words(text)
    };
    let cheapest = world
        .search(&knowledge, sorted("cheapest kettle", Sort::price_asc()))
        .await;
    assert_eq!(ids(&cheapest), ["HB-1003", "HB-1001", "HB-1002"]);
    let dearest = world
        .search(&knowledge, sorted("runner shoes", Sort::price_desc()))
        .await;
    assert_eq!(ids(&dearest), ["HB-3002", "HB-3001"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn attributes_are_wishes_and_categories_are_not() {
    let world = World::filled().await;
    let knowledge = world.open(None).await;
    let with = |name: &str, value: &str| ProductQuery {
        wishes: vec![values(name, &[value])],
        ..words("kettle")
    };
    assert_eq!(
        ids(&world.search(&knowledge, with("Colour", "BLUE")).await),
        ["HB-1002"]
    );
    assert_eq!(
        ids(&world.search(&knowledge, with("colour", "purple")).await).len(),
        3
    );
    let category = |path: &str| ProductQuery {
        category: Some(path.to_owned()),
        ..words("kettle")
    };
    assert_eq!(
        ids(&world.search(&knowledge, category("camping")).await),
        ["HB-1003"]
    );
    assert!(
        world
            .search(&knowledge, category("Kit"))
            .await
            .hits
            .is_empty()
    );
}

fn values(name: &str, values: &[&str]) -> Values {
    Values {
        name: name.to_owned(),
        values: values.iter().map(|value| (*value).to_owned()).collect(),
    }
}

/// A shelf of tents, each with a brand, a weight and who it is for.
async fn tents() -> World {
    let world = World::new().await;
    let tent = |id: &str, brand: &str, weight: &str, sleeps: &str, price: i64, stock: u32| {
        let title = format!("{brand} Tent {sleeps}");
        let colours = ["green", "orange"];
        let mut tent = product(id, &title, "Camping > Tents > Dome", &colours, price, stock);
        tent.brand = brand.to_owned();
        let attributes = [("pack weight", weight), ("sleeps", sleeps)];
        tent.attributes = attributes
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .into();
        tent
    };
    world
        .put(vec![
            tent("T-1", "Calder", "2.4 kg", "2 people", 12_000, 3),
            tent("T-2", "Calder", "980 g", "1 person", 21_000, 0),
            tent("T-3", "Rowan", "3.1 kg", "4 people", 18_000, 5),
            tent("T-4", "Rowan", "not given", "2 people", 9_000, 2),
            product("K-1", "Kettle", "Camping > Cooking", &[], 2_000, 9),
        ])
        .await;
    world
}

#[tokio::test(flavor = "multi_thread")]
async fn superlatives_and_counts_are_over_the_whole_shop() {
    let world = tents().await;
    let knowledge = world.open(None).await;
    let by = |name: &str, descending| {
        Some(Order {
            by: OrderBy::Field(name.to_owned()),
            descending,
        })
    };
    let lightest = ProductQuery {
        category: Some("tents".to_owned()),
        order: by("pack_weight", false),
        limit: 1,
        ..ProductQuery::default()
    };
    let found = world.search(&knowledge, lightest.clone()).await;
    assert_eq!(ids(&found), ["T-2"]);
    assert_eq!(found.total, 4);
    assert_eq!(found.hits[0].why, Why::Filter);
    let all = ProductQuery {
        limit: 9,
        ..lightest.clone()
    };
    // What has no weight on record comes last, whichever end is asked for.
    assert_eq!(
        ids(&world.search(&knowledge, all.clone()).await),
        ["T-2", "T-1", "T-3", "T-4"]
    );
    let heaviest = ProductQuery {
        order: by("pack_weight", true),
        ..all
    };
    assert_eq!(
        ids(&world.search(&knowledge, heaviest).await),
        ["T-3", "T-1", "T-2", "T-4"]
    );
    let in_stock = ProductQuery {
        in_stock: true,
        ..lightest
    };
    let found = world.search(&knowledge, in_stock).await;
    assert_eq!((ids(&found), found.total), (vec!["T-1".to_owned()], 3));
    let cheapest_of_all = ProductQuery {
        order: Some(Sort::price_asc().into()),
        limit: 1,
        ..ProductQuery::default()
    };
    let found = world.search(&knowledge, cheapest_of_all).await;
    assert_eq!((ids(&found), found.total), (vec!["K-1".to_owned()], 5));
    // One is called otherwise, and stands among them.
    let shelter = product("T-5", "Fly Shelter", "Camping > Tents", &[], 4_000, 1);
    world.put(vec![shelter]).await;
    knowledge.catch_up().await.expect("catch up");
    let cheapest_tent = ProductQuery {
        category: Some("Tents".to_owned()),
        order: Some(Sort::price_asc().into()),
        limit: 1,
        ..words("tent")
    };
    assert_eq!(ids(&world.search(&knowledge, cheapest_tent).await), ["T-5"]);
    let by_words = ProductQuery {
        order: Some(Sort::price_desc().into()),
        ..words("which tent is the dearest")
    };
    let found = world.search(&knowledge, by_words).await;
    assert_eq!((ids(&found)[0].as_str(), found.total), ("T-2", 4));
}

#[tokio::test(flavor = "multi_thread")]
async fn brands_and_values_are_wanted_or_left_out() {
    let world = tents().await;
    let knowledge = world.open(None).await;
    let search = async |query: ProductQuery| {
        let found = world.search(&knowledge, query).await;
        let mut ids = ids(&found);
        ids.sort();
        (ids, found.met)
    };
    let tent = || words("tent");
    let brand = ProductQuery {
        brand: Some("rowan".to_owned()),
        ..tent()
    };
    // What words found comes first, and the others of the category follow.
    let by_name = ProductQuery {
        category: Some("Tents".to_owned()),
        without: vec![values("brand", &["Calder"])],
        ..words("something for 4 people")
    };
    let found = world.search(&knowledge, by_name).await;
    assert_eq!(
        (ids(&found), found.total),
        (vec!["T-3".into(), "T-4".into()], 2)
    );
    assert_eq!(search(brand).await.0, ["T-3", "T-4"]);
    let other_brand = ProductQuery {
        without: vec![values("brand", &["Rowan"])],
        ..tent()
    };
    assert_eq!(search(other_brand).await.0, ["T-1", "T-2"]);
    let not_for_two = ProductQuery {
        without: vec![values("sleeps", &["2 people", "1 person"])],
        ..tent()
    };
    assert_eq!(search(not_for_two).await.0, ["T-3"]);
    // Each comes in orange too.
    let not_green = ProductQuery {
        without: vec![values("colour", &["green"])],
        ..tent()
    };
    assert_eq!(search(not_green).await.0.len(), 4);
    let either = ProductQuery {
        wishes: vec![values("sleeps", &["1 person", "4 people"])],
        ..tent()
    };
    assert_eq!(
        search(either).await,
        (vec!["T-2".into(), "T-3".into()], true)
    );
    // Words that name nothing do not hide what category and values name; without a category they do.
    let lawnmower = ProductQuery {
        wishes: vec![values("colour", &["orange"])],
        ..words("lawnmower")
    };
    assert_eq!(search(lawnmower).await, (Vec::new(), false));
    let unheard_of = ProductQuery {
        category: Some("Tents".to_owned()),
        wishes: vec![values("sleeps", &["4 people"])],
        ..words("bivouac")
    };
    assert_eq!(search(unheard_of).await, (vec!["T-3".into()], true));
    let nothing_has_both = ProductQuery {
        wishes: vec![
            values("sleeps", &["4 people"]),
            values("pack weight", &["980 g"]),
        ],
        ..tent()
    };
    let found = world.search(&knowledge, nothing_has_both).await;
    assert!(!found.hits.is_empty() && !found.met && found.total == 0);
    let cheapest_with_most = ProductQuery {
        category: Some("Tents".to_owned()),
        wishes: vec![
            values("sleeps", &["4 people"]),
            values("pack weight", &["980 g"]),
        ],
        order: Some(Sort::price_asc().into()),
        limit: 2,
        ..ProductQuery::default()
    };
    let found = world.search(&knowledge, cheapest_with_most).await;
    assert_eq!(
        (ids(&found), found.met),
        (vec!["T-3".into(), "T-2".into()], false)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_found_is_an_answer() {
    let world = World::filled().await;
    let knowledge = world.open(None).await;
    for text in [
        "lawnmower",
        "do you sell grand pianos?",
        "",
        "???",
        "\u{0}\u{feff}",
        "-+:\"*^ IN [",
    ] {
        let found = world.search(&knowledge, words(text)).await;
        assert!(found.hits.is_empty(), "{text:?}: {:?}", ids(&found));
        assert!(found.corrected.is_none(), "{text:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn another_shop_and_hidden_products_are_never_seen() {
    let world = World::filled().await;
    let other = world.add_shop("other").await;
    let mut hidden = product("HB-1004", "Secret Kettle", "Kitchen > Kettles", &[], 100, 1);
    hidden.visible = false;
    world.put(vec![hidden]).await;
    let foreign = product(
        "XX-1",
        "Foreign Kettle",
        "Kitchen > Kettles",
        &["pink"],
        100,
        1,
    );
    world
        .store
        .catalog()
        .put_many(&other, vec![foreign])
        .await
        .expect("put products");
    let knowledge = world.open(Some(NGrams::new())).await;
    for text in [
        "kettle",
        "foreign kettle",
        "XX-1",
        "pink kettle",
        "secret kettle",
        "HB-1004",
    ] {
        let found = world.ids(&knowledge, text).await;
        assert!(
            !found.iter().any(|id| id == "XX-1" || id == "HB-1004"),
            "{text}: {found:?}"
        );
    }
    let theirs = knowledge
        .search_products(&other, words("kettle"))
        .await
        .expect("search");
    assert_eq!(ids(&theirs), ["XX-1"]);
    // A word that only another shop knows corrects nothing here.
    let found = world.search(&knowledge, words("foreing")).await;
    assert!(found.corrected.is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_vector_leg_finds_what_words_miss() {
    let world = World::filled().await;
    let question = "waterproofish jacketwear";
    let lexical = world.open(None).await;
    assert!(world.ids(&lexical, question).await.is_empty());
    drop(lexical);
    // Floors belong to an embedder; trigram counts lie nearer together than a model's vectors.
    let config = SearchConfig {
        vector_floor: 0.2,
        vector_floor_alone: 0.3,
        ..SearchConfig::default()
    };
    let knowledge = Knowledge::open(
        &world.index(),
        world.store.clone(),
        SearchModels {
            embedder: Some(NGrams::new()),
            reranker: None,
        },
        config,
    )
    .await
    .expect("open the indexes");
    let found = world.search(&knowledge, words(question)).await;
    assert_eq!(ids(&found).first().map(String::as_str), Some("HB-4001"));
    assert_eq!(found.hits[0].why, Why::Vector);
    let both = world
        .search(&knowledge, words("waterproof jacket fellside green"))
        .await;
    assert_eq!(both.hits[0].why, Why::Both);
}

#[tokio::test(flavor = "multi_thread")]
async fn only_documents_in_force_answer() {
    let world = World::new().await;
    let mut old = document(
        "sale-old",
        DocumentKind::Promotion,
        "Autumn sale",
        "All tents are 10% off.",
    );
    old.valid_to_ms = Some(1_000);
    let mut new = document(
        "sale-new",
        DocumentKind::Promotion,
        "Winter sale",
        "All tents are 20% off.",
    );
    new.valid_from_ms = Some(2_000);
    world.put_document(old).await;
    world.put_document(new).await;
    let knowledge = world.open(Some(NGrams::new())).await;
    let found = async |at_ms| -> Vec<String> {
        let hits = knowledge
            .search_documents(&world.shop, asked("is there a sale on tents", at_ms, 3))
            .await;
        hits.expect("search")
            .into_iter()
            .map(|hit| hit.document.value.id.to_string())
            .collect()
    };
    assert_eq!(found(999).await, ["sale-old"]);
    assert!(found(1_500).await.is_empty());
    assert_eq!(found(2_000).await, ["sale-new"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_policy_answers_with_the_sentence_that_matters() {
    let world = World::new().await;
    let returns = "You can trust us.\n\n## How long you have\n\nYou can send back most items within 30 days of \
                   delivery. Items must be unused. Tents have 60 days.\n\n## Refunds\n\nWe refund you within 5 days \
                   after the parcel has arrived.\n";
    world
        .put_document(document(
            "returns",
            DocumentKind::Policy,
            "Returns",
            returns,
        ))
        .await;
    let delivery =
        "Standard delivery costs £3.95. Express delivery costs £7.50 and arrives the next day.";
    world
        .put_document(document(
            "delivery",
            DocumentKind::Policy,
            "Delivery",
            delivery,
        ))
        .await;
    let knowledge = world.open(Some(NGrams::new())).await;
    let cases = [
        (
            "how many days do I have to send items back",
            "returns",
            "within 30 days",
        ),
        ("when do I get my refund", "returns", "within 5 days"),
        ("how much is express delivery", "delivery", "£7.50"),
        ("how long for tents", "returns", "60 days"),
    ];
    for (question, id, words) in cases {
        let hits = knowledge
            .search_documents(&world.shop, asked(question, 0, 2))
            .await
            .expect("search");
        let first = hits
            .first()
            .unwrap_or_else(|| panic!("{question}: nothing found"));
        assert_eq!(first.document.value.id.as_str(), id, "{question}");
        assert!(first.answer.contains(words), "{question}: {}", first.answer);
        assert!(first.answer.split_whitespace().count() <= 60);
        assert!(first.text.contains(&first.answer));
    }
    let hits = knowledge
        .search_documents(&world.shop, asked("zzz qqq", 0, 2))
        .await
        .expect("search");
    assert!(hits.is_empty());
}
