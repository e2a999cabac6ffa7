//! What a tool found, seen by a reply that has to answer with it.

use std::collections::BTreeSet;

use mercer_schemas::evidence::{field, value_of};
use mercer_schemas::plan::Arguments;
use mercer_schemas::{Evidence, EvidenceRole, Field, Handle, RecordKind};

use super::reply::NEEDED_MAX;
use crate::hints;
use crate::spans::words_of;
use crate::tools::{ProductDetails, SearchCatalog};

/// What one tool found in a turn, with the customer's words.
pub struct Told<'a> {
    evidence: Vec<&'a Evidence>,
    words: BTreeSet<String>,
    hints: bool,
}

/// A record of the evidence.
pub struct Record<'a> {
    /// Its name in references.
    pub handle: &'a Handle,
    /// What it is.
    pub kind: RecordKind,
    /// Why it is there.
    pub role: EvidenceRole,
    fields: &'a [Field],
}

impl Record<'_> {
    /// Says whether it has a field.
    pub fn has(&self, name: &str) -> bool {
        value_of(self.fields, name).is_some()
    }

    /// Writes a reference to a field of it.
    pub fn reference(&self, name: &str) -> String {
        reference(self.handle, name)
    }
}

/// Writes a reference, with braces. A passage is referred to by its handle alone.
pub(super) fn reference(handle: &Handle, name: &str) -> String {
    match name {
        field::TEXT => format!("{{{{{handle}}}}}"),
        name => format!("{{{{{handle}.{name}}}}}"),
    }
}

impl<'a> Told<'a> {
    /// Takes what `tool` found from the evidence. Records of older versions do not say who found them:
    /// there every tool sees all.
    pub(super) fn new(evidence: &'a [Evidence], tool: &str, words: &str, hints: bool) -> Self {
        let says_who = evidence
            .iter()
            .any(|line| matches!(line, Evidence::Record { tool: Some(_), .. }));
        let is_its = |line: &&Evidence| match line {
            Evidence::Record { tool: of, .. } => of.as_deref().is_none_or(|of| of == tool),
            Evidence::Found { .. } => !says_who || tool == SearchCatalog::TOOL,
            Evidence::NoRecordAbout { .. } => !says_who || tool == ProductDetails::TOOL,
            _ => true,
        };
        Self {
            evidence: evidence.iter().filter(is_its).collect(),
            words: words_of(words),
            hints,
        }
    }

    /// The records, in the order found.
    pub fn records(&self) -> impl Iterator<Item = Record<'a>> {
        self.evidence.iter().filter_map(|line| match *line {
            Evidence::Record {
                handle,
                key,
                fields,
                ..
            } => Some(Record {
                handle,
                kind: key.kind(),
                role: line.role()?,
                fields,
            }),
            _ => None,
        })
    }

    /// The records of a kind.
    pub fn of(&self, kind: RecordKind) -> impl Iterator<Item = Record<'a>> {
        self.records().filter(move |record| record.kind == kind)
    }

    /// Says whether a search found something.
    pub fn is_search(&self) -> bool {
        self.evidence
            .iter()
            .any(|line| matches!(line, Evidence::Found { .. }))
    }

    /// Says whether something was asked for that is not on record.
    pub fn lacks_record(&self) -> bool {
        self.evidence
            .iter()
            .any(|line| matches!(line, Evidence::NoRecordAbout { .. }))
    }

    /// Returns how a tool's call ended, where no record tells it.
    pub fn outcome(&self, of: &str) -> Option<&'a str> {
        self.evidence.iter().find_map(|line| match *line {
            Evidence::Outcome { tool, outcome } if tool == of => Some(outcome.as_str()),
            _ => None,
        })
    }

    /// Answers by attributes that were asked for: of one product by any of them, of several products by
    /// one of each.
    pub fn asked(&self) -> Vec<Vec<String>> {
        let asked: Vec<(&Handle, String)> = self
            .records()
            .filter(|record| record.role == EvidenceRole::Asked)
            .filter_map(|record| {
                Some((
                    record.handle,
                    record.reference(&record.fields.first()?.name),
                ))
            })
            .collect();
        let Some((first, _)) = asked.first() else {
            return Vec::new();
        };
        if asked.iter().all(|(handle, _)| handle == first) {
            return asked.into_iter().map(|(_, name)| vec![name]).collect();
        }
        let mut of_each: Vec<(&Handle, String)> = Vec::new();
        for (handle, name) in asked {
            if of_each.iter().all(|(known, _)| *known != handle) {
                of_each.push((handle, name));
            }
        }
        of_each.truncate(NEEDED_MAX);
        vec![of_each.into_iter().map(|(_, name)| name).collect()]
    }

    /// Answers by a variant that was chosen: what it costs, and whether there is any.
    pub fn chosen(&self) -> Vec<Vec<String>> {
        let needed = [field::PRICE, field::STOCK];
        self.records()
            .filter(|record| record.role == EvidenceRole::Chosen)
            .filter(|record| needed.iter().all(|name| record.has(name)))
            .map(|record| needed.map(|name| record.reference(name)).to_vec())
            .collect()
    }

    /// References to fields of a record that the customer calls by name ("tracking", "sizes"), but for
    /// those that are told anyway.
    pub fn called(&self, record: &Record<'_>, not: &[&str]) -> Vec<String> {
        let is_said = |part: &str| {
            self.words
                .iter()
                .any(|word| word == part || word.strip_suffix('s') == Some(part))
        };
        let is_called = |name: &str| {
            (self.hints && hints::fields::is_said_for(name, &self.words))
                || name.split('_').all(is_said)
        };
        record
            .fields
            .iter()
            .map(|field| field.name.as_str())
            .filter(|name| !not.contains(name) && is_called(name))
            .map(|name| record.reference(name))
            .collect()
    }
}
