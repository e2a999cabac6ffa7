//! The loop that addresses and sends, and a single trial.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use mercer_schemas::{Notice, NoticeId, NoticeKind, ShopId};
use mercer_store::{Claimed, Error, Notices, Outcome, Store, TargetName};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::schedule::wait_ms;
use crate::target::{ConfigError, NotifyConfig, Target, Way};
use crate::webhook;

/// Looks without a hint come this often.
const LOOK: Duration = Duration::from_millis(500);
/// Deliveries to one target at once: one that hangs delays no other target, and one that is back
/// is not overrun.
const IN_FLIGHT_MAX: usize = 8;

/// After an outage what waits is sent at once, but not more often than this, milliseconds.
const HURRY_EVERY_MS: i64 = 600_000;
/// How often deliveries to targets that the settings do not name any more are looked for,
/// milliseconds, and how old they must be to be given up: older than any that is still tried.
const ORPHANS_EVERY_MS: i64 = 60_000;
const ORPHAN_AGE_MS: i64 = 48 * 3_600_000;

/// Returns the time, UTC milliseconds.
pub type Now = Arc<dyn Fn() -> i64 + Send + Sync>;

/// Tells the retailer's people and systems.
#[derive(Clone)]
pub struct Notifier {
    notices: Notices,
    targets: Arc<Vec<Target>>,
    names: Arc<Vec<TargetName>>,
    client: reqwest::Client,
    now: Now,
    /// When what waits for a target was last made due, by shop and target.
    hurried: Arc<Mutex<HashMap<(ShopId, String), i64>>>,
}

/// How a try ended.
pub(crate) enum Tried {
    /// The target has it.
    Taken(Outcome),
    /// The target wants it never.
    GivenUp(Outcome),
    /// It is tried again.
    Failed {
        outcome: Outcome,
        /// The wait that the target asked for, seconds.
        asked_s: Option<u32>,
    },
}

impl Tried {
    pub(crate) fn failed(cause: &str, status: Option<u16>) -> Self {
        Self::Failed {
            outcome: Outcome {
                status,
                cause: Some(cause.to_owned()),
            },
            asked_s: None,
        }
    }
}

impl Notifier {
    /// Builds the notifier.
    ///
    /// # Errors
    /// Names the setting that is wrong.
    pub fn new(store: &Store, config: &NotifyConfig, now: Now) -> Result<Self, ConfigError> {
        let targets = config.targets()?;
        let client = webhook::client().map_err(|error| ConfigError {
            key: "notify".to_owned(),
            problem: format!("HTTP client: {error}"),
        })?;
        Ok(Self {
            notices: store.notices(),
            names: Arc::new(targets.iter().map(|target| target.name.clone()).collect()),
            targets: Arc::new(targets),
            client,
            now,
            hurried: Arc::default(),
        })
    }

    /// Returns the targets, with how each is told (`webhook` or `email`).
    pub fn targets(&self) -> impl Iterator<Item = (&TargetName, &'static str)> {
        self.targets
            .iter()
            .map(|target| (&target.name, target.way.as_str()))
    }

    /// Addresses and sends until cancelled; what is on its way then is claimed again later.
    pub async fn run(&self, stop: CancellationToken) {
        let mut running: JoinSet<usize> = JoinSet::new();
        let mut in_flight: HashMap<usize, usize> = HashMap::new();
        let mut orphans_at_ms = i64::MIN;
        while !stop.is_cancelled() {
            let now_ms = (self.now)();
            if orphans_at_ms <= now_ms {
                orphans_at_ms = now_ms + ORPHANS_EVERY_MS;
                let before_ms = now_ms - ORPHAN_AGE_MS;
                if let Err(error) = self.notices.give_up_orphans(&self.names, before_ms).await {
                    tracing::warn!(%error, "notices to targets that are gone could not be given up");
                }
            }
            if let Err(error) = self.look(&mut running, &mut in_flight).await {
                tracing::warn!(%error, "notices could not be read");
            }
            // A delivery that ended makes room, and its conversation's next one may be due.
            tokio::select! {
                () = stop.cancelled() => return,
                Some(ended) = running.join_next() => settle_count(&mut in_flight, ended),
                () = tokio::time::sleep(LOOK) => {}
            }
            while let Some(ended) = running.try_join_next() {
                settle_count(&mut in_flight, ended);
            }
        }
    }

    async fn look(
        &self,
        running: &mut JoinSet<usize>,
        in_flight: &mut HashMap<usize, usize>,
    ) -> Result<(), Error> {
        while self.notices.address(&self.names).await? > 0 {}
        let now_ms = (self.now)();
        for (number, name) in self.names.iter().enumerate() {
            let busy = in_flight.entry(number).or_default();
            let room = IN_FLIGHT_MAX.saturating_sub(*busy);
            if room == 0 {
                continue;
            }
            let claimed = self
                .notices
                .claim(&name.shop, &name.name, room as u64, now_ms)
                .await;
            let claimed = match claimed {
                Ok(claimed) => claimed,
                Err(error) => {
                    // One target's trouble is no other's.
                    tracing::warn!(%error, target.name = name.name, "notices of a target could not be read");
                    continue;
                }
            };
            for delivery in claimed {
                *busy += 1;
                let notifier = self.clone();
                running.spawn(async move {
                    notifier.deliver(number, delivery).await;
                    number
                });
            }
        }
        Ok(())
    }

