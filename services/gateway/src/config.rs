//! Settings of the gateway: which shop is reached by which channel account, and the limits.
//!
//! Reading files and environment variables is the binary's part; here are the types, their
//! defaults and [`GatewayConfig::check`]. Secrets sit in [`Secret`], which cannot be printed.

use std::collections::BTreeSet;
use std::ops::RangeInclusive;

use mercer_schemas::ShopId;
use serde::Deserialize;
use subtle::ConstantTimeEq;

/// Largest webhook body that is read. Meta sends up to 3 MB
/// (reference notes on channels: "retried ≤7 days with backoff; ≤3 MB").
pub const BODY_LIMIT_BYTES: usize = 4 * 1024 * 1024;

/// Milliseconds that a call of the Graph API may be given. Meta answers within one or two seconds;
/// a shorter wait would leave many ends unknown, and a longer one holds back what follows.
pub const SEND_TIMEOUT_MS: RangeInclusive<u64> = 1_000..=120_000;

/// A secret from the configuration. No `Debug`, no `Display`, no `Serialize`.
#[derive(Clone, Deserialize)]
#[serde(transparent)]
pub struct Secret(String);

impl Secret {
    /// Wraps a secret.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// Gives access to the secret. Never hand the result to a log, a trace or an error.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Compares in time that depends on the lengths only.
    pub fn matches(&self, other: &str) -> bool {
        self.0.as_bytes().ct_eq(other.as_bytes()).into()
    }
}

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

/// The chat page of a shop.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WebChatConfig {
    /// The shop.
    pub shop: ShopId,
    /// Whether the page is served.
    #[serde(default = "yes")]
    pub enabled: bool,
}

/// All settings of the gateway.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GatewayConfig {
    /// WhatsApp numbers.
    #[serde(default)]
    pub whatsapp: Vec<WhatsAppConfig>,
    /// Chat pages. The first enabled one answers at `/chat`.
    #[serde(default)]
    pub webchat: Vec<WebChatConfig>,
    /// Largest webhook body in bytes; a larger one gets 413.
    #[serde(default = "default_body_limit_bytes")]
    pub body_limit_bytes: usize,
}

impl Default for GatewayConfig {
    fn default() -> Self {
        Self {
            whatsapp: Vec::new(),
            webchat: Vec::new(),
            body_limit_bytes: BODY_LIMIT_BYTES,
        }
    }
}

/// Says which key is wrong.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{key}: {problem}")]
pub struct ConfigError {
    /// The key, for instance `whatsapp[0].app_secrets`.
    pub key: String,
    /// What is wrong with it.
    pub problem: &'static str,
}

impl GatewayConfig {
    /// Checks what the types cannot: no empty secret, no shop twice, a usable Graph address.
    ///
    /// # Errors
    /// [`ConfigError`] for the first key that is wrong.
    pub fn check(&self) -> Result<(), ConfigError> {
        let mut shops = BTreeSet::new();
        for (index, account) in self.whatsapp.iter().enumerate() {
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
        let mut shops = BTreeSet::new();
        for (index, page) in self.webchat.iter().enumerate() {
            if !shops.insert(&page.shop) {
                return Err(ConfigError {
                    key: format!("webchat[{index}].shop"),
                    problem: "is named more than once",
                });
            }
        }
        if self.body_limit_bytes == 0 {
            return Err(ConfigError {
                key: "body_limit_bytes".to_owned(),
                problem: "must be at least 1",
            });
        }
        Ok(())
    }

    /// Returns the WhatsApp number of a shop.
    pub fn whatsapp_of(&self, shop: &str) -> Option<&WhatsAppConfig> {
        self.whatsapp.iter().find(|a| a.shop.as_str() == shop)
    }

    /// Returns the shop whose chat page is served under this name.
    pub fn webchat_of(&self, shop: &str) -> Option<&ShopId> {
        let page = self
            .webchat
            .iter()
            .find(|page| page.enabled && page.shop.as_str() == shop);
        page.map(|page| &page.shop)
    }

    /// Returns the shop that answers at `/chat`.
    pub fn webchat_default(&self) -> Option<&ShopId> {
        self.webchat.iter().find(|p| p.enabled).map(|p| &p.shop)
    }
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

fn default_body_limit_bytes() -> usize {
    BODY_LIMIT_BYTES
}

fn yes() -> bool {
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    fn account(json: serde_json::Value) -> WhatsAppConfig {
        let mut base = serde_json::json!({
            "shop": "northwind", "phone_number_id": "1055", "verify_token": "v",
            "app_secrets": ["s"], "access_token": "a"
        });
        for (key, value) in json.as_object().into_iter().flatten() {
            base[key] = value.clone();
        }
        serde_json::from_value(base).expect("account")
    }

    #[test]
    fn a_wrong_key_is_named() {
        let cases = [
            (
                serde_json::json!({"app_secrets": []}),
                "whatsapp[0].app_secrets",
            ),
            (
                serde_json::json!({"app_secrets": ["s", ""]}),
                "whatsapp[0].app_secrets",
            ),
            (
                serde_json::json!({"verify_token": ""}),
                "whatsapp[0].verify_token",
            ),
            (
                serde_json::json!({"access_token": ""}),
                "whatsapp[0].access_token",
            ),
            (
                serde_json::json!({"graph_base_url": "graph"}),
                "whatsapp[0].graph_base_url",
            ),
            (
                serde_json::json!({"phone_number_id": " "}),
                "whatsapp[0].phone_number_id",
            ),
        ];
        for (change, key) in cases {
            let config = GatewayConfig {
                whatsapp: vec![account(change)],
                ..GatewayConfig::default()
            };
            assert_eq!(config.check().map_err(|e| e.key), Err(key.to_owned()));
        }
        let twice = GatewayConfig {
            whatsapp: vec![
                account(serde_json::json!({})),
                account(serde_json::json!({})),
            ],
            ..GatewayConfig::default()
        };
        assert_eq!(
            twice.check().map_err(|e| e.key),
            Err("whatsapp[1].shop".to_owned())
        );
    }

    #[test]
    fn defaults_fill_what_is_left_out() {
        let account = account(serde_json::json!({}));
        assert_eq!(account.graph_base_url, "https://graph.facebook.com");
        let config = GatewayConfig {
            whatsapp: vec![account],
            ..GatewayConfig::default()
        };
        assert_eq!(config.check(), Ok(()));
        assert_eq!(config.body_limit_bytes, 4_194_304);
    }
}
