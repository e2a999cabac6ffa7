//! Crashes as verbs: die at each named point of a turn, start again, expect that nothing is lost
//! and nothing is sent twice, and that the log still explains itself.
//!
//! The points are read from the sources, so that a new one cannot be forgotten here. A run: three
//! customers write, the process dies when it passes the point for the n-th time, the platform
//! posts again what was not acknowledged, a new process starts.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::ExitStatus;
use std::sync::Arc;
use std::time::Duration;

use mercer_schemas::Event;
use mercer_store::{CRASH_AT, OutboxState};
use mercer_testing::{Accepted, PATIENCE, root};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use crate::handover::is_of_telling;
use crate::imports::is_of_imports;
use crate::support::{Mercer, Message, Model, Status, World, batch, events};

/// Points that the issue of this test asks for.
const POINTS_MIN: usize = 12;
/// Runs at each point; `MERCER_CRASH_RUNS` says otherwise.
const RUNS: u32 = 5;
/// Runs at each point on PostgreSQL, where all that is not a commit is the same code.
const RUNS_ON_POSTGRES: u32 = 2;
/// Runs side by side. Some wait half a minute for a message whose fate is unknown.
const AT_ONCE: usize = 8;
/// The same on PostgreSQL: every process brings ten connections, and what it cannot open within 3 s it does without.
const AT_ONCE_ON_POSTGRES: usize = 5;
/// What may still happen after the last reply arrived, for points behind it.
const AFTERWARDS: Duration = Duration::from_secs(2);
/// `SIGABRT`.
const ABORTED: i32 = 6;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_process_that_dies_at_any_named_point_loses_nothing_and_sends_nothing_twice() {
    let base = World::with_shop(Model::best()).await;
    // These are in the commit of the other database.
    let passed = |point: &str| !point.starts_with("transaction_");
    die_at_every_point(base, passed, RUNS, AT_ONCE).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_postgres_too_it_loses_nothing_and_sends_nothing_twice() {
    let base = World::with_shop_in_postgres(Model::best()).await;
    let passed = |point: &str| !point.starts_with("group_");
    die_at_every_point(base, passed, RUNS_ON_POSTGRES, AT_ONCE_ON_POSTGRES).await;
}

/// Dies at each point that is passed, some times, and recovers.
async fn die_at_every_point(
    base: World,
    passed: impl Fn(&str) -> bool,
    runs_each: u32,
    at_once: usize,
) {
    let runs_each = match std::env::var("MERCER_CRASH_RUNS") {
        Ok(number) => number.parse().expect("MERCER_CRASH_RUNS is a number"),
        Err(_) => runs_each,
    };
    let mut points = named_points();
    points.retain(|point| passed(point) && !is_of_imports(point) && !is_of_telling(point));
    assert!(
        points.len() >= POINTS_MIN,
        "only {} points are named: {points:?}",
        points.len()
    );
    let base = Arc::new(base);
    let places = Arc::new(Semaphore::new(at_once));
    let mut runs = JoinSet::new();
    for run in 0..runs_each {
        for point in &points {
            let (base, places, point) = (Arc::clone(&base), Arc::clone(&places), point.clone());
            runs.spawn(async move {
                let _place = places.acquire_owned().await.expect("places stay open");
                // In the last run the platform stays silent.
                let died = die_and_recover(&base, &point, run, run + 1 < runs_each).await;
                (point, died)
            });
        }
    }
    let mut deaths: BTreeMap<String, u32> = points.into_iter().map(|point| (point, 0)).collect();
    while let Some(ended) = runs.join_next().await {
        let (point, died) =
            ended.unwrap_or_else(|error| std::panic::resume_unwind(error.into_panic()));
        *deaths.entry(point).or_default() += u32::from(died);
    }
    println!("deaths of {runs_each} runs each: {deaths:?}");
    let never: Vec<&String> = deaths
        .iter()
        .filter(|(_, died)| **died == 0)
        .map(|(point, _)| point)
        .collect();
    assert!(never.is_empty(), "never passed, so not tested: {never:?}");
}

/// One run; says whether the process died at the point. A platform that `reports` on its messages settles what the
/// dead process could not note; where it stays silent, the policy for unknown messages decides.
async fn die_and_recover(base: &World, point: &str, run: u32, reports: bool) -> bool {
    let mut world = base.copy().await;
    if point == "effect_failed" {
        // No room for a plan or a reply: every generation fails.
        world.output_tokens_max = 1;
    }
    let commits = point.starts_with("group_") || point.starts_with("transaction_");
    let passage = match commits {
        // Every commit passes these, those of the start first.
        true => 4 + 4 * run,
        // Each of the three conversations passes the others once.
        false => 1 + run / 2,
    };
    let name = format!("{point}:{passage}");
    let messages = [
        "a camping stove",
        "a saddle for commuting",
        "how can I send something back",
    ];
    let messages: Vec<Message> = (0_u32..)
        .zip(messages)
        .map(|(number, words)| {
            Message::new(
                &format!("44770090{run}{number}00"),
                &format!("wamid.{run}.{number}"),
                words,
            )
        })
        .collect();
    let mut acknowledged = vec![false; messages.len()];
    let died = match world.try_start(&[(CRASH_AT, &name)]).await {
        Err(ended) => aborted(ended.status, &name, &ended.log),
        Ok(mut mercer) => {
            let posts = messages.iter().map(|message| post(&mercer, message));
            acknowledged = futures::future::join_all(posts).await;
            let all_answered = async {
                let has_reply = |all: &[Accepted], message: &Message| {
                    all.iter().any(|one| one.to == message.from)
                };
                world
                    .graph
                    .until(|all| messages.iter().all(|message| has_reply(all, message)))
                    .await;
                sleep(AFTERWARDS).await;
            };
            tokio::select! {
                status = mercer.ended() => aborted(status, &name, &mercer.log()),
                () = all_answered => { mercer.kill().await; false }
                () = sleep(PATIENCE) => panic!("{name}: neither died nor answered:\n{}", mercer.log()),
            }
        }
    };
    let mercer = world.start().await;
    let recovered = recover(&world, &mercer, &messages, &mut acknowledged, reports);
    timeout(PATIENCE, recovered)
        .await
        .unwrap_or_else(|_| panic!("{name}: not recovered:\n{}", mercer.log()));
    for message in &messages {
        check(&world, message, reports, &name).await;
    }
    let quarantined = world
        .store()
        .await
        .inbox()
        .count(&world.shop, "quarantined")
        .await
        .expect("count");
    assert_eq!(quarantined, 0, "{name}");
    mercer.kill().await;
    world.verify_replay().await;
    died
}

fn aborted(status: ExitStatus, name: &str, log: &str) -> bool {
    assert_eq!(
        status.signal(),
        Some(ABORTED),
        "{name}: ended by something else:\n{log}"
    );
    true
}

/// Posts a message; says whether it was acknowledged.
async fn post(mercer: &Mercer, message: &Message) -> bool {
    mercer
        .webhook(&batch(std::slice::from_ref(message), &[]))
        .await
        == Some(200)
}

/// Plays the platform until every message is answered: posts again what was not acknowledged, and
/// reports on what it took.
async fn recover(
    world: &World,
    mercer: &Mercer,
    messages: &[Message],
    acknowledged: &mut [bool],
    reports: bool,
) {
    let mut reported = BTreeSet::new();
    loop {
        for (message, acknowledged) in messages.iter().zip(acknowledged.iter_mut()) {
            if !*acknowledged {
                *acknowledged = post(mercer, message).await;
            }
        }
        for one in world.graph.accepted().into_iter().filter(|_| reports) {
            if !reported.contains(&one.provider_id) {
                let status = Status {
                    provider_id: one.provider_id.clone(),
                    message: one.message,
                    status: "delivered",
                };
                if mercer.webhook(&batch(&[], &[status])).await == Some(200) {
                    reported.insert(one.provider_id);
                }
            }
        }
        let open = world
            .store()
            .await
            .inbox()
            .count(&world.shop, "open")
            .await
            .expect("count");
        let mut settled = open == 0;
        for message in messages {
            settled = settled && is_settled(world, message).await;
        }
        if settled {
            return;
        }
        sleep(Duration::from_millis(100)).await;
    }
}

/// Says whether a message has its reply and the reply its end.
async fn is_settled(world: &World, message: &Message) -> bool {
    let Some(stream) = world.conversation(&message.from).await else {
        return false;
    };
    let rows = world
        .store()
        .await
        .outbox()
        .list_for(&stream)
        .await
        .expect("outbox");
    !rows.is_empty()
        && rows
            .iter()
            .all(|row| matches!(row.state, OutboxState::Sent | OutboxState::Failed))
}

/// Checks that a message was taken once, answered once, and that the answer was sent once.
async fn check(world: &World, message: &Message, reports: bool, name: &str) {
    let stream = world
        .conversation(&message.from)
        .await
        .expect("conversation");
    let records = world
        .store()
        .await
        .conversations()
        .log(&stream, 0, 1_000)
        .await
        .expect("log");
    let received = events(&records)
        .filter(|event| matches!(event, Event::MessageReceived { .. }))
        .count();
    let ended = events(&records)
        .filter(|event| matches!(event, Event::TurnEnded { .. }))
        .count();
    assert_eq!(
        (received, ended),
        (1, 1),
        "{name}: messages taken, turns ended"
    );
    let rows = world
        .store()
        .await
        .outbox()
        .list_for(&stream)
        .await
        .expect("outbox");
    assert_eq!(rows.len(), 1, "{name}: replies");
    assert_eq!(rows[0].state, OutboxState::Sent, "{name}");
    let accepted = world.graph.to(&message.from);
    assert!(
        accepted
            .iter()
            .all(|one| one.message == rows[0].message.as_str()),
        "{name}: a reply that the log does not have"
    );
    let sends_max = if reports { 1 } else { rows[0].attempt as usize };
    assert!(
        (1..=sends_max).contains(&accepted.len()),
        "{name}: sent {} times in {} attempts",
        accepted.len(),
        rows[0].attempt
    );
    assert!(rows[0].attempt <= 2, "{name}: {} attempts", rows[0].attempt);
}

/// Reads the points from the sources: every text within a call of `crash_point`.
pub(crate) fn named_points() -> BTreeSet<String> {
    let mut points = BTreeSet::new();
    for folder in ["actors", "services"] {
        collect(&root().join(folder), &mut points);
    }
    points
}

fn collect(folder: &Path, points: &mut BTreeSet<String>) {
    for entry in fs::read_dir(folder).expect("folder of sources") {
        let path = entry.expect("entry").path();
        if path.is_dir() {
            collect(&path, points);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text = fs::read_to_string(&path).expect("source");
            for (at, call) in text.match_indices("crash_point(") {
                points.extend(literals(&text[at + call.len()..]));
            }
        }
    }
}

/// Returns the texts in quotes up to the parenthesis that closes the call.
fn literals(arguments: &str) -> Vec<String> {
    let mut depth = 1_u32;
    let mut found = Vec::new();
    let mut parts = arguments.split('"');
    while depth > 0 {
        let Some(code) = parts.next() else { break };
        for letter in code.chars() {
            match letter {
                '(' => depth += 1,
                ')' if depth == 1 => return found,
                ')' => depth -= 1,
                _ => {}
            }
        }
        found.extend(parts.next().map(str::to_owned));
    }
    found
}

#[test]
fn points_are_found_in_calls_of_every_form() {
    assert_eq!(literals(r#""one"); other("two")"#), ["one"]);
    assert_eq!(
        literals("match x {\n A { .. } => \"a\",\n B(_) => \"b\",\n}); \"c\""),
        ["a", "b"]
    );
    assert!(literals("name: &str) { \"no\" }").is_empty());
}
