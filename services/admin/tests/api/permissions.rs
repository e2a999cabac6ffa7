//! Every operation of the description against every role, no key and another shop's key.

use axum::body::Body;
use mercer_admin::auth::scopes_of;
use mercer_schemas::{Channel, Personal};
use mercer_store::Role;
use serde_json::Value;

use crate::support::{ROLES, Server, product, shop_id};

/// An operation with its path filled in.
struct Operation {
    name: String,
    request: String,
    scopes: Option<Vec<String>>,
    media_type: Option<String>,
    example: Value,
}

async fn operations(server: &Server) -> Vec<Operation> {
    let store = &server.store;
    let kettle = product("HB-1042");
    store
        .catalog()
        .put(&shop_id(), kettle, None)
        .await
        .expect("product");
    let address = Personal::new("447700900123".to_owned());
    let conversation = store
        .conversations()
        .ensure(&shop_id(), Channel::Whatsapp, &address, 1)
        .await
        .expect("conversation");
    let api = serde_json::to_value(&server.api).expect("json");
    let mut found = Vec::new();
    for (path, item) in api["paths"].as_object().expect("paths") {
        for (method, operation) in item.as_object().expect("operations") {
            let filled = path
                .replace("{shop}", "highbarn")
                .replace("{product}", "HB-1042")
                .replace("{sku}", "HB-1042-1")
                .replace("{document}", "returns")
                .replace("{conversation}", conversation.id.as_str())
                .replace("{kind}", "products")
                .replace("{delivery}", "dlv_01ARZ3NDEKTSV4RRFFQ69G5FAV")
                .replace("{key}", "nobody");
            assert!(!filled.contains('{'), "a path parameter is new: {path}");
            let scopes = operation["security"][0]["admin_key"].as_array();
            let content = operation["requestBody"]["content"].as_object();
            let content = content.and_then(|content| content.iter().next());
            found.push(Operation {
                name: format!("{} {path}", method.to_uppercase()),
                request: format!("{} {filled}", method.to_uppercase()),
                scopes: scopes.map(|scopes| {
                    let texts = scopes.iter().filter_map(Value::as_str);
                    texts.map(str::to_owned).collect()
                }),
                media_type: content.map(|(media_type, _)| media_type.clone()),
                example: content.map_or(Value::Null, |(_, one)| one["example"].clone()),
            });
        }
    }
    found
}

impl Operation {
    async fn status(&self, server: &Server, key: Option<&str>) -> u16 {
        let media_type = self.media_type.as_deref();
        let headers: Vec<_> = media_type
            .map(|text| ("content-type", text))
            .into_iter()
            .collect();
        let body = match media_type {
            Some(_) => Body::from(self.example.to_string()),
            None => Body::empty(),
        };
        let answer = server.send(&self.request, key, &headers, body).await;
        if answer.status == 401 {
            assert!(answer.header("www-authenticate").starts_with("Bearer"));
        }
        answer.status.as_u16()
    }
}

