//! Settings of the runtime.

use std::{collections::BTreeMap, time::Duration};

use mercer_schemas::ShopId;
use mercer_store::retention::Table;

const DAY: Duration = Duration::from_secs(24 * 3_600);

/// How conversations live on this node.
#[derive(Debug, Clone)]
pub struct RuntimeConfig {
    /// A conversation without work leaves memory after this long. 120 s is Akka's default too.
    pub idle: Duration,
    /// Most conversations in memory; beyond it idle ones leave early. 20,000 shells take about
    /// 165 MB (8.2 kB each, measured), state excluded.
    pub live_max: usize,
    /// How often open inbox rows are looked for without a hint.
    pub poll: Duration,
    /// Longest time for one plan or reply, waiting in the engine's queue included.
    pub generation: Duration,
    /// Longest time for the tools of one plan, and for reading what a reply is filled with,
    /// attempts after failures included.
    pub tools: Duration,
    /// A snapshot is written after this many log records.
    pub snapshot_every: u64,
    /// History beyond this many characters is compacted.
    pub history_chars_max: usize,
    /// Most tokens of a plan or reply.
    pub output_tokens_max: u32,
    /// Whether lists of words that guess what a customer means are used.
    pub hints: bool,
    /// The LoRA adapter of the chat model that a shop's conversations are computed with, where it has one.
    pub adapters: BTreeMap<ShopId, String>,
    /// Crashes on the same inbox row before it is set aside, and on the same effect before it is
    /// given up.
    pub crashes_max: u32,
    /// Which partitions this node works on.
    pub sharing: Sharing,
    /// For how long rows are kept that nobody needs any more; for ever where a table is missing, as
    /// conversations and their snapshots are by default.
    pub retention: BTreeMap<Table, Duration>,
}

/// Which partitions a node works on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sharing {
    /// All: it is the only node, and does not start beside another.
    Alone {
        /// Start although another node has not expired yet, and take its partitions over.
        take_over: bool,
    },
    /// A fair share of them, beside other nodes.
    Fair,
}

impl Default for RuntimeConfig {
    fn default() -> Self {
        Self {
            idle: Duration::from_secs(120),
            live_max: 20_000,
            poll: Duration::from_secs(1),
            generation: Duration::from_secs(30),
            tools: Duration::from_secs(10),
            snapshot_every: 200,
            history_chars_max: 1_500,
            output_tokens_max: 160,
            hints: true,
            adapters: BTreeMap::new(),
            crashes_max: 3,
            sharing: Sharing::Alone { take_over: false },
            retention: BTreeMap::from([
                (Table::Inbox, 30 * DAY),
                (Table::Outbox, 90 * DAY),
                (Table::Idempotency, DAY),
                (Table::Changes, 30 * DAY),
                (Table::Nodes, DAY),
                (Table::Notices, 90 * DAY),
                (Table::WrongProofs, DAY),
            ]),
        }
    }
}

impl RuntimeConfig {
    /// Says whether what has crashed so often is not to be tried again.
    pub(crate) fn gives_up_after(&self, crashes: u32) -> bool {
        crashes >= self.crashes_max
    }

    /// Returns settings for tests: quick polls, otherwise as in production.
    pub fn for_testing() -> Self {
        Self {
            poll: Duration::from_millis(100),
            ..Self::default()
        }
    }
}
