//! Mercer and its workers as processes of their own: whatever dies, a customer gets one answer.

use std::path::{Path, PathBuf};
use std::time::Duration;

use mercer_testing::{Nats, PATIENCE, fixture};
use serde_json::{Value, json};
use tokio::time::{sleep, timeout};

use crate::live::admin_key;
use crate::support::{Attempt, Caller, Frames, Mercer, Model, World};

const CALLER: &str = "gateway,conversations,admin,indexer";
const CUSTOMER: &str = "447700900801";
const LATER_CUSTOMER: &str = "447700900802";
const EMBEDDED_CUSTOMER: &str = "447700900803";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_dies_a_customer_gets_one_answer() {
    let mut nats = Nats::start().await;
    let mut world = World::with_shop(Model::best()).await;
    world.nats = nats.url();
    // Prompts are read in small steps, so that there is a middle of a generation.
    let worker = async |name| {
        let env = [
            ("MERCER_WORKER__NAME", name),
            ("MERCER_MODELS__BATCH_TOKENS", "64"),
        ];
        world.start_as("worker", &env).await
    };
    let (first, second) = (worker("w1").await, worker("w2").await);
    let mercer = world.start_as(CALLER, &[]).await;
    let mut caller = Caller::new(&world, &mercer, CUSTOMER);

    let turn = caller.say("a camping stove").await;
    assert!(!turn.reply.is_empty());
    assert!(written(&mercer).await > 0, "a worker wrote it");
    let pool = world.run(&["workers"]).await;
    assert_eq!(pool.code, Some(0), "{}", pool.stderr);
    for words in ["2 workers", "w1", "w2", "ready"] {
        assert!(pool.stdout.contains(words), "{}", pool.stdout);
    }
    let doctor = world.run(&["doctor"]).await;
    assert!(
        doctor.stdout.contains("main with 2 workers ready"),
        "{}",
        doctor.stdout
    );
    let key = admin_key(&world).await;
    let workers = listed(&mercer, &key).await;
    let told = |at: usize| {
        (
            &workers["items"][at]["name"],
            &workers["items"][at]["state"],
        )
    };
    assert_eq!(told(0), (&json!("w1"), &json!("ready")), "{workers}");
    assert_eq!(told(1), (&json!("w2"), &json!("ready")), "{workers}");

    // The second worker is out of sight, so the first gets the requests. It dies with one that it has begun.
    second.signal("-STOP").await;
    is_silent(&mercer, &key, "w2").await;
    let mut frames = Frames::listen(&world.nats).await;
    let mut answers = 1;
    let (stream, attempt) = loop {
        let saying = caller.say("a coat for rain");
        tokio::pin!(saying);
        tokio::select! {
            turn = &mut saying => {
                // It was quicker than the test, which may have stopped it all the same.
                first.signal("-CONT").await;
                assert!(!turn.reply.is_empty());
                answers += 1;
                assert!(answers < 20, "it never is caught in the middle");
            }
            unfinished = stop_within_a_generation(&mut frames, &first, "w1") => {
                first.kill().await;
                second.signal("-CONT").await;
                let turn = saying.await;
                assert!(!turn.reply.is_empty());
                answers += 1;
                break unfinished;
            }
        }
    };
    frames.catch_up().await;
    let ends: Vec<Attempt> = frames
        .ended
        .iter()
        .filter(|end| end.0 == stream)
        .copied()
        .collect();
    let [(_, finished)] = ends[..] else {
        panic!("it is finished once: {ends:?}")
    };
    assert!(finished > attempt, "elsewhere");
    assert_eq!(world.graph.to(CUSTOMER).len(), answers, "one answer each");

    let before = written(&mercer).await;
    nats.restart().await;
    pool_is_back(&world).await;
    let turn = caller.say("is it in stock?").await;
    assert!(!turn.reply.is_empty());
    assert!(written(&mercer).await > before, "a worker wrote it");
    assert_eq!(
        world.graph.to(CUSTOMER).len(),
        answers + 1,
        "one answer each"
    );

    second.stop().await;
    let log = mercer.stop().await;
    assert!(!log.contains(CUSTOMER));
    world.verify_replay().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_caller_starts_without_nats_and_goes_on_by_itself_when_it_is_back() {
    let mut nats = Nats::start().await;
    let mut world = World::with_shop(Model::Reflex).await;
    world.nats = nats.url();
    let worker = world
        .start_as("worker", &[("MERCER_WORKER__NAME", "w1")])
        .await;
    says(&worker, "/health/ready", "ready").await;
    // It learns the model, and keeps it.
    world.start_as(CALLER, &[]).await.stop().await;

    nats.kill();
    says(&worker, "/health/ready", "cannot be reached").await;
    let mercer = world.start_as(CALLER, &[]).await;
    let mut caller = Caller::new(&world, &mercer, LATER_CUSTOMER);
    let turn = caller.say("a camping stove").await;
    assert!(!turn.reply.is_empty(), "an honest answer");
    assert_eq!(written(&mercer).await, 0, "no worker wrote it");

    nats.restart().await;
    pool_is_back(&world).await;
    let turn = caller.say("a coat for rain").await;
    assert!(!turn.reply.is_empty());
    assert!(written(&mercer).await > 0, "a worker wrote it");
    mercer.stop().await;
    worker.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_caller_embeds_in_the_pool_and_searches_by_words_without_it() {
    let nats = Nats::start().await;
    let mut world = World::empty(Model::Reflex).await;
    world.import(&small_shop(world.folder())).await;
    world.nats = nats.url();
    world.embedder = "pool".into();
    let file = fixture("models/mercer-embed-v2.gguf");
    let worker = async |name, embedder: &str| {
        let settings = [
            ("MERCER_WORKER__NAME", name),
            ("MERCER_MODELS__EMBEDDER", embedder),
        ];
        world.start_as("worker", &settings).await
    };
    let (first, second) = (
        worker("w1", &file.to_string_lossy()).await,
        worker("w2", "").await,
    );
    let mercer = world.start_as(CALLER, &[]).await;
    let mut caller = Caller::new(&world, &mercer, EMBEDDED_CUSTOMER);
    let indexed = embedded(&mercer).await;
    assert!(indexed > 0, "the index is filled by the worker");
    let turn = caller.say("a camping stove").await;
    assert!(!turn.reply.is_empty());
    assert!(embedded(&mercer).await > indexed, "so is the question");
    let pool = world.run(&["workers"]).await;
    assert!(pool.stdout.contains(", mercer-embed"), "{}", pool.stdout);
    let doctor = world.run(&["doctor"]).await;
    let told = doctor
        .stdout
        .lines()
        .find(|line| line.contains("embedder "));
    let told = told.expect("a finding").to_owned();
    assert!(told.contains("in pool main: mercer-embed"), "{told}");
    assert!(told.contains("on 1 workers"), "{told}");

    first.kill().await;
    let before = embedded(&mercer).await;
    let turn = caller.say("a coat for rain").await;
    assert!(!turn.reply.is_empty());
    assert_eq!(embedded(&mercer).await, before);

    second.stop().await;
    let log = mercer.stop().await;
    assert!(!log.contains("belongs to another embedder"), "{log}");
    assert!(!log.contains("coat"), "{log}");
    world.verify_replay().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_later_worker_of_a_name_ends_with_what_to_do() {
    let nats = Nats::start().await;
    let mut world = World::empty(Model::Reflex).await;
    world.nats = nats.url();
    let name = [("MERCER_WORKER__NAME", "w1")];
    let first = world.start_as("worker", &name).await;
    pool_is_back(&world).await;
    let second = world.run_with(&["serve", "--roles", "worker"], &name).await;
    assert_eq!(second.code, Some(1), "{}", second.stderr);
    assert!(
        second.stderr.contains("worker.name `w1` is taken"),
        "{}",
        second.stderr
    );
    assert!(world.run(&["workers"]).await.stdout.contains("ready"));
    first.stop().await;
}

/// Kills, freezes, restarts and drains, as `mercer-lab bench chaos` does by the hundred.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_short_chaos_breaks_no_text() {
    let world = World::empty(Model::Reflex).await;
    let chaos = world
        .run_lab(&[
            "bench",
            "chaos",
            "--kills",
            "5",
            "--stops",
            "2",
            "--restarts",
            "2",
            "--drains",
            "2",
            "--slots",
            "2",
            "--callers",
            "4",
            "--compare",
            "0",
            "--json",
        ])
        .await;
    assert_eq!(chaos.code, Some(0), "{}{}", chaos.stdout, chaos.stderr);
    let report: Value = serde_json::from_str(&chaos.stdout).expect("a report");
    assert_eq!(report["violations"], 0, "{report}");
    let disturbed = json!({
        "kills": report["disturbed"]["kills"], "stops": report["disturbed"]["stops"],
        "restarts": report["disturbed"]["restarts"], "drains": report["disturbed"]["drains"],
    });
    assert_eq!(
        disturbed,
        json!({ "kills": 5, "stops": 2, "restarts": 2, "drains": 2 })
    );
    assert!(report["whole"].as_u64() > Some(10), "{report}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn roles_that_cannot_run_say_what_to_do() {
    let world = World::empty(Model::Reflex).await;
    let alone = world.run(&["serve", "--roles", "worker"]).await;
    assert_eq!(alone.code, Some(1));
    assert!(alone.stderr.contains("nats.url"), "{}", alone.stderr);
    let half = world
        .run(&["serve", "--roles", "gateway,conversations"])
        .await;
    assert!(
        half.stderr.contains("add the role worker"),
        "{}",
        half.stderr
    );
    let door = world.run(&["serve", "--roles", "gateway"]).await;
    assert!(door.stderr.contains("PostgreSQL"), "{}", door.stderr);
    let pool = world.run(&["workers"]).await;
    assert!(pool.stderr.contains("nats.url"), "{}", pool.stderr);
}

/// Makes a shop of the demo shop's first products: the shipped embedder takes a minute of a busy machine for all.
fn small_shop(folder: &Path) -> PathBuf {
    const PRODUCTS: usize = 24;
    let shop = folder.join("small-shop");
    std::fs::create_dir(&shop).expect("folder");
    std::fs::copy(fixture("shop/shop.toml"), shop.join("shop.toml")).expect("shop");
    let catalog = std::fs::read_to_string(fixture("shop/catalog.jsonl")).expect("catalog");
    let some: Vec<&str> = catalog.lines().take(PRODUCTS).collect();
    std::fs::write(shop.join("catalog.jsonl"), some.join("\n")).expect("catalog");
    shop
}

/// Stops a worker within the next generation that it begins, and returns the attempt that it leaves unfinished.
async fn stop_within_a_generation(frames: &mut Frames, worker: &Mercer, name: &str) -> Attempt {
    /// What the worker had sent when it was stopped arrives within this.
    const ON_ITS_WAY: Duration = Duration::from_millis(300);
    loop {
        let attempt = frames.begun(name).await;
        worker.signal("-STOP").await;
        if !frames.ends_within(attempt, ON_ITS_WAY).await {
            return attempt;
        }
        worker.signal("-CONT").await;
    }
}

/// Returns the workers as a Mercer's admin API lists them.
async fn listed(mercer: &Mercer, key: &str) -> Value {
    let asked = mercer
        .http
        .get(format!("{}/v1/workers", mercer.url))
        .bearer_auth(key);
    asked.send().await.unwrap().json().await.unwrap()
}

/// Waits until a Mercer hears nothing of a worker any more.
async fn is_silent(mercer: &Mercer, key: &str, name: &str) {
    let silent = async || {
        let workers = listed(mercer, key).await;
        let items = workers["items"].as_array().cloned().unwrap_or_default();
        items
            .iter()
            .any(|worker| worker["name"] == name && worker["state"] == "silent")
    };
    let wait = async {
        while !silent().await {
            sleep(Duration::from_millis(100)).await;
        }
    };
    timeout(PATIENCE, wait)
        .await
        .unwrap_or_else(|_| panic!("{name} is never silent"));
}

/// Waits until a worker takes requests.
async fn pool_is_back(world: &World) {
    let back = async {
        while !world.run(&["workers"]).await.stdout.contains("ready") {
            sleep(Duration::from_millis(100)).await;
        }
    };
    timeout(PATIENCE, back).await.expect("the pool is back");
}

/// Waits until a path answers with some words.
async fn says(mercer: &Mercer, path: &str, words: &str) {
    let said = async {
        while !mercer.get(path).await.contains(words) {
            sleep(Duration::from_millis(50)).await;
        }
    };
    timeout(PATIENCE, said)
        .await
        .unwrap_or_else(|_| panic!("{path} never says {words}"));
}

/// Returns how many generations workers have ended for a Mercer.
async fn written(mercer: &Mercer) -> u64 {
    count(mercer, "mercer_pool_requests_total{outcome=\"stop\"}").await
}

/// Returns how often workers have embedded for a Mercer.
async fn embedded(mercer: &Mercer) -> u64 {
    count(mercer, "mercer_pool_embeds_total{outcome=\"done\"}").await
}

async fn count(mercer: &Mercer, metric: &str) -> u64 {
    let metrics = mercer.get("/metrics").await;
    let counts = metrics
        .lines()
        .filter(|line| line.starts_with(metric))
        .filter_map(|line| line.rsplit(' ').next()?.parse::<u64>().ok());
    counts.sum()
}
