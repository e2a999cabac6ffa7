//! Order status behind proof of identity.
//!
//! Proof is one of: the conversation already proved it, and what that rests on has not changed; the
//! channel's own address belongs to the customer (a WhatsApp number on file); or an order's number
//! with the e-mail address and the postcode of its customer, taken from the customer's own words.
//!
//! Whatever of a proof is wrong or missing, the answer is the same. Which answer it is follows from
//! what was written, never from what the store has
//! ([decision 6](../../../docs/decisions/0006-identity-without-formats.md)).

use mercer_conversation::bounds::PROOF_DETAILS_MAX;
use mercer_schemas::identity::WRONG_PROOFS_MAX;
use mercer_schemas::{Channel, CustomerId, Detail, Identity, Order, Personal, Proof, ShopId};
use mercer_store::{Error, ProofOutcome, ProofTry, Store, Versioned, code_key, email_key};

use crate::given::{Given, KEYS_MAX};

/// How an order request came out.
pub(crate) enum Outcome {
    /// These orders may be told, to this customer.
    Orders(CustomerId, Vec<Versioned<Order>>),
    /// Nothing was given that could be a proof.
    IdentityNeeded,
    /// What was given is no proof.
    NotFound,
    /// Too many proofs were wrong: a person is called, and nothing was compared.
    Person,
}

/// Who asks, and for what.
pub(crate) struct Question<'a> {
    /// Number of the order that is meant.
    pub(crate) order: Option<&'a str>,
    /// The customer's words of the turn.
    pub(crate) words: &'a Personal<String>,
    /// Proven earlier in this conversation.
    pub(crate) customer: Option<&'a CustomerId>,
    /// What that rests on, and what was given towards a proof.
    pub(crate) identity: &'a Identity,
    /// Names the attempt: one that runs again counts once.
    pub(crate) attempt: &'a str,
    pub(crate) channel: Channel,
    pub(crate) address: &'a Personal<String>,
    /// UTC milliseconds.
    pub(crate) at_ms: i64,
    /// Orders that an answer without a number tells of, the latest ones.
    pub(crate) latest: u64,
}

/// How it came out, and what the conversation remembers of who writes.
pub(crate) struct Finding {
    pub(crate) outcome: Outcome,
    pub(crate) proof: Proof,
}

pub(crate) async fn look_up(
    store: &Store,
    shop: &ShopId,
    question: &Question<'_>,
) -> Result<Finding, Error> {
    let given = Given::of(question.words.expose());
    let writer = Writer::of(store, shop, question, &given).await?;
    let mut finding = match &writer.known {
        Some(customer) => Finding {
            outcome: of_customer(store, shop, customer, question, &given).await?,
            proof: remembering(question),
        },
        None => prove(store, shop, question, &given).await?,
    };
    writer.stamp(store, shop, &mut finding).await?;
    Ok(finding)
}

/// Looks for orders of somebody who need not prove who they are. None where they must, or are about to prove that they are
/// somebody else, have no orders, or write a number that may be another's order. Nothing that they write counts as a proof
/// or a wrong one; that an earlier proof holds no more is found all the same.
pub(crate) async fn look_up_own(
    store: &Store,
    shop: &ShopId,
    question: &Question<'_>,
) -> Result<Option<Finding>, Error> {
    let given = Given::of(question.words.expose());
    let writer = Writer::of(store, shop, question, &given).await?;
    let is_proving = !question.identity.given.is_empty();
    let outcome = match &writer.known {
        Some(customer) if !is_proving => {
            of_customer(store, shop, customer, question, &given).await?
        }
        _ => Outcome::IdentityNeeded,
    };
    let outcome = match outcome {
        Outcome::Orders(_, ref orders) if is_meant(orders, &given) => outcome,
        _ if writer.ended => Outcome::IdentityNeeded,
        _ => return Ok(None),
    };
    let mut finding = Finding {
        outcome,
        proof: remembering(question),
    };
    writer.stamp(store, shop, &mut finding).await?;
    Ok(Some(finding))
}

