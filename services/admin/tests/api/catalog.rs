//! Products and variants: create, read, change by version, patch, list, import.

use std::collections::BTreeSet;

use mercer_store::Role;
use serde_json::{Value, json};

use crate::support::{Server, json_of, product, shop_id};

const PRODUCTS: &str = "/v1/shops/highbarn/products";

#[tokio::test]
async fn a_product_is_created_replaced_read_and_deleted_under_its_version() {
    let server = Server::start().await;
    let put = format!("PUT {PRODUCTS}/HB-1");
    let mut kettle = json_of(&product("HB-1"));

    let created = server.json(&put, kettle.clone()).await;
    assert_eq!(
        (created.status.as_u16(), created.header("etag")),
        (201, "\"1\"")
    );
    assert_eq!(created.json["product"], kettle);

    kettle["title"] = json!("Better kettle");
    let replaced = server
        .json_with(&put, &[("if-match", "\"1\"")], kettle.clone())
        .await;
    assert_eq!(
        (replaced.status.as_u16(), replaced.header("etag")),
        (200, "\"2\"")
    );

    let stale = server
        .json_with(&put, &[("if-match", "\"1\"")], kettle.clone())
        .await;
    assert_eq!(
        (stale.status.as_u16(), stale.header("etag")),
        (412, "\"2\"")
    );
    let absent = server
        .json_with(
            &format!("PUT {PRODUCTS}/HB-2"),
            &[("if-match", "*")],
            json_of(&product("HB-2")),
        )
        .await;
    assert_eq!(absent.status, 412);

    let read = server.get(&format!("{PRODUCTS}/HB-1")).await;
    assert_eq!(
        (read.header("etag"), &read.json["product"]),
        ("\"2\"", &kettle)
    );

    let delete = format!("DELETE {PRODUCTS}/HB-1");
    let stale = server
        .json_with(&delete, &[("if-match", "\"1\"")], Value::Null)
        .await;
    assert_eq!(stale.status, 412);
    let deleted = server
        .json_with(&delete, &[("if-match", "\"2\"")], Value::Null)
        .await;
    assert_eq!(deleted.status, 204);
    assert_eq!(server.get(&format!("{PRODUCTS}/HB-1")).await.status, 404);
    assert_eq!(server.json(&delete, Value::Null).await.status, 404);
}

#[tokio::test]
async fn a_patch_changes_what_it_names_and_nothing_else() {
    let server = Server::start().await;
    server
        .json(&format!("PUT {PRODUCTS}/HB-1"), json_of(&product("HB-1")))
        .await;
    let patch = format!("PATCH {PRODUCTS}/HB-1");
    let merge = ("content-type", "application/merge-patch+json");
    let key = Some(server.key(Role::Integration));
    let body = json!({"brand": "Fenwick", "attributes": {"material": null, "colour": "red"}});
    let answer = server.send(&patch, key, &[merge], body.to_string()).await;
    assert_eq!(answer.status, 200);
    let mut wanted = json_of(&product("HB-1"));
    wanted["brand"] = json!("Fenwick");
    wanted["attributes"] = json!({"colour": "red"});
    assert_eq!(answer.json["product"], wanted);

    for (body, field) in [
        (json!({"titel": "x"}), "titel"),
        (json!({"id": "HB-2"}), "id"),
        (json!({"title": null}), "title"),
        (json!({"title": 7}), "title"),
        (json!({"variants": []}), "variants"),
        (json!({"variants": [{"sku": "a"}]}), "variants[0].price"),
    ] {
        let answer = server.json(&patch, body.clone()).await;
        assert_eq!(answer.status, 422, "{body}");
        assert_eq!(answer.json["errors"][0]["field"], field, "{}", answer.json);
    }
    assert_eq!(
        server.get(&format!("{PRODUCTS}/HB-1")).await.json["product"],
        wanted
    );
}

