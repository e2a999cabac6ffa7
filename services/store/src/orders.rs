//! Orders.

use mercer_schemas::{CustomerId, Order, OrderNumber, ShopId};
use sea_orm::{ColumnTrait, Condition, EntityTrait, QueryFilter, QueryOrder, QuerySelect, Set};

use crate::Versioned;
use crate::compared::code_key;
use crate::db::Db;
use crate::entity::order;
use crate::error::Error;
use crate::imports::{Batch, Imports, select_now};
use crate::page::{Page, page_size, parse_cursor};

/// Most orders of one customer that are looked up by their numbers at once.
const NAMED_MAX: u64 = 16;

/// Orders of all shops; each method names the shop it works in.
#[derive(Clone)]
pub struct Orders {
    db: Db,
}

impl Orders {
    pub(crate) fn new(db: Db) -> Self {
        Self { db }
    }

    /// Returns an order; the case of its number does not count.
    ///
    /// # Errors
    /// [`Error::Unavailable`], [`Error::Corrupt`].
    pub async fn get(
        &self,
        shop: &ShopId,
        number: &OrderNumber,
    ) -> Result<Option<Versioned<Order>>, Error> {
        let key = (shop.to_string(), number_key(number));
        let found = self
            .db
            .read(move |c| async move { Ok(order::Entity::find_by_id(key).one(&c).await?) });
        found.await?.map(decode).transpose()
    }

    /// Returns up to `limit` orders of a customer, newest first.
    ///
    /// # Errors
    /// [`Error::Unavailable`], [`Error::Corrupt`].
    pub async fn of_customer(
        &self,
        shop: &ShopId,
        customer: &CustomerId,
        limit: u64,
    ) -> Result<Vec<Versioned<Order>>, Error> {
        let (shop, customer) = (shop.to_string(), customer.to_string());
        let rows = self.db.read(move |c| async move {
            let found = order::Entity::find()
                .filter(order::Column::Shop.eq(shop))
                .filter(order::Column::CustomerId.eq(customer))
                .order_by_desc(order::Column::PlacedAtMs)
                .order_by_desc(order::Column::NumberKey)
                .limit(page_size(limit))
                .all(&c);
            Ok(found.await?)
        });
        rows.await?.into_iter().map(decode).collect()
    }

    /// Returns a customer's orders whose numbers are among keys ([`crate::code_key`]), newest first.
    ///
    /// # Errors
    /// [`Error::Unavailable`], [`Error::Corrupt`].
    pub async fn of_customer_by_code(
        &self,
        shop: &ShopId,
        customer: &CustomerId,
        codes: Vec<String>,
    ) -> Result<Vec<Versioned<Order>>, Error> {
        let (shop, customer) = (shop.to_string(), customer.to_string());
        let rows = self.db.read(move |c| async move {
            let found = order::Entity::find()
                .filter(order::Column::Shop.eq(shop))
                .filter(order::Column::CustomerId.eq(customer))
                .filter(order::Column::NumberCode.is_in(codes))
                .order_by_desc(order::Column::PlacedAtMs)
                .limit(NAMED_MAX)
                .all(&c);
            Ok(found.await?)
        });
        rows.await?.into_iter().map(decode).collect()
    }

    /// Creates or replaces many orders, all at once for readers; returns how many changed. An order
    /// that changes gets a higher version.
    ///
    /// # Errors
    /// [`Error::Invalid`] for a `placed_at` that is no RFC 3339 time (then nothing is stored);
    /// [`Error::Unavailable`], also while an import into the shop runs.
    pub async fn put_many(&self, shop: &ShopId, values: Vec<Order>) -> Result<usize, Error> {
        let batch = Batch {
            orders: values,
            ..Batch::default()
        };
        let imports = Imports::new(self.db.clone());
        Ok(imports.run(shop, batch, |_| {}).await?)
    }

    /// Returns a page of orders by number.
    ///
    /// # Errors
    /// [`Error::Invalid`] for a cursor of another list; [`Error::Unavailable`], [`Error::Corrupt`].
    pub async fn list(
        &self,
        shop: &ShopId,
        cursor: Option<&str>,
        limit: u64,
    ) -> Result<Page<Versioned<Order>>, Error> {
        let limit = page_size(limit);
        let mut all = Condition::all().add(order::Column::Shop.eq(shop.as_str()));
        if let Some(after) = parse_cursor::<String>(cursor)? {
            all = all.add(order::Column::NumberKey.gt(after));
        }
        let shop = shop.to_string();
        let rows = self.db.read_snapshot(move |c| {
            Box::pin(async move {
                let found = select_now::<order::Entity, _>(c, &shop)
                    .await?
                    .filter(all)
                    .order_by_asc(order::Column::NumberKey)
                    .limit(limit + 1)
                    .all(c);
                Ok(found.await?)
            })
        });
        let items: Result<Vec<_>, Error> = rows.await?.into_iter().map(decode).collect();
        Ok(Page::cut(items?, limit, |item| {
            number_key(&item.value.number)
        }))
    }
}

/// Brings an order's number into the form that look-ups compare.
pub(crate) fn number_key(number: &OrderNumber) -> String {
    number.as_str().to_lowercase()
}

/// Reads when an order was placed.
pub(crate) fn placed_at_ms(value: &Order) -> Result<i64, Error> {
    parse_rfc3339_ms(&value.placed_at).ok_or_else(|| {
        let message = format!("order `{}` has no RFC 3339 time", value.number);
        Error::invalid("placed_at", message)
    })
}

