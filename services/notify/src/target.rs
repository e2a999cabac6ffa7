//! Who is told, as the settings say.

use std::collections::BTreeSet;

use lettre::AsyncSmtpTransport;
use lettre::message::Mailbox;
use mercer_schemas::{NoticeKind, ShopId};
use mercer_store::TargetName;
use serde::{Deserialize, Serialize};
use standardwebhooks::Webhook;

use crate::email::Email;
use crate::webhook::Endpoint;

/// Targets of all shops; a person writes them into a file.
const TARGETS_MAX: usize = 1_000;
/// Longest name of a target, characters.
const NAME_CHARS_MAX: usize = 64;
/// Secrets of one endpoint: one in use, and others while it is being replaced.
const SECRETS_MAX: usize = 5;
/// People that one e-mail goes to.
const PEOPLE_MAX: usize = 20;
/// Bytes of a secret (Standard Webhooks: "between 24 bytes and 64 bytes").
const SECRET_BYTES: std::ops::RangeInclusive<usize> = 24..=64;

/// Everybody who is told.
#[derive(Clone, Default)]
pub struct NotifyConfig {
    /// The mail server, `smtps://user:password@host` or `smtp://host:587?tls=required`; empty: none.
    pub smtp: String,
    /// Whom mails come from, `Mercer <mercer@shop.example>`.
    pub from: String,
    /// Systems that are told.
    pub webhooks: Vec<WebhookConfig>,
    /// People who are told.
    pub emails: Vec<EmailConfig>,
}

/// A system that is told.
#[derive(Clone, Serialize, Deserialize)]
pub struct WebhookConfig {
    /// Whose conversations.
    pub shop: ShopId,
    /// The target's name, unique in the shop.
    pub name: String,
    /// Where notices are posted to.
    pub url: String,
    /// Secrets that sign, `whsec_…`; each signs, so that a receiver may change from one to the next.
    pub secrets: Vec<String>,
    /// What it is told; empty: everything.
    #[serde(default)]
    pub events: Vec<NoticeKind>,
}

/// People who are told.
#[derive(Clone, Serialize, Deserialize)]
pub struct EmailConfig {
    /// Whose conversations.
    pub shop: ShopId,
    /// The target's name, unique in the shop.
    pub name: String,
    /// Their addresses.
    pub to: Vec<String>,
    /// What they are told; empty: that a person is called.
    #[serde(default)]
    pub events: Vec<NoticeKind>,
}

/// Says which setting is wrong.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{key}: {problem}")]
pub struct ConfigError {
    /// The setting.
    pub key: String,
    /// What is wrong, never with its value: it may be a secret.
    pub problem: String,
}

fn wrong(key: impl Into<String>, problem: impl Into<String>) -> ConfigError {
    ConfigError {
        key: key.into(),
        problem: problem.into(),
    }
}

/// Somebody who is told.
pub(crate) struct Target {
    pub(crate) name: TargetName,
    pub(crate) way: Way,
}

/// How somebody is told.
pub(crate) enum Way {
    Webhook(Endpoint),
    Email(Email),
}

impl Way {
    /// Returns the word for metrics and lists.
    pub(crate) fn as_str(&self) -> &'static str {
        match self {
            Self::Webhook(_) => "webhook",
            Self::Email(_) => "email",
        }
    }
}

impl NotifyConfig {
    /// Checks all settings.
    ///
    /// # Errors
    /// Names the first setting that is wrong.
    pub fn check(&self) -> Result<(), ConfigError> {
        self.targets().map(|_| ())
    }

    /// Returns the shops that somebody is told of.
    pub fn shops(&self) -> impl Iterator<Item = &ShopId> {
        let webhooks = self.webhooks.iter().map(|webhook| &webhook.shop);
        webhooks.chain(self.emails.iter().map(|email| &email.shop))
    }

