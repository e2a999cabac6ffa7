//! Settings of those who are told when a person is called.

use mercer_notify::{EmailConfig, NotifyConfig, WebhookConfig};
use mercer_schemas::{NoticeKind, ShopId};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Config;

/// Who is told.
#[derive(Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Notify {
    /// The mail server as a URL, or empty.
    pub(crate) smtp: String,
    /// Whom mails come from.
    pub(crate) from: String,
    /// Systems that are told by webhooks.
    #[serde(default)]
    pub(crate) webhooks: Vec<Webhook>,
    /// People who are told by e-mail.
    #[serde(default)]
    pub(crate) emails: Vec<Email>,
}

impl std::fmt::Debug for Notify {
    /// The URL of a mail server and the secrets of webhooks stay out of print.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (webhooks, emails) = (self.webhooks.len(), self.emails.len());
        write!(
            f,
            "Notify({webhooks} webhooks, {emails} e-mails, secrets hidden)"
        )
    }
}

/// A system that is told.
#[derive(Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Webhook {
    /// The shop.
    pub(crate) shop: String,
    /// The target's name.
    pub(crate) name: String,
    /// Where notices are posted to.
    pub(crate) url: String,
    /// Secrets that sign.
    pub(crate) secrets: Vec<String>,
    /// What it is told; empty for everything.
    #[serde(default)]
    pub(crate) events: Vec<NoticeKind>,
}

/// People who are told.
#[derive(Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Email {
    /// The shop.
    pub(crate) shop: String,
    /// The target's name.
    pub(crate) name: String,
    /// Their addresses.
    pub(crate) to: Vec<String>,
    /// What they are told; empty for handovers.
    #[serde(default)]
    pub(crate) events: Vec<NoticeKind>,
}

impl Config {
    /// Returns who is told.
    ///
    /// # Errors
    /// Names the key that is wrong.
    pub(crate) fn notify(&self) -> anyhow::Result<NotifyConfig> {
        let shop = |key: String, text: &str| {
            ShopId::new(text).map_err(|error| anyhow::anyhow!("{key}.shop: `{text}`: {error}"))
        };
        let mut config = NotifyConfig {
            smtp: self.notify.smtp.clone(),
            from: self.notify.from.clone(),
            ..NotifyConfig::default()
        };
        for (number, webhook) in self.notify.webhooks.iter().enumerate() {
            config.webhooks.push(WebhookConfig {
                shop: shop(format!("notify.webhooks[{number}]"), &webhook.shop)?,
                name: webhook.name.clone(),
                url: webhook.url.clone(),
                secrets: webhook.secrets.clone(),
                events: webhook.events.clone(),
            });
        }
        for (number, email) in self.notify.emails.iter().enumerate() {
            config.emails.push(EmailConfig {
                shop: shop(format!("notify.emails[{number}]"), &email.shop)?,
                name: email.name.clone(),
                to: email.to.clone(),
                events: email.events.clone(),
            });
        }
        config.check()?;
        Ok(config)
    }
}
