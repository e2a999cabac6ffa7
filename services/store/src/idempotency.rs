//! Answers kept for requests that may be repeated (the `Idempotency-Key` header).
//!
//! The first request with a key runs; a repetition gets its answer. The key is scoped to shop and
//! route, and the body's hash must be the same.

use mercer_schemas::ShopId;
use sea_orm::{ConnectionTrait, DbBackend};

use crate::db::{Db, exec, get, now_ms, one};
use crate::error::Error;

/// After this time a request without an answer counts as dead and may run again, milliseconds.
/// Longer than any request of the admin API may take.
const IN_FLIGHT_MAX_MS: i64 = 60_000;

/// What to do with a request that carries a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Begin {
    /// Run it, then [`Idempotency::finish`].
    Fresh,
    /// The first one still runs.
    InFlight,
    /// It ran; give this answer again.
    Replay {
        /// HTTP status.
        status: u16,
        /// Body.
        body: Vec<u8>,
    },
    /// The key was used with another body.
    Mismatch,
}

/// Answers kept for repeated requests.
#[derive(Clone)]
pub struct Idempotency {
    db: Db,
}

impl Idempotency {
    pub(crate) fn new(db: Db) -> Self {
        Self { db }
    }

    /// Says what to do with a request and, where it is to run, reserves its key.
    ///
    /// # Errors
    /// [`Error::Unavailable`], [`Error::Corrupt`].
    pub async fn begin(
        &self,
        shop: &ShopId,
        key: &str,
        route: &str,
        body_hash: &str,
    ) -> Result<Begin, Error> {
        let request = Request::new(shop, key, route);
        let body_hash = body_hash.to_owned();
        self.db
            .write(move |tx| Box::pin(async move { begin(tx, request, body_hash).await }))
            .await
    }

    /// Keeps the answer of a request that ran.
    ///
    /// # Errors
    /// [`Error::Unavailable`].
    pub async fn finish(
        &self,
        shop: &ShopId,
        key: &str,
        route: &str,
        status: u16,
        body: Vec<u8>,
    ) -> Result<(), Error> {
        let Request { shop, key, route } = Request::new(shop, key, route);
        self.db
            .write(move |tx| {
                Box::pin(async move {
                    let sql = "UPDATE idempotency SET status = $1, body = $2 \
                               WHERE shop = $3 AND key = $4 AND route = $5 AND status IS NULL";
                    let values = [
                        i64::from(status).into(),
                        body.into(),
                        shop.into(),
                        key.into(),
                        route.into(),
                    ];
                    exec(tx, sql, values).await?;
                    Ok::<(), Error>(())
                })
            })
            .await
    }

    /// Frees the key of a request that did nothing (for instance one that was refused), so that it
    /// may be used again with another body.
    ///
    /// # Errors
    /// [`Error::Unavailable`].
    pub async fn abandon(&self, shop: &ShopId, key: &str, route: &str) -> Result<(), Error> {
        let Request { shop, key, route } = Request::new(shop, key, route);
        self.db
            .write(move |tx| {
                Box::pin(async move {
                    let sql = "DELETE FROM idempotency \
                               WHERE shop = $1 AND key = $2 AND route = $3 AND status IS NULL";
                    exec(tx, sql, [shop.into(), key.into(), route.into()]).await?;
                    Ok::<(), Error>(())
                })
            })
            .await
    }
}

struct Request {
    shop: String,
    key: String,
    route: String,
}

impl Request {
    fn new(shop: &ShopId, key: &str, route: &str) -> Self {
        Self {
            shop: shop.to_string(),
            key: key.to_owned(),
            route: route.to_owned(),
        }
    }
}

async fn begin<C: ConnectionTrait>(
    tx: &C,
    request: Request,
    body_hash: String,
) -> Result<Begin, Error> {
    let Request { shop, key, route } = request;
    let now = now_ms();
    let sql = "INSERT INTO idempotency (shop, key, route, body_hash, created_at_ms) \
               VALUES ($1, $2, $3, $4, $5) ON CONFLICT (shop, key, route) DO NOTHING";
    let values = [
        shop.as_str().into(),
        key.as_str().into(),
        route.as_str().into(),
        body_hash.as_str().into(),
        now.into(),
    ];
    if exec(tx, sql, values).await? == 1 {
        return Ok(Begin::Fresh);
    }
    let lock = match tx.get_database_backend() {
        DbBackend::Sqlite => "",
        _ => " FOR UPDATE",
    };
    let sql = format!(
        "SELECT body_hash, status, body, created_at_ms FROM idempotency \
         WHERE shop = $1 AND key = $2 AND route = $3{lock}"
    );
    let values = [
        shop.as_str().into(),
        key.as_str().into(),
        route.as_str().into(),
    ];
    let Some(row) = one(tx, sql, values).await? else {
        // Abandoned between the two statements: as if it was still there a moment ago.
        return Ok(Begin::InFlight);
    };
    if get::<String>(&row, "body_hash")? != body_hash {
        return Ok(Begin::Mismatch);
    }
    if let Some(status) = get::<Option<i64>>(&row, "status")? {
        return Ok(Begin::Replay {
            status: u16::try_from(status)
                .map_err(|_| Error::corrupt("idempotency.status", &key))?,
            body: get::<Option<Vec<u8>>>(&row, "body")?.unwrap_or_default(),
        });
    }
    if now - get::<i64>(&row, "created_at_ms")? < IN_FLIGHT_MAX_MS {
        return Ok(Begin::InFlight);
    }
    let sql =
        "UPDATE idempotency SET created_at_ms = $1 WHERE shop = $2 AND key = $3 AND route = $4";
    exec(tx, sql, [now.into(), shop.into(), key.into(), route.into()]).await?;
    Ok(Begin::Fresh)
}
