//! `search_policies`: finds policies, FAQ entries and promotions that are in force.

use async_trait::async_trait;
use mercer_conversation::hints::questions;
use mercer_conversation::tools::SearchPolicies;
use mercer_knowledge::PassageQuery;
use mercer_schemas::evidence::field;
use mercer_schemas::plan::Arguments;
use mercer_schemas::{DocumentKind, Evidence, EvidenceRole, Field, Personal, RecordKey, ToolCall};

use super::{Answer, Error, Request, Tools};

/// Policy passages that an answer may draw on.
const PASSAGES_MAX: usize = 2;

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
        search(tools, request, &call.query, answer).await
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
        let document = hit.document;
        let key = match document.value.kind {
            DocumentKind::Promotion => RecordKey::Promotion(document.value.id.clone()),
            DocumentKind::Policy | DocumentKind::Faq => {
                RecordKey::Document(document.value.id.clone())
            }
        };
        let fields = vec![
            Field::new(field::TITLE, document.value.title.clone()),
            Field::new(field::TEXT, hit.answer),
        ];
        answer.push(key, document.version, EvidenceRole::Shown, fields);
    }
    Ok(())
}
