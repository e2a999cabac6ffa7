//! Importing a folder: what is written, and what a broken line says.

use std::path::Path;
use std::sync::Arc;

use mercer_schemas::{CustomerId, DocumentId, Money, ProductId, ShopId};
use mercer_store::{Store, StoreConfig};
use proptest::prelude::*;

use super::*;

const SHOP: &str = "id = \"northwind\"\nname = \"Northwind\"\ncurrency = \"GBP\"\nlocale = \"en-GB\"\nlink_hosts = [\"northwind.example\"]\ngreeting = \"Hello\"\n";
const KETTLE: &str = r#"{"id":"K-1","title":"Kettle","brand":"","category":"Kitchen","description":"","attributes":{"material":"steel"},"visible":true,"variants":[{"sku":"K-1-R","ean":"5012345678900","options":{"colour":"red"},"price":{"minor":4599,"currency":"GBP"},"list_price":null,"stock":12}]}"#;
const CUSTOMER: &str = r#"{"id":"C-1","name":"Ann Example","email":"ann@example.com","postcode":"AB1 2CD","phone":"+447700900123"}"#;
const ORDER: &str = r#"{"number":"O-1","customer_id":"C-1","placed_at":"2026-10-01T10:00:00Z","status":"shipped","lines":[{"sku":"K-1-R","title":"Kettle","quantity":1,"unit_price":{"minor":4599,"currency":"GBP"}}],"carrier":"Post","tracking":null,"eta":"2026-10-05","total":{"minor":4599,"currency":"GBP"}}"#;
const RETURNS: &str = "---\nid: returns\nkind: policy\ntitle: Returns\nvalid_from: 2026-01-01\nvalid_to: 2026-12-31\n---\nYou have 30 days.\n";

fn write(folder: &Path, name: &str, text: impl AsRef<[u8]>) {
    let path = folder.join(name);
    std::fs::create_dir_all(path.parent().expect("a folder")).expect("make the folder");
    std::fs::write(path, text).expect("write a file");
}

