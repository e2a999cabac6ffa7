//! Proving who asks for an order: what a customer gave is compared with what the store has, and
//! wrong proofs are counted.
//!
//! A proof is an order's number with the e-mail address and the postcode of its customer. Every
//! comparison runs the same look-ups by index, whatever is wrong. It runs in one write, so that the
//! count holds across conversations, nodes and restarts. What is counted by is what was *written*,
//! whether or not a record has it: a limit that only real numbers reach would tell which are real.

use hmac::{Hmac, KeyInit, Mac};
use mercer_schemas::{Channel, CustomerId, Order, ShopId};
use sea_orm::sea_query::OnConflict;
use sea_orm::{
    ColumnTrait, ConnectionTrait, DbBackend, EntityTrait, QueryFilter, QueryOrder, QuerySelect, Set,
};
use sha2::Sha256;

use crate::Versioned;
use crate::db::{Db, exec};
use crate::entity::{Sealed, customer, order, wrong_proof};
use crate::error::Error;
use crate::orders::decode;
use crate::secrets;
use crate::text::is_storable;

/// Names the secret under which details are kept, so that these rows alone do not tell what was
/// written. It is in the same database: whoever reads that has it, and needs few tries for a postcode.
const SECRET: &str = "wrong_proofs";
/// Wrong proofs in [`WINDOW_MS`] that one address, e-mail address or number may be part of.
const WRONG_MAX: i64 = 10;
/// An hour, milliseconds.
const WINDOW_MS: i64 = 60 * 60 * 1_000;
/// Fewest characters of a code to count by. Shorter ones are in many customers' messages: "23 November",
/// the year in `2026-00017`, postcodes. Counted, ten wrong proofs of some would close the others out;
/// the e-mail address that each proof needs bounds guessing as well.
const COUNTED_CHARS_MIN: usize = 6;
/// Most details of one comparison, this message's and those given before; callers keep to fewer.
const DETAILS_MAX: usize = 128;
/// Most orders that are looked at: numbers of which several are written alike are few.
const ORDERS_MAX: u64 = 64;

/// Details to compare.
#[derive(Clone)]
pub struct ProofTry {
    /// Names the attempt: one that runs again counts once.
    pub attempt: String,
    /// Channel of the conversation.
    pub channel: Channel,
    /// The customer's address on it.
    pub address: String,
    /// Keys of e-mail addresses and codes ([`crate::email_key`], [`crate::code_key`]) to compare.
    pub details: Vec<String>,
    /// Keys to count by only: given before, and fitting nothing.
    pub counted: Vec<String>,
    /// Whether the details may be a proof. Where they cannot be, it is only looked up which fit.
    pub is_proof: bool,
    /// UTC milliseconds.
    pub at_ms: i64,
}

/// How a comparison came out.
#[derive(Clone, PartialEq, Eq)]
pub enum ProofOutcome {
    /// They are these orders, of this customer.
    Proven(CustomerId, Vec<Versioned<Order>>),
    /// They prove nothing; those among them that some record has.
    Wrong(Vec<String>),
    /// Too many were wrong; nothing was compared.
    Closed,
}

/// Proofs of identity.
#[derive(Clone)]
pub struct Proofs {
    db: Db,
}

impl Proofs {
    pub(crate) fn new(db: Db) -> Self {
        Self { db }
    }

    /// Compares details with the shop's records and counts a wrong proof.
    ///
    /// # Errors
    /// [`Error::Unavailable`], [`Error::Corrupt`].
    pub async fn compare(&self, shop: &ShopId, mut given: ProofTry) -> Result<ProofOutcome, Error> {
        let shop = shop.clone();
        for keys in [&mut given.details, &mut given.counted] {
            keys.retain(|key| !key.is_empty() && is_storable(key));
            keys.truncate(DETAILS_MAX);
        }
        if given.is_proof {
            return self
                .db
                .write(move |tx| Box::pin(async move { compare(tx, &shop, given).await }))
                .await;
        }
        let read = self.db.read(move |c| async move {
            let known = Known::look_up(&c, &shop, &given.details).await?;
            Ok(ProofOutcome::Wrong(known.fitting(&given.details)))
        });
        read.await
    }
}

async fn compare<C: ConnectionTrait>(
    tx: &C,
    shop: &ShopId,
    given: ProofTry,
) -> Result<ProofOutcome, Error> {
    lock(tx, shop).await?;
    let scopes = scopes(tx, shop, &given).await?;
    if is_closed(tx, shop, &given, &scopes).await? {
        return Ok(ProofOutcome::Closed);
    }
    let known = Known::look_up(tx, shop, &given.details).await?;
    if let Some(proven) = known.proven(&given.details)? {
        return Ok(proven);
    }
    count(tx, shop, &given, &scopes).await?;
    Ok(ProofOutcome::Wrong(known.fitting(&given.details)))
}

/// What records have of the details.
struct Known {
    orders: Vec<order::Model>,
    /// Customers of these orders.
    customers: Vec<customer::Model>,
    emails: Vec<String>,
    postcodes: Vec<String>,
}

impl Known {
    async fn look_up<C: ConnectionTrait>(
        tx: &C,
        shop: &ShopId,
        details: &[String],
    ) -> Result<Self, Error> {
        let keys = || details.iter().map(String::as_str);
        let orders = order::Entity::find()
            .filter(order::Column::Shop.eq(shop.as_str()))
            .filter(order::Column::NumberCode.is_in(keys()))
            .order_by_asc(order::Column::NumberKey)
            .limit(ORDERS_MAX)
            .all(tx)
            .await?;
        let ids: Vec<String> = orders.iter().map(|row| row.customer_id.clone()).collect();
        let customers = customer::Entity::find()
            .filter(customer::Column::Shop.eq(shop.as_str()))
            .filter(customer::Column::Id.is_in(ids))
            .all(tx)
            .await?;
        Ok(Self {
            orders,
            customers,
            emails: written(tx, shop, customer::Column::EmailKey, details).await?,
            postcodes: written(tx, shop, customer::Column::PostcodeKey, details).await?,
        })
    }

