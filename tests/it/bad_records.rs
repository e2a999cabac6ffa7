//! Broken files: import lines, search indexes, and a log that was tampered with.

use std::fs;
use std::path::PathBuf;

use mercer_store::ProductFilter;
use mercer_testing::{copy_folder, fixture};
use sea_orm::ConnectionTrait;

use crate::bad_input::open;
use crate::support::{Caller, Model, World};

const PHONE: &str = "447700900720";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_broken_import_line_is_named_and_nothing_is_half_imported() {
    let world = World::empty(Model::Reflex).await;
    let shop = world.folder().join("shop");
    copy_folder(&fixture("shop"), &shop);
    let catalog = shop.join("catalog.jsonl");
    let text = fs::read_to_string(&catalog).expect("catalog");
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    let products = lines.len();
    lines[2] = lines[2].replacen("\"minor\":", "\"minor\":\"cheap\",\"was\":", 1);
    lines[4].truncate(40);
    fs::write(&catalog, lines.join("\n")).expect("catalog");
    let folder = shop.to_string_lossy().into_owned();

    let aborted = world.run(&["import", &folder]).await;
    assert_eq!(aborted.code, Some(1));
    for (number, field) in [(3, "variants[0].price"), (5, "")] {
        let named = aborted
            .stderr
            .lines()
            .find(|line| line.contains(&format!("catalog.jsonl:{number}: ")));
        assert!(
            named.is_some_and(|line| line.contains(field)),
            "line {number}: {}",
            aborted.stderr
        );
    }
    let store = world.store().await;
    assert!(
        store.shops().list().await.expect("shops").is_empty(),
        "nothing is half imported"
    );
    let counted = async || {
        let filter = ProductFilter::default();
        let mut count = 0;
        let mut cursor: Option<String> = None;
        loop {
            let page = store
                .catalog()
                .list(&world.shop, &filter, cursor.as_deref(), 500)
                .await
                .expect("products");
            count += page.items.len();
            cursor = page.next;
            if cursor.is_none() {
                return count;
            }
        }
    };
    assert_eq!(counted().await, 0);

    let skipped = world.run(&["import", &folder, "--on-error", "skip"]).await;
    assert_eq!(skipped.code, Some(0), "{}", skipped.stderr);
    assert!(
        skipped.stdout.contains("2 records left out"),
        "{}",
        skipped.stdout
    );
    assert_eq!(counted().await, products - 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_damaged_or_missing_index_is_rebuilt_at_start_and_said_so() {
    // Without room for a model's words the answer is what search finds.
    let mut world = World::with_shop(Model::Reflex).await;
    world.output_tokens_max = 1;
    let index = world.data().join("index");
    for (number, damage) in ["none", "garbage", "missing"].into_iter().enumerate() {
        match damage {
            "garbage" => damaged(&index),
            "missing" => fs::remove_dir_all(&index).expect("index"),
            _ => {}
        }
        let mercer = world.start().await;
        let said = mercer
            .log()
            .contains("search indexes are rebuilt from the database");
        assert_eq!(said, damage != "none", "{damage}:\n{}", mercer.log());
        let turn = Caller::new(&world, &mercer, &format!("{PHONE}{number}"))
            .say("Yarrincote Remote Canister Stove")
            .await;
        assert!(
            turn.reply
                .contains("Yarrincote Remote Canister Stove: £24.50"),
            "{damage}: {}",
            turn.reply
        );
        mercer.stop().await;
    }
}

/// Overwrites every file of the index.
fn damaged(folder: &std::path::Path) {
    let mut folders: Vec<PathBuf> = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).expect("index") {
            let path = entry.expect("entry").path();
            if path.is_dir() {
                folders.push(path);
            } else {
                fs::write(&path, "damaged").expect("index file");
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_event_that_cannot_be_read_stops_its_conversation_with_its_position() {
    let world = World::with_shop(Model::Reflex).await;
    let mercer = world.start().await;
    let (spoilt, sound) = (PHONE, "447700900721");
    for phone in [spoilt, sound] {
        Caller::new(&world, &mercer, phone)
            .say("a camping stove")
            .await;
    }
    mercer.stop().await;
    world.verify_replay().await;
    let conversation = world
        .conversation(spoilt)
        .await
        .expect("conversation")
        .conversation;
    let database = open(&world).await;
    let sql =
        format!("UPDATE log SET payload = x'7b' WHERE conversation = '{conversation}' AND seq = 3");
    assert_eq!(
        database
            .execute_unprepared(&sql)
            .await
            .expect("update")
            .rows_affected(),
        1
    );

    let output = world.run(&["replay", "--all", "--verify"]).await;
    assert_eq!(output.code, Some(1));
    let line = output
        .stderr
        .lines()
        .find(|line| line.contains(conversation.as_str()))
        .unwrap_or_default();
    assert!(line.contains("record 3"), "{}", output.stderr);
    assert!(
        output
            .stdout
            .contains("1 conversations verified, 1 diverged"),
        "{}",
        output.stdout
    );
    // A changed event is told apart from an unreadable one, and found as well.
    let sql = format!(
        "UPDATE log SET payload = CAST(replace(CAST(payload AS TEXT), 'stove', 'stave') AS BLOB) \
         WHERE kind = 'message_received' AND conversation <> '{conversation}'"
    );
    assert_eq!(
        database
            .execute_unprepared(&sql)
            .await
            .expect("update")
            .rows_affected(),
        1
    );
    let output = world.run(&["replay", "--all", "--verify"]).await;
    assert_eq!(output.code, Some(1));
    assert!(
        output
            .stdout
            .contains("0 conversations verified, 2 diverged"),
        "{}",
        output.stdout
    );
}
