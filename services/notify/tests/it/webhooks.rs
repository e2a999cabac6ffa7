//! Webhooks: signed, in order, through every fault, and given up into a list at last.

use std::time::Duration;

use mercer_notify::ATTEMPTS_MAX;
use mercer_store::{DeliveryFilter, DeliveryState};
use mercer_testing::{Mood, WebhookReceiver, until};

use crate::world::{OTHER_SECRET, SECRET, World, desk, shop};

/// Words of what a receiver took of a conversation, in the order in which it took it.
fn words(receiver: &WebhookReceiver, conversation: &str) -> Vec<String> {
    let taken = receiver.taken().into_iter();
    taken
        .filter(|one| one.body["data"]["conversation"] == conversation)
        .map(|one| one.body["data"]["text"].as_str().expect("text").to_owned())
        .collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_notice_arrives_signed_by_every_secret_and_says_what_happened_when() {
    let world = World::start().await;
    // The receiver knows the old secret only, as while a secret is replaced.
    let receiver = WebhookReceiver::start(&[SECRET]).await;
    let stream = world.conversation("447700900001").await;
    world.tell(&stream, "hello?").await;
    let _running = world.run(&desk(&receiver.url(), &[OTHER_SECRET, SECRET]));
    until("taken", async || receiver.taken().len() == 1).await;
    let taken = receiver.taken().remove(0);
    assert!(taken.id.starts_with("evt_"));
    assert_eq!(taken.body["type"], "message.received");
    assert_eq!(taken.body["data"]["text"], "hello?");
    assert_eq!(taken.body["data"]["shop"], "highbarn");
    let time = taken.body["timestamp"].as_str().expect("a time");
    assert!(time.starts_with("20") && time.ends_with('Z'), "{time}");
    assert_eq!(receiver.refused(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_receiver_with_another_secret_refuses_it() {
    let world = World::start().await;
    let receiver = WebhookReceiver::start(&[OTHER_SECRET]).await;
    let stream = world.conversation("447700900001").await;
    world.tell(&stream, "hello?").await;
    let _running = world.run(&desk(&receiver.url(), &[SECRET]));
    until("refused", async || receiver.refused() == 1).await;
    assert!(receiver.requests().is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn errors_and_silence_lose_nothing_and_keep_the_order() {
    let world = World::start().await;
    let receiver = WebhookReceiver::start(&[SECRET]).await;
    receiver.next(&[
        Mood::Fails(500),
        Mood::Hangs,
        Mood::Fails(429),
        Mood::Fails(302),
    ]);
    let stream = world.conversation("447700900001").await;
    for text in ["one", "two", "three"] {
        world.tell(&stream, text).await;
    }
    let _running = world.run(&desk(&receiver.url(), &[SECRET]));
    for tries in 1..=4 {
        until("another try", async || receiver.requests().len() >= tries).await;
        // A try that hangs ends by itself after 15 s; the claim is not waited for.
        until("the try is over", async || {
            let items = world.told(&DeliveryFilter::default()).await;
            items.iter().all(|row| row.state != DeliveryState::Sending)
        })
        .await;
        assert!(receiver.taken().is_empty());
        world.later(Duration::from_secs(900));
    }
    until("all three", async || receiver.taken().len() == 3).await;
    assert_eq!(
        words(&receiver, stream.conversation.as_str()),
        ["one", "two", "three"]
    );
    let first = &receiver.requests()[0].id;
    let same = receiver
        .requests()
        .iter()
        .filter(|one| one.id == *first)
        .count();
    assert_eq!(same, 5, "a repetition keeps its id");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_receiver_that_is_gone_for_an_hour_gets_everything_in_order() {
    let world = World::start().await;
    let receiver = WebhookReceiver::start(&[SECRET]).await;
    let config = desk(&receiver.url(), &[SECRET]);
    let come_back = receiver.leave().await;
    let mut streams = Vec::new();
    for number in 0..10 {
        streams.push(world.conversation(&format!("44770090000{number}")).await);
    }
    let running = world.run(&config);
    // An hour in steps of three minutes, with something new in each.
    for step in 0..20 {
        for stream in &streams {
            world.tell(stream, &format!("{step}")).await;
        }
        world.later(Duration::from_secs(180));
    }
    until("all were tried", async || {
        let items = world.told(&DeliveryFilter::default()).await;
        items.iter().filter(|row| row.attempt > 0).count() >= streams.len()
    })
    .await;
    // The process ends and comes back, too.
    drop(running);
    let receiver = come_back().await;
    let _running = world.run(&config);
    world.later(Duration::from_secs(7_200));
    until("everything", async || receiver.taken().len() == 200).await;
    let expected: Vec<String> = (0..20).map(|step| step.to_string()).collect();
    for stream in &streams {
        assert_eq!(words(&receiver, stream.conversation.as_str()), expected);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_never_succeeds_is_given_up_and_frees_the_next() {
    let world = World::start().await;
    let receiver = WebhookReceiver::start(&[SECRET]).await;
    receiver.next(&vec![Mood::Fails(503); ATTEMPTS_MAX as usize]);
    let stream = world.conversation("447700900001").await;
    world.tell(&stream, "lost").await;
    world.tell(&stream, "next").await;
    let _running = world.run(&desk(&receiver.url(), &[SECRET]));
    let dead = DeliveryFilter {
        state: Some(DeliveryState::Dead),
        ..DeliveryFilter::default()
    };
    until("given up", async || {
        world.later(Duration::from_secs(60 * 60));
        world.told(&dead).await.len() == 1
    })
    .await;
    until("the next", async || receiver.taken().len() == 1).await;
    assert_eq!(words(&receiver, stream.conversation.as_str()), ["next"]);
    // A person sends it again.
    let notices = world.store.notices();
    let given_up = world.told(&dead).await.remove(0);
    let id = &given_up.id;
    assert_eq!(given_up.attempt, ATTEMPTS_MAX);
    assert_eq!(notices.resend(&shop(), id, 0).await, Ok(true));
    until("sent again", async || receiver.taken().len() == 2).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_target_that_hangs_delays_no_other() {
    let world = World::start().await;
    let (slow, quick) = (
        WebhookReceiver::start(&[SECRET]).await,
        WebhookReceiver::start(&[SECRET]).await,
    );
    slow.next(&[Mood::Hangs; 64]);
    let mut config = desk(&slow.url(), &[SECRET]);
    let mut other = desk(&quick.url(), &[SECRET]);
    other.webhooks[0].name = "other".to_owned();
    config.webhooks.append(&mut other.webhooks);
    for number in 10..40 {
        let stream = world.conversation(&format!("4477009000{number}")).await;
        world.tell(&stream, "hello?").await;
    }
    let _running = world.run(&config);
    until("the quick one has all", async || quick.taken().len() == 30).await;
    assert!(slow.taken().is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_trial_says_how_the_target_answered() {
    let world = World::start().await;
    let receiver = WebhookReceiver::start(&[SECRET]).await;
    receiver.next(&[Mood::Takes, Mood::Fails(418)]);
    let notifier = world.notifier(&desk(&receiver.url(), &[SECRET]));
    let first = notifier.try_out(&shop(), "desk").await.expect("a target");
    assert_eq!(first.expect("taken").status, Some(204));
    let second = notifier.try_out(&shop(), "desk").await.expect("a target");
    assert_eq!(second.expect_err("refused").status, Some(418));
    assert!(notifier.try_out(&shop(), "nobody").await.is_none());
    assert_eq!(receiver.requests()[0].body["type"], "mercer.test");
}

#[test]
fn settings_that_are_wrong_are_named_without_their_values() {
    let check = |change: &dyn Fn(&mut mercer_notify::WebhookConfig)| {
        let mut config = desk("https://desk.example/hook", &[SECRET]);
        change(&mut config.webhooks[0]);
        config.check().expect_err("wrong").to_string()
    };
    let short = check(&|webhook| webhook.secrets = vec!["whsec_c2hvcnQ=".to_owned()]);
    assert!(
        short.starts_with("notify.webhooks[0].secrets[0]"),
        "{short}"
    );
    assert!(!short.contains("c2hvcnQ"));
    let bare = check(&|webhook| webhook.secrets = vec!["s".repeat(40)]);
    assert!(bare.starts_with("notify.webhooks[0].secrets[0]"));
    let none = check(&|webhook| webhook.secrets.clear());
    assert!(none.starts_with("notify.webhooks[0].secrets"));
    let url = check(&|webhook| webhook.url = "ftp://desk.example".to_owned());
    assert!(url.starts_with("notify.webhooks[0].url"));
    let name = check(&|webhook| webhook.name = "a b".to_owned());
    assert!(name.starts_with("notify.webhooks[0].name"));
    assert!(desk("https://desk.example/hook", &[SECRET]).check().is_ok());
}
