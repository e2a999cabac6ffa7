//! Settings of the WhatsApp numbers.

use std::collections::BTreeSet;
use std::ops::RangeInclusive;

use mercer_schemas::ShopId;
use serde::Deserialize;

use crate::config::{ConfigError, Secret};

/// Milliseconds that a call of the Graph API may be given. Meta answers within one or two seconds;
/// a shorter wait would leave many ends unknown, and a longer one holds back what follows.
pub const SEND_TIMEOUT_MS: RangeInclusive<u64> = 1_000..=120_000;

/// One WhatsApp Cloud API number of a shop.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WhatsAppConfig {
    /// The shop whose customers write to this number. At most one number for a shop.
    pub shop: ShopId,
    /// Meta's id of the number; messages to any other number are set aside.
    pub phone_number_id: String,
    /// What Meta repeats in the verification handshake.
    pub verify_token: Secret,
    /// Secrets of the Meta app, newest first; several while one is being replaced.
    pub app_secrets: Vec<Secret>,
    /// Bearer token for sending.
    pub access_token: Secret,
    /// Where the Graph API is, without a slash at the end.
    #[serde(default = "default_graph_base_url")]
    pub graph_base_url: String,
    /// Version of the Graph API, for instance `v23.0`.
    #[serde(default = "default_graph_version")]
    pub graph_version: String,
    /// Most milliseconds for one call of the Graph API; after that the outcome is unknown. See
    /// [`SEND_TIMEOUT_MS`].
    #[serde(default = "default_send_timeout_ms")]
    pub send_timeout_ms: u64,
}

/// Checks what the types cannot: no empty secret, no shop twice, a usable Graph address.
pub(crate) fn check(accounts: &[WhatsAppConfig]) -> Result<(), ConfigError> {
    let mut shops = BTreeSet::new();
    for (index, account) in accounts.iter().enumerate() {
        let wrong = |key: &str, problem| {
            Err(ConfigError {
                key: format!("whatsapp[{index}].{key}"),
                problem,
            })
        };
        if !shops.insert(&account.shop) {
            return wrong("shop", "has more than one WhatsApp number");
        }
        if account.phone_number_id.trim().is_empty() {
            return wrong("phone_number_id", "must not be empty");
        }
        if account.verify_token.expose().is_empty() {
            return wrong("verify_token", "must not be empty");
        }
        if account.app_secrets.is_empty() {
            return wrong("app_secrets", "needs at least one secret");
        }
        if account.app_secrets.iter().any(|s| s.expose().is_empty()) {
            return wrong("app_secrets", "must not hold an empty secret");
        }
        if account.access_token.expose().is_empty() {
            return wrong("access_token", "must not be empty");
        }
        let url = reqwest::Url::parse(&account.graph_base_url);
        if !url.is_ok_and(|url| matches!(url.scheme(), "http" | "https")) {
            return wrong("graph_base_url", "must be an http or https address");
        }
        if !is_graph_version(&account.graph_version) {
            return wrong("graph_version", "must look like v23.0");
        }
        if !SEND_TIMEOUT_MS.contains(&account.send_timeout_ms) {
            return wrong("send_timeout_ms", "must be between 1000 and 120000");
        }
    }
    Ok(())
}

/// `v`, digits, a dot, digits.
fn is_graph_version(text: &str) -> bool {
    let digits =
        |part: &str| (1..=3).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_digit());
    let numbers = text.strip_prefix('v').and_then(|rest| rest.split_once('.'));
    numbers.is_some_and(|(major, minor)| digits(major) && digits(minor))
}

fn default_graph_base_url() -> String {
    "https://graph.facebook.com".to_owned()
}

fn default_graph_version() -> String {
    "v23.0".to_owned()
}

fn default_send_timeout_ms() -> u64 {
    15_000
}
