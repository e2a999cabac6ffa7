//! Customers of the shops, and finding out who writes.

use mercer_schemas::{Channel, Customer, CustomerId, Personal, ShopId};
use sea_orm::{ColumnTrait, Condition, EntityTrait, QueryFilter, QueryOrder, QuerySelect, Set};
use sha2::{Digest, Sha256};

use crate::compared::{code_key, email_key, phone_digits};
use crate::db::Db;
use crate::entity::{Sealed, customer};
use crate::error::Error;
use crate::imports::{Batch, Imports, select_now};
use crate::page::{Page, page_size, parse_cursor};

/// Customers of all shops; each method names the shop it works in.
#[derive(Clone)]
pub struct Customers {
    db: Db,
}

impl Customers {
    pub(crate) fn new(db: Db) -> Self {
        Self { db }
    }

    /// Returns a customer.
    ///
    /// # Errors
    /// [`Error::Unavailable`], [`Error::Corrupt`].
    pub async fn get(&self, shop: &ShopId, id: &CustomerId) -> Result<Option<Customer>, Error> {
        let key = (shop.to_string(), id.to_string());
        let found = self
            .db
            .read(move |c| async move { Ok(customer::Entity::find_by_id(key).one(&c).await?) });
        found.await?.map(decode).transpose()
    }

    /// Creates or replaces many customers, all at once for readers; returns how many. Of two with
    /// one id the last counts.
    ///
    /// # Errors
    /// [`Error::Unavailable`], also while an import into the shop runs.
    pub async fn put_many(&self, shop: &ShopId, values: Vec<Customer>) -> Result<usize, Error> {
        let batch = Batch {
            customers: values,
            ..Batch::default()
        };
        let imports = Imports::new(self.db.clone());
        Ok(imports.run(shop, batch, |_| {}).await?)
    }

    /// Returns whose address on a channel it is: on WhatsApp the customer's phone, compared by
    /// digits. `None` where nobody or more than one has it, and for channels without identity.
    ///
    /// # Errors
    /// [`Error::Unavailable`], [`Error::Corrupt`].
    pub async fn by_channel_identity(
        &self,
        shop: &ShopId,
        channel: Channel,
        address: &str,
    ) -> Result<Option<CustomerId>, Error> {
        if !channel.capabilities().address_is_phone {
            return Ok(None);
        }
        match phone_digits(address) {
            Some(digits) => {
                self.only(shop, customer::Column::PhoneDigits.eq(digits).into())
                    .await
            }
            None => Ok(None),
        }
    }

    /// Returns a fingerprint of what identifies a customer who writes from an address: the contact
    /// data, and whose address it is. `None` where there is no such customer.
    ///
    /// # Errors
    /// [`Error::Unavailable`], [`Error::Corrupt`].
    pub async fn stamp(
        &self,
        shop: &ShopId,
        id: &CustomerId,
        owner: Option<&CustomerId>,
    ) -> Result<Option<Personal<String>>, Error> {
        let key = (shop.to_string(), id.to_string());
        let row = self
            .db
            .read(move |c| async move { Ok(customer::Entity::find_by_id(key).one(&c).await?) })
            .await?;
        Ok(row.map(|row| {
            let phone = row.phone_digits.map(|digits| digits.0).unwrap_or_default();
            let owner = owner.map(CustomerId::as_str).unwrap_or_default();
            let parts = [
                id.as_str(),
                &row.email_key.0,
                &row.postcode_key.0,
                &phone,
                owner,
            ];
            Personal::new(hex::encode(Sha256::digest(parts.join("\n"))))
        }))
    }

    /// Returns a page of customers by id.
    ///
    /// # Errors
    /// [`Error::Invalid`] for a cursor of another list; [`Error::Unavailable`], [`Error::Corrupt`].
    pub async fn list(
        &self,
        shop: &ShopId,
        cursor: Option<&str>,
        limit: u64,
    ) -> Result<Page<Customer>, Error> {
        let limit = page_size(limit);
        let mut all = Condition::all().add(customer::Column::Shop.eq(shop.as_str()));
        if let Some(after) = parse_cursor::<String>(cursor)? {
            all = all.add(customer::Column::Id.gt(after));
        }
        let shop = shop.to_string();
        let rows = self.db.read_snapshot(move |c| {
            Box::pin(async move {
                let found = select_now::<customer::Entity, _>(c, &shop)
                    .await?
                    .filter(all)
                    .order_by_asc(customer::Column::Id)
                    .limit(limit + 1)
                    .all(c);
                Ok(found.await?)
            })
        });
        let items: Result<Vec<_>, Error> = rows.await?.into_iter().map(decode).collect();
        Ok(Page::cut(items?, limit, |item| item.id.to_string()))
    }

    /// Returns the customer that a condition describes, if it is exactly one: an ambiguous
    /// identity proves nothing.
    async fn only(&self, shop: &ShopId, condition: Condition) -> Result<Option<CustomerId>, Error> {
        let all = condition.add(customer::Column::Shop.eq(shop.as_str()));
        let rows = self.db.read(move |c| async move {
            Ok(customer::Entity::find()
                .filter(all)
                .limit(2)
                .all(&c)
                .await?)
        });
        match rows.await?.as_slice() {
            [row] => CustomerId::new(row.id.clone())
                .map(Some)
                .map_err(|_| Error::corrupt("customer.id", &row.id)),
            _ => Ok(None),
        }
    }
}

pub(crate) fn encode(shop: &ShopId, value: &Customer) -> customer::ActiveModel {
    let phone = value.phone.as_ref();
    customer::ActiveModel {
        shop: Set(shop.to_string()),
        id: Set(value.id.to_string()),
        name: Set(Sealed::from(&value.name)),
        email: Set(Sealed::from(&value.email)),
        postcode: Set(Sealed::from(&value.postcode)),
        phone: Set(phone.map(Sealed::from)),
        email_key: Set(Sealed(email_key(value.email.expose()))),
        postcode_key: Set(Sealed(code_key(value.postcode.expose()))),
        phone_digits: Set(phone
            .and_then(|phone| phone_digits(phone.expose()))
            .map(Sealed)),
    }
}

fn decode(row: customer::Model) -> Result<Customer, Error> {
    Ok(Customer {
        id: CustomerId::new(row.id.clone()).map_err(|_| Error::corrupt("customer.id", row.id))?,
        name: Personal::from(row.name),
        email: Personal::from(row.email),
        postcode: Personal::from(row.postcode),
        phone: row.phone.map(Personal::from),
    })
}
