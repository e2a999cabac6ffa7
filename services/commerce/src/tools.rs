//! The tools: what a plan's calls do, a file each, and the only list of them.
//!
//! What a call looks like and how its evidence reads, `mercer-conversation` knows.

mod fitting;
#[cfg(test)]
mod gift_wrap;
mod handoff;
mod look_up;
mod order_status;
mod product_details;
mod search_catalog;
mod search_policies;

use async_trait::async_trait;
use mercer_conversation::KnownPassage;
use mercer_conversation::bounds::{CALL_EVIDENCE_CHARS_MAX, ROUND_EVIDENCE_CHARS_MAX};
use mercer_conversation::prompt::evidence_text;
use mercer_knowledge::Knowledge;
use mercer_schemas::evidence::field;
use mercer_schemas::{
    Channel, CustomerId, DocumentId, Evidence, EvidenceRole, Field, Handle, Identity, Personal,
    Plan, Product, Proof, RecordKey, Shop, ToolCall, Variant,
};
use mercer_store::{Store, Versioned};

use crate::fields::{product_fields, variant_fields};

/// Products that an answer shows. More than this is not read in a chat.
const PRODUCTS_MAX: usize = 3;

/// All tools.
const ALL: &[&dyn Tool] = &[
    &look_up::Tool,
    &search_catalog::Tool,
    &product_details::Tool,
    &search_policies::Tool,
    &order_status::Tool,
    &handoff::Tool,
    #[cfg(test)]
    &gift_wrap::Tool,
];

/// What a call of a tool does.
#[async_trait]
trait Tool: Send + Sync {
    /// Its name in plans.
    fn name(&self) -> &'static str;

    /// Runs a call, and adds what it found to the answer.
    ///
    /// # Errors
    /// When the store or an index fails; finding nothing is evidence, not an error.
    async fn run(
        &self,
        tools: &Tools,
        request: &Request<'_>,
        call: &ToolCall,
        answer: &mut Answer,
    ) -> Result<(), Error>;
}

/// The tools of a shop.
#[derive(Clone)]
pub struct Tools {
    store: Store,
    knowledge: Knowledge,
}

/// A plan to run, with what its handles and identity mean.
pub struct Request<'a> {
    /// The shop that everything is scoped to.
    pub shop: &'a Shop,
    /// Channel of the conversation.
    pub channel: Channel,
    /// The customer's address on it.
    pub address: &'a Personal<String>,
    /// Customer whose identity the conversation has proven.
    pub customer: Option<&'a CustomerId>,
    /// What that rests on, and what was given towards a proof.
    pub identity: &'a Identity,
    /// Names the run: one that is repeated counts a wrong proof once.
    pub attempt: &'a str,
    /// What `p1` and `shown` mean.
    pub shown: &'a [(Handle, RecordKey)],
    /// Records that the turn found already: their handles are theirs.
    pub found: &'a [(Handle, RecordKey)],
    /// Documents that the turn before drew on.
    pub spoken_of: &'a [DocumentId],
    /// Records that the latest replies told, those of the last reply first.
    pub told: &'a [(Handle, RecordKey)],
    /// Passages that the prompt shows: found again, they keep their handles.
    pub passages: &'a [KnownPassage],
    /// The plan.
    pub plan: &'a Plan,
    /// The customer's words of the turn: what a call's few words leave out.
    pub words: &'a Personal<String>,
    /// Whether lists of words that guess at a meaning are used.
    pub hints: bool,
    /// Whether calls have free words, and what is found comes with what it was asked for.
    pub is_open: bool,
    /// Moment that validity is judged at, UTC milliseconds.
    pub at_ms: i64,
}

/// What the tools found.
pub struct Answer {
    /// Name of the tool that is running.
    tool: &'static str,
    /// Records with the handles that they have in the turn.
    handles: Vec<(Handle, RecordKey)>,
    /// The shop's locale, by which values are worded.
    locale: String,
    /// Characters that the evidence may have after the running call, written in full.
    call_chars_max: usize,
    /// And now, where some of it is kept free.
    chars_max: usize,
    /// In the order of the calls.
    pub evidence: Vec<Evidence>,
    /// The customer whose identity is proven now.
    pub identified: Option<CustomerId>,
    /// What was found out about who writes; none where nobody asked for an order or looked one up.
    pub proof: Option<Proof>,
}

