//! What is particular to a channel, behind one trait.
//!
//! A channel is a folder in `channels/` with an adapter, a line in the registry there, and a block
//! of settings. Its name and what it can do are in `mercer_schemas::Channel`, as stored records and
//! the conversation's logic know it. Nothing else tells channels apart.

use async_trait::async_trait;
use axum::Router;
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use mercer_schemas::{Channel, OutboundMessage, Personal, ShopId};
use mercer_store::{OutboxRow, Part};

use crate::Gateway;
use crate::ingress::Incoming;
use crate::problem::Problem;
use crate::sender::{SendOutcome, Working};

/// How much an adapter takes at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Largest body in bytes; a larger one gets 413.
    pub body_bytes_max: usize,
}

/// Whose request it is, once that is proven.
#[derive(Clone, Default)]
pub struct Verified {
    /// The customer's address, where the request as a whole is one customer's.
    pub address: Option<Personal<String>>,
}

/// What became of a request's batch.
pub struct Receipt {
    /// The platform's ids of what came in, in order.
    pub provider_ids: Vec<String>,
    /// How many of them were not there already.
    pub new: usize,
}

/// One channel.
#[async_trait]
pub trait Adapter: Send + Sync {
    /// Names the channel.
    fn channel(&self) -> Channel;

    /// Says how much it takes at once.
    fn limits(&self) -> Limits;

    /// Finds the shop that is reached under a name of the path; none where it does not offer the
    /// channel.
    fn shop(&self, name: &str) -> Option<ShopId>;

    /// Where it is written to: a path with `{shop}` in it.
    fn inbound_path(&self) -> String {
        format!("/webhooks/{}/{{shop}}", self.channel().as_str())
    }

    /// Answers a GET of [`Adapter::inbound_path`], with which some platforms ask whether the address
    /// is the shop's.
    ///
    /// # Errors
    /// A problem for whoever asks wrongly, and where the platform does not ask at all.
    fn handshake(&self, shop: &ShopId, uri: &Uri) -> Result<String, Problem> {
        let _ = (shop, uri);
        Err(Problem::METHOD)
    }

    /// Proves who calls, on the raw bytes, before anything of them is decoded.
    ///
    /// # Errors
    /// 401 with the same answer for every cause.
    fn verify(&self, shop: &ShopId, headers: &HeaderMap, body: &[u8]) -> Result<Verified, Problem>;

    /// Reads a body that was verified. What a platform sends and is not understood is set aside, not
    /// refused: a platform would send it again for days.
    ///
    /// # Errors
    /// A problem for the caller to mend, where the caller is not a platform.
    fn parse(
        &self,
        shop: &ShopId,
        from: &Verified,
        body: &[u8],
        received_at_ms: i64,
    ) -> Result<Vec<Incoming>, Problem>;

    /// Acknowledges a batch that is stored.
    fn acknowledge(&self, receipt: &Receipt) -> Response {
        let _ = receipt;
        StatusCode::OK.into_response()
    }

    /// Divides a message into what the platform takes at once, in order; none for an empty one.
    fn render(&self, content: &OutboundMessage) -> Vec<OutboundMessage>;

    /// Makes one attempt to send a part of a message.
    async fn send(&self, row: &OutboxRow, content: &OutboundMessage, part: Part) -> SendOutcome;

    /// Shows the customer that their message was read and an answer is coming. Best effort.
    async fn working(&self, work: &Working);

    /// Returns the routes that it has besides.
    fn routes(&self) -> Router<Gateway> {
        Router::new()
    }
}