#[tokio::test]
async fn changes_made_at_the_same_time_are_all_kept() {
    let server = Server::start().await;
    server
        .json(&format!("PUT {PRODUCTS}/HB-1"), json_of(&product("HB-1")))
        .await;
    let patch = format!("PATCH {PRODUCTS}/HB-1");
    let (a, b, c) = tokio::join!(
        server.json(&patch, json!({"attributes": {"a": "1"}})),
        server.json(&patch, json!({"attributes": {"b": "2"}})),
        server.json(&patch, json!({"attributes": {"c": "3"}})),
    );
    for answer in [a, b, c] {
        assert_eq!(answer.status, 200);
    }
    let read = server.get(&format!("{PRODUCTS}/HB-1")).await;
    let wanted = json!({"a": "1", "b": "2", "c": "3", "material": "steel"});
    assert_eq!(read.json["product"]["attributes"], wanted);
}

#[tokio::test]
async fn price_and_stock_of_a_variant_change_alone() {
    let server = Server::start().await;
    server
        .json(&format!("PUT {PRODUCTS}/HB-1"), json_of(&product("HB-1")))
        .await;
    let variant = "/v1/shops/highbarn/variants/HB-1-1";

    let price = json!({"price": {"minor": 3999, "currency": "GBP"}, "list_price": {"minor": 4599, "currency": "GBP"}});
    let priced = server
        .json(&format!("PUT {variant}/price"), price.clone())
        .await;
    assert_eq!(priced.status, 200);
    let stocked = server
        .json_with(
            &format!("PUT {variant}/stock"),
            &[("if-match", priced.header("etag"))],
            json!({"stock": 3}),
        )
        .await;
    assert_eq!(stocked.status, 200);
    let stale = server
        .json_with(
            &format!("PUT {variant}/stock"),
            &[("if-match", priced.header("etag"))],
            json!({"stock": 4}),
        )
        .await;
    assert_eq!(stale.status, 412);
    let patched = server
        .json(
            &format!("PATCH {variant}"),
            json!({"list_price": null, "ean": "4006381333931"}),
        )
        .await;
    assert_eq!(patched.status, 200);

    let read = server.get(variant).await;
    assert_eq!(
        read.json["variant"],
        json!({
            "sku": "HB-1-1", "ean": "4006381333931", "options": {}, "price": price["price"],
            "list_price": null, "stock": 3,
        })
    );
    assert_eq!(read.json, patched.json);
    let listed = server.get(&format!("{PRODUCTS}/HB-1/variants")).await;
    assert_eq!(listed.json["items"], json!([read.json]));
    let stored = server
        .store
        .catalog()
        .by_sku(&shop_id(), &"HB-1-1".parse().expect("sku"))
        .await;
    assert_eq!(
        stored.expect("read").expect("there").value.variants[0].stock,
        3
    );

    for (request, body, field) in [
        (
            "price",
            json!({"price": {"minor": 1, "currency": "EUR"}}),
            "price.currency",
        ),
        (
            "price",
            json!({"price": {"minor": -1, "currency": "GBP"}}),
            "price.minor",
        ),
        ("stock", json!({"stock": -1}), "stock"),
        ("stock", json!({"stock": 4_000_000_000_u32}), "stock"),
    ] {
        let answer = server
            .json(&format!("PUT {variant}/{request}"), body.clone())
            .await;
        assert_eq!(
            (answer.status.as_u16(), &answer.json["errors"][0]["field"]),
            (422, &json!(field)),
            "{body}"
        );
    }
    let nobody = server
        .json(
            "PUT /v1/shops/highbarn/variants/none/stock",
            json!({"stock": 1}),
        )
        .await;
    assert_eq!(nobody.status, 404);
}