/// A tool could not run.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The store.
    #[error(transparent)]
    Store(#[from] mercer_store::Error),
    /// The search.
    #[error(transparent)]
    Knowledge(#[from] mercer_knowledge::Error),
    /// A call that is none of a tool's: written by another version of Mercer.
    #[error("no tool takes this call")]
    Call,
}

impl Tools {
    /// Builds the tools on a store and its indexes.
    pub fn new(store: Store, knowledge: Knowledge) -> Self {
        Self { store, knowledge }
    }

    /// Returns the store that the tools read.
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// Runs the calls of a plan in order.
    ///
    /// # Errors
    /// When the store or an index fails; finding nothing is evidence, not an error.
    pub async fn run(&self, request: &Request<'_>) -> Result<Answer, Error> {
        let mut answer = Answer::new(request.found.to_vec(), &request.shop.locale);
        for call in &request.plan.calls {
            let tool = ALL.iter().find(|tool| tool.name() == call.tool());
            let tool = tool.ok_or(Error::Call)?;
            metrics::counter!("mercer_tool_calls_total", "tool" => tool.name()).increment(1);
            answer.begin(tool.name());
            tool.run(self, request, call, &mut answer).await?;
        }
        Ok(answer)
    }
}

impl Answer {
    fn new(handles: Vec<(Handle, RecordKey)>, locale: &str) -> Self {
        Self {
            tool: "",
            handles,
            locale: locale.to_owned(),
            call_chars_max: 0,
            chars_max: 0,
            evidence: Vec::new(),
            identified: None,
            proof: None,
        }
    }

    /// Begins a call, which has the room that those before it left in the round.
    fn begin(&mut self, tool: &'static str) {
        self.tool = tool;
        self.call_chars_max = ROUND_EVIDENCE_CHARS_MAX.min(self.chars() + CALL_EVIDENCE_CHARS_MAX);
        self.keep_free(0);
    }

    /// Keeps so many characters of the running call's room for what is found later.
    fn keep_free(&mut self, chars: usize) {
        self.chars_max = self.call_chars_max.saturating_sub(chars);
    }

    /// Counts the characters of what was found, written in full, with the ends of its lines.
    fn chars(&self) -> usize {
        match self.evidence.is_empty() {
            true => 0,
            false => evidence_text(&self.evidence, &self.locale).chars().count() + 1,
        }
    }

    /// Adds what `write` makes of something, once as much of it was left out as the call's room needs.
    /// `leave_out` takes the next item out, and is false where the rest is told in any case.
    fn push_fitting<T>(
        &mut self,
        mut what: T,
        write: impl Fn(&T, &mut Self),
        leave_out: impl Fn(&mut T) -> bool,
    ) {
        loop {
            let mut told = Self::new(self.handles.clone(), &self.locale);
            told.tool = self.tool;
            write(&what, &mut told);
            if self.chars() + told.chars() <= self.chars_max || !leave_out(&mut what) {
                self.handles = told.handles;
                self.evidence.append(&mut told.evidence);
                return;
            }
        }
    }

    /// Adds a product, and returns its handle.
    fn push_product(&mut self, product: &Versioned<Product>) -> Handle {
        self.push(
            RecordKey::Product(product.value.id.clone()),
            product.version,
            EvidenceRole::Shown,
            product_fields(&product.value),
        )
    }

    /// Adds a variant that was chosen.
    fn push_variant(&mut self, product: &Versioned<Product>, variant: &Variant) {
        self.push(
            RecordKey::Variant(variant.sku.clone()),
            product.version,
            EvidenceRole::Chosen,
            variant_fields(&product.value, variant),
        );
    }

    /// Adds a variant of the product before it, by its options alone: a reply is filled with its whole
    /// name all the same.
    fn push_variant_of(&mut self, product: &Versioned<Product>, variant: &Variant) {
        let mut fields = variant_fields(&product.value, variant);
        let options: Vec<&str> = variant.options.values().map(String::as_str).collect();
        if let Some(name) = fields.iter_mut().find(|field| field.name == field::NAME) {
            name.value = options.join(", ").into();
        }
        self.push(
            RecordKey::Variant(variant.sku.clone()),
            product.version,
            EvidenceRole::Chosen,
            fields,
        );
    }

    /// Adds a record under the next handle of its kind, or under the handle it already has.
    fn push(
        &mut self,
        key: RecordKey,
        version: i64,
        role: EvidenceRole,
        fields: Vec<Field>,
    ) -> Handle {
        let handle = self.handle(&key);
        self.push_as(handle, key, version, role, fields)
    }

    /// Adds a record under a handle.
    fn push_as(
        &mut self,
        handle: Handle,
        key: RecordKey,
        version: i64,
        role: EvidenceRole,
        fields: Vec<Field>,
    ) -> Handle {
        self.evidence.push(Evidence::Record {
            handle: handle.clone(),
            key,
            version,
            role: Some(role),
            tool: Some(self.tool.to_owned()),
            fields,
        });
        handle
    }

    fn handle(&mut self, key: &RecordKey) -> Handle {
        if let Some((handle, _)) = self.handles.iter().find(|(_, known)| known == key) {
            return handle.clone();
        }
        self.next_handle(key)
    }

    /// Returns a handle that no record has. History may have gaps, so it is not the number of records.
    fn next_handle(&mut self, key: &RecordKey) -> Handle {
        let same_kind = |(_, known): &&(Handle, RecordKey)| known.kind() == key.kind();
        let numbers = self.handles.iter().filter(same_kind);
        let last = numbers.filter_map(|(handle, _)| handle.number()).max();
        let handle = Handle::new(key, last.unwrap_or(0) + 1);
        self.handles.push((handle.clone(), key.clone()));
        handle
    }
}

#[cfg(test)]
mod tests;