    /// Returns the orders whose number, e-mail address and postcode are among the details, of one
    /// customer.
    fn proven(&self, details: &[String]) -> Result<Option<ProofOutcome>, Error> {
        let has = |key: &Sealed| !key.0.is_empty() && details.contains(&key.0);
        let Some(proven) = self
            .customers
            .iter()
            .find(|row| has(&row.email_key) && has(&row.postcode_key))
        else {
            return Ok(None);
        };
        let theirs = self
            .orders
            .iter()
            .filter(|row| row.customer_id == proven.id)
            .cloned();
        let orders: Result<Vec<_>, Error> = theirs.map(decode).collect();
        let customer = CustomerId::new(proven.id.clone())
            .map_err(|_| Error::corrupt("customer.id", &proven.id))?;
        Ok(Some(ProofOutcome::Proven(customer, orders?)))
    }

    fn fitting(&self, details: &[String]) -> Vec<String> {
        let fits = |key: &&String| {
            self.emails.contains(key)
                || self.postcodes.contains(key)
                || self.orders.iter().any(|row| row.number_code == **key)
        };
        details.iter().filter(fits).cloned().collect()
    }
}

/// Returns those keys that customers of the shop have in a column.
async fn written<C: ConnectionTrait>(
    tx: &C,
    shop: &ShopId,
    column: customer::Column,
    keys: &[String],
) -> Result<Vec<String>, Error> {
    let found = customer::Entity::find()
        .select_only()
        .column(column)
        .distinct()
        .filter(customer::Column::Shop.eq(shop.as_str()))
        .filter(column.is_in(keys.iter().map(String::as_str)))
        .into_tuple::<String>()
        .all(tx)
        .await?;
    Ok(found)
}

/// Returns what a wrong proof counts against: the address, and each e-mail address and code that
/// was written. Many people share a postcode, so one that customers have does not count.
async fn scopes<C: ConnectionTrait>(
    tx: &C,
    shop: &ShopId,
    given: &ProofTry,
) -> Result<Vec<String>, Error> {
    let all: Vec<String> = given
        .details
        .iter()
        .chain(&given.counted)
        .cloned()
        .collect();
    let postcodes = written(tx, shop, customer::Column::PostcodeKey, &all).await?;
    let is_counted = |key: &&String| {
        key.contains('@') || (key.chars().count() >= COUNTED_CHARS_MIN && !postcodes.contains(key))
    };
    let key = secrets::shared(tx, SECRET).await?;
    let address = format!("address:{}:{}", given.channel.as_str(), given.address);
    let details = all.iter().filter(is_counted);
    let mut scopes: Vec<String> = std::iter::once(address)
        .chain(details.map(|detail| format!("detail:{detail}")))
        .map(|text| scope(&key, &text))
        .collect();
    scopes.sort_unstable();
    scopes.dedup();
    Ok(scopes)
}

/// Names what is counted by without keeping what the customer wrote.
fn scope(key: &[u8], text: &str) -> String {
    let mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes keys of any length");
    hex::encode(mac.chain_update(text).finalize().into_bytes())
}

async fn is_closed<C: ConnectionTrait>(
    tx: &C,
    shop: &ShopId,
    given: &ProofTry,
    scopes: &[String],
) -> Result<bool, Error> {
    let counts: Vec<i64> = wrong_proof::Entity::find()
        .select_only()
        .column_as(wrong_proof::Column::Attempt.count(), "n")
        .filter(wrong_proof::Column::Shop.eq(shop.as_str()))
        .filter(wrong_proof::Column::Scope.is_in(scopes.iter().map(String::as_str)))
        .filter(wrong_proof::Column::AtMs.gt(given.at_ms - WINDOW_MS))
        .filter(wrong_proof::Column::Attempt.ne(given.attempt.as_str()))
        .group_by(wrong_proof::Column::Scope)
        .into_tuple::<i64>()
        .all(tx)
        .await?;
    Ok(counts.into_iter().any(|count| count >= WRONG_MAX))
}

async fn count<C: ConnectionTrait>(
    tx: &C,
    shop: &ShopId,
    given: &ProofTry,
    scopes: &[String],
) -> Result<(), Error> {
    let rows = scopes.iter().map(|scope| wrong_proof::ActiveModel {
        shop: Set(shop.to_string()),
        scope: Set(scope.clone()),
        attempt: Set(given.attempt.clone()),
        at_ms: Set(given.at_ms),
    });
    let key = [
        wrong_proof::Column::Shop,
        wrong_proof::Column::Scope,
        wrong_proof::Column::Attempt,
    ];
    let again = OnConflict::columns(key)
        .update_column(wrong_proof::Column::AtMs)
        .to_owned();
    wrong_proof::Entity::insert_many(rows)
        .on_conflict(again)
        .exec_without_returning(tx)
        .await?;
    Ok(())
}

/// Makes this transaction the only one that counts wrong proofs of the shop, so that tries at the
/// same moment do not pass the limit together. SQLite has a single writer anyway.
async fn lock<C: ConnectionTrait>(tx: &C, shop: &ShopId) -> Result<(), Error> {
    if tx.get_database_backend() == DbBackend::Postgres {
        let sql = "SELECT pg_advisory_xact_lock(hashtextextended($1, 0))";
        exec(tx, sql, [format!("wrong_proof:{shop}").into()]).await?;
    }
    Ok(())
}