#[tokio::test]
async fn every_operation_admits_the_roles_with_its_scopes_and_nobody_else() {
    let server = Server::start().await;
    let mut table = String::new();
    for operation in operations(&server).await {
        let Some(scopes) = &operation.scopes else {
            assert!(operation.name.contains("/health/"), "{}", operation.name);
            assert_eq!(operation.status(&server, None).await, 200);
            continue;
        };
        assert!(!scopes.is_empty(), "{} asks for no scope", operation.name);
        let name = &operation.name;
        for wrong in [
            None,
            Some("mrc_live_nobody_0000"),
            Some("nonsense"),
            Some(""),
        ] {
            assert_eq!(
                operation.status(&server, wrong).await,
                401,
                "{name} {wrong:?}"
            );
        }
        let other = operation
            .status(&server, Some(&server.other_shop_key))
            .await;
        let expected = if name.contains("{shop}") { 403 } else { 200 };
        assert_eq!(other, expected, "{name} with another shop's key");
        let mut admitted = Vec::new();
        for role in ROLES {
            let status = operation.status(&server, Some(server.key(role))).await;
            assert_ne!(status, 401, "{name}");
            let held = scopes_of(role);
            let all = scopes
                .iter()
                .all(|scope| held.iter().any(|h| h.as_str() == scope));
            assert_eq!(status != 403, all, "{name} as {role:?}: {status}");
            assert!(status < 500, "{name} as {role:?}: {status}");
            if all {
                admitted.push(format!("{role:?}").to_lowercase());
            }
        }
        table.push_str(&format!("{name}: {}\n", admitted.join(" ")));
    }
    insta::assert_snapshot!(table, @r#"
    GET /v1/shops/{shop}/conversations: owner operator analyst
    GET /v1/shops/{shop}/conversations/{conversation}: owner operator analyst
    POST /v1/shops/{shop}/conversations/{conversation}/answer: owner operator
    POST /v1/shops/{shop}/conversations/{conversation}/hand-back: owner operator
    GET /v1/shops/{shop}/conversations/{conversation}/replay: owner operator analyst
    POST /v1/shops/{shop}/conversations/{conversation}/take-over: owner operator
    GET /v1/shops/{shop}/documents: owner operator analyst integration
    GET /v1/shops/{shop}/documents/{document}: owner operator analyst integration
    PUT /v1/shops/{shop}/documents/{document}: owner operator integration
    DELETE /v1/shops/{shop}/documents/{document}: owner operator integration
    PATCH /v1/shops/{shop}/documents/{document}: owner operator integration
    POST /v1/shops/{shop}/import/{kind}: owner operator integration
    GET /v1/shops/{shop}/keys: owner
    POST /v1/shops/{shop}/keys: owner
    DELETE /v1/shops/{shop}/keys/{key}: owner
    GET /v1/shops/{shop}/products: owner operator analyst integration
    GET /v1/shops/{shop}/products/{product}: owner operator analyst integration
    PUT /v1/shops/{shop}/products/{product}: owner operator integration
    DELETE /v1/shops/{shop}/products/{product}: owner operator integration
    PATCH /v1/shops/{shop}/products/{product}: owner operator integration
    GET /v1/shops/{shop}/products/{product}/variants: owner operator analyst integration
    GET /v1/shops/{shop}/variants/{sku}: owner operator analyst integration
    PATCH /v1/shops/{shop}/variants/{sku}: owner operator integration
    PUT /v1/shops/{shop}/variants/{sku}/price: owner operator integration
    PUT /v1/shops/{shop}/variants/{sku}/stock: owner operator integration
    GET /v1/shops/{shop}/webhooks/deliveries: owner operator analyst
    POST /v1/shops/{shop}/webhooks/deliveries/{delivery}/resend: owner operator
    GET /v1/workers: owner operator analyst
    "#);
}

#[tokio::test]
async fn a_key_of_no_shop_reaches_every_shop_and_only_shops_that_exist() {
    let server = Server::start().await;
    let keys = server.store.keys();
    let made = keys.create(None, "all shops", Role::Analyst, None);
    let key = made.await.expect("key").1;
    for (shop, status) in [("highbarn", 200), ("elsewhere", 200), ("nowhere", 404)] {
        let request = format!("GET /v1/shops/{shop}/products");
        let answer = server.send(&request, Some(&key), &[], Body::empty()).await;
        assert_eq!(answer.status, status, "{shop}");
    }
}

#[tokio::test]
async fn nothing_of_another_shop_is_found() {
    let server = Server::start().await;
    let elsewhere = mercer_schemas::ShopId::new("elsewhere").expect("id");
    let mut secret = product("E-1");
    secret.title = "canary of elsewhere".to_owned();
    server
        .store
        .catalog()
        .put(&elsewhere, secret, None)
        .await
        .expect("product");
    let address = Personal::new("canary address".to_owned());
    let conversation = server
        .store
        .conversations()
        .ensure(&elsewhere, Channel::Webchat, &address, 1)
        .await
        .expect("conversation");
    for path in [
        "products".to_owned(),
        "products/E-1".to_owned(),
        "products?text=canary".to_owned(),
        "products/E-1/variants".to_owned(),
        "variants/E-1-1".to_owned(),
        "conversations".to_owned(),
        format!("conversations/{}", conversation.id),
        format!("conversations/{}/replay", conversation.id),
    ] {
        let answer = server.get(&format!("/v1/shops/highbarn/{path}")).await;
        assert!(!answer.json.to_string().contains("canary"), "{path}");
        assert!(
            answer.status == 404 || answer.json["items"] == serde_json::json!([]),
            "{path}"
        );
    }
}
