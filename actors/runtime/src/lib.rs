//! How conversations live: ractor actors around the pure core.
//!
//! [`Runtime`] owns the partitions of this node. A partition supervises its conversations, a
//! conversation reads its open inbox rows, decides, commits, and runs the one effect that its
//! state wants. Mailboxes carry wake hints only: the inbox is the queue, and a lost hint costs at
//! most one poll interval.
//!
//! Not here: decisions (`mercer-conversation`), SQL (`mercer-store`), sending on a channel
//! (`mercer-gateway`).

mod clock;
mod config;
mod context;
mod conversation;
mod dispatcher;
mod journal;
mod leases;
mod partition;
mod perform;
mod poller;
mod retention;
mod root;
mod sentences;
mod shops;
mod supervised;
#[cfg(test)]
mod testing;
mod timer;
mod uncounted;

pub use clock::{Clock, FixedDayClock, SystemClock};
pub use config::{RuntimeConfig, Sharing};
pub use context::Services;
pub use root::{Runtime, StartError};
pub use supervised::RuntimeHealth;