#[tokio::test]
async fn rules_of_the_domain_name_every_field_that_breaks_them() {
    let server = Server::start().await;
    server
        .json(&format!("PUT {PRODUCTS}/HB-1"), json_of(&product("HB-1")))
        .await;
    let mut bad = json_of(&product("HB-2"));
    bad["title"] = json!(" ");
    bad["brand"] = json!("a\u{0}b");
    let first = bad["variants"][0].clone();
    bad["variants"] = json!([first.clone(), first]);
    bad["variants"][0]["ean"] = json!("4006381333932");
    bad["variants"][1]["price"]["currency"] = json!("EUR");
    let answer = server.json(&format!("PUT {PRODUCTS}/HB-2"), bad).await;
    assert_eq!(answer.status, 422);
    insta::assert_json_snapshot!(answer.json["errors"], @r#"
    [
      {
        "field": "title",
        "message": "must not be empty"
      },
      {
        "field": "brand",
        "message": "must not hold control characters or line breaks"
      },
      {
        "field": "variants[0].ean",
        "message": "must be an EAN or GTIN of 8, 12, 13 or 14 digits with a right check digit"
      },
      {
        "field": "variants[1].sku",
        "message": "must be unique"
      },
      {
        "field": "variants[1].price.currency",
        "message": "must be GBP, the shop's currency"
      }
    ]
    "#);

    let mut taken = json_of(&product("HB-2"));
    taken["variants"][0]["sku"] = json!("HB-1-1");
    let answer = server.json(&format!("PUT {PRODUCTS}/HB-2"), taken).await;
    assert_eq!(
        (answer.status.as_u16(), &answer.json["errors"][0]["field"]),
        (422, &json!("sku"))
    );
    let other_id = server
        .json(&format!("PUT {PRODUCTS}/HB-3"), json_of(&product("HB-2")))
        .await;
    assert_eq!(other_id.json["errors"][0]["field"], "id");
}

#[tokio::test]
async fn pages_hold_every_product_once_also_while_the_list_changes() {
    let server = Server::start().await;
    let products = (0..25).map(|n| product(&format!("P-{n:02}"))).collect();
    server
        .store
        .catalog()
        .put_many(&shop_id(), products)
        .await
        .expect("stored");
    for limit in [1, 7, 25, 200] {
        let mut seen: Vec<String> = Vec::new();
        let mut cursor = String::new();
        loop {
            let page = server
                .get(&format!("{PRODUCTS}?limit={limit}{cursor}"))
                .await;
            let items = page.json["items"].as_array().expect("items");
            assert!(items.len() <= limit);
            seen.extend(
                items
                    .iter()
                    .filter_map(|item| item["product"]["id"].as_str().map(str::to_owned)),
            );
            // A product that was already seen goes; the pages must not shift.
            if limit == 7 && seen.len() == 7 {
                server
                    .json(&format!("DELETE {PRODUCTS}/P-03"), Value::Null)
                    .await;
            }
            match page.json["next"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => break,
            }
        }
        let distinct: BTreeSet<&String> = seen.iter().collect();
        let count = if limit > 7 { 24 } else { 25 };
        assert_eq!(
            (seen.len(), distinct.len()),
            (count, count),
            "limit {limit}"
        );
    }
    let mut hidden = product("P-05");
    hidden.visible = false;
    hidden.variants[0].stock = 0;
    server
        .store
        .catalog()
        .put(&shop_id(), hidden, None)
        .await
        .expect("stored");
    for (filter, count) in [
        ("visible=false", 1),
        ("in_stock=true", 23),
        ("category=Kitchen", 24),
        ("category=Garden", 0),
        ("text=p-1", 10),
    ] {
        let page = server.get(&format!("{PRODUCTS}?limit=200&{filter}")).await;
        assert_eq!(
            page.json["items"].as_array().map(Vec::len),
            Some(count),
            "{filter}"
        );
    }
}

#[tokio::test]
async fn an_import_is_whole_or_leaves_out_what_it_names() {
    let server = Server::start().await;
    let good = json_of(&product("I-1")).to_string();
    let file = format!("{good}\n{{\"id\":\"I-2\"}}\n");
    let key = Some(server.key(Role::Integration));
    let headers = [("content-type", "application/x-ndjson")];
    let import = "POST /v1/shops/highbarn/import/products";
    let aborted = server.send(import, key, &headers, file.clone()).await;
    assert_eq!(
        (aborted.status.as_u16(), &aborted.json["errors"][0]["field"]),
        (422, &json!("line 2"))
    );
    assert_eq!(server.get(&format!("{PRODUCTS}/I-1")).await.status, 404);
    let skipped = server
        .send(&format!("{import}?on_error=skip"), key, &headers, file)
        .await;
    assert_eq!(skipped.status, 200);
    insta::assert_json_snapshot!(skipped.json, @r#"
    {
      "imported": 1,
      "skipped": 1,
      "errors": [
        {
          "line": 2,
          "field": "",
          "message": "missing field `title`; add the field"
        }
      ]
    }
    "#);
    assert_eq!(server.get(&format!("{PRODUCTS}/I-1")).await.status, 200);
}
