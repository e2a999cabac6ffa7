//! `search_policies`: find policies, FAQ entries and promotions that are in force.

use mercer_schemas::evidence::{field, value_of};
use mercer_schemas::plan::Arguments;
use mercer_schemas::{Evidence, Field, Personal, RecordKey, ToolCall};
use schemars::{JsonSchema, Schema, schema_for};
use serde::{Deserialize, Serialize};

use super::{Pull, Said, admitted_if, free};
use crate::grammar::{Rules, Told};
use crate::hints;
use crate::prompt::{VALUE_CHARS_MAX, cut};

/// Characters of a title that the model reads.
const TITLE_CHARS_MAX: usize = 80;
/// Characters of one sentence that the model reads.
const SENTENCE_CHARS_MAX: usize = 400;

/// Find policies, FAQ entries and promotions that are in force. Words are a span of the customer's own.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SearchPolicies {
    /// What to look for.
    pub query: Personal<String>,
}

impl Arguments for SearchPolicies {
    const TOOL: &'static str = "search_policies";
}

/// What the conversation knows of it.
pub(super) struct Tool;

impl super::Tool for Tool {
    fn name(&self) -> &'static str {
        SearchPolicies::TOOL
    }

    fn rule(&self) -> &'static str {
        "policies"
    }

    fn schema(&self) -> Schema {
        schema_for!(SearchPolicies)
    }

    fn prompt(&self) -> Option<&'static str> {
        Some(
            r#"{"tool":"search_policies","query":"words of the customer"} finds policies, delivery, returns, promotions and shop information."#,
        )
    }

    fn offer(&self, said: &Said<'_>, rules: &mut Rules) -> bool {
        let query = if said.terms.is_some() {
            free::words(rules);
            "WORDS"
        } else if said.phrases.is_empty() {
            return false;
        } else {
            rules.terminal("PHRASE", &said.phrases);
            "PHRASE"
        };
        rules.rule(
            self.rule(),
            &format!(r#""{{\"tool\":\"search_policies\",\"query\":\"" {query} "\"}}""#),
        );
        true
    }

    fn admitted(&self, said: &Said<'_>, call: &ToolCall) -> Option<ToolCall> {
        admitted_if(call, |call: &SearchPolicies| match said.terms {
            Some(_) => free::are_words(call.query.expose()),
            None => said.phrases.contains(call.query.expose()),
        })
    }

    /// A voucher code is asked about, never searched for among products.
    fn pull(&self, said: &Said<'_>) -> Pull {
        let mut words = said.words.split_whitespace();
        if said.hints && words.any(hints::vouchers::is_voucher) {
            Pull::Alone
        } else {
            Pull::None
        }
    }

    fn line(&self, evidence: &Evidence, locale: &str) -> Option<String> {
        match evidence {
            Evidence::NoPolicy => Some("policies: nothing found".to_owned()),
            _ => passage(evidence, locale, |_, _| false),
        }
    }

    fn sentence(&self, evidence: &Evidence) -> Option<String> {
        match evidence {
            Evidence::NoPolicy => {
                Some("I found nothing on that in our policies; shall I ask a colleague?".to_owned())
            }
            Evidence::Record {
                handle,
                key,
                fields,
                ..
            } if is_document(key) => {
                if value_of(fields, field::TEXT).is_some() {
                    return Some(format!("{{{{{handle}}}}}"));
                }
                let first = fields.iter().find(|field| field::is_passage(&field.name))?;
                Some(format!("{{{{{handle}.{}}}}}", first.name))
            }
            _ => None,
        }
    }

    fn needed(&self, told: &Told<'_>) -> Vec<Vec<String>> {
        told.records()
            .filter(|record| record.has(field::TEXT))
            .map(|record| vec![record.reference(field::TEXT)])
            .collect()
    }
}

/// Writes a passage, and of the sentences that `is_told` takes for told their names alone; none for other lines.
pub(crate) fn passage(
    evidence: &Evidence,
    locale: &str,
    is_told: impl FnMut(&str, &str) -> bool,
) -> Option<String> {
    let (handle, fields) = match evidence {
        Evidence::Record {
            handle,
            key,
            fields,
            ..
        } if is_document(key) => (handle, fields),
        _ => return None,
    };
    let text = match value_of(fields, field::TEXT) {
        Some(text) => cut(&text.text(locale), VALUE_CHARS_MAX),
        None => sentences(fields, locale, is_told)?,
    };
    let title = value_of(fields, field::TITLE).map(|title| title.text(locale));
    let title = cut(&title.unwrap_or_default(), TITLE_CHARS_MAX);
    Some(format!("{handle} {title}: {text}"))
}

/// A product may have an attribute that is named as a passage's sentence is.
pub(crate) fn is_document(key: &RecordKey) -> bool {
    matches!(key, RecordKey::Document(_) | RecordKey::Promotion(_))
}

/// Writes a passage with the names of its sentences: `[a] Send it back. [b] Postage is free.`
fn sentences(
    fields: &[Field],
    locale: &str,
    mut is_told: impl FnMut(&str, &str) -> bool,
) -> Option<String> {
    let told = fields.iter().filter(|field| field::is_passage(&field.name));
    let told: Vec<String> = told
        .map(|field| {
            let text = cut(&field.value.text(locale), SENTENCE_CHARS_MAX);
            match is_told(&field.name, &text) {
                true => format!("[{}]", field.name),
                false => format!("[{}] {text}", field.name),
            }
        })
        .collect();
    (!told.is_empty()).then(|| told.join(" "))
}
