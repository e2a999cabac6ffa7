//! `search_policies`: finds policies, FAQ entries and promotions that are in force.

use async_trait::async_trait;
use mercer_conversation::KnownPassage;
use mercer_conversation::hints::questions;
use mercer_conversation::tools::SearchPolicies;
use mercer_knowledge::{PassageQuery, sentences};
use mercer_schemas::evidence::{field, value_of};
use mercer_schemas::plan::Arguments;
use mercer_schemas::{
    Document, DocumentId, DocumentKind, Evidence, EvidenceRole, Field, Handle, Personal, RecordKey,
    ToolCall,
};
use mercer_store::Versioned;

use super::{Answer, Error, Request, Tools};

/// Policy passages that an answer may draw on.
const PASSAGES_MAX: usize = 2;
/// Passages that a call with free words brings.
const FREELY_MAX: usize = 3;
/// Characters of all its passages together: some 350 tokens.
const PASSAGES_CHARS_MAX: usize = 1_400;
/// Characters of it that each passage may have, whatever stands before it.
const PASSAGE_CHARS_MIN: usize = 250;

/// A passage that is told: its document, that one's version, and its title and sentences.
type Passage = (RecordKey, i64, Vec<Field>);

/// What a call does.
pub(super) struct Tool;

#[async_trait]
impl super::Tool for Tool {
    fn name(&self) -> &'static str {
        SearchPolicies::TOOL
    }

    async fn run(
        &self,
        tools: &Tools,
        request: &Request<'_>,
        call: &ToolCall,
        answer: &mut Answer,
    ) -> Result<(), Error> {
        let call: SearchPolicies = call.arguments().ok_or(Error::Call)?;
        if request.is_open {
            let is_told = tell(
                tools,
                request,
                call.query.expose(),
                &[],
                (FREELY_MAX, PASSAGES_CHARS_MAX),
                answer,
            )
            .await?;
            if !is_told {
                answer.evidence.push(Evidence::NoPolicy);
            }
            Ok(())
        } else {
            search(tools, request, &call.query, answer).await
        }
    }
}

async fn search(
    tools: &Tools,
    request: &Request<'_>,
    query: &Personal<String>,
    answer: &mut Answer,
) -> Result<(), Error> {
    // The whole message finds the passage and the sentence in it better than a phrase of it does,
    // a story told first included, unless it asks for something else too.
    let words = request.words.expose();
    let mut texts = vec![query.expose().clone()];
    if request.plan.calls.len() == 1 {
        texts.insert(0, words.clone());
    }
    let goes_on = request.hints && questions::points_back(words);
    let mut hits = Vec::new();
    for text in texts {
        let passages = PassageQuery {
            text,
            spoken_of: if goes_on {
                request.spoken_of.to_vec()
            } else {
                Vec::new()
            },
            at_ms: request.at_ms,
            limit: PASSAGES_MAX,
        };
        hits = tools
            .knowledge
            .search_documents(&request.shop.id, passages)
            .await?;
        if !hits.is_empty() {
            break;
        }
    }
    if hits.is_empty() {
        answer.evidence.push(Evidence::NoPolicy);
    }
    for hit in hits {
        let fields = vec![
            Field::new(field::TITLE, hit.document.value.title.clone()),
            Field::new(field::TEXT, hit.answer),
        ];
        let (key, version) = (key_of(&hit.document), hit.document.version);
        answer.push(key, version, EvidenceRole::Shown, fields);
    }
    Ok(())
}

/// Brings passages sentence by sentence, so that a reply can quote those that answer: of documents that were spoken of first,
/// at most so many, and so many characters of them. False where there are none.
pub(super) async fn tell(
    tools: &Tools,
    request: &Request<'_>,
    text: &str,
    spoken_of: &[DocumentId],
    (passages_max, chars_max): (usize, usize),
    answer: &mut Answer,
) -> Result<bool, Error> {
    let passages = PassageQuery {
        text: text.to_owned(),
        spoken_of: spoken_of.to_vec(),
        at_ms: request.at_ms,
        limit: passages_max,
    };
    let hits = tools
        .knowledge
        .search_documents(&request.shop.id, passages)
        .await?;
    if hits.is_empty() {
        return Ok(false);
    }
    // The first passage may take most of the room, and each has some.
    let mut left = chars_max;
    let mut after = hits.len();
    let mut passages = Vec::new();
    for hit in hits {
        after -= 1;
        let mut room = left.saturating_sub(after * PASSAGE_CHARS_MIN);
        let mut is_first = true;
        let fits = |sentence: &&str| {
            let chars = sentence.chars().count();
            // The model reads a long sentence cut, and may quote it whole.
            let fits = chars <= room || std::mem::take(&mut is_first);
            is_first = false;
            room = if fits { room.saturating_sub(chars) } else { 0 };
            left = left.saturating_sub(if fits { chars } else { 0 });
            fits
        };
        let sentences = sentences(&hit.text).into_iter().take_while(fits);
        let title = &hit.document.value.title;
        let title = if hit.heading.is_empty() {
            title.clone()
        } else {
            format!("{title}, {}", hit.heading)
        };
        let mut fields = vec![Field::new(field::TITLE, title)];
        let named = field::SENTENCES.iter().zip(sentences);
        fields.extend(named.map(|(name, sentence)| Field::new(name, sentence)));
        passages.push((key_of(&hit.document), hit.document.version, fields));
    }
    let write = |passages: &Vec<Passage>, answer: &mut Answer| {
        for (key, version, fields) in passages {
            // Two passages of one document have sentences of the same names, so each has its own handle.
            let handle = known(request, key, fields).unwrap_or_else(|| answer.next_handle(key));
            let role = EvidenceRole::Shown;
            answer.push_as(handle, key.clone(), *version, role, fields.clone());
        }
    };
    answer.push_fitting(passages, write, leave_out);
    Ok(true)
}

/// Returns the handle of a passage that the prompt shows.
fn known(request: &Request<'_>, key: &RecordKey, fields: &[Field]) -> Option<Handle> {
    let title = value_of(fields, field::TITLE)?.text("");
    let first = value_of(fields, field::SENTENCES[0])?.text("");
    let is_it = |known: &&KnownPassage| {
        known.document == *key && known.title == title && known.first == first
    };
    let known = request.passages.iter().find(is_it)?;
    Some(known.handle.clone())
}

/// Of the last passage the last sentence but for its first, then the passage; the first one stays.
fn leave_out(passages: &mut Vec<Passage>) -> bool {
    let is_only = passages.len() == 1;
    let Some((_, _, fields)) = passages.last_mut() else {
        return false;
    };
    // The title, and one sentence.
    if fields.len() > 2 {
        return fields.pop().is_some();
    }
    !is_only && passages.pop().is_some()
}

fn key_of(document: &Versioned<Document>) -> RecordKey {
    let id = document.value.id.clone();
    match document.value.kind {
        DocumentKind::Promotion => RecordKey::Promotion(id),
        DocumentKind::Policy | DocumentKind::Faq => RecordKey::Document(id),
    }
}