pub(crate) fn encode(
    shop: &ShopId,
    value: &Order,
    placed_at_ms: i64,
    version: i64,
    updated_at_ms: i64,
) -> Result<order::ActiveModel, Error> {
    let body =
        serde_json::to_string(value).map_err(|error| Error::invalid("order", error.to_string()))?;
    Ok(order::ActiveModel {
        shop: Set(shop.to_string()),
        number_key: Set(number_key(&value.number)),
        number_code: Set(code_key(value.number.as_str())),
        customer_id: Set(value.customer_id.to_string()),
        placed_at_ms: Set(placed_at_ms),
        body: Set(body),
        version: Set(version),
        updated_at_ms: Set(updated_at_ms),
    })
}

pub(crate) fn decode(row: order::Model) -> Result<Versioned<Order>, Error> {
    let value = serde_json::from_str(&row.body)
        .map_err(|_| Error::corrupt("shop_order.body", &row.number_key))?;
    Ok(Versioned {
        value,
        version: row.version,
        updated_at_ms: row.updated_at_ms,
    })
}

/// Reads an RFC 3339 time as UTC milliseconds. Leap seconds count as the second before.
fn parse_rfc3339_ms(text: &str) -> Option<i64> {
    let bytes = text.as_bytes();
    let number = |range: std::ops::Range<usize>| -> Option<i64> {
        let part = bytes.get(range)?;
        part.iter().all(u8::is_ascii_digit).then_some(())?;
        std::str::from_utf8(part).ok()?.parse().ok()
    };
    let separator = |at: usize, wanted: &[u8]| bytes.get(at).is_some_and(|b| wanted.contains(b));
    let marks: [(usize, &[u8]); 5] = [(4, b"-"), (7, b"-"), (10, b"Tt "), (13, b":"), (16, b":")];
    if !marks.iter().all(|(at, wanted)| separator(*at, wanted)) {
        return None;
    }
    let (year, month, day) = (number(0..4)?, number(5..7)?, number(8..10)?);
    let (hour, minute, second) = (number(11..13)?, number(14..16)?, number(17..19)?);
    if !(1..=12).contains(&month)
        || !(1..=days_in_month(year, month)).contains(&day)
        || hour > 23
        || minute > 59
        || second > 60
    {
        return None;
    }
    let mut rest = text.get(19..)?;
    let mut millis = 0;
    if let Some(fraction) = rest.strip_prefix('.') {
        let end = fraction.find(|c: char| !c.is_ascii_digit())?;
        let digits = fraction.get(..end).filter(|digits| !digits.is_empty())?;
        millis = format!("{digits:0<3}").get(..3)?.parse().ok()?;
        rest = fraction.get(end..)?;
    }
    let offset_minutes = match rest.as_bytes() {
        b"Z" | b"z" => 0,
        [sign @ (b'+' | b'-'), _, _, b':', _, _] => {
            let at = text.len() - 5;
            let (hours, minutes) = (number(at..at + 2)?, number(at + 3..at + 5)?);
            if hours > 23 || minutes > 59 {
                return None;
            }
            (hours * 60 + minutes) * if *sign == b'-' { -1 } else { 1 }
        }
        _ => return None,
    };
    let minutes = (days_from_epoch(year, month, day) * 24 + hour) * 60 + minute - offset_minutes;
    Some((minutes * 60 + second.min(59)) * 1000 + millis)
}

fn days_in_month(year: i64, month: i64) -> i64 {
    match month {
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Counts days since 1970-01-01 in the Gregorian calendar: whole years, then whole months.
fn days_from_epoch(year: i64, month: i64, day: i64) -> i64 {
    let before = year - 1;
    let leap_days = before / 4 - before / 100 + before / 400;
    // Days from 0001-01-01 to 1970-01-01.
    let years = before * 365 + leap_days - 719_162;
    let months: i64 = (1..month).map(|m| days_in_month(year, m)).sum();
    years + months + day - 1
}

#[cfg(test)]
mod tests {
    use super::parse_rfc3339_ms;

    #[test]
    fn times_are_read_with_their_offsets() {
        assert_eq!(parse_rfc3339_ms("1970-01-01T00:00:00Z"), Some(0));
        assert_eq!(
            parse_rfc3339_ms("2026-10-01T10:00:00Z"),
            Some(1_790_848_800_000)
        );
        assert_eq!(
            parse_rfc3339_ms("2026-10-01T12:00:00.5+02:00"),
            Some(1_790_848_800_500)
        );
        assert_eq!(
            parse_rfc3339_ms("2024-02-29T23:59:60-00:30"),
            parse_rfc3339_ms("2024-03-01T00:29:59Z")
        );
    }

    #[test]
    fn what_is_no_time_is_refused() {
        for bad in [
            "",
            "2026-10-01",
            "2026-13-01T10:00:00Z",
            "2026-02-29T10:00:00Z",
            "2026-10-01T24:00:00Z",
            "2026-10-01T10:00:00",
            "2026-10-01T10:00:00.Z",
            "2026-10-01T10:00:00+2",
            "+026-10-01T10:00:00Z",
            "2026-10-01T10:00:00+é",
        ] {
            assert_eq!(parse_rfc3339_ms(bad), None, "{bad:?}");
        }
    }
}