    async fn deliver(&self, number: usize, claimed: Claimed) {
        let Some(target) = self.targets.get(number) else {
            return;
        };
        mercer_store::crash_point("notice_claimed");
        let row = &claimed.row;
        let tried = match serde_json::from_slice::<Notice>(claimed.payload.expose()) {
            Ok(notice) => {
                let id = row.notice.as_str();
                self.attempt(target, id, &notice, row.created_at_ms).await
            }
            Err(_) => Tried::GivenUp(Outcome {
                status: None,
                cause: Some("unreadable".to_owned()),
            }),
        };
        mercer_store::crash_point("notice_sent");
        if let Err(error) = self.record(target, &claimed, tried).await {
            // The claim ends by itself and the delivery is repeated under the same id.
            tracing::warn!(notice.id = %row.notice, %error, "outcome of a notice could not be recorded");
        }
    }

    async fn attempt(&self, target: &Target, id: &str, notice: &Notice, at_ms: i64) -> Tried {
        match &target.way {
            Way::Webhook(endpoint) => endpoint.post(&self.client, id, notice, at_ms).await,
            Way::Email(email) => email.send(id, notice).await,
        }
    }

    async fn record(&self, target: &Target, claimed: &Claimed, tried: Tried) -> Result<(), Error> {
        let row = &claimed.row;
        let way = target.way.as_str();
        let now_ms = (self.now)();
        let attempt = row.attempt - row.attempt_base.min(row.attempt);
        match tried {
            Tried::Taken(outcome) => {
                metrics::counter!("mercer_notices_delivered_total", "way" => way).increment(1);
                self.notices.delivered(row, &outcome, now_ms).await?;
                if attempt > 1 && self.may_hurry(&target.name, now_ms) {
                    let name = &target.name;
                    self.notices.hurry(&name.shop, &name.name, now_ms).await?;
                }
            }
            Tried::GivenUp(outcome) => self.give_up(row, way, &outcome, now_ms).await?,
            Tried::Failed { outcome, asked_s } => {
                metrics::counter!("mercer_notice_failures_total", "way" => way).increment(1);
                match wait_ms(attempt, asked_s, rand::random()) {
                    Some(wait_ms) => {
                        self.notices.retry(row, &outcome, now_ms + wait_ms).await?;
                    }
                    None => self.give_up(row, way, &outcome, now_ms).await?,
                }
            }
        }
        Ok(())
    }

    /// Says whether what waits for a target may be made due: once in a while, so that a target which
    /// fails now and then keeps the waits that it needs.
    fn may_hurry(&self, name: &TargetName, now_ms: i64) -> bool {
        let mut hurried = self
            .hurried
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        let key = (name.shop.clone(), name.name.clone());
        let last = hurried.entry(key).or_insert(i64::MIN);
        let may = last.saturating_add(HURRY_EVERY_MS) <= now_ms;
        if may {
            *last = now_ms;
        }
        may
    }

    async fn give_up(
        &self,
        row: &mercer_store::ToldRow,
        way: &'static str,
        outcome: &Outcome,
        now_ms: i64,
    ) -> Result<(), Error> {
        metrics::counter!("mercer_notices_dead_total", "way" => way).increment(1);
        tracing::error!(
            notice.id = %row.notice, shop.id = %row.shop, target.name = row.target,
            "notice given up; see GET /v1/shops/SHOP/webhooks/deliveries?state=dead"
        );
        self.notices.dead(row, outcome, now_ms).await.map(|_| ())
    }

    /// Sends a trial to a target at once and returns how it ended; none where there is no such
    /// target. `Ok` means that the target took it.
    pub async fn try_out(&self, shop: &ShopId, name: &str) -> Option<Result<Outcome, Outcome>> {
        let mut all = self.targets.iter();
        let target = all.find(|target| target.name.shop == *shop && target.name.name == name)?;
        let now_ms = (self.now)();
        let id = NoticeId::from_parts(now_ms, rand::random());
        let notice = Notice::Test { shop: shop.clone() };
        debug_assert!(notice.kind() == NoticeKind::Test);
        let tried = self.attempt(target, id.as_str(), &notice, now_ms).await;
        Some(match tried {
            Tried::Taken(outcome) => Ok(outcome),
            Tried::GivenUp(outcome) | Tried::Failed { outcome, .. } => Err(outcome),
        })
    }
}

fn settle_count(
    in_flight: &mut HashMap<usize, usize>,
    ended: Result<usize, tokio::task::JoinError>,
) {
    match ended {
        Ok(number) => {
            if let Some(busy) = in_flight.get_mut(&number) {
                *busy = busy.saturating_sub(1);
            }
        }
        // Which one it was is not known: count anew from none, rather than lock a target out.
        Err(_) => in_flight.clear(),
    }
}
