//! Order status behind proof of identity.
//!
//! Proof is one of: the conversation already proved it; the channel's own address belongs to the
//! customer (a WhatsApp number on file); or e-mail and postcode of the same customer together with
//! an order number of theirs. A wrong detail and an unknown order get the same answer.

use mercer_schemas::{Channel, CustomerId, Order, OrderNumber, Personal, ShopId};
use mercer_store::{Store, Versioned};

/// How an order request came out.
pub(crate) enum Outcome {
    /// These orders may be told, to this customer.
    Orders(CustomerId, Vec<Versioned<Order>>),
    /// Details are missing.
    IdentityNeeded,
    /// Details were given and do not fit together.
    NotFound,
}

/// What was given.
pub(crate) struct Details<'a> {
    pub(crate) order: Option<&'a str>,
    pub(crate) email: Option<&'a Personal<String>>,
    pub(crate) postcode: Option<&'a Personal<String>>,
    /// Proven earlier in this conversation.
    pub(crate) customer: Option<&'a CustomerId>,
    pub(crate) channel: Channel,
    pub(crate) address: &'a Personal<String>,
}

/// Orders that an answer without a number tells of.
const LATEST_ORDERS: u64 = 1;

pub(crate) async fn look_up(
    store: &Store,
    shop: &ShopId,
    details: &Details<'_>,
) -> Result<Outcome, mercer_store::Error> {
    let given = match (details.email, details.postcode) {
        (Some(email), Some(postcode)) => {
            // Details that were given are what counts, also for someone already known.
            Some(
                store
                    .customers()
                    .find_by_email_postcode(shop, email.expose(), postcode.expose())
                    .await?,
            )
        }
        _ => None,
    };
    let by_details = given.is_some();
    let customer = match given {
        Some(found) => found,
        None => match details.customer {
            Some(customer) => Some(customer.clone()),
            None => {
                store
                    .customers()
                    .by_channel_identity(shop, details.channel, details.address.expose())
                    .await?
            }
        },
    };
    let Some(customer) = customer else {
        return Ok(if by_details {
            Outcome::NotFound
        } else {
            Outcome::IdentityNeeded
        });
    };
    let Some(number) = details.order else {
        // E-mail and postcode are known to many; without an order number they prove too little.
        let proven = details.customer == Some(&customer) || !by_details;
        if !proven {
            return Ok(Outcome::IdentityNeeded);
        }
        let latest = store
            .orders()
            .of_customer(shop, &customer, LATEST_ORDERS)
            .await?;
        return Ok(if latest.is_empty() {
            Outcome::NotFound
        } else {
            Outcome::Orders(customer, latest)
        });
    };
    let Ok(number) = OrderNumber::new(number) else {
        return Ok(Outcome::NotFound);
    };
    match store.orders().get(shop, &number).await? {
        Some(order) if order.value.customer_id == customer => {
            Ok(Outcome::Orders(customer, vec![order]))
        }
        _ => Ok(Outcome::NotFound),
    }
}
