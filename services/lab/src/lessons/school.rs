//! A shop's own records and tools, on which its conversations are played.

use std::io::Write;

use mercer_commerce::{Tools, shop_terms};
use mercer_corpus::written::Dialogue;
use mercer_schemas::{Product, Shop, ShopTerms};
use mercer_store::ProductFilter;

use super::stage::Stage;
use super::{Lesson, Line, Report};
use crate::shops::Opened;

/// Where lessons of a shop are played.
pub(super) struct School {
    pub(super) shop: Shop,
    pub(super) tools: Tools,
    pub(super) terms: ShopTerms,
    pub(super) products: Vec<Product>,
}

/// What stands in the way of a turn.
pub(super) type Obstacle = (&'static str, String);

impl School {
    pub(super) async fn of(opened: Opened) -> anyhow::Result<Self> {
        let terms = shop_terms(&opened.store, &opened.shop.id).await?;
        let (mut products, mut cursor) = (Vec::new(), None);
        loop {
            let catalog = opened.store.catalog();
            let filter = ProductFilter::default();
            let id = &opened.shop.id;
            let page = catalog.list(id, &filter, cursor.as_deref(), 200).await?;
            products.extend(page.items.into_iter().map(|found| found.value));
            cursor = page.next;
            if cursor.is_none() {
                break;
            }
        }
        Ok(Self {
            terms,
            products,
            tools: Tools::new(opened.store, opened.knowledge),
            shop: opened.shop,
        })
    }

    pub(super) fn product(&self, id: &str) -> Option<&Product> {
        self.products
            .iter()
            .find(|product| product.id.as_str() == id)
    }

    pub(super) async fn teach(
        &self,
        dialogue: &Dialogue,
        out: &mut impl Write,
        report: &mut Report,
    ) -> anyhow::Result<()> {
        report.conversations += 1;
        report.turns += dialogue.turns.len();
        let mut stage = Stage::new(self, dialogue);
        let mut lesson = Vec::new();
        for (number, turn) in dialogue.turns.iter().enumerate() {
            match stage.turn(turn).await? {
                Ok(messages) => lesson = messages,
                Err((what, detail)) => {
                    *report.ended_by.entry(what).or_default() += 1;
                    report.misses.push(format!(
                        "{}/{} turn {}: {what}: {detail}",
                        self.shop.id,
                        dialogue.name,
                        number + 1
                    ));
                    break;
                }
            }
            report.written += 1;
        }
        if !lesson.is_empty() {
            let name = format!("{}/{}", self.shop.id, dialogue.name);
            let is_blocked = |at: usize| stage.blocked.iter().any(|(place, _)| *place == at);
            let messages = lesson.iter().enumerate().map(|(at, message)| Lesson {
                message,
                learn: !is_blocked(at),
            });
            let line = Line {
                name: &name,
                messages: messages.collect(),
            };
            report.blocked += stage.blocked.len();
            for (place, rules) in &stage.blocked {
                let reply = lesson.get(*place).map_or("", |message| &message.content);
                report
                    .misses
                    .push(format!("{name}: blocked by {}: {reply}", rules.join(", ")));
                for rule in rules {
                    *report.blocked_by.entry(rule.clone()).or_default() += 1;
                }
            }
            writeln!(out, "{}", serde_json::to_string(&line)?)?;
        }
        Ok(())
    }
}