/// Says whether orders may be told to somebody who gives these codes: one of them is an order's number, or none of them
/// looks like one.
fn is_meant(orders: &[Versioned<Order>], given: &Given) -> bool {
    let numbers: Vec<String> = orders
        .iter()
        .map(|order| code_key(order.value.number.as_str()))
        .collect();
    let may_be_another = |code: &String| {
        let digits = digits(code);
        numbers
            .iter()
            .any(|number| digits == self::digits(number) || digits == digits_last(number))
    };
    let is_given = |number: &String| given.codes.contains(number);
    numbers.iter().any(is_given) || !given.codes.iter().any(may_be_another)
}

fn digits(code: &str) -> usize {
    code.chars().filter(|c| c.is_numeric()).count()
}

/// Counts the digits that a number ends with: customers leave out what all numbers begin with.
fn digits_last(number: &str) -> usize {
    let from_end = number.chars().rev();
    let mut last = from_end.skip_while(|c| !c.is_numeric());
    last.by_ref().take_while(|c| c.is_numeric()).count()
}

/// Who writes, as far as it is known before they prove anything.
struct Writer {
    /// Whose the channel's address is.
    owner: Option<CustomerId>,
    /// Who they are, by an earlier proof or by the address.
    known: Option<CustomerId>,
    /// What was proven earlier holds no more.
    ended: bool,
}

impl Writer {
    async fn of(
        store: &Store,
        shop: &ShopId,
        question: &Question<'_>,
        given: &Given,
    ) -> Result<Self, Error> {
        let owner = store
            .customers()
            .by_channel_identity(shop, question.channel, question.address.expose())
            .await?;
        let proven = still_proven(store, shop, question, owner.as_ref()).await?;
        let ended = question.customer.is_some() && proven.is_none();
        let known = match proven.or_else(|| owner.clone()) {
            Some(customer) if is_own(store, shop, &customer, &given.emails).await? => {
                Some(customer)
            }
            _ => None,
        };
        Ok(Self {
            owner,
            known,
            ended,
        })
    }

    /// Notes in a finding what it rests on, and whether an earlier one ended.
    async fn stamp(
        &self,
        store: &Store,
        shop: &ShopId,
        finding: &mut Finding,
    ) -> Result<(), Error> {
        if let Outcome::Orders(customer, _) = &finding.outcome {
            let owner = self.owner.as_ref();
            finding.proof = Proof {
                stamp: store.customers().stamp(shop, customer, owner).await?,
                ..Proof::default()
            };
        }
        finding.proof.ended = self.ended;
        Ok(())
    }
}

fn remembering(question: &Question<'_>) -> Proof {
    Proof {
        given: question.identity.given.clone(),
        ..Proof::default()
    }
}

/// Returns the customer whose identity was proven, while the record's contact data and the owner of
/// the address are what they were.
async fn still_proven(
    store: &Store,
    shop: &ShopId,
    question: &Question<'_>,
    owner: Option<&CustomerId>,
) -> Result<Option<CustomerId>, Error> {
    let Some(customer) = question.customer else {
        return Ok(None);
    };
    let stamp = store.customers().stamp(shop, customer, owner).await?;
    let holds = stamp.is_some() && stamp == question.identity.stamp;
    Ok(holds.then(|| customer.clone()))
}

/// Says whether e-mail addresses are a customer's own: with another one they prove to be somebody
/// else.
async fn is_own(
    store: &Store,
    shop: &ShopId,
    customer: &CustomerId,
    emails: &[String],
) -> Result<bool, Error> {
    if emails.is_empty() {
        return Ok(true);
    }
    let record = store.customers().get(shop, customer).await?;
    Ok(record.is_some_and(|record| {
        let own = email_key(record.email.expose());
        emails.iter().all(|email| *email == own)
    }))
}

