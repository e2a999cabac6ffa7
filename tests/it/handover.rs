//! A person who is called hears of it, although the process dies while it tells.

use std::os::unix::process::ExitStatusExt;
use std::time::Duration;

use mercer_store::{CRASH_AT, DeliveryFilter, DeliveryState};
use mercer_testing::WebhookReceiver;
use tokio::time::{sleep, timeout};

use crate::support::{Message, Model, World, batch};

const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
/// What the kernel sends a process that aborts.
const ABORTED: i32 = 6;
/// A delivery that a dead process held is taken up after a minute.
const PATIENCE: Duration = Duration::from_secs(150);

/// Says whether a point is one of telling, which a customer's message does not pass where nobody is
/// called.
pub(crate) fn is_of_telling(point: &str) -> bool {
    point.starts_with("notice_")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_person_is_called_although_the_process_dies_before_and_after_sending() {
    let base = World::with_shop(Model::best()).await;
    let (before, after) = (base.copy().await, base.copy().await);
    tokio::join!(
        die_while_telling(before, "notice_claimed", 1),
        die_while_telling(after, "notice_sent", 2),
    );
}

async fn die_while_telling(mut world: World, point: &str, tries: usize) {
    let helpdesk = WebhookReceiver::start(&[SECRET]).await;
    world.more = format!(
        "[[notify.webhooks]]\nshop = \"{}\"\nname = \"helpdesk\"\nurl = \"{}\"\nsecrets = [\"{SECRET}\"]\n\
         events = [\"conversation.handed_over\"]\n",
        world.shop,
        helpdesk.url()
    );
    let mut mercer = match world.try_start(&[(CRASH_AT, point)]).await {
        Ok(mercer) => mercer,
        Err(ended) => panic!("{point}: mercer did not start:\n{}", ended.log),
    };
    let words = "can i speak to a real person please";
    let message = Message::new("447700900777", "wamid.handover", words);
    assert_eq!(mercer.webhook(&batch(&[message], &[])).await, Some(200));
    let status = timeout(PATIENCE, mercer.ended()).await;
    let status = status.unwrap_or_else(|_| panic!("{point}: alive:\n{}", mercer.log()));
    assert_eq!(status.signal(), Some(ABORTED), "{point}:\n{}", mercer.log());

    let mercer = world.start().await;
    let notices = world.store().await.notices();
    let delivered = DeliveryFilter {
        state: Some(DeliveryState::Delivered),
        ..DeliveryFilter::default()
    };
    let settled = async {
        while notices
            .list(&world.shop, &delivered, None, 10)
            .await
            .expect("deliveries")
            .items
            .is_empty()
        {
            sleep(Duration::from_millis(100)).await;
        }
    };
    let settled = timeout(PATIENCE, settled).await;
    assert!(settled.is_ok(), "{point}: nobody heard:\n{}", mercer.log());
    let taken = helpdesk.taken();
    assert_eq!(taken.len(), tries, "{point}");
    let (id, told) = (&taken[0].id, &taken[0].body);
    assert!(taken.iter().all(|other| other.id == *id), "{point}");
    assert_eq!(told["type"], "conversation.handed_over");
    assert_eq!(told["data"]["summary"]["asked"], words);
    assert_eq!(
        told["data"]["summary"]["who"]["address"], "447700900777",
        "{point}"
    );
    assert!(
        !mercer.log().contains("real person"),
        "words are in the log"
    );
    mercer.kill().await;
    world.verify_replay().await;
}
