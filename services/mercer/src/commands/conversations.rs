//! `mercer conversations`: which conversations there are, without a word of what was said.

use std::process::ExitCode;

use clap::Parser;
use jiff::Timestamp;
use mercer_schemas::{Channel, ShopId};
use mercer_store::{ConversationFilter, ConversationRow, Store};

use crate::compose::open_store;
use crate::config::Config;

/// List conversations, the newest first: ids for `mercer replay`, and how far they are.
#[derive(Parser)]
pub(crate) struct Args {
    /// Only of this shop.
    #[arg(long)]
    shop: Option<ShopId>,
    /// Only on this channel: whatsapp or webchat.
    #[arg(long)]
    channel: Option<Channel>,
    /// Only those that a person answers.
    #[arg(long)]
    with_person: bool,
    /// Most conversations of a shop.
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u64).range(1..))]
    limit: u64,
}

/// Lists.
///
/// # Errors
/// When the database cannot be read.
pub(crate) async fn run(config: &Config, args: Args) -> anyhow::Result<ExitCode> {
    let store = open_store(config).await?;
    let shops = match &args.shop {
        Some(shop) => vec![shop.clone()],
        None => {
            let shops = store.shops().list().await?;
            shops.into_iter().map(|shop| shop.id).collect()
        }
    };
    let filter = ConversationFilter {
        channel: args.channel,
        handed_over: args.with_person.then_some(true),
        ..ConversationFilter::default()
    };
    for shop in shops {
        for row in newest(&store, &shop, &filter, args.limit).await? {
            println!("{}", line(&row));
        }
    }
    Ok(ExitCode::SUCCESS)
}

async fn newest(
    store: &Store,
    shop: &ShopId,
    filter: &ConversationFilter,
    limit: u64,
) -> anyhow::Result<Vec<ConversationRow>> {
    let mut rows = Vec::new();
    let mut cursor = None;
    loop {
        let left = limit.saturating_sub(rows.len() as u64);
        let page = store
            .conversations()
            .list(shop, filter, cursor.as_deref(), left)
            .await?;
        rows.extend(page.items);
        cursor = page.next;
        if cursor.is_none() || rows.len() as u64 >= limit {
            return Ok(rows);
        }
    }
}

/// Everything but the customer's address: a list is easily shown to somebody.
fn line(row: &ConversationRow) -> String {
    let at = Timestamp::from_millisecond(row.last_at_ms).unwrap_or_default();
    format!(
        "{}  {}  {:<8}  {:<11}  {:>4} turns  {}",
        row.id,
        at.strftime("%Y-%m-%d %H:%M:%SZ"),
        row.channel.as_str(),
        row.phase,
        row.turns,
        row.shop
    )
}

#[cfg(test)]
mod tests {
    use mercer_schemas::ConversationId;

    use super::*;

    #[test]
    fn a_line_tells_what_is_needed_to_go_on_and_not_who_wrote() {
        let row = ConversationRow {
            id: ConversationId::from_parts(1, 1),
            shop: ShopId::new("highbarn").expect("key"),
            channel: Channel::Whatsapp,
            address: "447700900123".into(),
            partition: 1,
            phase: "with_person".to_owned(),
            handed_over: true,
            created_at_ms: 1,
            last_at_ms: 1_790_000_000_000,
            turns: 3,
        };
        assert_eq!(
            line(&row),
            format!(
                "{}  2026-09-21 14:13:20Z  whatsapp  with_person     3 turns  highbarn",
                row.id
            )
        );
    }
}
