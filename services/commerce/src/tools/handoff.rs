//! `handoff`: calls a person.

use async_trait::async_trait;
use mercer_conversation::tools::Handoff;
use mercer_schemas::plan::Arguments;
use mercer_schemas::{Evidence, ToolCall};

use super::{Answer, Error, Request, Tools};

/// What a call does. The person is called by the conversation, once the customer was told.
pub(super) struct Tool;

#[async_trait]
impl super::Tool for Tool {
    fn name(&self) -> &'static str {
        Handoff::TOOL
    }

    async fn run(
        &self,
        _: &Tools,
        _: &Request<'_>,
        _: &ToolCall,
        answer: &mut Answer,
    ) -> Result<(), Error> {
        answer.evidence.push(Evidence::HandedOver);
        Ok(())
    }
}