    pub(crate) fn targets(&self) -> Result<Vec<Target>, ConfigError> {
        if self.webhooks.len() + self.emails.len() > TARGETS_MAX {
            return Err(wrong("notify", format!("more than {TARGETS_MAX} targets")));
        }
        let mut names = BTreeSet::new();
        let mut targets = Vec::new();
        for (number, webhook) in self.webhooks.iter().enumerate() {
            let key = format!("notify.webhooks[{number}]");
            let name = named(&key, &webhook.shop, &webhook.name, &mut names)?;
            targets.push(Target {
                name: name.told(&webhook.events, &NoticeKind::ALL),
                way: Way::Webhook(endpoint(&key, webhook)?),
            });
        }
        for (number, email) in self.emails.iter().enumerate() {
            let key = format!("notify.emails[{number}]");
            let name = named(&key, &email.shop, &email.name, &mut names)?;
            targets.push(Target {
                name: name.told(&email.events, &[NoticeKind::HandedOver]),
                way: Way::Email(self.people(&key, email)?),
            });
        }
        Ok(targets)
    }

    fn people(&self, key: &str, email: &EmailConfig) -> Result<Email, ConfigError> {
        if self.smtp.is_empty() {
            return Err(wrong(
                "notify.smtp",
                format!("needed by {key}; for instance smtps://user:password@mail.example"),
            ));
        }
        let transport = AsyncSmtpTransport::<lettre::Tokio1Executor>::from_url(&self.smtp)
            .map_err(|_| {
                wrong(
                    "notify.smtp",
                    "not a URL such as smtps://user:password@host",
                )
            })?;
        let from: Mailbox = self.from.parse().map_err(|_| {
            wrong(
                "notify.from",
                "not an address such as Mercer <mercer@shop.example>",
            )
        })?;
        if email.to.is_empty() || email.to.len() > PEOPLE_MAX {
            return Err(wrong(
                format!("{key}.to"),
                format!("must name 1 to {PEOPLE_MAX} addresses"),
            ));
        }
        let mut to = Vec::new();
        for (number, address) in email.to.iter().enumerate() {
            let mailbox: Mailbox = address
                .parse()
                .map_err(|_| wrong(format!("{key}.to[{number}]"), "not an e-mail address"))?;
            to.push(mailbox);
        }
        Ok(Email::new(transport, from, to))
    }
}

/// A target's name before it is known what it is told.
struct Named(ShopId, String);

impl Named {
    fn told(self, chosen: &[NoticeKind], otherwise: &[NoticeKind]) -> TargetName {
        let kinds = if chosen.is_empty() { otherwise } else { chosen };
        TargetName {
            shop: self.0,
            name: self.1,
            kinds: kinds.to_vec(),
        }
    }
}

fn named(
    key: &str,
    shop: &ShopId,
    name: &str,
    names: &mut BTreeSet<(ShopId, String)>,
) -> Result<Named, ConfigError> {
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    if name.is_empty() || name.len() > NAME_CHARS_MAX || !name.chars().all(plain) {
        return Err(wrong(
            format!("{key}.name"),
            format!("must be 1 to {NAME_CHARS_MAX} letters, digits, - and _"),
        ));
    }
    if !names.insert((shop.clone(), name.to_owned())) {
        return Err(wrong(
            format!("{key}.name"),
            format!("`{name}` is taken in this shop"),
        ));
    }
    Ok(Named(shop.clone(), name.to_owned()))
}

fn endpoint(key: &str, webhook: &WebhookConfig) -> Result<Endpoint, ConfigError> {
    let url = url::Url::parse(&webhook.url)
        .ok()
        .filter(|url| matches!(url.scheme(), "https" | "http") && url.has_host())
        .ok_or_else(|| {
            wrong(
                format!("{key}.url"),
                "must be an https:// or http:// address",
            )
        })?;
    if webhook.secrets.is_empty() || webhook.secrets.len() > SECRETS_MAX {
        return Err(wrong(
            format!("{key}.secrets"),
            format!("must hold 1 to {SECRETS_MAX} secrets; `mercer webhooks secret` makes one"),
        ));
    }
    let mut signers = Vec::new();
    for (number, secret) in webhook.secrets.iter().enumerate() {
        let signer = signer(secret).ok_or_else(|| {
            wrong(
                format!("{key}.secrets[{number}]"),
                "must be whsec_ and 24 to 64 bytes in base64; `mercer webhooks secret` makes one",
            )
        })?;
        signers.push(signer);
    }
    Ok(Endpoint::new(url, signers))
}

fn signer(secret: &str) -> Option<Webhook> {
    // Base64 has four characters for three bytes, padding aside.
    let encoded = secret.strip_prefix("whsec_")?.trim_end_matches('=');
    if !SECRET_BYTES.contains(&(encoded.len() * 3 / 4)) {
        return None;
    }
    Webhook::new(secret).ok()
}
