//! The root of the runtime: claims the partitions, starts everything, and stops it in order.

use std::sync::Arc;
use std::sync::RwLock;
use std::time::Duration;

use mercer_schemas::ids::PARTITIONS;
use mercer_schemas::{PromptStyle, Stream, partition_of};
use mercer_store::ClaimError;
use ractor::{Actor, ActorProcessingErr, ActorRef, SupervisionEvent};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use crate::config::{RuntimeConfig, Sharing};
use crate::context::{Context, STORE_PERMITS, Services, Shared};
use crate::leases::NO_ADDRESS;
use crate::partition::{PartitionActor, PartitionMsg};
use crate::shops::ShopDirectory;
use crate::{dispatcher, leases, poller, retention};

/// Time that conversations get to finish what they are committing when the node stops.
const DRAIN: Duration = Duration::from_secs(5);

/// Why the runtime could not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// Another node owns the partitions.
    #[error(transparent)]
    Claim(#[from] ClaimError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] mercer_store::Error),
    /// The actor system failed.
    #[error("actors could not be started: {0}")]
    Spawn(#[from] ractor::SpawnErr),
}

/// The running conversations of this node.
pub struct Runtime {
    context: Context,
    root: ActorRef<RootMsg>,
    root_task: JoinHandle<()>,
    tasks: Vec<JoinHandle<()>>,
    boot_id: String,
}

impl Runtime {
    /// Claims the partitions, or joins those who share them, and starts. Conversations with unfinished turns go on at
    /// once.
    ///
    /// # Errors
    /// [`StartError::Claim`] when this node is to be alone and another is alive, unless the configuration says to take
    /// over.
    pub async fn start(
        config: RuntimeConfig,
        services: Services,
        hints: mpsc::Receiver<Stream>,
    ) -> Result<Self, StartError> {
        let boot_id = format!("boot_{:032x}", rand::random::<u128>());
        let store = services.store.clone();
        store.leases().register(&boot_id, NO_ADDRESS).await?;
        let claimed = match config.sharing {
            Sharing::Alone { take_over } => store.leases().claim_all(&boot_id, take_over).await?,
            // The first heartbeat gets what others leave.
            Sharing::Fair => Vec::new(),
        };
        let style = if services.chat.info().prompt_style == "compact" {
            PromptStyle::Compact
        } else {
            PromptStyle::Full
        };
        let shops = ShopDirectory::new(
            store.clone(),
            style,
            config.history_chars_max,
            config.output_tokens_max,
        );
        let context: Context = Arc::new(Shared {
            services,
            config,
            shops,
            leases: RwLock::new(vec![None; usize::from(PARTITIONS)]),
            outbox_ready: tokio::sync::Notify::new(),
            store_permits: tokio::sync::Semaphore::new(STORE_PERMITS),
            live_count: std::sync::atomic::AtomicUsize::new(0),
            loaded_count: std::sync::atomic::AtomicUsize::new(0),
        });
        context.take_leases(&claimed);
        let (root, root_task) = Actor::spawn(
            None,
            RootActor {
                context: Arc::clone(&context),
            },
            (),
        )
        .await?;
        let keep = tokio::spawn(leases::keep(
            Arc::clone(&context),
            root.clone(),
            boot_id.clone(),
        ));
        if let Err(error) = leases::begin(&context, &root, &claimed).await {
            // Nothing may go on for a node that has not started.
            keep.abort();
            let _ = keep.await;
            context.drop_leases(&context.owned());
            root.stop(None);
            let _ = context.services.store.leases().release(&boot_id).await;
            return Err(error.into());
        }
        let tasks = vec![
            keep,
            tokio::spawn(poller::poll(Arc::clone(&context), root.clone())),
            tokio::spawn(pass_hints(hints, root.clone())),
            tokio::spawn(dispatcher::dispatch(Arc::clone(&context))),
            tokio::spawn(retention::forget(Arc::clone(&context))),
        ];
        Ok(Self {
            context,
            root,
            root_task,
            tasks,
            boot_id,
        })
    }

    /// Returns how many conversations are in memory.
    pub fn live_conversations(&self) -> usize {
        self.context
            .live_count
            .load(std::sync::atomic::Ordering::Relaxed)
    }

    /// Counts conversations that were loaded from their logs since the start.
    pub fn loaded_conversations(&self) -> usize {
        self.context
            .loaded_count
            .load(std::sync::atomic::Ordering::Relaxed)
    }

    /// Wakes a conversation, as a hint does.
    pub fn wake(&self, stream: Stream) {
        let _ = self.root.cast(RootMsg::Wake(stream));
    }

    /// Asks all conversations that have been idle for this long to leave memory.
    pub fn passivate(&self, idle: Duration) {
        let _ = self.root.cast(RootMsg::Sweep(idle));
    }

    /// Stops: no new work, running commits end, leases are given back.
    pub async fn stop(self) {
        for task in &self.tasks {
            task.abort();
        }
        // Whatever is not committed is still in the inbox or follows from the log.
        self.context.drop_leases(&self.context.owned());
        let _ = self.root.drain();
        if tokio::time::timeout(DRAIN, self.root_task).await.is_err() {
            self.root.stop(None);
        }
        if let Err(error) = self
            .context
            .services
            .store
            .leases()
            .release(&self.boot_id)
            .await
        {
            tracing::warn!(%error, "leases could not be given back; they expire by themselves");
        }
    }
}

async fn pass_hints(mut hints: mpsc::Receiver<Stream>, root: ActorRef<RootMsg>) {
    while let Some(stream) = hints.recv().await {
        let _ = root.cast(RootMsg::Wake(stream));
    }
    // All senders are gone; the poller still finds everything.
    std::future::pending::<()>().await;
}

/// Messages of the root.
pub(crate) enum RootMsg {
    /// A conversation may have open inbox rows.
    Wake(Stream),
    /// Idle conversations leave memory.
    Sweep(Duration),
    /// This node does not own a partition any more.
    Leave(u16),
}

struct RootActor {
    context: Context,
}

#[ractor::async_trait]
impl Actor for RootActor {
    type Msg = RootMsg;
    /// The partitions, by number.
    type State = Vec<ActorRef<PartitionMsg>>;
    type Arguments = ();

    async fn pre_start(
        &self,
        myself: ActorRef<RootMsg>,
        (): (),
    ) -> Result<Self::State, ActorProcessingErr> {
        let mut partitions = Vec::with_capacity(usize::from(PARTITIONS));
        for number in 0..PARTITIONS {
            partitions.push(self.start(&myself, number).await?);
        }
        Ok(partitions)
    }

    async fn handle(
        &self,
        _: ActorRef<RootMsg>,
        msg: RootMsg,
        partitions: &mut Self::State,
    ) -> Result<(), ActorProcessingErr> {
        match msg {
            RootMsg::Wake(stream) => {
                let number = partition_of(&stream.shop, &stream.conversation);
                if self.context.lease(number).is_some()
                    && let Some(partition) = partitions.get(usize::from(number))
                {
                    let _ = partition.cast(PartitionMsg::Wake(stream));
                }
            }
            RootMsg::Sweep(idle) => {
                for partition in partitions.iter() {
                    let _ = partition.cast(PartitionMsg::Sweep(idle));
                }
            }
            RootMsg::Leave(number) => {
                if let Some(partition) = partitions.get(usize::from(number)) {
                    let _ = partition.cast(PartitionMsg::Leave);
                }
            }
        }
        Ok(())
    }

    /// A partition that ended while the runtime runs is started again; its conversations come back
    /// from their logs.
    async fn handle_supervisor_evt(
        &self,
        myself: ActorRef<RootMsg>,
        event: SupervisionEvent,
        partitions: &mut Self::State,
    ) -> Result<(), ActorProcessingErr> {
        let (SupervisionEvent::ActorTerminated(actor, ..)
        | SupervisionEvent::ActorFailed(actor, _)) = event
        else {
            return Ok(());
        };
        let Some(number) = partitions
            .iter()
            .position(|partition| partition.get_id() == actor.get_id())
        else {
            return Ok(());
        };
        let number = u16::try_from(number).unwrap_or_default();
        if self.context.lease(number).is_some() {
            tracing::error!(
                partition = number,
                "partition ended unexpectedly; starting it again"
            );
            partitions[usize::from(number)] = self.start(&myself, number).await?;
        }
        Ok(())
    }
}

impl RootActor {
    async fn start(
        &self,
        myself: &ActorRef<RootMsg>,
        number: u16,
    ) -> Result<ActorRef<PartitionMsg>, ActorProcessingErr> {
        let partition = PartitionActor {
            context: Arc::clone(&self.context),
            number,
        };
        let (actor, _) = Actor::spawn_linked(None, partition, (), myself.get_cell()).await?;
        Ok(actor)
    }
}