/// Looks for the order that a known customer means: one whose number they write, else the one that
/// the plan names, else the latest ones. A number that is not one of theirs is not found, whether or not
/// it is somebody else's.
async fn of_customer(
    store: &Store,
    shop: &ShopId,
    customer: &CustomerId,
    question: &Question<'_>,
    given: &Given,
) -> Result<Outcome, Error> {
    let named = question.order.map(code_key);
    let mut codes = given.codes.clone();
    codes.extend(named.clone());
    let orders = store.orders();
    let mut found = orders.of_customer_by_code(shop, customer, codes).await?;
    let is_named =
        |order: &Versioned<Order>| named.as_deref() == Some(&code_key(order.value.number.as_str()));
    found.sort_by_key(|order| !is_named(order));
    found.truncate(1);
    if found.is_empty() {
        if let Some(named) = named
            && !is_postcode(store, shop, customer, &named).await?
        {
            return Ok(Outcome::NotFound);
        }
        found = orders.of_customer(shop, customer, question.latest).await?;
    }
    Ok(if found.is_empty() {
        Outcome::NotFound
    } else {
        Outcome::Orders(customer.clone(), found)
    })
}

async fn is_postcode(
    store: &Store,
    shop: &ShopId,
    customer: &CustomerId,
    code: &str,
) -> Result<bool, Error> {
    let record = store.customers().get(shop, customer).await?;
    Ok(record.is_some_and(|record| code_key(record.postcode.expose()) == code))
}

/// Compares what was given with what the store has. One message is one attempt.
async fn prove(
    store: &Store,
    shop: &ShopId,
    question: &Question<'_>,
    given: &Given,
) -> Result<Finding, Error> {
    let mut details = question.identity.given.clone();
    for key in given.keys() {
        details.retain(|detail| detail.key.expose() != key);
        details.push(Detail {
            key: Personal::new(key.clone()),
            fits: false,
        });
    }
    details.drain(..details.len().saturating_sub(KEYS_MAX));
    let is_email = |detail: &Detail| detail.key.expose().contains('@');
    // An e-mail address and a code are what somebody gives who proves something, complete or not.
    let is_proof =
        !given.is_empty() && details.iter().any(is_email) && !details.iter().all(is_email);
    if is_proof && question.identity.wrong >= WRONG_PROOFS_MAX {
        return Ok(Finding {
            outcome: Outcome::Person,
            proof: remembering(question),
        });
    }
    let is_compared =
        |detail: &Detail| detail.fits || given.keys().any(|key| key == detail.key.expose());
    let (compared, counted): (Vec<&Detail>, Vec<&Detail>) =
        details.iter().partition(|detail| is_compared(detail));
    let keys = |details: Vec<&Detail>| -> Vec<String> {
        details
            .into_iter()
            .map(|d| d.key.expose().clone())
            .collect()
    };
    let given_now = ProofTry {
        attempt: question.attempt.to_owned(),
        channel: question.channel,
        address: question.address.expose().clone(),
        details: keys(compared),
        counted: keys(counted),
        is_proof,
        at_ms: question.at_ms,
    };
    let fitting = match store.proofs().compare(shop, given_now).await? {
        ProofOutcome::Proven(customer, mut orders) => {
            let named = question.order.map(code_key);
            orders.sort_by_key(|order| named != Some(code_key(order.value.number.as_str())));
            orders.truncate(1);
            return Ok(Finding {
                outcome: Outcome::Orders(customer, orders),
                proof: Proof::default(),
            });
        }
        ProofOutcome::Closed => {
            return Ok(Finding {
                outcome: Outcome::Person,
                proof: remembering(question),
            });
        }
        ProofOutcome::Wrong(fitting) => fitting,
    };
    for detail in &mut details {
        detail.fits = fitting.contains(detail.key.expose());
    }
    Ok(Finding {
        outcome: if is_proof {
            Outcome::NotFound
        } else {
            Outcome::IdentityNeeded
        },
        proof: Proof {
            wrong: is_proof,
            given: carried(details),
            ..Proof::default()
        },
    })
}

/// Returns what is remembered for later messages: e-mail addresses, and the codes written last.
/// Whether it fits anything has no say in it, or what is asked for next would tell.
fn carried(mut details: Vec<Detail>) -> Vec<Detail> {
    details.sort_by_key(|detail| detail.key.expose().contains('@'));
    details.drain(..details.len().saturating_sub(PROOF_DETAILS_MAX));
    details
}

#[cfg(test)]
mod tests;
