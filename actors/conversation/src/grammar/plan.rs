//! The grammar of plans.

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

/// The grammar of all plans that are possible in a turn.
#[derive(Clone, PartialEq, Eq)]
pub struct PlanGrammar {
    offers: Vec<Offer>,
    rules: String,
}

/// Builds the grammar of all plans that are possible now. Without `hints`, lists of words that guess
/// at a meaning do not count.
pub fn plan(state: &State, turn: &Turn, hints: bool) -> PlanGrammar {
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
    PlanGrammar {
        offers,
        rules: rules.into_text(),
    }
}

impl PlanGrammar {
    /// Writes the grammar in Lark. With `intents`, only plans for one of these; where none of
    /// them is possible, or there are none, all plans.
    pub fn lark(&self, intents: &[Intent]) -> String {
        let rules = &self.rules;
        let start = |calls: String| format!("start: \"{{\\\"calls\\\":[\" {calls} \"]}}\"\n");
        if let Some(first) = self.pulled(Pull::First) {
            let mut ways = vec![format!("{} (\",\" call)?", first.rule)];
            let out = self.offers.iter().filter(|offer| offer.is_way_out);
            ways.extend(out.map(|offer| offer.rule.to_owned()));
            let start = start(format!("({})", ways.join(" | ")));
            return format!("{start}call: {}\n{rules}", written(&self.offers));
        }
        if let Some(certain) = self.pulled(Pull::Certain) {
            return start(certain.rule.to_owned()) + rules;
        }
        let (offers, may_be_empty) = self.narrowed(intents);
        if offers.is_empty() {
            return "start: \"{\\\"calls\\\":[]}\"\n".to_owned();
        }
        let some = if may_be_empty || offers.len() == self.offers.len() {
            "(call (\",\" call)?)?"
        } else {
            "call (\",\" call)?"
        };
        let start = start(some.to_owned());
        format!("{start}call: {}\n{rules}", written(&offers))
    }

    /// What intents leave, and whether a plan may do without a call.
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

fn written(offers: &[Offer]) -> String {
    let rules: Vec<&str> = offers.iter().map(|offer| offer.rule).collect();
    rules.join(" | ")
}