async fn store(folder: &Path) -> Store {
    Store::open(&StoreConfig::new(mercer_testing::sqlite_url(folder)))
        .await
        .expect("open the store")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_shop_that_models_learn_from_can_be_imported() {
    let shops = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/shops");
    let (mut wrong, mut imported) = (Vec::new(), 0);
    for set in ["train", "develop", "unseen"] {
        for shop in std::fs::read_dir(shops.join(set)).expect("a set") {
            let shop = shop.expect("a shop").path();
            let folder = tempfile::tempdir().expect("a temporary folder");
            let store = store(folder.path()).await;
            let result = import_shop(&shop, &store, None, OnError::Abort, Arc::new(())).await;
            imported += usize::from(result.is_ok());
            wrong.extend(
                result
                    .err()
                    .map(|error| format!("{}: {error}", shop.display())),
            );
        }
    }
    assert!(wrong.is_empty() && imported >= 10, "{}", wrong.join("\n"));
}

fn shop_folder(folder: &Path, catalog: &str, customers: &str, orders: &str, policy: &str) {
    write(folder, "shop.toml", SHOP);
    write(folder, "catalog.jsonl", catalog);
    write(folder, "customers.jsonl", customers);
    write(folder, "orders.jsonl", orders);
    write(folder, "policies/returns.md", policy);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_becomes_a_shop_and_importing_again_changes_nothing() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let store = store(folder.path()).await;
    shop_folder(folder.path(), KETTLE, CUSTOMER, ORDER, RETURNS);
    for _ in 0..2 {
        let report = import_shop(folder.path(), &store, None, OnError::Abort, Arc::new(()))
            .await
            .expect("import");
        let counts = Counts {
            products: 1,
            variants: 1,
            documents: 1,
            customers: 1,
            orders: 1,
        };
        assert_eq!(
            (report.shop.as_str(), report.counts, report.skipped.count()),
            ("northwind", counts, 0)
        );
    }
    let shop = ShopId::new("northwind").expect("a valid key");
    let product = store
        .catalog()
        .get(&shop, &ProductId::new("K-1").expect("a valid key"))
        .await
        .expect("read")
        .expect("a product");
    assert_eq!(
        product.version, 1,
        "a record that did not change keeps its version"
    );
    let returns = store
        .documents()
        .get(&shop, &DocumentId::new("returns").expect("a valid key"))
        .await
        .expect("read")
        .expect("a document");
    // 2026-01-01 and the end of 2026-12-31, UTC.
    assert_eq!(returns.value.valid_from_ms, Some(1_767_225_600_000));
    assert_eq!(returns.value.valid_to_ms, Some(1_798_761_600_000));
    let ann = CustomerId::new("C-1").expect("a valid key");
    assert!(
        store
            .customers()
            .get(&shop, &ann)
            .await
            .expect("read")
            .is_some()
    );
    assert_eq!(
        store
            .orders()
            .of_customer(&shop, &ann, 9)
            .await
            .expect("read")
            .len(),
        1
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn broken_lines_are_named_and_abort_writes_nothing() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let store = store(folder.path()).await;
    let catalog = [
        KETTLE,
        "{\"id\":\"K-2\",",
        &KETTLE
            .replace("K-1", "K-3")
            .replace("\"minor\":4599", "\"minor\":\"45.99\""),
        &KETTLE.replace("K-1", "K-4").replace("GBP", "EUR"),
        &KETTLE
            .replace("K-1", "K-5")
            .replace("\"title\":\"Kettle\",", ""),
        KETTLE,
        &KETTLE
            .replace("K-1", "K-7")
            .replace("\"stock\":12", "\"stock\":-1"),
        &KETTLE
            .replace("K-1", "K-8")
            .replace("\"visible\":true", "\"colour\":\"red\""),
    ]
    .join("\n");
    let customers = [
        CUSTOMER,
        &CUSTOMER
            .replace("C-1", "C-2")
            .replace("ann@example.com", "secret-words"),
    ]
    .join("\n");
    let orders = [
        ORDER,
        &ORDER
            .replace("O-1", "O-2")
            .replace("C-1", "C-9")
            .replace("2026-10-05", "soon"),
    ]
    .join("\n");
    shop_folder(
        folder.path(),
        &catalog,
        &customers,
        &orders,
        &RETURNS.replace("2026-12-31", "31 December"),
    );

    let result = import_shop(folder.path(), &store, None, OnError::Abort, Arc::new(())).await;
    let Err(Error::Broken(errors)) = result else {
        panic!("the import went through")
    };
    let said: Vec<String> = errors.first().iter().map(ToString::to_string).collect();
    let expected = [
        "catalog.jsonl:2: not JSON at column 12: EOF while parsing a value (write one JSON object on each line)",
        "catalog.jsonl:3: variants[0].price.minor: invalid type: string \"45.99\", expected i64 (write the value in the form that the import format gives)",
        "catalog.jsonl:4: variants[0].price: is in EUR, the shop's currency is GBP (write the price in the shop's currency)",
        "catalog.jsonl:5: missing field `title` (add the field)",
        "catalog.jsonl:6: id: `K-1` was used in line 1 already (give each product an id of its own)",
        "catalog.jsonl:6: variants[0].sku: `K-1-R` was used in line 1 already (give each variant a sku of its own)",
        "catalog.jsonl:7: variants[0].stock: invalid value: integer `-1`, expected u32 (write the value in the form that the import format gives)",
        "catalog.jsonl:8: colour: unknown field `colour`, expected one of `id`, `title`, `brand`, `category`, `description`, `attributes`, `visible`, `variants` (remove or rename the field)",
        "policies/returns.md:6: valid_to: is not a date (write for instance 2026-11-30)",
        "customers.jsonl:2: email: is not an e-mail address (write for instance name@example.com)",
        "customers.jsonl:2: phone: the number of line 1 is used again (a number identifies one customer)",
        "orders.jsonl:2: customer_id: there is no customer `C-9` (add the customer to customers.jsonl)",
        "orders.jsonl:2: eta: is not a date (write for instance 2026-10-05, or null)",
    ];
    assert_eq!(said, expected);
    assert!(!said.concat().contains("secret-words"));
    assert_eq!(
        store.shops().list().await.expect("read").len(),
        0,
        "nothing is half imported"
    );
    assert_eq!(store.feed().head().await.expect("read"), 0);

    let report = import_shop(folder.path(), &store, None, OnError::Skip, Arc::new(()))
        .await
        .expect("import");
    assert_eq!(
        report.counts,
        Counts {
            products: 1,
            variants: 1,
            documents: 0,
            customers: 1,
            orders: 1
        }
    );
    assert_eq!(report.skipped.count(), expected.len() as u64);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_single_file_needs_a_shop_that_exists() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let store = store(folder.path()).await;
    write(folder.path(), "catalog.jsonl", KETTLE);
    let file = folder.path().join("catalog.jsonl");
    let import = async |path: &Path, shop: Option<&str>| {
        let shop = shop.map(|id| ShopId::new(id).expect("a valid key"));
        import_shop(path, &store, shop, OnError::Abort, Arc::new(())).await
    };
    assert!(matches!(import(&file, None).await, Err(Error::NoShop)));
    assert!(matches!(
        import(&file, Some("northwind")).await,
        Err(Error::UnknownShop(_))
    ));
    assert!(matches!(
        import(&folder.path().join("absent"), None).await,
        Err(Error::Read { .. })
    ));
    write(folder.path(), "shop.toml", SHOP);
    import(folder.path(), Some("other"))
        .await
        .expect_err("two shops are named");
    import(&folder.path().join("shop.toml"), None)
        .await
        .expect("import the shop");
    assert_eq!(
        import(&file, Some("northwind"))
            .await
            .expect("import")
            .counts
            .products,
        1
    );
    // The sku belongs to K-1.
    write(
        folder.path(),
        "more.jsonl",
        KETTLE.replace("\"K-1\"", "\"K-2\""),
    );
    let refused = import(&folder.path().join("more.jsonl"), Some("northwind")).await;
    let Err(Error::Broken(errors)) = refused else {
        panic!("a sku has two products")
    };
    assert_eq!(
        errors.first()[0].message,
        "`K-1-R` belongs to another product of the shop"
    );
}

#[test]
fn csv_lines_with_one_id_are_one_product() {
    let csv = "id,title,brand,category,description,sku,ean,price,currency,stock,option.colour,attribute.material\n\
               K-1,Kettle,Fell,Kitchen,\"Boils, quietly\",K-1-R,5012345678900,45.99,GBP,3,red,steel\n\
               K-1,Kettle,Fell,Kitchen,,K-1-B,,49.5,GBP,0,blue,steel\n\
               K-2,Pot,,Kitchen,,K-2-S,,12,GBP,1,,\n\
               K-3,Pan,,Kitchen,,K-3-S,,twelve,GBP,1,,\n\
               K-3,Pan,,Kitchen,,K-3-L,,12,GBP,-4,,\n\
               K-4,Lid,,Kitchen\n";
    let gbp = "GBP".parse().expect("a currency");
    let parsed =
        products_from_csv(csv.as_bytes(), "catalog.csv", gbp, OnError::Skip).expect("read");
    let products: Vec<_> = parsed
        .records
        .iter()
        .map(|(line, p)| (*line, p.id.as_str(), p.variants.len()))
        .collect();
    assert_eq!(products, [(2, "K-1", 2), (4, "K-2", 1)]);
    let kettle = &parsed.records[0].1;
    assert_eq!(kettle.description, "Boils, quietly");
    assert_eq!(kettle.attributes["material"], "steel");
    assert_eq!(kettle.variants[1].options["colour"], "blue");
    assert_eq!(
        kettle.variants[1].price,
        Money {
            minor: 4950,
            currency: gbp
        }
    );
    assert!(parsed.records[1].1.variants[0].options.is_empty());
    let said: Vec<_> = parsed
        .errors
        .first()
        .iter()
        .map(|e| (e.line, e.field.as_str()))
        .collect();
    assert_eq!(
        said,
        [
            (5, "price"),
            (6, "stock"),
            (7, ""),
            (7, "sku"),
            (7, "currency"),
            (7, "price"),
            (7, "stock")
        ]
    );

    let parsed = products_from_csv(
        "id,title,size\n1,2,3\n".as_bytes(),
        "c.csv",
        gbp,
        OnError::Skip,
    )
    .expect("read");
    let said: Vec<_> = parsed
        .errors
        .first()
        .iter()
        .map(|e| e.field.as_str())
        .collect();
    assert_eq!(said, ["size", "sku", "price", "currency", "stock"]);
}

#[test]
fn front_matter_faults_name_their_line() {
    let shop = ShopId::new("northwind").expect("a valid key");
    let cases: [(&str, u64, &str); 6] = [
        ("no fence", 1, ""),
        ("---\nid: a\n", 1, ""),
        ("---\nid: a\nkind: law\ntitle: T\n---\nText\n", 3, "kind"),
        (
            "---\nid: a\nkind: faq\ntitle: T\nshop: other\n---\nText\n",
            5,
            "shop",
        ),
        (
            "---\nid: a\nkind: faq\ntitle: T\nvalid_from: 2026-02-02\nvalid_to: 2026-02-01\n---\nText\n",
            6,
            "valid_to",
        ),
        ("---\nid: a\nkind: faq\ntitle: T\n---\n\n", 6, ""),
    ];
    for (text, line, field) in cases {
        let errors = document_from_markdown(text.as_bytes(), "f.md", &shop).expect_err(text);
        assert_eq!(
            (errors[0].line, errors[0].field.as_str()),
            (line, field),
            "{text:?}: {}",
            errors[0]
        );
    }
    let crlf = RETURNS.replace('\n', "\r\n");
    assert!(document_from_markdown(crlf.as_bytes(), "f.md", &shop).is_ok());
}

proptest! {
    #[test]
    fn no_bytes_break_an_import(bytes in prop::collection::vec(any::<u8>(), 0..400), cut in 0_usize..400) {
        let gbp = "GBP".parse().expect("a currency");
        let shop = ShopId::new("northwind").expect("a valid key");
        let _ = products_from_jsonl(&bytes[..], "f", gbp, OnError::Skip);
        let _ = products_from_csv(&bytes[..], "f", gbp, OnError::Skip);
        let _ = document_from_markdown(&bytes, "f", &shop);
        // Also bytes inside otherwise sound files.
        for sound in [KETTLE, RETURNS, "id,title,sku,price,currency,stock\n1,a,b,1.0,GBP,1\n"] {
            let mut mixed = sound.as_bytes().to_vec();
            let at = cut.min(mixed.len());
            mixed.splice(at..at, bytes.iter().copied());
            let _ = products_from_jsonl(&mixed[..], "f", gbp, OnError::Skip);
            let _ = products_from_csv(&mixed[..], "f", gbp, OnError::Skip);
            let _ = document_from_markdown(&mixed, "f", &shop);
        }
    }
}
