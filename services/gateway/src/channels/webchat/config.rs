//! Settings of the chat pages.

use std::collections::BTreeSet;

use mercer_schemas::ShopId;
use serde::Deserialize;

use crate::config::ConfigError;

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

fn yes() -> bool {
    true
}

/// Checks what the types cannot: no shop twice.
pub(crate) fn check(pages: &[WebChatConfig]) -> Result<(), ConfigError> {
    let mut shops = BTreeSet::new();
    for (index, page) in pages.iter().enumerate() {
        if !shops.insert(&page.shop) {
            return Err(ConfigError {
                key: format!("webchat[{index}].shop"),
                problem: "is named more than once",
            });
        }
    }
    Ok(())
}

/// The shops whose pages are served.
pub(super) struct Pages(Vec<ShopId>);

impl Pages {
    pub(super) fn of(pages: &[WebChatConfig]) -> Self {
        let served = pages.iter().filter(|page| page.enabled);
        Self(served.map(|page| page.shop.clone()).collect())
    }

    /// Returns the shop whose page is served under this name.
    pub(super) fn find(&self, name: &str) -> Option<&ShopId> {
        self.0.iter().find(|shop| shop.as_str() == name)
    }

    /// Returns the shop that answers at `/chat`.
    pub(super) fn first(&self) -> Option<&ShopId> {
        self.0.first()
    }
}
