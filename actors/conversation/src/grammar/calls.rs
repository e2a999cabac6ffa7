//! The grammar of calls.

use mercer_schemas::Intent;

use super::Rules;
use crate::state::{State, Turn};
use crate::tools::{ALL, Pull, Said};

/// A tool that can be called in a turn.
#[derive(Clone, PartialEq, Eq)]
struct Offer {
    /// Its name in plans.
    tool: &'static str,
    /// The rule of its calls.
    rule: &'static str,
    /// How much the words speak for it.
    pull: Pull,
    is_way_out: bool,
}

/// The grammar of all calls that are possible in a turn.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Calls {
    offers: Vec<Offer>,
    rules: String,
    /// Whether the model chooses alone.
    is_open: bool,
}

/// The rules of calls as they are offered now.
pub(super) struct Offered {
    /// Lark, with a rule `calls`; empty where nothing can be called.
    pub(super) rules: String,
    /// Whether the reply may be written instead.
    pub(super) or_reply: bool,
}

impl Calls {
    /// Collects what can be called. Without `hints`, lists of words that guess at a meaning do not count.
    pub(super) fn of(state: &State, turn: &Turn, hints: bool) -> Self {
        let said = Said::new(state, turn, hints);
        let mut rules = Rules::new();
        let mut offers = Vec::new();
        for tool in ALL {
            if tool.offer(&said, &mut rules) {
                offers.push(Offer {
                    tool: tool.name(),
                    rule: tool.rule(),
                    pull: tool.pull(&said),
                    is_way_out: tool.is_way_out(),
                });
            }
        }
        Self {
            offers,
            rules: rules.into_text(),
            is_open: said.terms.is_some(),
        }
    }

    /// Offers all calls, whatever the words speak for: the turn has been round once.
    pub(super) fn later(&self) -> Offered {
        self.offered(&self.offers, true)
    }

    /// Offers a turn's first calls. With `intents`, only those for one of these; where none of them
    /// can be called, or there are none, all.
    pub(super) fn first(&self, intents: &[Intent]) -> Offered {
        if self.is_open {
            return self.later();
        }
        let rules = &self.rules;
        if let Some(first) = self.pulled(Pull::First) {
            let mut ways = vec![format!("{} (\",\" call)?", first.rule)];
            let out = self.offers.iter().filter(|offer| offer.is_way_out);
            ways.extend(out.map(|offer| offer.rule.to_owned()));
            let calls = calls(&format!("({})", ways.join(" | ")));
            return Offered {
                rules: format!("{calls}call: {}\n{rules}", written(&self.offers)),
                or_reply: false,
            };
        }
        if let Some(certain) = self.pulled(Pull::Certain) {
            return Offered {
                rules: calls(certain.rule) + rules,
                or_reply: false,
            };
        }
        let (offers, or_reply) = self.narrowed(intents);
        self.offered(&offers, or_reply || offers.len() == self.offers.len())
    }

    fn offered(&self, offers: &[Offer], or_reply: bool) -> Offered {
        if offers.is_empty() {
            return Offered {
                rules: String::new(),
                or_reply: true,
            };
        }
        let calls = calls("call (\",\" call)?");
        Offered {
            rules: format!("{calls}call: {}\n{}", written(offers), self.rules),
            or_reply,
        }
    }

    /// What intents leave, and whether the turn may do without a call.
    fn narrowed(&self, intents: &[Intent]) -> (Vec<Offer>, bool) {
        let may_talk = intents.contains(&Intent::Talk);
        let is_wanted = |offer: &Offer| {
            intents
                .iter()
                .any(|intent| intent.tools().contains(&offer.tool))
        };
        let is_narrowed = may_talk || self.offers.iter().any(is_wanted);
        if !is_narrowed {
            return (self.offers.clone(), intents.is_empty());
        }
        if let Some(alone) = self.pulled(Pull::Alone) {
            return (vec![alone.clone()], false);
        }
        let is_talk = intents.first() == Some(&Intent::Talk);
        let is_expected = |offer: &Offer| offer.pull == Pull::Expected && !is_talk;
        let stays =
            |offer: &&Offer| is_wanted(offer) || offer.pull == Pull::Offered || is_expected(offer);
        let offers = self.offers.iter().filter(stays).cloned().collect();
        (offers, may_talk && !self.offers.iter().any(is_expected))
    }

    fn pulled(&self, pull: Pull) -> Option<&Offer> {
        self.offers.iter().find(|offer| offer.pull == pull)
    }
}

fn calls(some: &str) -> String {
    format!("calls: \"{{\\\"calls\\\":[\" {some} \"]}}\"\n")
}

fn written(offers: &[Offer]) -> String {
    let rules: Vec<&str> = offers.iter().map(|offer| offer.rule).collect();
    rules.join(" | ")
}
